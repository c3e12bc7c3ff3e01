"""A customer's state as a row of JSON, for people and other programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from msgspec import structs

from projections.schedule import span_on
from projections.state import (
    ContractEntry,
    CustomerState,
    Entry,
    OrderEntry,
    SubscriptionEntry,
    WaitingEntry,
)

_KINDS = {
    SubscriptionEntry: "subscriptions",
    ContractEntry: "contracts",
    OrderEntry: "orders",
    WaitingEntry: "waiting",
}
Row = dict[str, Any]


def row_of(state: CustomerState, effective_on: date | None) -> Row:
    """What is known of a customer, each kind by its names.

    Where a day is given, each subscription tells its quantity and monthly value ``on`` that day, or null where its
    schedule has none.
    """
    kinds: dict[str, dict[str, Row]] = {kind: {} for kind in _KINDS.values()}
    for key, entry in sorted(state.entries()):
        kind = _KINDS.get(type(entry))
        if kind is not None:
            kinds[kind][key.partition("/")[2]] = _told(entry, effective_on)
    return {"customer_id": state.customer_id, "position": state.position, **kinds}


def _told(entry: Entry, effective_on: date | None) -> Row:
    row: Row = structs.asdict(entry)
    if isinstance(entry, OrderEntry):
        row["content"] = entry.content.hex()
    if isinstance(entry, SubscriptionEntry):
        row["schedule"] = [structs.asdict(span) for span in entry.schedule]
        if effective_on is not None:
            row["on"] = _on(entry, effective_on)
    return row


def _on(entry: SubscriptionEntry, day: date) -> Mapping[str, Any] | None:
    span = span_on(entry.schedule, day)
    return None if span is None else {"day": day, "quantity": span.quantity, "monthly": span.monthly}
