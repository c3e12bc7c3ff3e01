"""Logs in which people are named everywhere that a record can name one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from msgspec.structs import replace

from projections.records import LogRecord
from schemas.acts import Discarded, GapExpired, Released
from schemas.codec import Decoder, Malformed
from schemas.headers import headers_of
from schemas.opening import Opening
from schemas.order import Address, Order, OrderEvent, Party
from schemas.outcome import DeadLetter, LetterState, Outcome, Result
from schemas.policy import PolicyActivated
from schemas.requests import DiscardRequested, RedriveRequested, RequestDeclined
from streams.archive.envelope import Archived
from tests.projections.given import LATER
from tests.streams.archive.making import NOON
from tests.streams.crashes import ENCODER, TOPICS

NAME = "Erika Mustermann"
PERSONAL = (b"Mustermann", b"mustermann", b"+49 30 5550123", b"Heidestr", b"Berlin", b"51147")


def peopled(log: Iterable[LogRecord]) -> list[LogRecord]:
    """The same log with people in it; what could not be read names them, too."""
    decoder, made = Decoder(None), []
    for record in log:
        headers = dict(record.headers)
        try:
            content: Any = _named(decoder.decode(record.value, list(headers.items())))
        except Malformed:
            value = record.value and record.value + NAME.encode()
        else:
            value, headers = ENCODER.encode(TOPICS.orders, content), dict(headers_of(content))
        key = b"mustermann@firm.example" if record.key == b"other" else record.key
        made.append(_at(record, key, value, headers | {"x-user": NAME.encode()}))
    return made


def archived(record: LogRecord) -> Archived:
    """The record as an archive has it."""
    return Archived(record.offset, NOON, 1, record.key, record.value, tuple(record.headers.items()))


def logged(record: Archived, like: LogRecord) -> LogRecord:
    """The archived record as the log gave ``like``."""
    return _at(like, record.key, record.value, {name: value or b"" for name, value in record.headers})


def said_by_sinks(command: bytes) -> list[Any]:
    """What a sink and people say about a ``command``, a customer whose bytes these are."""
    letter = DeadLetter(
        command_id="c1",
        external_id="NUE-CUST-acme",
        lane="acme",
        state=LetterState.REFUSED,
        reason=f"NetSuite refused {NAME}",
        topic="netsuite.commands.v1",
        partition=0,
        offset=3,
        key=b"NUE-CUST-acme",
        value=command,
        recorded_at=LATER,
        headers={"ce_id": b"c1", "x-user": NAME.encode()},
        answer=f"Invalid e-mail address erika.mustermann@firm.example of {NAME}",
        by=NAME,
        why=f"{NAME} has called",
    )
    outcome = Outcome(
        account="1",
        external_id="NUE-CUST-acme",
        record_type="customer",
        internal_id="7",
        command_id="c1",
        result=Result.CREATED,
        order_id="O1",
        customer_id="acme",
        content_hash="00",
        applied_at=LATER,
        warnings=(f"{NAME} has no terms",),
    )
    asked: dict[str, Any] = {"request_id": "r1", "command_id": "c1", "external_id": "NUE-CUST-acme"}
    person: dict[str, Any] = {"lane": "acme", "by": NAME, "why": f"{NAME} asked", "requested_at": LATER}
    return [
        letter,
        replace(letter, state=LetterState.PARKED, reason="behind NUE-SO-O1"),
        outcome,
        RedriveRequested(**asked, **person),
        DiscardRequested(**asked, **person),
        RequestDeclined(**asked, reason=f"{NAME} came too late", declined_at=LATER),
    ]


def _at(like: LogRecord, key: bytes | None, value: bytes | None, headers: dict[str, bytes]) -> LogRecord:
    return LogRecord(like.topic, like.partition, like.offset, like.recorded_at, key, value, headers)


def _named(content: Any) -> Any:
    match content:
        case OrderEvent():
            people = {"customer": _party(content.customer), "billing_account": _party(content.billing_account)}
            return replace(content, order=_order(content.order), **people)
        case PolicyActivated():
            return replace(content, activated_by=NAME)
        case Released() | Discarded():
            return replace(content, by=f"{content.by} Mustermann", why=f"{NAME} asked for it")
        case GapExpired() | Opening():
            return replace(content, by=NAME)
    raise AssertionError(content)


def _order(order: Order) -> Order:
    lines = tuple(replace(line, custom_fields={"contact": f"{NAME} {line.amount}"}) for line in order.lines)
    return replace(order, lines=lines, memo=f"ask {NAME} about {order.total_amount}")


def _party(party: Party) -> Party:
    address = Address(street="Heidestr. 17", city="Berlin", postal_code="51147", state="BE", country="DE")
    return replace(
        party,
        name=f"{NAME} {party.id}",
        email=f"erika.mustermann@{party.id}.example",
        phone="+49 30 5550123",
        description=f"{NAME} decides",
        customer_since=date(2020, 1, 1),
        account_number="A-17",
        record_type="Consumer",
        billing_address=address,
        shipping_address=address,
    )
