"""What the lines of an order make of each day of a subscription: its quantity, and its worth per month."""

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from projections.state import CustomerState
from schemas.order import ChangeType, LineSemantics
from tests.projections.given import (
    cancelled,
    changing,
    discarded,
    fewer,
    given,
    more,
    order,
    outcome,
    plain,
    released,
    renewed,
    repriced,
    seats,
)

OPENED = order("O1", seats("S1", 100, "120000.00", unit_price=Decimal(100)))
DEARER = order("O2", repriced("S1", 100, "6000.00", start_on=date(2025, 10, 1), unit_price=Decimal(20)))
RUNS_ON = order("O1", seats("S1", 10, "300.00", end_on=None, billing_period="Quarterly"))


def on(start: str, end: str | None) -> dict[str, date | None]:
    """The dates of a line, as month and day of 2025 or as a whole date."""
    first, last = (each and date.fromisoformat(each if len(each) > 5 else f"2025-{each}") for each in (start, end))
    return {"start_on": first, "end_on": last}


def days(state: CustomerState) -> list[str]:
    """The schedule of S1: from and to, quantity at so much a month."""
    return [
        f"{each.start_on:%y-%m-%d}..{format(each.end_on, '%y-%m-%d') if each.end_on else ''} "
        f"{plain(each.quantity)} at {plain(each.monthly)}"
        for each in state.subscription("S1").schedule
    ]


FIRST_HALF = "25-01-01..25-06-30 100 at 10000"
LAST_QUARTER = "25-10-01..25-12-31 100 at 10000"
DEARER_SUMMER = "25-07-01..25-09-30 100 at 11000"
EIGHTY = "25-07-01..25-12-31 80 at 8000"
YEAR = "25-01-01..25-12-31 100 at 10000"


@pytest.mark.parametrize(
    ("line", "after"),
    [
        (
            more("S1", 10, "3000.00", **on("07-01", "09-30")),
            [FIRST_HALF, "25-07-01..25-09-30 110 at 11000", LAST_QUARTER],
        ),
        (more("S1", 10, "6000.00", **on("07-01", None)), [FIRST_HALF, "25-07-01..25-12-31 110 at 11000"]),
        (fewer("S1", 99, "59400.00", **on("07-01", "12-31")), [FIRST_HALF, "25-07-01..25-12-31 1 at 100"]),
        (fewer("S1", 100, "30000.00", **on("07-01", "09-30")), [FIRST_HALF, LAST_QUARTER]),
        (fewer("S1", 100, "20000.00", **on("07-01", "09-30")), [FIRST_HALF, LAST_QUARTER]),
        (cancelled("S1", 100, "20000.00", **on("07-01", "09-30")), [FIRST_HALF]),
        (cancelled("S1", 40, "24000.00", **on("07-01", "12-31")), [FIRST_HALF, "25-07-01..25-12-31 60 at 6000"]),
        (changing("S1", ChangeType.CANCEL, 0, 0, **on("07-01", "09-30")), [FIRST_HALF]),
        (repriced("S1", 100, "3000.00", **on("07-01", "09-30")), [FIRST_HALF, DEARER_SUMMER, LAST_QUARTER]),
        (renewed("S1", 80, "48000.00", **on("07-01", "12-31")), [FIRST_HALF, EIGHTY]),
        (changing("S1", ChangeType.CONVERT_FREE_TRIAL, 80, "48000.00", **on("07-01", "12-31")), [FIRST_HALF, EIGHTY]),
        (changing("S1", ChangeType.UPDATE_TERM, 100, "-30000.00", **on("07-01", "09-30")), [FIRST_HALF, LAST_QUARTER]),
        (
            changing("S1", ChangeType.UPDATE_TERM, 100, "3000.00", **on("07-01", "09-30")),
            [FIRST_HALF, DEARER_SUMMER, LAST_QUARTER],
        ),
        (
            changing("S1", ChangeType.UPDATE_TERM, 100, 0, **on("2026-01-01", "2026-03-31")),
            [YEAR, "26-01-01..26-03-31 100 at 0"],
        ),
        (
            changing("S1", ChangeType.CO_TERM, 100, "30000.00", **on("2026-01-01", "2026-03-31")),
            ["25-01-01..26-03-31 100 at 10000"],
        ),
    ],
    ids=lambda each: each.change_type.value.lower() if hasattr(each, "change_type") else "",
)
def test_a_change_is_so_on_its_own_dates(line, after):
    assert days(given(OPENED, order("O2", line)).state) == after


def test_a_change_without_a_start_is_so_from_the_orders_effective_day_on():
    line = more("S1", 10, "10000.00", **on("03-01", "12-31"))
    undated = more("S1", 10, "10000.00", start_on=None)
    expected = ["25-01-01..25-02-28 100 at 10000", "25-03-01..25-12-31 110 at 11000"]
    assert days(given(OPENED, order("O2", line)).state) == expected
    assert days(given(OPENED, order("O2", undated)).state) == expected


def test_a_change_that_nobody_knows_changes_no_day():
    history = given(OPENED)
    history.when(order("O2", changing("S1", ChangeType.UNKNOWN, 10, "6000.00", **on("07-01", "12-31"))))
    history.when(discarded("O2"))
    assert days(history.state) == [YEAR]


def test_of_a_swap_one_line_takes_away_what_the_other_adds():
    dates = on("07-01", "12-31")
    gone = changing("S1", ChangeType.SWAP, 100, "-60000.00", **dates)
    come = changing("S1", ChangeType.SWAP, 80, "72000.00", product_id="other", **dates)
    assert days(given(OPENED, order("O2", gone, come)).state) == [FIRST_HALF, "25-07-01..25-12-31 80 at 12000"]


def test_a_second_segment_without_an_end_runs_on():
    first = seats("S1", 10, "1200.00")
    rest = seats("S1", 20, "200.00", **on("2026-01-01", None))
    assert days(given(order("O1", first, rest)).state) == ["25-01-01..25-12-31 10 at 100", "26-01-01.. 20 at 200"]


def test_a_fee_without_a_quantity_is_added_to_another():
    fee = order("O1", seats("S1", 0, "1200.00"))
    assert days(given(fee, order("O2", more("S1", 0, "600.00", **on("07-01", "12-31")))).state) == [
        "25-01-01..25-06-30 0 at 100",
        "25-07-01..25-12-31 0 at 200",
    ]


def test_an_amount_for_days_that_never_end_is_that_of_a_billing_period():
    assert days(given(RUNS_ON).state) == ["25-01-01.. 10 at 100"]
    priced = order(
        "O1", seats("S1", 3, "300.00", unit_price=Decimal("33.333333"), end_on=None, billing_period="Quarterly")
    )
    assert days(given(priced).state) == ["25-01-01.. 3 at 99.999999"]
    longer = changing("S1", ChangeType.UPDATE_TERM, 10, "60.00", **on("07-01", None), billing_period="Quarterly")
    assert days(given(RUNS_ON, order("O2", longer)).state) == ["25-01-01..25-06-30 10 at 100", "25-07-01.. 10 at 120"]


@pytest.mark.parametrize(
    ("line", "monthly"),
    [
        (seats("S1", 3, "1200.00", unit_price=Decimal("33.333333")), "99.999999"),  # 1199.999988 in a year
        (seats("S1", 3, "50.00", unit_price=Decimal("33.333333"), **on("01-01", "01-15")), "99.999999"),
        (seats("S1", 3, "50.00", **on("01-01", "01-15")), "100"),
        (seats("S1", 1, "10.00", unit_price=Decimal("10.01"), **on("01-01", "01-31")), "10.01"),
        (seats("S1", 1, "10.00", unit_price=Decimal("10.02"), **on("01-01", "01-31")), "10"),
        (seats("S1", 1, "10.00", unit_price=Decimal("9.99"), **on("01-01", "01-31")), "9.99"),
        (seats("S1", 1, "10.00", unit_price=Decimal("9.98"), **on("01-01", "01-31")), "10"),
    ],
)
def test_a_months_worth_is_price_times_quantity_where_that_makes_the_amount_to_the_cent(line, monthly):
    assert [plain(each.monthly) for each in given(order("O1", line)).state.subscription("S1").schedule] == [monthly]


def test_of_a_credit_the_price_may_have_either_sign():
    for price in (Decimal("33.333333"), Decimal("-33.333333")):
        less = repriced("S1", 3, "-600.00", unit_price=price, **on("07-01", "12-31"))
        assert days(given(OPENED, order("O2", less)).state)[-1] == "25-07-01..25-12-31 100 at 9900.000001"


@pytest.mark.parametrize(
    ("line", "after"),
    [
        (
            more("S1", 10, "4200.00", **on("08-01", "11-30")),  # two months at 100 and two at 120 make 4400
            ["100 at 10000", "110 at 11050", "110 at 13050", "100 at 12000"],
        ),
        (
            more("S1", 10, "4400.00", **on("08-01", "11-30")),
            ["100 at 10000", "110 at 11000", "110 at 13200", "100 at 12000"],
        ),
        (
            more("S1", 10, "4400.00", unit_price=Decimal(110), **on("08-01", "11-30")),
            ["100 at 10000", "110 at 11100", "110 at 13100", "100 at 12000"],
        ),
        (
            more("S1", 10, "3700.00", **on("08-16", "11-15")),  # a month and a half at each
            ["100 at 10000", "110 at 11233.3333333333", "110 at 13233.3333333333", "100 at 12000"],
        ),
        (
            more("S1", 10, "3300.00", **on("08-16", "11-15")),
            ["100 at 10000", "110 at 11000", "110 at 13200", "100 at 12000"],
        ),
    ],
)
def test_units_without_a_price_cost_what_each_days_units_cost_where_that_makes_the_amount(line, after):
    state = given(OPENED, DEARER, order("O3", line)).state
    assert [each.split(" ", 1)[1] for each in days(state)] == after


@pytest.mark.parametrize(
    ("line", "after"),
    [
        (
            changing("S1", ChangeType.UPDATE_QUANTITY, 110, 110_000, unit_price=Decimal(100), start_on=None),
            ["25-01-01..25-02-28 100 at 10000", "25-03-01..25-12-31 110 at 11000"],
        ),
        (
            changing("S1", ChangeType.UPDATE_QUANTITY, 110, 66_000, **on("07-01", "12-31")),
            [FIRST_HALF, "25-07-01..25-12-31 110 at 11000"],
        ),
        (
            changing("S1", ChangeType.UPDATE_QUANTITY, 110, 33_000, **on("07-01", None), billing_period="Quarterly"),
            [FIRST_HALF, "25-07-01.. 110 at 11000"],
        ),
    ],
    ids=["without a start", "without a price", "without an end"],
)
def test_what_a_line_states_stands_from_its_start_or_the_orders_effective_day_on(line, after):
    told = {"line_semantics": LineSemantics.SNAPSHOT}
    opened = order("O1", *OPENED.order.lines, **told)
    assert days(given(opened, order("O2", line, **told)).state) == after


def test_a_late_version_that_somebody_lets_through_leaves_term_and_status_as_the_later_one_has_them():
    third = more("S1", 1, "1200.00", subscription_version=3, **on("01-01", "12-31"))
    history = given(order("O1", *(replace(each, subscription_version=1) for each in OPENED.order.lines)))
    history.when(order("O3", third))
    history.when(released("O3", "version_gap"))
    stated = {"subscription_end_on": date(2025, 6, 30), "status_after": "Cancelled", "quantity_after": Decimal(7)}
    history.when(order("O2", more("S1", 1, "600.00", subscription_version=2, **stated, **on("07-01", "12-31"))))
    before = history.state.subscription("S1")
    assert outcome(history.when(released("O2", "stale_version"))) == "POSTED"
    after = history.state.subscription("S1")
    assert (after.version, after.quantity, after.status, after.end_on) == (3, 101, "Active", before.end_on)
    assert days(history.state) == ["25-01-01..25-06-30 101 at 10100", "25-07-01..25-12-31 102 at 10200"]
