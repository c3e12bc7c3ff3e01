"""Opening balances: contracts that were there before this system took over."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

import msgspec
from msgspec import structs

from projections.evolve import HASH_BYTES
from projections.identity import stable_id
from projections.readable import is_too_large_a_price
from projections.revenue import mrr_of, segments_of
from projections.schedule import Schedule, Span, span_on
from projections.state import (
    ContractEntry,
    CustomerState,
    Entry,
    OrderEntry,
    SubscriptionEntry,
    contract_key,
    opening_key,
    subscription_key,
)
from schemas.contract import Movement, OrderOutcome, SubscriptionChanged
from schemas.currency import UnknownCurrency, minor_units
from schemas.opening import OpenedSubscription, Opening
from schemas.quarantine import Reason

_ZERO = Decimal(0)


def content_of(opening: Opening) -> bytes:
    """What an opening says, by which copies of it are known: not who published it, or when."""
    bare = structs.replace(opening, event_id="", by="", at=None)
    return hashlib.sha256(msgspec.msgpack.encode(bare)).digest()[:HASH_BYTES]


def objections_to(state: CustomerState, opening: Opening) -> Iterator[Reason]:
    """What speaks against an opening."""
    try:
        minor_units(opening.currency)
    except UnknownCurrency as error:
        yield Reason(code="unknown_currency", detail=str(error))
    if state.contract(opening.contract_id) is not None:
        detail = f"contract {opening.contract_id} is there already: an opening comes before its first order"
        yield Reason(code="opened_late", detail=detail)
    seen: set[str] = set()
    for each in opening.subscriptions:
        if state.subscription(each.number) is not None:
            detail = f"{each.number} is there already: an opening comes before its first order"
            yield Reason(code="opened_late", detail=detail)
        if each.number in seen:
            yield Reason(code="opened_twice", detail=f"{each.number} stands in the opening more than once")
        if each.version < 1:
            yield Reason(code="opened_version", detail=f"{each.number} has version {each.version}; the first is 1")
        if any(is_too_large_a_price(part.unit_price, part.quantity) for part in each.segments):
            yield Reason(code="price_too_large", detail=f"{each.number} costs more a month than can be told")
        spans = _schedule(each)
        backwards = any(span.last_on < span.start_on or span.quantity < 0 for span in spans)
        if backwards or any(span.last_on >= after.start_on for span, after in pairwise(spans)):
            detail = f"{each.number} has segments that overlap, end before they begin, or have less than no quantity"
            yield Reason(code="opened_segments", detail=detail)
        seen.add(each.number)


def opened(position: int, opening: Opening) -> dict[str, Entry]:
    """What the state gains: the contract and its subscriptions, as the opening gives them."""
    contract = ContractEntry(
        position=position,
        currency=opening.currency,
        billing_account_id=opening.billing_account_id,
        posted=opening.posted,
        changes=len(opening.subscriptions),
    )
    record = OrderEntry(position, content_of(opening), OrderOutcome.NO_OP)
    entries: dict[str, Entry] = {
        opening_key(opening.contract_id): record,
        contract_key(opening.contract_id): contract,
    }
    for each in opening.subscriptions:
        entries[subscription_key(each.number)] = SubscriptionEntry(
            position=position,
            contract_id=opening.contract_id,
            version=each.version,
            quantity=each.quantity,
            status=each.status,
            product_id=each.product_id,
            posted=each.posted,
            start_on=each.start_on,
            end_on=each.end_on,
            currency=opening.currency,
            schedule=_schedule(each),
            opened=True,
        )
    return entries


def opening_events(opening: Opening) -> Iterator[SubscriptionChanged]:
    """One contract event per subscription, so that consumers of the contract stream have where to begin."""
    for sequence, each in enumerate(opening.subscriptions, 1):
        schedule = _schedule(each)
        running = span_on(schedule, opening.opened_on)
        mrr = mrr_of(running.monthly if running else _ZERO)
        yield SubscriptionChanged(
            change_id=stable_id("opening", opening.event_id, each.number),
            contract_id=opening.contract_id,
            sequence=sequence,
            subscription_number=each.number,
            subscription_id=None,
            version=each.version,
            order_id=opening.contract_id,
            order_number=f"opening {opening.opened_on}",
            customer_id=opening.customer_id,
            event_id=opening.event_id,
            change_types=(),
            product_id=each.product_id,
            currency=opening.currency,
            amount=_ZERO,
            quantity_before=None,
            quantity_after=each.quantity,
            status_before=None,
            status_after=each.status,
            start_on=each.start_on,
            end_on=each.end_on,
            documents=(),
            occurred_at=opening.at,
            known_at=opening.at,
            movement=Movement.OPENING,
            effective_on=opening.opened_on,
            quantity_delta=each.quantity,
            mrr_after=mrr,
            delta_mrr=mrr,
            delta_arr=12 * mrr,
            delta_tcv=each.posted,
            schedule_after=segments_of(schedule),
        )


def _schedule(each: OpenedSubscription) -> Schedule:
    spans = [Span(part.start_on, part.end_on, part.quantity, part.quantity * part.unit_price) for part in each.segments]
    return tuple(sorted(spans, key=lambda span: span.start_on))
