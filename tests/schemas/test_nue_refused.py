"""What an activation cannot mean is refused with its place in the JSON."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import Decoder, Encoder
from schemas.nue import InvalidActivation, parse_json
from tests.schemas.activations import (
    NEW,
    SEVEN,
    Change,
    example,
    on_order,
    read,
    refusal,
    setting,
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (setting(totalPrice=None), "data.order.orderProducts[0].totalPrice: a number is needed"),
        (setting(totalPrice=1.5), "data.order.orderProducts[0].totalPrice: a number is needed, not 1.5"),
        (setting(totalPrice=True), "data.order.orderProducts[0].totalPrice: a number is needed"),
        (setting(totalPrice="NaN"), "data.order.orderProducts[0].totalPrice: 'NaN' is not a number"),
        (setting(totalPrice="1_000"), "data.order.orderProducts[0].totalPrice: '1_000' is not a number"),
        (setting(totalPrice=Decimal("Infinity")), "totalPrice: 'Infinity' is not a number"),
        (setting(totalPrice=10**12), "totalPrice: 1000000000000 has more than 12 digits before the point"),
        (setting(totalPrice=Decimal("999999999999.9999996")), "has more than 12 digits before the point"),
        (setting(totalPrice=Decimal("1e9999")), "has more than 12 digits before the point"),
        (setting(totalPrice="\ud83d"), "totalPrice: '\\ud83d' is not a number"),
        (setting(totalPrice=Decimal("1e999999")), "is not a number"),
        (setting(netSalesPrice=Decimal("1e18")), "netSalesPrice: 1E+18 has more than 18 digits before the point"),
        (setting(id=""), "data.order.orderProducts[0].id: "),
        (setting(id=7), "data.order.orderProducts[0].id: "),
        (setting(id="half \ud83d"), "data.order.orderProducts[0].id: "),
        (setting(lineNumber=Decimal("1.5")), "data.order.orderProducts[0].lineNumber: a whole number is needed"),
        (setting(subscriptionStartDate="2026-01-01"), "orderProducts[0].subscriptionEndDate: 2025-12-31 is before"),
        (setting(subscriptionStartDate="soon"), "orderProducts[0].subscriptionStartDate: 'soon' is not a date"),
        (setting(subscriptionStartDate=20250101), "orderProducts[0].subscriptionStartDate: a date is needed"),
        (setting(productId="p-9"), "data.order.orderProducts[0].productId: p-9 is not among data.products"),
        (setting(autoRenew="yes"), "data.order.orderProducts[0].autoRenew: "),
        (on_order(orderProducts=[]), "data.order.orderProducts: "),
        (on_order(orderProducts=None), "data.order.orderProducts: "),
        (on_order(currencyIsoCode="usd"), "data.order.currencyIsoCode: 'usd' is not an ISO 4217 currency code"),
        (on_order(currencyIsoCode=None), "data.order.currencyIsoCode: "),
        (on_order(totalAmount={}), "data.order.totalAmount: a number is needed"),
        (on_order(activatedDate="yesterday"), "data.order.activatedDate: 'yesterday' is not a date and time"),
        (on_order(activatedDate="0001-01-01T00:00:00+14:00"), "data.order.activatedDate: "),
        (on_order(subscriptionEndDate="2024-12-31"), "data.order.subscriptionEndDate: 2024-12-31 is before the start"),
        (on_order(lineSemantics="NET"), "data.order.lineSemantics: 'NET' is neither DELTA nor SNAPSHOT"),
        (on_order(customerId="c-9"), "data.customer: no snapshot of c-9"),
        (on_order(billingAccountId="b-9"), "data.billingAccount: no snapshot of b-9"),
        (lambda data: data["order"].pop("totalAmount"), "data.order.totalAmount: is missing"),
        (lambda data: data["order"]["orderProducts"][2].pop("quantity"), "orderProducts[2].quantity: is missing"),
        (lambda data: data["order"]["orderProducts"][1].update(id=data["order"]["orderProducts"][0]["id"]), "[1].id: "),
        (lambda data: data.update(products=None), "is not among data.products"),
        (lambda data: data["subscriptions"][1].update(subscriptionVersion=-1), "subscriptions[1].subscriptionVersion"),
        (setting(Region__c="half \ud83d"), "data.order.orderProducts[0].Region__c: holds half a character"),
        (setting(customFields={"a": ["\ud83d"]}), "data.order.orderProducts[0].customFields.a: holds half a"),
        (setting(customFields={"\ud83d": 1}), "data.order.orderProducts[0].customFields"),
        (setting(**{"\ud83d__c": 1}), "data.order.orderProducts[0]"),
        (lambda data: data.pop("order"), "data.order: is missing"),
        (lambda data: data["customer"].pop("name"), "data.customer.name: is missing"),
    ],
)  # fmt: skip
def test_what_an_activation_cannot_mean_is_refused_with_its_place(change: Change, said: str) -> None:
    assert said in refusal(change)
    refusal(change).encode()


def test_without_the_envelope_the_place_begins_at_the_order() -> None:
    document = example()["data"]
    document["order"]["orderProducts"][2]["totalPrice"] = "x"
    with pytest.raises(InvalidActivation, match=r"^order\.orderProducts\[2\]\.totalPrice: 'x' is not a number$"):
        read(document)


def test_more_faults_than_one_are_counted() -> None:
    assert "(and 1 more)" in refusal(setting(totalPrice="x", quantity="y"))


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (None, "not a JSON object"),
        ([], "not a JSON object"),
        ({}, "data: is missing"),
        ({"status": "ERROR", "data": {}}, "status: 'ERROR'"),
        ({"status": "SUCCESS", "data": []}, "data: is missing"),
    ],
)
def test_what_is_no_activation_says_so(document: object, said: str) -> None:
    with pytest.raises(InvalidActivation, match=said):
        read(document)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[NaN]", "[-Infinity]", "[1e99999999999999999999]", "[" * 100_000, b"\xff", "9" * 5000],
    ids=["nothing", "half", "NaN", "infinity", "exponent", "deep", "bytes", "long"],
)
def test_what_is_no_json_says_so(text: str | bytes) -> None:
    with pytest.raises(InvalidActivation, match="not readable as JSON"):
        parse_json(text)


TEXT = st.text(st.characters() | st.just("\ud83d"), max_size=5)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)
PATHS = [
    *(("order", key) for key in example()["data"]["order"]),
    *(("order", "orderProducts", 0, key) for key in example()["data"]["order"]["orderProducts"][0]),
    *(("subscriptions", 0, key) for key in example()["data"]["subscriptions"][0]),
    *(("customer", key) for key in example()["data"]["customer"]),
    *(("products", 0, key) for key in example()["data"]["products"][0]),
    *((key,) for key in example()["data"]),
]


@settings(deadline=None)
@given(st.sampled_from(PATHS), JSON)
def test_any_value_at_any_place_is_refused_or_can_be_written_to_the_log(path: tuple[Any, ...], value: Any) -> None:
    document = json.loads(SEVEN[NEW], parse_float=Decimal)
    *parents, last = path
    place = document["data"]
    for step in parents:
        place = place[step]
    place[last] = value
    try:
        event = read(document)
    except InvalidActivation:
        return
    assert Decoder().decode(Encoder().encode("orders", event)) == event
