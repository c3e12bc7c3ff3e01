"""Names and counts beyond their bounds are refused, since they would be repeated on everything that follows."""

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.bounds import LONGEST_NAME
from schemas.codec import Decoder, Encoder, Malformed
from schemas.nue import InvalidActivation, read_activation
from schemas.order import Order, OrderEvent, OrderLine, Source
from tests.generator import activations
from tests.schemas.golden_records import golden
from tests.schemas.test_malformed import AT


def refusal(event: OrderEvent) -> str:
    with pytest.raises(Malformed) as error:
        Decoder().decode(Encoder().encode("orders", event))
    return str(error.value)


def with_order(**changes: Any) -> OrderEvent:
    event = golden(OrderEvent)
    return replace(event, order=replace(event.order, **changes))


def with_line(**changes: Any) -> OrderEvent:
    event = golden(OrderEvent)
    return with_order(lines=(replace(event.order.lines[0], **changes), *event.order.lines[1:]))


REPEATED = {
    Order: ["order_id", "order_number", "status", "customer_id", "billing_account_id", "currency", "po_number"],
    OrderLine: ["line_id", "product_id", "asset_number", "subscription_number", "root_subscription_id", "status_after"],
}


@pytest.mark.parametrize("field", REPEATED[Order])
def test_a_long_name_of_an_order_is_refused_with_its_place(field: str) -> None:
    longest = with_order(**{field: "é" * LONGEST_NAME})
    assert Decoder().decode(Encoder().encode("orders", longest)) == longest
    assert f"length <= 255 - at `$.order.{field}`" in refusal(with_order(**{field: "é" * (LONGEST_NAME + 1)}))


@pytest.mark.parametrize("field", REPEATED[OrderLine])
def test_a_long_name_of_a_line_is_refused_with_its_place(field: str) -> None:
    assert f"at `$.order.lines[0].{field}`" in refusal(with_line(**{field: "x" * 256}))


@pytest.mark.parametrize("field", ["line_number", "subscription_version", "subscription_level"])
@pytest.mark.parametrize("count", [2**31, 2**63 - 1, -(2**63)])
def test_a_count_that_leaves_no_room_to_go_on_is_refused(field: str, count: int) -> None:
    assert f"at `$.order.lines[0].{field}`" in refusal(with_line(**{field: count}))


def test_a_text_that_is_written_once_may_be_long() -> None:
    event = with_order(memo="x" * 100_000)
    assert Decoder().decode(Encoder().encode("orders", event)) == event


def test_amounts_are_bounded_by_their_schema() -> None:
    assert Decoder().decode(Encoder().encode("orders", with_order(total_amount=Decimal("999999999999.999999"))))


@pytest.mark.parametrize("field", ["orderNumber", "status", "poNumber", "originalOrderId"])
def test_a_long_name_in_nues_json_is_refused_before_it_is_published(field: str) -> None:
    (document,) = activations(1, 1, 1)
    document["data"]["order"][field] = "x" * 256
    with pytest.raises(InvalidActivation) as error:
        read_activation(document, published_at=AT, event_id="e", source=Source.MANUAL)
    assert f"data.order.{field}: String should have at most 255 characters" in str(error.value)
