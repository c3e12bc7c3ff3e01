"""What an account demands of new records: sent when they are made, and never afterwards."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from schemas.command import Command, ItemType
from sinks.catalog import needed
from sinks.defaults import Defaults, ItemDefaults
from sinks.translate import References, patch_for, record_of, request_for, siblings_of
from tests.sinks import orders
from tests.sinks.orders import CUSTOMER, SEAT

REFERENCES = References(ids={CUSTOMER: "7", SEAT: "11"}, currency="1", term="2")
SEGMENTS = Defaults(location="4", department="5", classification="6")


def body_of(command: Command, defaults: Defaults, references: References = REFERENCES) -> dict[str, Any]:
    return dict(request_for(command, references, defaults).body)


@pytest.mark.parametrize("document", [orders.sales_order(), orders.return_authorization()], ids=["order", "return"])
def test_location_department_and_class_stand_on_the_document_or_on_its_lines(document: Any) -> None:
    segments = {"location": {"id": "4"}, "department": {"id": "5"}, "class": {"id": "6"}}
    body = body_of(document, SEGMENTS)
    assert {name: body[name] for name in segments} == segments
    assert body["item"]["items"][0].keys() & segments.keys() == set()
    on_lines = Defaults(location="4", department="5", classification="6", on_lines=True)
    body = body_of(document, on_lines)
    assert body.keys() & segments.keys() == set()
    assert all(segments.items() <= line.items() for line in body["item"]["items"])


def test_orders_and_returns_have_each_their_own_status() -> None:
    defaults = Defaults(order_status="A", return_status="B")
    assert body_of(orders.sales_order(), defaults)["orderStatus"] == {"id": "A"}
    assert body_of(orders.return_authorization(), defaults)["orderStatus"] == {"id": "B"}
    assert "orderStatus" not in body_of(orders.sales_order(), Defaults())


def test_a_return_carries_the_exchange_rate_that_was_found() -> None:
    references = References(ids=REFERENCES.ids, currency="2", exchange_rate=Decimal("1.0837"))
    assert body_of(orders.return_authorization(), Defaults(), references)["exchangeRate"] == Decimal("1.0837")


def test_documents_take_their_subsidiary_from_their_customer() -> None:
    assert "subsidiary" not in body_of(orders.sales_order(), Defaults(subsidiary="3"))


def test_items_have_the_type_and_the_fields_of_their_kind_when_they_are_made_and_not_when_they_change() -> None:
    fields = {"incomeAccount": {"id": "54"}, "isFulfillable": False}
    kinds = {ItemType.SERVICE_SALE_ITEM: ItemDefaults(record="serviceResaleItem", fields=fields)}
    defaults = Defaults(subsidiary="3", items=kinds)
    service = orders.item(item_type=ItemType.SERVICE_SALE_ITEM)
    request = request_for(service, REFERENCES, defaults)
    assert request.path == record_of(service, defaults) == "serviceResaleItem"
    assert fields.items() <= request.body.items()
    assert request.body["subsidiary"] == {"items": [{"id": "3"}]}
    assert patch_for(service, "42", request.record).body.keys() == {"displayName", "salesDescription"}
    assert record_of(orders.item(), defaults) == "nonInventorySaleItem"
    assert "serviceSaleItem" in siblings_of("serviceResaleItem")


@pytest.mark.parametrize(
    ("ids", "entity_id"),
    [("automatic", None), ("name", "Acme"), ("name_and_number", "Acme A-1")],
)
def test_a_customer_gets_an_id_of_ours_only_where_netsuite_does_not_number_customers(ids: Any, entity_id: Any) -> None:
    customer = orders.customer(name="Acme", account_number="A-1")
    assert body_of(customer, Defaults(customer_ids=ids)).get("entityId") == entity_id
    assert "entityId" not in patch_for(customer, "42").body


def test_a_customer_without_an_account_number_is_told_apart_by_its_id_however_long_its_name_is() -> None:
    twins = [orders.customer(f"NUE-CUST-{name}", name="x" * 200) for name in ("a", "b")]
    first, second = (body_of(each, Defaults(customer_ids="name_and_number"))["entityId"] for each in twins)
    assert first != second
    assert len(first) == len(second) == 80


def test_fields_of_a_record_never_replace_what_the_command_says() -> None:
    fields = {"customer": {"category": {"id": "1"}, "email": "x"}, "salesOrder": {"memo": "x", "custbody_a": "b"}}
    customer, order = (body_of(each, Defaults(fields=fields)) for each in (orders.customer(), orders.sales_order()))
    assert (customer["category"], customer["email"]) == ({"id": "1"}, "ap@acme.example")
    assert (order["custbody_a"], order["memo"]) == ("b", "O-00000300")


def test_what_is_needed_of_an_account_are_custom_and_configured_fields() -> None:
    assert needed(Defaults()).keys() == {
        "salesOrder",
        "salesOrder.item",
        "returnAuthorization",
        "returnAuthorization.item",
    }
    kinds = {ItemType.INVENTORY_ITEM: ItemDefaults(fields={"taxSchedule": {"id": "1"}})}
    wanted = needed(Defaults(subsidiary="1", location="4", order_status="A", items=kinds, customer_ids="name"))
    assert wanted["salesOrder"] == {"custbody_nue_original_orderid", "location", "orderStatus"}
    assert wanted["customer"] == {"subsidiary", "entityId"}
    assert wanted["inventoryItem"] == {"subsidiary", "taxSchedule"}
