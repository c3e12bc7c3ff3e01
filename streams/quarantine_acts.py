"""`nuestream quarantine release|discard`: what a person says about an order, put into the log, and the answer to it."""

from __future__ import annotations

import getpass
import time
import uuid
from datetime import UTC, datetime

import click

from projections.decide import told_missing
from schemas.acts import Discarded, Released
from schemas.codec import Encoder
from schemas.contract import OrderDecided
from schemas.headers import headers_of
from schemas.holding import Held, ReleaseRequested, Settled
from schemas.order import OrderEvent
from schemas.quarantine import Quarantined
from streams.chain_tables import money
from streams.chains import outcome_name
from streams.fact_reading import FactReader
from streams.held_back import GAP, NOT_KEPT, Told, Waiting, told_reasons
from streams.kafka import registry_of
from streams.quarantine_command import DONE, REFUSED, NotOne, the_one
from streams.quarantine_reading import Enquiry
from streams.quarantine_tables import codes_to_waive
from streams.reading import TopicReader
from streams.sending import Sender
from streams.settings import Settings

_TICK = 0.25


def run_release(
    settings: Settings, name: str, why: str, by: str | None, waive: tuple[str, ...], yes: bool, timeout: float
) -> int:
    """Release an order and wait for the answer; returns 0, or 1 where it is refused or quarantined again."""
    person = by or user()
    with TopicReader(settings.kafka) as reader:
        enquiry = Enquiry(settings, reader, name)
        try:
            waiting = _waiting_one(enquiry, name)
            waives = _waived(waiting, waive, person)
        except NotOne as error:
            return _refuse(str(error))
        _introduce(enquiry, waiting)
        spoken = ", ".join(waives) or "nothing"
        if not yes and not click.confirm(f"Release it, waiving {spoken}?", err=True):
            return REFUSED
        act = Released(
            event_id=str(uuid.uuid4()),
            about=waiting.event_id,
            customer_id=waiting.newest.customer_id or "",
            by=person,
            at=datetime.now(UTC),
            why=why,
            waives=waives,
        )
        only_remembered = waiting.is_held and GAP not in waives and waiting.request is None
        return _said(settings, reader, enquiry, waiting, act, 0 if only_remembered else timeout)


def run_discard(settings: Settings, name: str, why: str, by: str | None, yes: bool, timeout: float) -> int:
    """Discard an order and wait for the answer; returns 0, or 1 where it is refused."""
    with TopicReader(settings.kafka) as reader:
        enquiry = Enquiry(settings, reader, name)
        try:
            waiting = _waiting_one(enquiry, name)
        except NotOne as error:
            return _refuse(str(error))
        _introduce(enquiry, waiting)
        asked = (
            "Discard it? This is final: the order is folded, so that later ones find their place, and posts nothing."
        )
        if not yes and not click.confirm(asked, err=True):
            return REFUSED
        act = Discarded(
            event_id=str(uuid.uuid4()),
            about=waiting.event_id,
            customer_id=waiting.newest.customer_id or "",
            by=by or user(),
            at=datetime.now(UTC),
            why=why,
        )
        return _said(settings, reader, enquiry, waiting, act, timeout)


def user() -> str:
    """Who runs this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"


def _waiting_one(enquiry: Enquiry, name: str) -> Waiting:
    waiting = the_one(enquiry, name)
    newest = waiting.newest
    if isinstance(newest, Settled):
        who = f" by {newest.by}" if newest.by else ""
        raise NotOne(f"{name} waits no longer: it was {outcome_name(newest.outcome)}{who}: {newest.why}")
    if NOT_KEPT in waiting.codes:
        raise NotOne(f"{name} was too large to be kept: it can be neither released nor discarded")
    return waiting


def _waived(waiting: Waiting, waive: tuple[str, ...], person: str) -> tuple[str, ...]:
    if waiting.for_good:
        spoken = ", ".join(waiting.for_good)
        raise NotOne(f"nobody can waive {spoken}: discard the order, or publish a corrected one")
    if waiting.request is not None and waiting.request.by == person:
        raise NotOne(f"{person} has asked for this release already; the policy wants another person for it")
    known = {code for each in waiting.told if isinstance(each, Quarantined) for code in (r.code for r in each.reasons)}
    known |= set(waiting.codes)
    if unknown := [code for code in waive if code not in known]:
        named = ", ".join(sorted(known))
        raise NotOne(f"{', '.join(unknown)} is not what speaks against it; the reasons are: {named}")
    return tuple(dict.fromkeys(waive)) or codes_to_waive(waiting)


def _introduce(enquiry: Enquiry, waiting: Waiting) -> None:
    """Say what is about to be decided about."""
    newest = waiting.newest
    original = enquiry.original(waiting)
    click.echo(
        f"order {newest.order_number} of customer {newest.customer_id}{_worth(original.event if original else None)}",
        err=True,
    )
    if isinstance(newest, Held):
        click.echo("it waits for " + ", ".join(map(told_missing, newest.waits_for)), err=True)
    elif isinstance(newest, Quarantined):
        for reason in newest.reasons:
            click.echo(f"{reason.code}: {reason.detail}", err=True)
    if waiting.request is not None:
        request = waiting.request
        click.echo(f"{request.by} has asked for its release: {request.why}", err=True)


def _worth(event: OrderEvent | None) -> str:
    if event is None:
        return ""
    order = event.order
    try:
        total = money(order.total_amount, order.currency)
    except ValueError:
        total = f"{order.total_amount}"
    count = len(order.lines)
    return f", {total} {order.currency} in {count} line{'' if count == 1 else 's'}"


def _said(
    settings: Settings,
    reader: TopicReader,
    enquiry: Enquiry,
    waiting: Waiting,
    act: Released | Discarded,
    timeout: float,
) -> int:
    """Put ``act`` into the log and wait for what becomes of it."""
    decisions = FactReader(settings, reader)
    decisions.pass_over(settings.topics.contracts)
    known = len(waiting.told)
    sender = Sender(settings.kafka)
    topic = settings.topics.orders
    value = Encoder(registry_of(settings.registry)).encode(topic, act)
    sender.send(topic, act.customer_id.encode(), value, headers_of(act))
    sender.flush()
    click.echo(f"in the log as {act.event_id}", err=True)
    if not timeout:
        click.echo("it waits as before; what was waived counts once what it waits for is there")
        return DONE
    click.echo(f"waiting up to {timeout:.0f} s for the projector", err=True)
    until = time.monotonic() + timeout
    raw = act.event_id.encode()
    while True:
        enquiry.read_on()
        contracts = settings.topics.contracts
        unread = decisions.unread(contracts, [act.customer_id])
        decisions.read(contracts, unread, lambda message: raw in (message.value() or b""))
        made = [each for each in decisions.facts.decided.values() if each.decided_by == act.event_id]
        answer = _answer(waiting.told[known:], made, act)
        if answer is not None:
            return _tell(answer, made, act)
        if time.monotonic() > until:
            if settled := [each for each in waiting.told[known:] if isinstance(each, Settled)]:
                return _tell(settled[0], made, act)
            click.echo(
                f"no projector has answered within {timeout:.0f} s; what you said is in {topic} and counts when one "
                "reads it"
            )
            return DONE
        time.sleep(_TICK)


def _answer(told: list[Told], made: list[OrderDecided], act: Released | Discarded) -> Told | None:
    """What became of the order since, where all of it has been told."""
    for each in told:
        if isinstance(each, ReleaseRequested) and each.by != act.by:
            continue  # somebody else's, a moment before
        # of a release that was carried out, the decision says which documents follow
        by_us = isinstance(each, Settled) and each.by == act.by and isinstance(act, Released)
        if by_us and not any(decided.event_id == act.about for decided in made):
            return None
        return each
    return None


def _tell(answer: Told, made: list[OrderDecided], act: Released | Discarded) -> int:
    match answer:
        case Settled():
            who = "" if answer.by == act.by else f" by {answer.by}" if answer.by else " (what it waited for arrived)"
            click.echo(f"{answer.order_number}: {outcome_name(answer.outcome)}{who}")
        case Quarantined():
            click.echo(f"{answer.order_number} is quarantined again: {told_reasons(answer.reasons)}")
            return REFUSED
        case Held():
            click.echo(f"{answer.order_number} is held: " + ", ".join(map(told_missing, answer.waits_for)))
        case ReleaseRequested():
            click.echo("this is the request: the policy wants two people, so another person must release it too")
    for decided in made:
        about = (
            "" if decided.event_id == act.about else f"then {decided.order_number}: {outcome_name(decided.outcome)} "
        )
        documents = ", ".join(
            f"{each.external_id} {money(each.amount, decided.currency)}" for each in decided.documents
        )
        if about or documents:
            click.echo(f"  {about}{documents} {decided.currency if documents else ''}".rstrip())
    return DONE


def _refuse(why: str) -> int:
    click.echo(f"nuestream: {why}", err=True)
    return REFUSED
