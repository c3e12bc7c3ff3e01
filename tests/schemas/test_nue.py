"""What Nue sends becomes an event."""

from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest

from schemas.codec import Decoder, Encoder
from schemas.nue import parse_json
from schemas.order import (
    Address,
    ChangeType,
    EventType,
    LineSemantics,
    LineType,
    ProductKind,
    Source,
    TermDimension,
)
from tests.schemas.activations import (
    DECREASE,
    DRAFT,
    EXAMPLES,
    NEW,
    PUBLISHED,
    RESELLER,
    changed,
    example,
    on_order,
    read,
    setting,
)

# The examples


@pytest.mark.parametrize("name", ["activations", "history-delta/activations", "history-snapshot/activations"])
def test_every_example_is_read_and_survives_the_log(name: str) -> None:
    lines = (EXAMPLES / f"{name}.ndjson").read_text("utf-8").splitlines()
    for text in lines:
        event = read(parse_json(text))
        assert Decoder().decode(Encoder().encode("orders", event)) == event
        assert event.products
        assert event.line_semantics is (LineSemantics.SNAPSHOT if "snapshot" in name else LineSemantics.DELTA)
    assert len(lines) in (7, 47, 49)


def test_the_examples_in_the_package_are_those_of_the_tests() -> None:
    packaged = files("schemas") / "examples" / "activations.ndjson"
    assert packaged.read_bytes() == (EXAMPLES / "activations.ndjson").read_bytes()


def test_a_new_order_is_read_field_by_field() -> None:
    event = read(example(NEW))
    order = event.order
    assert (event.event_id, event.event_type, event.source) == ("event-1", EventType.ORDER_ACTIVATED, Source.MANUAL)
    assert (event.occurred_at, event.published_at) == (datetime(2025, 1, 1, 9, tzinfo=UTC), PUBLISHED)
    assert event.tenant_id == "acme"
    assert (order.order_number, order.status, order.currency) == ("O-00000300", "Activated", "USD")
    assert order.is_active
    assert (order.effective_on, order.placed_on) == (date(2025, 1, 1), date(2025, 1, 1))
    assert (order.start_on, order.end_on, order.term) == (date(2025, 1, 1), date(2025, 12, 31), 12)
    assert (order.total_amount, order.list_total, order.discount_amount) == (127500, 127500, 0)
    assert order.po_number == "PO-7781"
    line = order.lines[0]
    assert (line.line_number, line.line_type, line.change_type) == (1, LineType.LINE_ITEM, ChangeType.NEW)
    assert (line.quantity, line.amount, line.unit_price) == (100, 120000, 100)
    assert (line.start_on, line.end_on) == (date(2025, 1, 1), date(2025, 12, 31))
    assert (line.term, line.term_dimension) == (12, TermDimension.MONTH)
    assert line.custom_fields == {}
    assert event.customer == event.billing_account
    assert event.customer.name == "Acme Robotics Inc."
    assert event.customer.billing_address == Address(
        street="1 Market St", city="San Francisco", state="CA", postal_code="94105", country="US"
    )
    assert event.customer.shipping_address is None
    assert [product.kind for product in event.products] == [
        ProductKind.SUBSCRIPTION,
        ProductKind.SUBSCRIPTION,
        ProductKind.ENTITLEMENT,
    ]


def test_a_line_is_linked_to_the_subscription_that_it_made() -> None:
    line = read(example(NEW)).order.lines[0]
    assert line.subscription_id == line.root_subscription_id == "46e37874-b2f2-5260-86f4-bac065c9b5e3"
    assert (line.subscription_number, line.subscription_version, line.subscription_level) == ("SUB-00000279", 1, 1)
    assert (line.quantity_after, line.status_after) == (100, "Active")
    assert (line.subscription_start_on, line.subscription_end_on) == (date(2025, 1, 1), date(2025, 12, 31))


def test_a_one_time_line_is_linked_to_none() -> None:
    line = read(example(NEW)).order.lines[2]
    assert (line.subscription_number, line.quantity_after, line.term_dimension) == (None, None, TermDimension.NONE)


def test_a_line_that_changes_an_asset_is_linked_by_its_number_to_the_newest_version() -> None:
    def only_by_number(data: dict[str, Any]) -> None:
        (subscription,) = data["subscriptions"]
        older = subscription | {"orderProductId": "another", "subscriptionVersion": 1, "id": "older"}
        data["subscriptions"] = [subscription | {"orderProductId": None}, older]

    line = changed(only_by_number, DECREASE).order.lines[0]
    assert line.asset_number == line.subscription_number == "SUB-00000279"
    assert (line.subscription_version, line.quantity_after) == (2, 50)
    assert (line.change_type, line.quantity, line.amount) == (ChangeType.UPDATE_QUANTITY, -50, -30000)


def test_a_reseller_is_the_billing_account() -> None:
    event = read(example(RESELLER))
    assert event.customer.name == "Globex GmbH"
    assert event.billing_account.name == "Alpen Reseller AG"
    assert event.order.billing_account_id == event.billing_account.id != event.order.customer_id


def test_the_parts_of_a_ramp_keep_their_types_and_their_parent() -> None:
    lines = read(example(RESELLER)).order.lines
    assert [line.line_type for line in lines] == [LineType.SUMMARY_ITEM, LineType.RAMP_ITEM, LineType.RAMP_ITEM]
    assert {line.parent_line_id for line in lines[1:]} == {lines[0].line_id}


def test_an_order_that_is_not_active_keeps_its_status() -> None:
    event = read(example(DRAFT))
    assert (event.order.status, event.order.is_active) == ("Draft", False)


# What Nue may send otherwise


def test_the_data_may_stand_without_the_envelope() -> None:
    assert read(example()["data"]) == read(example())


@pytest.mark.parametrize("status", ["Canceled", "cancelled"])
def test_a_canceled_order_is_a_cancellation(status: str) -> None:
    event = changed(on_order(status=status))
    assert (event.event_type, event.order.status) == (EventType.ORDER_CANCELED, status)


@pytest.mark.parametrize(
    ("sent", "at"),
    [
        ("2025-01-01T09:00:00Z", datetime(2025, 1, 1, 9, tzinfo=UTC)),
        ("2025-01-01T09:00:00.123456+02:00", datetime(2025, 1, 1, 7, 0, 0, 123456, tzinfo=UTC)),
        ("2025-01-01T09:00:00.000+0000", datetime(2025, 1, 1, 9, tzinfo=UTC)),
        ("2025-01-01T09:00:00", datetime(2025, 1, 1, 9, tzinfo=UTC)),
        ("2025-01-01", datetime(2025, 1, 1, tzinfo=UTC)),
    ],
)
def test_the_activation_is_an_instant_in_utc(sent: str, at: datetime) -> None:
    assert changed(on_order(activatedDate=sent)).occurred_at == at


def test_without_an_activation_the_day_of_placing_counts_and_then_the_effective_day() -> None:
    placed = changed(on_order(activatedDate=None, orderPlacedDate="2024-12-30"))
    assert (placed.occurred_at, placed.order.activated_at) == (datetime(2024, 12, 30, tzinfo=UTC), None)
    effective = changed(on_order(activatedDate=None, orderPlacedDate=None, effectiveDate="2024-12-31"))
    assert effective.occurred_at == datetime(2024, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "kind"),
    [
        ("Recurring Services", ProductKind.SUBSCRIPTION),
        ("recurringServices", ProductKind.SUBSCRIPTION),
        ("Professional Services", ProductKind.ENTITLEMENT),
        ("professional_services", ProductKind.ENTITLEMENT),
        ("customerSupport", ProductKind.ENTITLEMENT),
        ("Training Entitlements", ProductKind.ENTITLEMENT),
        ("PHYSICAL GOODS", ProductKind.ASSET),
        ("physicalGoods", ProductKind.ASSET),
        ("Metered Usage", ProductKind.USAGE),
        ("Something else", ProductKind.SUBSCRIPTION),
        (None, ProductKind.SUBSCRIPTION),
    ],
)
def test_the_category_of_a_product_says_what_it_becomes(sent: str | None, kind: ProductKind) -> None:
    product = changed(lambda data: data["products"][0].update(productCategory=sent)).products[0]
    assert (product.category, product.kind) == (sent, kind)


def test_a_product_of_another_category_without_a_subscription_is_one_time() -> None:
    assert (
        changed(lambda data: data["products"][2].update(productCategory=None)).products[2].kind is ProductKind.ONE_TIME
    )


@pytest.mark.parametrize(
    ("sent", "asset", "read_as", "kept"),
    [
        (None, None, ChangeType.NEW, {}),
        ("", None, ChangeType.NEW, {}),
        (None, "SUB-1", ChangeType.UNKNOWN, {}),
        ("UpdateQuantity", "SUB-1", ChangeType.UPDATE_QUANTITY, {}),
        ("CoTerm", "SUB-1", ChangeType.CO_TERM, {}),
        ("convert free trial", "SUB-1", ChangeType.CONVERT_FREE_TRIAL, {}),
        ("ADJUST_PRICE", "SUB-1", ChangeType.ADJUST_PRICE, {}),
        ("Suspend", "SUB-1", ChangeType.UNKNOWN, {"changeType": "Suspend"}),
        ("Suspend", None, ChangeType.UNKNOWN, {"changeType": "Suspend"}),
    ],
)
def test_a_change_type_is_known_or_its_text_is_kept(
    sent: str | None, asset: str | None, read_as: ChangeType, kept: dict[str, str]
) -> None:
    line = changed(setting(changeType=sent, assetNumber=asset)).order.lines[0]
    assert (line.change_type, line.custom_fields) == (read_as, kept)


def test_a_line_type_and_a_term_dimension_are_known_or_their_texts_are_kept() -> None:
    line = changed(setting(lineType="GiftItem", subscriptionTermDimension="Fortnight")).order.lines[0]
    assert (line.line_type, line.term_dimension) == (LineType.UNKNOWN, TermDimension.NONE)
    assert line.custom_fields == {"lineType": "GiftItem", "subscriptionTermDimension": "Fortnight"}
    assert changed(setting(lineType=None)).order.lines[0].line_type is LineType.LINE_ITEM


def test_custom_fields_are_kept_as_text_and_other_fields_left_out() -> None:
    line = changed(
        setting(
            Region__c="Süd",
            Ruby__Uplift__c=Decimal("2.50"),
            Gone__c=None,
            Flag__c=True,
            Parts__c=[1, "b"],
            whatever=1,
            customFields={"Tier": "gold", "Seats": 3},
        )
    ).order.lines[0]
    assert line.custom_fields == {
        "Region__c": "Süd",
        "Ruby__Uplift__c": "2.50",
        "Flag__c": "true",
        "Parts__c": '[1, "b"]',
        "Tier": "gold",
        "Seats": "3",
    }


def test_the_orders_own_custom_fields_are_kept_beside_it_and_are_no_part_of_what_copies_are_compared_by() -> None:
    def own(data: dict[str, Any]) -> None:
        data["order"] |= {"Sales_Region__c": "Süd", "Gone__c": None, "whatever": 1, "customFields": {"Seats": 3}}

    event, plain = changed(own), changed(lambda _: None)
    assert event.custom_fields == {"Sales_Region__c": "Süd", "Seats": "3"}
    assert (plain.custom_fields, plain.content_hash) == ({}, event.content_hash)


def test_a_line_without_a_number_has_that_of_its_place() -> None:
    def without(data: dict[str, Any]) -> None:
        for line in data["order"]["orderProducts"]:
            del line["lineNumber"]

    assert [line.line_number for line in changed(without).order.lines] == [1, 2, 3]
    assert changed(setting(lineNumber=Decimal("4.0"))).order.lines[0].line_number == 4


def test_the_customer_is_the_billing_account_where_none_is_named_or_sent() -> None:
    def alone(data: dict[str, Any]) -> None:
        del data["billingAccount"]
        data["order"]["billingAccountId"] = None

    event = changed(alone)
    assert event.billing_account == event.customer
    assert event.order.billing_account_id == event.order.customer_id


@pytest.mark.parametrize(
    ("sent", "amount"),
    [
        (12, "12"),
        (Decimal("1.25"), "1.25"),
        ("-3.50", "-3.5"),
        (Decimal("1.23E+3"), "1230"),
        (Decimal("0.0000005"), "0"),
        (Decimal("0.0000015"), "0.000002"),
        (Decimal("999999999999.999999"), "999999999999.999999"),
    ],
)
def test_a_number_is_a_decimal_with_six_places_rounded_half_even(sent: object, amount: str) -> None:
    assert changed(setting(totalPrice=sent)).order.lines[0].amount == Decimal(amount)


def test_a_price_has_ten_places() -> None:
    line = changed(setting(netSalesPrice=Decimal("0.12345678905"))).order.lines[0]
    assert line.unit_price == Decimal("0.1234567890")


def test_numbers_in_json_never_become_floats() -> None:
    assert parse_json("[1.10, 2, 1e2]") == [Decimal("1.10"), 2, Decimal("1E+2")]
    assert parse_json(b'{"a": 0.1}') == {"a": Decimal("0.1")}
