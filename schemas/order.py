"""The log: what is said on the orders topic.

An :class:`OrderEvent` is one emission of one Nue order; a :class:`PolicyActivated` is the settings that
decide documents from its position on. Both mirror the schemas in ``schemas/avsc``.

Units, unless a field says otherwise: amounts are in the order's currency, before tax; prices are per unit of
quantity and per month of term; dates are inclusive on both ends, as Nue has them; instants are UTC. What is a
:data:`~schemas.bounds.Name` or :data:`~schemas.bounds.Count` is within its bounds in whatever a decoder has read.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from schemas.bounds import Count, Name


class EventType(StrEnum):
    """What happened to the order. ``UNKNOWN`` stands for a symbol that this version does not know."""

    UNKNOWN = "UNKNOWN"
    ORDER_ACTIVATED = "ORDER_ACTIVATED"
    ORDER_CANCELED = "ORDER_CANCELED"


class Source(StrEnum):
    """How the event reached the log."""

    UNKNOWN = "UNKNOWN"
    WEBHOOK = "WEBHOOK"
    BACKFILL = "BACKFILL"
    REPLAY = "REPLAY"
    MANUAL = "MANUAL"


class LineSemantics(StrEnum):
    """What a line's numbers mean: Nue's signed changes (``DELTA``), or the subscription after the change."""

    UNKNOWN = "UNKNOWN"
    DELTA = "DELTA"
    SNAPSHOT = "SNAPSHOT"


class LineType(StrEnum):
    """Nue's ``lineType``. Summary and split lines repeat what other lines already say and are not posted."""

    UNKNOWN = "UNKNOWN"
    LINE_ITEM = "LINE_ITEM"
    RAMP_ITEM = "RAMP_ITEM"
    SUMMARY_ITEM = "SUMMARY_ITEM"
    SPLIT_ITEM = "SPLIT_ITEM"


class ChangeType(StrEnum):
    """Nue's ``changeType``; ``NEW`` is a line that adds a product and names no asset."""

    UNKNOWN = "UNKNOWN"
    NEW = "NEW"
    UPDATE_QUANTITY = "UPDATE_QUANTITY"
    UPDATE_TERM = "UPDATE_TERM"
    RENEW = "RENEW"
    CO_TERM = "CO_TERM"
    CANCEL = "CANCEL"
    CONVERT_FREE_TRIAL = "CONVERT_FREE_TRIAL"
    UPGRADE = "UPGRADE"
    DOWNGRADE = "DOWNGRADE"
    SWAP = "SWAP"
    RECONFIGURE = "RECONFIGURE"
    ADJUST_PRICE = "ADJUST_PRICE"


class ProductKind(StrEnum):
    """What a product becomes when an order with it is activated; decides the NetSuite item type."""

    UNKNOWN = "UNKNOWN"
    SUBSCRIPTION = "SUBSCRIPTION"
    ASSET = "ASSET"
    ENTITLEMENT = "ENTITLEMENT"
    ONE_TIME = "ONE_TIME"
    USAGE = "USAGE"


class TermDimension(StrEnum):
    """The unit of a line's ``term``."""

    NONE = "NONE"
    DAY = "DAY"
    MONTH = "MONTH"
    YEAR = "YEAR"


class Address(Struct, frozen=True, kw_only=True):
    """A postal address as Nue holds it; ``country`` is an ISO 3166 alpha-2 code where Nue has one."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Party(Struct, frozen=True, kw_only=True):
    """A snapshot of a customer or billing account, taken when the event was emitted."""

    id: Name
    name: str
    external_id: str | None = None
    account_number: str | None = None
    record_type: str | None = None
    email: str | None = None
    phone: str | None = None
    currency: str | None = None
    payment_term: str | None = None
    parent_customer_id: str | None = None
    description: str | None = None
    customer_since: date | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None


class Product(Struct, frozen=True, kw_only=True):
    """A snapshot of a product, taken when the event was emitted."""

    id: Name
    sku: str
    name: str
    description: str | None = None
    category: str | None = None
    kind: ProductKind = ProductKind.UNKNOWN


class OrderLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One order product. ``quantity`` and ``amount`` are signed changes where the event says ``DELTA``.

    What ``quantity`` counts depends on ``change_type``: the signed change for a new line, an UpdateQuantity or
    a Cancel; the renewed quantity for a Renew; the quantity concerned for UpdateTerm, CoTerm and AdjustPrice.
    ``amount`` is authoritative: a rate times a quantity leaves the term out.
    """

    line_id: Name
    line_number: Count
    line_type: LineType
    change_type: ChangeType
    product_id: Name
    quantity: Decimal
    amount: Decimal
    asset_number: Name | None = None
    parent_line_id: Name | None = None
    price_book_entry_id: str | None = None
    uom: str | None = None
    subscription_id: Name | None = None
    subscription_number: Name | None = None
    subscription_version: Count | None = None
    subscription_level: Count | None = None
    root_subscription_id: Name | None = None
    quantity_after: Decimal | None = None
    status_after: Name | None = None
    subscription_start_on: date | None = None
    subscription_end_on: date | None = None
    unit_price: Decimal | None = None
    list_price: Decimal | None = None
    discount_percent: Decimal | None = None
    discount_amount: Decimal | None = None
    term: Decimal | None = None
    term_dimension: TermDimension = TermDimension.NONE
    start_on: date | None = None
    end_on: date | None = None
    tax_amount: Decimal | None = None
    delta_arr: Decimal | None = None
    delta_cmrr: Decimal | None = None
    delta_acv: Decimal | None = None
    delta_tcv: Decimal | None = None
    billing_period: str | None = None
    billing_timing: str | None = None
    auto_renew: bool | None = None
    evergreen: bool | None = None
    custom_fields: dict[str, str] = {}


class Order(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The commercial content of an order: what two copies of one order are compared by."""

    order_id: Name
    order_number: Name
    status: Name
    customer_id: Name
    billing_account_id: Name
    effective_on: date
    currency: Name
    total_amount: Decimal
    lines: tuple[OrderLine, ...]
    placed_on: date | None = None
    activated_at: datetime | None = None
    list_total: Decimal | None = None
    discount_amount: Decimal | None = None
    subtotal: Decimal | None = None
    tax_amount: Decimal | None = None
    start_on: date | None = None
    end_on: date | None = None
    term: Decimal | None = None
    po_number: Name | None = None
    memo: str | None = None
    original_order_id: Name | None = None

    @property
    def is_active(self) -> bool:
        """Whether Nue reports the order as activated (its guides print both spellings)."""
        return self.status.casefold() in ("activated", "active")


class OrderEvent(Struct, frozen=True, kw_only=True):
    """One emission of one order: the order itself, and snapshots of the parties and products beside it.

    ``occurred_at`` is the activation; ``published_at`` is when the event was written to the log, which is
    when this system knew of it. ``content_hash`` covers ``order`` and ``line_semantics`` alone: ``custom_fields``, the
    tenant's own of the order, may differ between two copies of it.
    """

    event_id: Name
    event_type: EventType
    source: Source
    occurred_at: datetime
    published_at: datetime
    content_hash: Name
    order: Order
    customer: Party
    billing_account: Party
    products: tuple[Product, ...]
    line_semantics: LineSemantics = LineSemantics.DELTA
    schema_version: int = 1
    tenant_id: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    custom_fields: dict[str, str] = {}
