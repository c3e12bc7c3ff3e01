"""Contracts whose documents were worked out by hand: seats at a price per month, over whole months."""

from datetime import date
from decimal import Decimal

from schemas.order import ChangeType
from tests.projections.given import (
    SPLIT,
    cancelled,
    changing,
    fewer,
    given,
    line,
    more,
    order,
    outcome,
    papers,
    renewed,
    seats,
    segment,
    totals,
)

YEAR = order("O1", seats("S1", 100, 100 * 100 * 12))
HALVED = order("O2", fewer("S1", 50, 50 * 100 * 6, start_on=date(2025, 7, 1)))


def test_100_seats_at_100_for_a_year():
    assert papers(given().when(YEAR)) == [("SO", "root-S1", "120000.00", [("100", "120000.00")])]


def test_from_100_seats_to_50_after_half_the_year():
    history = given(YEAR)
    step = history.when(HALVED)
    assert papers(step) == [("RA", "root-S1", "30000.00", [("50", "30000.00")])]
    (row,) = step.documents[0].lines
    assert (row.start_on, row.end_on, row.rate) == (date(2025, 7, 1), date(2025, 12, 31), Decimal(600))
    assert totals([*history.steps[0].documents, *step.documents]) == 90_000


def test_10_seats_more_for_the_last_quarter():
    assert papers(given(YEAR, HALVED).when(order("O3", more("S1", 10, 10 * 100 * 3)))) == [
        ("SO", "root-S1", "3000.00", [("10", "3000.00")])
    ]


def test_a_thousand_down_and_two_hundred_up():
    event = order("O2", fewer("S1", 10, 1000), line(200, 2, product_id="extra"))
    assert papers(given(YEAR).when(event)) == [("RA", "root-S1", "800.00", [("10", "1000.00"), ("-2", "-200.00")])]
    assert papers(given(YEAR).when(event, SPLIT)) == [
        ("RA", "root-S1", "1000.00", [("10", "1000.00")]),
        ("SO", "root-S1", "200.00", [("2", "200.00")]),
    ]


def test_50_seats_renewed_at_105_are_new_business_though_the_year_shrank():
    assert papers(given(YEAR, HALVED).when(order("O3", renewed("S1", 50, 50 * 105 * 12)))) == [
        ("SO", "root-S1", "63000.00", [("50", "63000.00")])
    ]


def test_a_cancellation_at_the_end_of_the_term_has_nothing_to_post():
    step = given(YEAR).when(order("O2", changing("S1", ChangeType.CANCEL, 0, 0, status_after="Active")))
    assert (outcome(step), step.documents) == ("NO_OP", ())


def test_ten_units_at_29_90_for_a_year():
    event = order("O1", seats("S1", 10, "3588.00", unit_price=Decimal("29.90")))
    (document,) = given().when(event).documents
    assert (document.total, document.lines[0].rate) == (Decimal("3588.00"), Decimal("358.80"))


def test_a_free_month_then_eleven_paid_ones():
    event = order(
        "O1",
        segment("sum", 20, 0, subscription_number="S1", end_on=date(2025, 1, 31)),
        segment("sum", 20, 20 * 50 * 11, start_on=date(2025, 2, 1)),
    )
    (document,) = given().when(event).documents
    assert [(str(row.amount), row.start_on.month, row.end_on.month) for row in document.lines] == [
        ("0.00", 1, 1),
        ("11000.00", 2, 12),
    ]


def test_a_cancelled_contract_has_returned_what_it_was_not_used_for():
    history = given(YEAR, HALVED, order("O3", cancelled("S1", 50, 50 * 100 * 3)))
    posted = [document for step in history.steps for document in step.documents]
    assert totals(posted) == history.state.contract("root-S1").posted == 120_000 - 30_000 - 15_000
