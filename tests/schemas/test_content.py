"""Two copies of one order have the same content hash exactly if they say the same."""

from collections.abc import Callable
from datetime import date, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import field
from msgspec.structs import fields, replace

from schemas.codec import Decoder, Encoder
from schemas.content import content_hash
from schemas.nue import parse_json, read_activation
from schemas.order import LineSemantics, Order, OrderEvent, OrderLine, Source, TermDimension
from tests.schemas.activations import NEW, PUBLISHED, SEVEN, changed, example, read, setting
from tests.schemas.golden_records import golden
from tests.schemas.shapes import records

ORDER = golden(OrderEvent).order
(LINE,) = ORDER.lines


def hashed(order: Order = ORDER) -> str:
    return content_hash(order, LineSemantics.DELTA)


def with_lines(*lines: OrderLine) -> Order:
    return replace(ORDER, lines=lines)


@pytest.mark.parametrize("text", ["100", "100.0", "100.000000", "1E+2", "0.1E3"])
def test_equal_numbers_hash_alike_however_they_are_written(text: str) -> None:
    assert hashed(replace(ORDER, total_amount=Decimal(text))) == hashed(replace(ORDER, total_amount=Decimal(100)))


def test_zero_has_no_sign() -> None:
    assert hashed(replace(ORDER, subtotal=Decimal("-0.00"))) == hashed(replace(ORDER, subtotal=Decimal(0)))


def test_an_instant_hashes_alike_in_every_zone() -> None:
    assert ORDER.activated_at is not None
    there = ORDER.activated_at.astimezone(timezone(timedelta(hours=9)))
    assert hashed(replace(ORDER, activated_at=there)) == hashed()


def test_the_order_in_which_lines_are_sent_does_not_count() -> None:
    second, third = replace(LINE, line_number=2, line_id="b"), replace(LINE, line_number=2, line_id="a")
    assert hashed(with_lines(LINE, second, third)) == hashed(with_lines(third, second, LINE))


def test_what_the_numbers_of_a_line_mean_counts() -> None:
    assert content_hash(ORDER, LineSemantics.SNAPSHOT) != content_hash(ORDER, LineSemantics.DELTA)


def test_a_null_and_a_zero_differ() -> None:
    assert hashed(replace(ORDER, tax_amount=None)) != hashed(replace(ORDER, tax_amount=Decimal(0)))


def other(value: Any) -> Any:
    """A value of the same kind that says something else."""
    changes: dict[type, Callable[[Any], Any]] = {
        str: lambda text: text + "x",
        bool: lambda flag: not flag,
        int: lambda number: number + 1,
        Decimal: lambda number: number + 1,
        dict: lambda _: {"Other__c": "x"},
        tuple: lambda lines: (*lines, lines[0]),
    }
    for kind, change in changes.items():
        if type(value) is kind:
            return change(value)
    if isinstance(value, date):
        return value + timedelta(days=1)
    return next(symbol for symbol in type(value) if symbol is not value)


@pytest.mark.parametrize("name", [each.name for each in fields(Order)])
def test_every_field_of_an_order_counts(name: str) -> None:
    assert hashed(replace(ORDER, **{name: other(getattr(ORDER, name))})) != hashed()


@pytest.mark.parametrize("name", [each.name for each in fields(OrderLine)])
def test_every_field_of_a_line_counts(name: str) -> None:
    assert hashed(with_lines(replace(LINE, **{name: other(getattr(LINE, name))}))) != hashed()


class LaterLine(OrderLine, frozen=True, kw_only=True):
    """A line as a later version may have it."""

    margin: Decimal | None = None
    tags: dict[str, str] = field(default_factory=dict)
    price_dimension: TermDimension = TermDimension.NONE


def test_a_field_that_a_later_version_adds_does_not_change_the_hash_of_an_older_order() -> None:
    later = LaterLine(**{each.name: getattr(LINE, each.name) for each in fields(OrderLine)})
    assert hashed(with_lines(later)) == hashed()
    assert hashed(with_lines(replace(later, margin=Decimal(0)))) != hashed()


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None, max_examples=30)
@given(records(OrderEvent), st.sampled_from(LineSemantics))
def test_an_order_hashes_alike_before_and_after_the_log(record: OrderEvent, semantics: LineSemantics) -> None:
    read = Decoder().decode(Encoder().encode("topic", record))
    assert isinstance(read, OrderEvent)
    assert content_hash(read.order, semantics) == content_hash(record.order, semantics)


def test_the_same_order_sent_again_has_the_same_content_hash() -> None:
    text = SEVEN[NEW].replace("127500.0", "127500.00")
    again = read_activation(
        parse_json(text), published_at=PUBLISHED, event_id="2", source=Source.REPLAY, tenant_id=None
    )
    assert again.content_hash == read(example()).content_hash


def test_neither_the_customer_nor_the_products_are_in_the_content_hash() -> None:
    def renamed(data: dict[str, Any]) -> None:
        data["customer"]["name"] = "Acme Ltd."
        data["products"][0]["name"] = "Platform"

    assert changed(renamed).content_hash == read(example()).content_hash


def test_what_a_line_says_is_in_the_content_hash() -> None:
    assert changed(setting(totalPrice=1)).content_hash != read(example()).content_hash
