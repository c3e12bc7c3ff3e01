"""Commands for the sink's tests: small ones with telling defaults, and strategies for any."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from schemas.command import (
    CreateReturnAuthorization,
    CreateSalesOrder,
    DocumentLine,
    ItemType,
    Origin,
    UpsertCustomer,
    UpsertItem,
)
from schemas.order import Address

ACTIVATED = datetime(2025, 1, 1, 9, tzinfo=UTC)
CUSTOMER = "NUE-CUST-acme"
SEAT = "NUE-ITEM-seat"
SETUP = "NUE-ITEM-setup"


def origin(order_id: str = "order-1") -> Origin:
    return Origin(
        customer_id="acme",
        order_id=order_id,
        order_number="O-00000300",
        event_id="event-1",
        policy_id="policy",
        rules_version=1,
    )


def customer(external_id: str = CUSTOMER, order_id: str = "order-1", **changes: Any) -> UpsertCustomer:
    fields: dict[str, Any] = {
        "command_id": f"{order_id}/{external_id}",
        "activated_at": ACTIVATED,
        "name": f"Acme {external_id}",
        "currency": "USD",
        "payment_term": "Net 30",
        "email": "ap@acme.example",
    }
    return UpsertCustomer(external_id=external_id, origin=origin(order_id), **(fields | changes))


def item(external_id: str = SEAT, order_id: str = "order-1", **changes: Any) -> UpsertItem:
    fields: dict[str, Any] = {
        "command_id": f"{order_id}/{external_id}",
        "activated_at": ACTIVATED,
        "item_type": ItemType.NON_INVENTORY_SALE_ITEM,
        "sku": f"SKU-{external_id}",
        "name": "Seat",
        "description": "A seat",
    }
    return UpsertItem(external_id=external_id, origin=origin(order_id), **(fields | changes))


def line(line_id: str = "line-1", item_id: str = SEAT, **changes: Any) -> DocumentLine:
    fields: dict[str, Any] = {
        "quantity": Decimal(100),
        "rate": Decimal("1200.00"),
        "amount": Decimal("120000.00"),
        "start_on": date(2025, 1, 1),
        "end_on": date(2025, 12, 31),
    }
    return DocumentLine(line_id=line_id, item=item_id, **(fields | changes))


def sales_order(external_id: str = "NUE-SO-order-1", **changes: Any) -> CreateSalesOrder:
    return CreateSalesOrder(external_id=external_id, **(_document(external_id) | changes))


def return_authorization(external_id: str = "NUE-RA-order-2", **changes: Any) -> CreateReturnAuthorization:
    return CreateReturnAuthorization(external_id=external_id, **(_document(external_id) | changes))


def _document(external_id: str) -> dict[str, Any]:
    return {
        "command_id": f"command/{external_id}",
        "origin": origin(),
        "entity": CUSTOMER,
        "original_order_id": "root-subscription",
        "tran_on": date(2025, 1, 1),
        "currency": "USD",
        "memo": "O-00000300",
        "lines": (line(),),
        "total": Decimal("120000.00"),
    }


_text = st.text(max_size=40)
_ids = st.from_regex(r"[A-Za-z0-9_-]{1,36}", fullmatch=True)
_dates = st.dates()
_numbers = st.decimals(-(10**12), 10**12, places=8)
_addresses = st.builds(
    Address, **dict.fromkeys(("street", "city", "state", "postal_code", "country"), st.none() | _text)
)
_lines = st.builds(
    DocumentLine,
    line_id=_ids,
    item=_ids,
    quantity=_numbers,
    rate=_numbers,
    amount=_numbers,
    start_on=st.none() | _dates,
    end_on=st.none() | _dates,
    root_subscription_id=st.none() | _ids,
    custom_fields=st.dictionaries(_text, _text, max_size=2),
)


def _documents(kind: type, **more: Any) -> st.SearchStrategy[Any]:
    return st.builds(
        kind,
        external_id=_ids,
        entity=_ids,
        original_order_id=_ids,
        currency=st.sampled_from(["USD", "EUR", "JPY"]),
        lines=st.lists(_lines, min_size=1, max_size=4, unique_by=lambda one: one.line_id).map(tuple),
        total=_numbers,
        po_number=st.none() | _text,
        custom_fields=st.dictionaries(_text, _text, max_size=2),
        **more,
    )


customers = st.builds(
    UpsertCustomer,
    external_id=_ids,
    name=_text.filter(str.strip),
    is_person=st.booleans(),
    comments=st.none() | st.text(max_size=3000),
    currency=st.none() | st.just("USD"),
    billing_address=st.none() | _addresses,
    shipping_address=st.none() | _addresses,
    parent=st.none() | _ids,
    **dict.fromkeys(("account_number", "email", "phone", "payment_term"), st.none() | _text),
    customer_since=st.none() | _dates,
)
items = st.builds(
    UpsertItem, external_id=_ids, item_type=st.sampled_from(list(ItemType)[1:]), description=st.none() | _text
)
sales_orders = _documents(CreateSalesOrder, start_on=st.none() | _dates, end_on=st.none() | _dates)
return_authorizations = _documents(CreateReturnAuthorization)
