"""Contract events: what was decided about each order and what it changed, for people and analytics."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from schemas.order import ChangeType
from schemas.quarantine import Reason


class OrderOutcome(StrEnum):
    """What became of an order."""

    UNKNOWN = "UNKNOWN"
    POSTED = "POSTED"
    NO_OP = "NO_OP"
    IGNORED = "IGNORED"
    HELD = "HELD"
    QUARANTINED = "QUARANTINED"
    DISCARDED = "DISCARDED"


class DocumentType(StrEnum):
    """The NetSuite record type of a document."""

    UNKNOWN = "UNKNOWN"
    SALES_ORDER = "SALES_ORDER"
    RETURN_AUTHORIZATION = "RETURN_AUTHORIZATION"


class Movement(StrEnum):
    """What a change does to recurring revenue, as an ARR waterfall counts it.

    ``NEW`` and ``CHURN`` begin and end a subscription's revenue, ``EXPANSION`` and ``CONTRACTION`` change it;
    ``RENEWAL`` carries it into another term, whatever its size then is; ``NONE`` leaves it as it is. ``OPENING`` is
    revenue that was there before this system took over.
    """

    UNKNOWN = "UNKNOWN"
    NEW = "NEW"
    EXPANSION = "EXPANSION"
    CONTRACTION = "CONTRACTION"
    CHURN = "CHURN"
    RENEWAL = "RENEWAL"
    NONE = "NONE"
    OPENING = "OPENING"


class Segment(Struct, frozen=True, kw_only=True):
    """A part of a subscription's term: its quantity and ``mrr``, which is quantity times net price per month.

    Dates are inclusive; a segment without an end runs on (evergreen). ``mrr`` is in the order's currency.
    """

    start_on: date
    quantity: Decimal
    mrr: Decimal
    end_on: date | None = None


class DecidedDocument(Struct, frozen=True, kw_only=True):
    """A document that an order was decided to become; ``amount`` is positive on both types, before tax."""

    document_type: DocumentType
    external_id: str
    command_id: str
    contract_id: str
    amount: Decimal


class OrderDecided(Struct, frozen=True, kw_only=True):
    """The decision on one order: its outcome, why, and the documents and upserts that follow from it.

    ``posted_total`` is the sum of the sales orders less the return authorizations; where the outcome is
    ``POSTED`` it equals ``order_total``, unless a person waived that. Both are in ``currency``, before tax; where
    the lines state the subscription after the change, ``order_total`` is what they change. An order may be decided
    more than once: ``ordinal`` counts its decisions, and the last one holds. ``decided_by`` is the event of another
    record that led to this one, such as a release; ``known_at`` is when that, or the order, was written to the log.
    """

    decision_id: str
    event_id: str
    order_id: str
    order_number: str
    customer_id: str
    billing_account_id: str
    outcome: OrderOutcome
    why: str
    currency: str
    order_total: Decimal
    posted_total: Decimal
    occurred_at: datetime
    known_at: datetime
    policy_id: str
    rules_version: int
    reasons: tuple[Reason, ...] = ()
    contracts: tuple[str, ...] = ()
    documents: tuple[DecidedDocument, ...] = ()
    upserts: tuple[str, ...] = ()
    ordinal: int = 1
    decided_by: str | None = None


class SubscriptionChanged(Struct, frozen=True, kw_only=True):
    """One change of one subscription by one order.

    ``sequence`` counts the changes of a contract from 1. ``quantity_before`` is null for a new subscription.
    ``amount`` is the signed money of the order's posted lines for it, in ``currency``, before tax.

    ``effective_on`` is the first day that the change concerns. ``mrr_before`` and ``mrr_after`` are the monthly
    recurring revenue (quantity times net price per month) on that day by the schedules before and after; where the
    term before had run out by then, ``mrr_before`` is that of its last day, which was up for renewal. ARR is twelve
    times MRR. ``delta_tcv`` is what the change adds to the total contract value: ``amount``, or what it would have
    been for an order that posts nothing. Nue's own metrics are defined alike: https://docs.nue.io/subscription-and-order-metrics.
    An opening balance has no order: its events carry the contract's anchor as ``order_id``.
    """

    change_id: str
    contract_id: str
    sequence: int
    subscription_number: str
    subscription_id: str | None
    version: int
    order_id: str
    order_number: str
    customer_id: str
    event_id: str
    change_types: tuple[ChangeType, ...]
    product_id: str
    currency: str
    amount: Decimal
    quantity_before: Decimal | None
    quantity_after: Decimal
    status_before: str | None
    status_after: str
    start_on: date | None
    end_on: date | None
    documents: tuple[str, ...]
    occurred_at: datetime
    known_at: datetime
    movement: Movement = Movement.UNKNOWN
    effective_on: date | None = None
    quantity_delta: Decimal = Decimal(0)
    mrr_before: Decimal = Decimal(0)
    mrr_after: Decimal = Decimal(0)
    delta_mrr: Decimal = Decimal(0)
    delta_arr: Decimal = Decimal(0)
    delta_tcv: Decimal = Decimal(0)
    schedule_before: tuple[Segment, ...] = ()
    schedule_after: tuple[Segment, ...] = ()


ContractEvent = OrderDecided | SubscriptionChanged
