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
    ``POSTED`` it equals ``order_total``. Both are in ``currency``, before tax. ``known_at`` is when the event
    was written to the log.
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


class SubscriptionChanged(Struct, frozen=True, kw_only=True):
    """One change of one subscription by one order.

    ``sequence`` counts the changes of a contract from 1. ``quantity_before`` is null for a new subscription.
    ``amount`` is the signed money of the order's posted lines for it, in ``currency``, before tax.
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


ContractEvent = OrderDecided | SubscriptionChanged
