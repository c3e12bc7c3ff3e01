"""Commands: what NetSuite is asked to hold. Written by the projection, applied by the sink, never edited."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from schemas.order import Address


class ItemType(StrEnum):
    """The NetSuite record type of an item."""

    UNKNOWN = "UNKNOWN"
    NON_INVENTORY_SALE_ITEM = "NON_INVENTORY_SALE_ITEM"
    SERVICE_SALE_ITEM = "SERVICE_SALE_ITEM"
    INVENTORY_ITEM = "INVENTORY_ITEM"


class Origin(Struct, frozen=True, kw_only=True):
    """Why a command exists: the order and event, and the policy and rules version that decided."""

    customer_id: str
    order_id: str
    order_number: str
    event_id: str
    policy_id: str
    rules_version: int


class UpsertCustomer(Struct, frozen=True, kw_only=True):
    """The customer or billing account as it was at an activation.

    ``activated_at`` and then ``origin.order_id`` order the versions of one customer: the newest is the one
    that NetSuite ends up with, whichever arrives last. ``parent`` is the external id of the customer above it.
    """

    command_id: str
    external_id: str
    activated_at: datetime
    origin: Origin
    name: str
    is_person: bool = False
    account_number: str | None = None
    email: str | None = None
    phone: str | None = None
    currency: str | None = None
    payment_term: str | None = None
    comments: str | None = None
    customer_since: date | None = None
    billing_address: Address | None = None
    shipping_address: Address | None = None
    parent: str | None = None


class UpsertItem(Struct, frozen=True, kw_only=True):
    """The product as it was at an activation; versioned like :class:`UpsertCustomer`."""

    command_id: str
    external_id: str
    activated_at: datetime
    origin: Origin
    item_type: ItemType
    sku: str
    name: str
    description: str | None = None


class DocumentLine(Struct, frozen=True, kw_only=True):
    """One line of a document, signed as the document has it.

    ``amount`` is in the document's currency, rounded to its minor units, and authoritative. ``rate`` is never
    negative: ``quantity`` carries the sign. ``start_on`` and ``end_on`` are the inclusive dates of the term.
    ``custom_fields`` are the tenant's own of the order product, under Nue's names; which of them NetSuite gets, the
    sink's mapping says.
    """

    line_id: str
    item: str
    quantity: Decimal
    rate: Decimal
    amount: Decimal
    start_on: date | None = None
    end_on: date | None = None
    root_subscription_id: str | None = None
    custom_fields: dict[str, str] = {}


class CreateSalesOrder(Struct, frozen=True, kw_only=True):
    """A new sales order. ``entity`` and the lines' ``item`` are external ids; ``total`` is before tax.

    ``original_order_id`` is the contract's anchor, the value of ``custbody_nue_original_orderid``. ``custom_fields``
    are the tenant's own of the order, as on the lines.
    """

    command_id: str
    external_id: str
    origin: Origin
    entity: str
    original_order_id: str
    tran_on: date
    currency: str
    memo: str
    lines: tuple[DocumentLine, ...]
    total: Decimal
    po_number: str | None = None
    start_on: date | None = None
    end_on: date | None = None
    custom_fields: dict[str, str] = {}


class CreateReturnAuthorization(Struct, frozen=True, kw_only=True):
    """A new, stand-alone return authorization with positive amounts; the type of the document is its sign.

    It has no header dates: NetSuite's record has no such fields, so the term stands on the lines.
    """

    command_id: str
    external_id: str
    origin: Origin
    entity: str
    original_order_id: str
    tran_on: date
    currency: str
    memo: str
    lines: tuple[DocumentLine, ...]
    total: Decimal
    po_number: str | None = None
    custom_fields: dict[str, str] = {}


Upsert = UpsertCustomer | UpsertItem
Document = CreateSalesOrder | CreateReturnAuthorization
Command = Upsert | Document
