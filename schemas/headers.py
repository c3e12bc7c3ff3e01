"""CloudEvents headers of a record, so that a consumer can route it without reading its body."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any, Final, NamedTuple

from msgspec import Struct

from schemas.acts import Discarded, GapExpired, Released
from schemas.catalog import name_of
from schemas.command import CreateReturnAuthorization, CreateSalesOrder, UpsertCustomer, UpsertItem
from schemas.contract import OrderDecided, SubscriptionChanged
from schemas.holding import Held, ReleaseRequested, Settled
from schemas.opening import Opening
from schemas.order import OrderEvent
from schemas.outcome import DeadLetter, Outcome
from schemas.policy import PolicyActivated
from schemas.quarantine import Quarantined
from schemas.requests import DiscardRequested, RedriveRequested, RequestDeclined


class _Event(NamedTuple):
    source: str
    id: Callable[[Any], str]
    at: Callable[[Any], datetime | date]
    subject: Callable[[Any], str]


_UPSERT: Final = _Event("projections", lambda r: r.command_id, lambda r: r.activated_at, lambda r: r.external_id)
_DOCUMENT: Final = _Event("projections", lambda r: r.command_id, lambda r: r.tran_on, lambda r: r.external_id)
_ACT: Final = _Event("orders", lambda r: r.event_id, lambda r: r.at, lambda r: r.about)
_REQUEST: Final = _Event("deadletters", lambda r: r.request_id, lambda r: r.requested_at, lambda r: r.external_id)
_EVENTS: Final[dict[type[Struct], _Event]] = {
    OrderEvent: _Event("orders", lambda r: r.event_id, lambda r: r.occurred_at, lambda r: r.order.order_id),
    PolicyActivated: _Event(
        "orders", lambda r: r.event_id, lambda r: r.activated_at, lambda r: f"policy/{r.partition}"
    ),
    Released: _ACT,
    Discarded: _ACT,
    GapExpired: _ACT,
    Opening: _Event("orders", lambda r: r.event_id, lambda r: r.at, lambda r: r.contract_id),
    UpsertCustomer: _UPSERT,
    UpsertItem: _UPSERT,
    CreateSalesOrder: _DOCUMENT,
    CreateReturnAuthorization: _DOCUMENT,
    OrderDecided: _Event("projections", lambda r: r.decision_id, lambda r: r.occurred_at, lambda r: r.order_id),
    SubscriptionChanged: _Event("projections", lambda r: r.change_id, lambda r: r.occurred_at, lambda r: r.order_id),
    Quarantined: _Event(
        "projections", lambda r: r.quarantine_id, lambda r: r.recorded_at, lambda r: r.order_id or r.quarantine_id
    ),
    Held: _Event("projections", lambda r: r.hold_id, lambda r: r.held_at, lambda r: r.order_id),
    ReleaseRequested: _Event("projections", lambda r: r.request_id, lambda r: r.requested_at, lambda r: r.event_id),
    Settled: _Event("projections", lambda r: r.settlement_id, lambda r: r.settled_at, lambda r: r.order_id),
    # The sink may say of one command more than once where it stands: each saying is an event of its own.
    Outcome: _Event(
        "sinks",
        lambda r: f"{r.account}/{r.command_id}/{_text(r.applied_at)}",
        lambda r: r.applied_at,
        lambda r: r.external_id,
    ),
    DeadLetter: _Event(
        "sinks",
        lambda r: f"{r.command_id}/{r.state}/{_text(r.recorded_at)}",
        lambda r: r.recorded_at,
        lambda r: r.external_id,
    ),
    RedriveRequested: _REQUEST,
    DiscardRequested: _REQUEST,
    RequestDeclined: _Event("sinks", lambda r: r.request_id, lambda r: r.declined_at, lambda r: r.external_id),
}


def headers_of(record: Struct) -> list[tuple[str, bytes]]:
    """The headers of a record in the binary mode of CloudEvents 1.0 for Kafka; the same for equal records.

    ``ce_source`` and ``ce_id`` together name the event. ``ce_time`` is when it happened, RFC 3339 in UTC with
    microseconds: an order's activation, a document's date at midnight, the moment of an outcome.
    """
    event = _EVENTS[type(record)]
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.id(record).encode()),
        ("ce_type", name_of(record).encode()),
        ("ce_source", f"/nuestream/{event.source}".encode()),
        ("ce_time", _text(event.at(record)).encode()),
        ("ce_subject", event.subject(record).encode()),
        ("content-type", b"application/avro"),
    ]


def _text(at: datetime | date) -> str:
    instant = at.astimezone(UTC) if isinstance(at, datetime) else datetime.combine(at, time(), UTC)
    return instant.isoformat(timespec="microseconds").replace("+00:00", "Z")
