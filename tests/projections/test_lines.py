"""What stands on a document's lines and in its header: signs, rates, dates, and the sum to the cent."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from schemas.order import ChangeType, LineType
from schemas.policy import DocumentDate, LineRate, Policy
from tests.projections.given import (
    ASK,
    SPLIT,
    cancelled,
    changing,
    decided,
    fewer,
    given,
    line,
    more,
    order,
    papers,
    plain,
    reasons,
    renewed,
    repriced,
    seats,
    segment,
)

OPENED = order("O1", seats("S1", 100, "1200.00"), seats("S2", 10, "600.00"))


def rows(step):
    return [row for document in step.documents for row in document.lines]


def test_summary_and_split_lines_are_not_posted_and_ramp_lines_are():
    event = order(
        "O1",
        line("110.00", 20, line_id="sum", line_type=LineType.SUMMARY_ITEM),
        segment("sum", 20, 0, subscription_number="S1", start_on=date(2025, 1, 1), end_on=date(2025, 1, 31)),
        segment("sum", 20, "110.00", start_on=date(2025, 2, 1), end_on=date(2025, 12, 31)),
        line("7.00", 1, line_type=LineType.SPLIT_ITEM),
    )
    assert [(str(row.amount), row.start_on, row.end_on) for row in rows(given().when(event))] == [
        ("0.00", date(2025, 1, 1), date(2025, 1, 31)),
        ("110.00", date(2025, 2, 1), date(2025, 12, 31)),
    ]


def test_the_segments_of_a_ramp_repeat_one_quantity():
    history = given(
        order("O1", segment("sum", 20, 0, subscription_number="S1"), segment("sum", 20, "110.00")),
    )
    assert history.state.subscription("S1").quantity == 20
    assert history.state.subscription("S1").posted == Decimal("110.00")
    ramp = (segment("sum", 20, 0, subscription_number="S1"), segment("sum", 20, "110.00"))
    assert given(order("O1", *ramp, seats("S1", 5, "20.00"))).state.subscription("S1").quantity == 25


def test_a_ramp_belongs_to_the_subscription_that_its_summary_line_names():
    summary = line("110.00", 20, line_id="sum", line_type=LineType.SUMMARY_ITEM, subscription_number="S1")
    history = given(order("O1", summary, segment("sum", 20, 0), segment("sum", 20, "110.00")))
    assert history.state.subscription("S1").posted == Decimal("110.00")


def test_two_ramps_under_one_summary_line_are_told_apart_by_their_product():
    event = order(
        "O1",
        line("40.00", 20, line_id="sum", line_type=LineType.SUMMARY_ITEM),
        segment("sum", 20, "10.00", subscription_number="S1"),
        segment("sum", 5, "1.00", subscription_number="S2", product_id="support"),
        segment("sum", 20, "20.00"),
        segment("sum", 5, "2.00", product_id="support"),
    )
    state = given(event).state
    assert [str(state.subscription(number).posted) for number in ("S1", "S2")] == ["30.00", "3.00"]


def test_a_segment_whose_product_no_other_has_belongs_to_the_first_sibling_that_names_a_subscription():
    event = order(
        "O1",
        line("40.00", 20, line_id="sum", line_type=LineType.SUMMARY_ITEM),
        segment("sum", 20, "10.00", subscription_number="S1"),
        segment("sum", 5, "1.00", subscription_number="S2", product_id="support"),
        segment("sum", 20, "20.00", product_id="better"),
    )
    state = given(event).state
    assert [str(state.subscription(number).posted) for number in ("S1", "S2")] == ["30.00", "1.00"]


def test_a_line_item_under_a_summary_line_is_no_part_of_its_ramp():
    summary = line("10.00", 20, line_id="sum", line_type=LineType.SUMMARY_ITEM, subscription_number="S1")
    event = order("O1", summary, segment("sum", 20, "10.00"), line("5.00", parent_line_id="sum"))
    assert given(event).state.subscription("S1").posted == Decimal("10.00")


def test_a_line_with_neither_amount_nor_quantity_is_not_posted():
    step = given().when(order("O1", seats("S1", 1, "5.00"), line(0, 0)))
    assert papers(step) == [("SO", "root-S1", "5.00", [("1", "5.00")])]


def test_an_amount_without_a_quantity_takes_the_subscriptions_quantity_after_the_change():
    step = given(OPENED).when(order("O2", repriced("S1", 0, "-120.00")))
    assert papers(step) == [("RA", "root-S1", "120.00", [("100", "120.00")])]


def test_an_amount_without_a_quantity_or_subscription_has_quantity_one():
    assert papers(given().when(order("O1", line("9.00", 0)))) == [("SO", "O1", "9.00", [("1", "9.00")])]


def test_a_price_cut_returns_the_affected_quantity():
    step = given(OPENED).when(order("O2", repriced("S1", 100, "-120.00", unit_price=Decimal("-0.10"))))
    (row,) = rows(step)
    assert (plain(row.quantity), str(row.rate), str(row.amount)) == ("100", "1.20000000", "120.00")


@pytest.mark.parametrize("policy", [Policy(), SPLIT, ASK, Policy(line_rate=LineRate.PER_PERIOD)])
@pytest.mark.parametrize(
    "event",
    [
        order("O2", fewer("S1", 50, "300.00", unit_price=Decimal(-1)), more("S2", 2, "100.00")),
        order("O2", renewed("S2", 10, "600.00"), cancelled("S1", 100, "700.00")),
        order("O2", repriced("S1", 100, "-5.00", unit_price=Decimal("-0.05")), line("0.01", 0)),
        order("O2", changing("S1", ChangeType.UPDATE_TERM, 100, "-90.00")),
    ],
)
def test_a_rate_is_never_negative_and_a_quantity_has_the_sign_of_its_amount(event, policy):
    for row in rows(given(OPENED).when(event, policy)):
        assert row.rate >= 0
        assert row.quantity != 0
        assert (row.quantity < 0) == (row.amount < 0)


def test_the_rate_is_the_price_of_the_whole_term_to_eight_decimals():
    (row,) = rows(given().when(order("O1", seats("S1", 3, "100.00", unit_price=Decimal("2.77")))))
    assert str(row.rate) == "33.33333333"


def test_a_rate_half_way_goes_to_the_even_neighbour():
    rates = [
        f"{rows(given().when(order('O1', seats('S1', 4_000_000, amount))))[0].rate:f}" for amount in ("0.02", "0.06")
    ]
    assert rates == ["0.00000000", "0.00000002"]


def test_the_rate_can_be_nues_price_per_period():
    policy = Policy(line_rate=LineRate.PER_PERIOD)
    step = given(OPENED).when(order("O2", fewer("S1", 50, "300.00", unit_price=Decimal("-1.25"))), policy)
    assert [(str(row.rate), str(row.amount)) for row in rows(step)] == [("1.25000000", "300.00")]


def test_without_a_price_per_period_the_rate_is_that_of_the_term():
    policy = Policy(line_rate=LineRate.PER_PERIOD)
    (row,) = rows(given().when(order("O1", seats("S1", 4, "100.00")), policy))
    assert str(row.rate) == "25.00000000"


@pytest.mark.parametrize(
    ("currency", "amounts", "total", "posted"),
    [
        ("USD", ["33.333", "33.333", "33.334"], "100", ["33.33", "33.33", "33.34"]),
        ("USD", ["33.335", "33.335", "33.33"], "100", ["33.34", "33.34", "33.32"]),
        ("USD", ["0.005", "0.015"], "0.02", ["0.00", "0.02"]),
        ("JPY", ["100.4", "100.4", "100.2"], "301", ["100", "100", "101"]),
        ("KWD", ["1.0004", "1.0004"], "2.001", ["1.000", "1.001"]),
    ],
)
def test_rounding_puts_what_is_left_on_the_last_line(currency, amounts, total, posted):
    event = order("O1", *(line(each) for each in amounts), currency=currency, total_amount=Decimal(total))
    step = given().when(event)
    assert [str(row.amount) for row in rows(step)] == posted
    assert str(step.documents[0].total) == str(sum(Decimal(each) for each in posted))
    assert decided(step).posted_total == decided(step).order_total == Decimal(total)


def test_what_is_left_goes_on_a_line_with_money_not_on_a_free_one():
    event = order("O1", line("1.00"), line(0), total_amount=Decimal("1.01"))
    assert [str(row.amount) for row in rows(given().when(event))] == ["1.01", "0.00"]


def test_what_is_left_takes_no_line_down_to_zero():
    event = order("O1", line("5.00"), line("0.01"), total_amount=Decimal("5.00"))
    assert [str(row.amount) for row in rows(given().when(event))] == ["4.99", "0.01"]
    cents = order("O1", line("0.30"), line("0.40"), total_amount=Decimal("0.71"))
    assert [str(row.amount) for row in rows(given().when(cents))] == ["0.30", "0.41"]


def test_a_rounded_credit_ties_out_too():
    event = order("O2", fewer("S1", 1, "1.006"), fewer("S2", 1, "1.006"), total_amount=Decimal("-2.01"))
    step = given(OPENED).when(event)
    assert papers(step) == [("RA", "root-S1", "2.01", [("1", "1.01"), ("1", "1.00")])]


def test_one_minor_unit_per_posted_line_is_rounding_and_more_is_not():
    two = (line("1.00"), line("1.00"))
    assert not reasons(given().when(order("O1", *two, total_amount=Decimal("2.02"))))
    assert reasons(given().when(order("O1", *two, total_amount=Decimal("2.03")))) == ["totals_do_not_tie"]


def test_the_tolerance_is_a_policy():
    event = order("O1", line("1.00"), total_amount=Decimal("1.05"))
    strict, lax = Policy(tie_out_tolerance=Decimal(0)), Policy(tie_out_tolerance=Decimal(5))
    assert reasons(given().when(order("O1", line("1.00"), total_amount=Decimal("1.01")), strict)) == [
        "totals_do_not_tie"
    ]
    assert str(given().when(event, lax).documents[0].total) == "1.05"


def test_a_document_is_before_tax():
    event = order("O1", line("100.00", tax_amount=Decimal(8)), total_amount=Decimal(108), tax_amount=Decimal(8))
    step = given().when(event)
    assert (str(step.documents[0].total), str(decided(step).order_total)) == ("100.00", "100.00")


LATE = datetime(2025, 3, 31, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day"),
    [("UTC", 31), ("Asia/Tokyo", 1), ("America/Los_Angeles", 31), ("Europe/Berlin", 1), ("Pacific/Kiritimati", 1)],
)
def test_a_document_is_dated_the_day_of_activation_where_the_tenant_is(zone, day):
    step = given().when(order("O1", line(1), activated_at=LATE), Policy(tenant_time_zone=zone))
    assert step.documents[0].tran_on.day == day


def test_a_document_can_be_dated_the_effective_day():
    step = given().when(order("O1", line(1)), Policy(document_date=DocumentDate.EFFECTIVE))
    assert step.documents[0].tran_on == date(2025, 3, 1)


def test_without_an_activation_instant_the_day_is_that_of_the_order_then_the_effective_one():
    placed = order("O1", line(1), activated_at=None, placed_on=date(2025, 2, 20))
    unplaced = order("O1", line(1), activated_at=None)
    assert given().when(placed).documents[0].tran_on == date(2025, 2, 20)
    assert given().when(unplaced).documents[0].tran_on == date(2025, 3, 1)


def test_a_sales_order_carries_the_orders_dates_and_a_return_authorization_has_none():
    history = given()
    sold = history.when(OPENED).documents[0]
    assert (sold.start_on, sold.end_on) == (date(2025, 1, 1), date(2025, 12, 31))
    returned = history.when(order("O2", fewer("S1", 50, "300.00", start_on=date(2025, 7, 1)))).documents[0]
    assert not hasattr(returned, "start_on")
    assert (returned.lines[0].start_on, returned.lines[0].end_on) == (date(2025, 7, 1), date(2025, 12, 31))


def test_lines_stand_in_the_order_of_their_numbers():
    event = order("O1", line("2.00", line_number=20), line("1.00", line_number=10))
    assert [str(row.amount) for row in rows(given().when(event))] == ["1.00", "2.00"]
