"""Orders that wait: what is remembered of them, and what is said when their waiting begins and ends."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from datetime import datetime

import msgspec

from projections.decide import Decision
from projections.identity import stable_id
from projections.records import LogRecord
from projections.state import (
    WAITING,
    Body,
    CustomerState,
    Entry,
    OrderEntry,
    SubscriptionEntry,
    WaitersEntry,
    WaitingEntry,
    order_key,
    subscription_key,
    waiters_key,
)
from schemas.acts import Released
from schemas.contract import OrderOutcome
from schemas.holding import Held, Missing, ReleaseRequested, Settled
from schemas.order import EventType, OrderEvent
from schemas.quarantine import Quarantined, Reason, fitted

MOST_WAITING = 200
"""How many events may wait for one subscription: what is stored about them is one entry."""

LARGEST_BODY = 4 * 1024 * 1024
"""How many bytes a waiting event may take in the state, compressed; a larger one is quarantined for good."""


def awaited(missing: Missing) -> str:
    """The key of what an order waits for."""
    if missing.order_id is not None:
        return order_key(EventType.ORDER_ACTIVATED, missing.order_id)
    return subscription_key(missing.subscription_number or "")


def body_of(record: LogRecord, event: OrderEvent, content: bytes) -> Body:
    """The event, its content hash and the record that holds it, as the state keeps them while the event waits."""
    return Body(
        position=record.offset,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        recorded_at=record.recorded_at,
        key=record.key,
        value=record.value,
        headers=dict(record.headers),
        content=content,
        event=event,
    )


def pack_body(body: Body) -> bytes:
    """A body as it is stored."""
    return zlib.compress(msgspec.msgpack.encode(body), 1)


def unpack_body(data: bytes) -> Body:
    """The body that was stored so. Raises ``ValueError`` for bytes that are none."""
    try:
        return msgspec.msgpack.decode(zlib.decompress(data), type=Body)
    except zlib.error as error:
        raise ValueError(str(error)) from error


def is_too_large(body: Body) -> bool:
    """Whether an event is too large to be kept in the state."""
    size = len(body.value or b"") + sum(len(data) for data in body.headers.values())
    return size * 2 > LARGEST_BODY and len(pack_body(body)) > LARGEST_BODY


def needs_of(missing: Iterable[Missing]) -> tuple[tuple[str, int], ...]:
    """What is missing, as the entry of a waiting event keeps it."""
    return tuple((awaited(each), each.last_version or 0) for each in missing)


def is_satisfied(state: CustomerState, entry: WaitingEntry) -> bool:
    """Whether everything that an event waits for is there."""
    return all(_is_there(state, key, version) for key, version in entry.needs)


def _is_there(state: CustomerState, key: str, version: int) -> bool:
    match state.entry(key):
        case SubscriptionEntry() as subscription:
            return subscription.version >= version
        case OrderEntry() as order:
            return order.outcome not in WAITING
    return False


def too_many(state: CustomerState, missing: Iterable[Missing]) -> tuple[Reason, ...]:
    """Why an order cannot even wait: too many others do, for the same."""
    return tuple(
        Reason(
            code="too_many_waiting",
            detail=f"{MOST_WAITING} orders wait already for {each.subscription_number or each.order_id}",
        )
        for each in missing
        if len(_still_waiting(state, awaited(each))) >= MOST_WAITING
    )


def waiters_with(state: CustomerState, position: int, event_id: str, missing: Iterable[Missing]) -> dict[str, Entry]:
    """The lists of those that wait, with one event more on each that it waits for."""
    entries: dict[str, Entry] = {}
    for each in missing:
        key = awaited(each)
        waiting = _still_waiting(state, key)
        if event_id not in waiting:
            entries[waiters_key(key)] = WaitersEntry(position, (*waiting, event_id))
    return entries


def _still_waiting(state: CustomerState, key: str) -> tuple[str, ...]:
    known = ((event_id, state.waiting(event_id)) for event_id in state.waiters(key))
    return tuple(event_id for event_id, entry in known if entry is not None and entry.outcome is OrderOutcome.HELD)


def quarantined_record(
    record: LogRecord, reasons: tuple[Reason, ...], event: OrderEvent | None = None, ordinal: int = 1
) -> Quarantined:
    """``record`` held back for ``reasons``. A record that cannot be read is named by its place and bytes."""
    if event is None:
        name = stable_id("unreadable", record.topic, record.partition, record.offset)
    elif ordinal == 1:
        name = stable_id("quarantined", event.event_id)
    else:
        name = stable_id("quarantined", event.event_id, ordinal)
    held = Quarantined(
        quarantine_id=name,
        reasons=reasons,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        recorded_at=record.recorded_at,
        key=record.key,
        value=record.value,
        headers=dict(record.headers),
        event_id=event.event_id if event else None,
        order_id=event.order.order_id if event else None,
        order_number=event.order.order_number if event else None,
        customer_id=event.order.customer_id if event else None,
    )
    return fitted(held)


def record_of(body: Body) -> LogRecord:
    """The record that held a waiting event."""
    return LogRecord(
        topic=body.topic,
        partition=body.partition,
        offset=body.offset,
        recorded_at=body.recorded_at,
        key=body.key,
        value=body.value,
        headers=body.headers,
    )


def held_record(record: LogRecord, event: OrderEvent, decision: Decision, ordinal: int, at: datetime) -> Held:
    """An order begins to wait."""
    return Held(
        hold_id=stable_id("held", event.event_id, ordinal),
        event_id=event.event_id,
        order_id=event.order.order_id,
        order_number=event.order.order_number,
        customer_id=event.order.customer_id,
        waits_for=decision.missing,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        held_at=at,
    )


def settled_record(
    event: OrderEvent, outcome: OrderOutcome, why: str, ordinal: int, at: datetime, by: str | None
) -> Settled:
    """An order waits no longer."""
    return Settled(
        settlement_id=stable_id("settled", event.event_id, ordinal),
        event_id=event.event_id,
        order_id=event.order.order_id,
        order_number=event.order.order_number,
        customer_id=event.order.customer_id,
        outcome=outcome,
        why=why,
        settled_at=at,
        by=by,
    )


def requested_record(act: Released) -> ReleaseRequested:
    """The first of two people has released an order."""
    return ReleaseRequested(
        request_id=stable_id("requested", act.event_id),
        event_id=act.about,
        customer_id=act.customer_id,
        waives=act.waives,
        by=act.by,
        why=act.why,
        requested_at=act.at,
    )
