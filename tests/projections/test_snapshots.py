"""Lines that state the subscription after the change: what they are compared with, and what is posted."""

from datetime import date
from decimal import Decimal

import pytest

from schemas.order import ChangeType, LineSemantics, TermDimension
from schemas.policy import LineRate, Policy, TermBasis
from tests.projections.given import (
    changes,
    changing,
    decided,
    discarded,
    fewer,
    given,
    line,
    more,
    names,
    once,
    order,
    outcome,
    papers,
    reasons,
    released,
    renewed,
    seats,
)

JAN, JUL, DEC = date(2025, 1, 1), date(2025, 7, 1), date(2025, 12, 31)


def now(kind, quantity, price, start=JUL, end=DEC, months=6, **fields):
    """What subscription S1 is from ``start`` on: units at a price per month."""
    worth = Decimal(quantity) * Decimal(price) * months
    dates = {"start_on": start, "end_on": end, "unit_price": Decimal(price)}
    return changing("S1", kind, quantity, worth, **{**dates, **fields})


def snapshot(order_id, *lines, **fields):
    """An order whose lines state the subscriptions after the change."""
    return order(order_id, *lines, line_semantics=LineSemantics.SNAPSHOT, **fields)


OPENED = snapshot("O1", seats("S1", 100, "120000", unit_price=Decimal(100)))


def test_a_new_subscription_is_worth_what_it_says():
    assert papers(given().when(OPENED)) == [("SO", "root-S1", "120000.00", [("100", "120000.00")])]


@pytest.mark.parametrize(
    ("quantity", "price", "kind", "paper"),
    [
        (110, 100, ChangeType.UPDATE_QUANTITY, ("SO", "6000.00", "10")),
        (50, 100, ChangeType.UPDATE_QUANTITY, ("RA", "30000.00", "50")),
        (100, 120, ChangeType.ADJUST_PRICE, ("SO", "12000.00", "100")),
        (100, 90, ChangeType.ADJUST_PRICE, ("RA", "6000.00", "100")),
        (0, 100, ChangeType.CANCEL, ("RA", "60000.00", "100")),
    ],
)
def test_a_change_posts_the_difference_on_its_dates(quantity, price, kind, paper):
    step = given(OPENED).when(snapshot("O2", now(kind, quantity, price)))
    ((document, _, total, ((size, amount),)),) = papers(step)
    assert (document, total, size, amount) == (paper[0], paper[1], paper[2], paper[1])
    assert decided(step).order_total == decided(step).posted_total
    assert decided(step).order_total == Decimal(paper[1]) * (1 if document == "SO" else -1)


def test_a_line_that_says_what_is_so_already_posts_nothing():
    step = given(OPENED).when(snapshot("O2", now(ChangeType.RECONFIGURE, 100, 100)))
    assert (outcome(step), papers(step)) == ("NO_OP", [])


def test_a_line_that_covers_several_earlier_segments_replaces_them_all():
    renewal = now(ChangeType.RENEW, 100, 110, start=date(2026, 1, 1), end=date(2026, 12, 31), months=12)
    history = given(OPENED, snapshot("O2", renewal))
    both = now(ChangeType.UPDATE_QUANTITY, 120, 115, end=date(2026, 12, 31), months=18)
    step = history.when(snapshot("O3", both))
    before = 100 * 100 * 6 + 100 * 110 * 12
    assert papers(step) == [("SO", "root-S1", f"{120 * 115 * 18 - before}.00", [("20", f"{248400 - before}.00")])]
    (change,) = changes(step)
    assert [(each.start_on, each.quantity, each.mrr) for each in change.schedule_after] == [
        (JAN, 100, 10000),
        (JUL, 120, 13800),
    ]


def test_a_quantity_of_zero_ends_the_subscription_from_its_start_on_whatever_the_lines_own_end_is():
    history = given(OPENED)
    step = history.when(snapshot("O2", now(ChangeType.CANCEL, 0, 100, end=date(2025, 9, 30), months=3)))
    assert papers(step) == [("RA", "root-S1", "60000.00", [("100", "60000.00")])]
    assert changes(step)[0].schedule_after[-1].end_on == date(2025, 6, 30)


@pytest.mark.parametrize("basis", TermBasis)
def test_an_evergreen_subscription_is_compared_by_its_billing_period(basis):
    quarterly = {"end": None, "billing_period": "Quarterly"}
    opened = seats("S1", 10, "300", unit_price=Decimal(10), end_on=None, billing_period="Quarterly")
    history = given(snapshot("O1", opened), policy=Policy(term_basis=basis))
    step = history.when(snapshot("O2", now(ChangeType.UPDATE_QUANTITY, 12, 10, months=3, **quarterly)))
    assert papers(step) == [("SO", "root-S1", "60.00", [("2", "60.00")])]


def test_an_evergreen_subscription_after_a_bounded_one_is_compared_with_the_days_that_there_were():
    step = given(OPENED).when(snapshot("O2", now(ChangeType.UPDATE_QUANTITY, 110, 100, end=None, months=1)))
    assert papers(step) == [("SO", "root-S1", "1000.00", [("10", "1000.00")])]
    last_days = now(ChangeType.UPDATE_QUANTITY, 110, 100, start=date(2025, 12, 16), end=None, months=1)
    assert papers(given(OPENED).when(snapshot("O2", last_days)))[0][2] == "6000.00"  # half a month was left


@pytest.mark.parametrize(
    ("basis", "was_worth"),
    [
        (TermBasis.US_30_360, "55000.00"),
        (TermBasis.EU_30_360, "55000.00"),
        (TermBasis.WHOLE_MONTHS, "60000.00"),
        (TermBasis.ACTUAL_360, "56333.33"),
        (TermBasis.ACTUAL_365, "55561.64"),
        (TermBasis.ACTUAL_ACTUAL, "55561.64"),
    ],
)
def test_what_a_part_of_a_term_was_worth_is_counted_by_the_tenants_basis(basis, was_worth):
    history = given(OPENED, policy=Policy(term_basis=basis))
    start = date(2025, 7, 16)
    stop = changing("S1", ChangeType.CANCEL, 0, 0, start_on=start, end_on=DEC, unit_price=Decimal(100))
    ((_, _, total, _),) = papers(history.when(snapshot("O2", stop)))
    assert total == was_worth


def test_a_history_may_begin_in_changes_and_go_on_in_snapshots():
    opened = order("O1", seats("S1", 100, "120000.00", unit_price=Decimal(100)))
    dates = {"start_on": JUL, "end_on": DEC}
    history = given(
        opened, order("O2", fewer("S1", 40, "24000.00", **dates)), order("O3", more("S1", 5, "3000", **dates))
    )
    step = history.when(snapshot("O4", now(ChangeType.UPDATE_QUANTITY, 80, 100, start=date(2025, 10, 1), months=3)))
    assert papers(step) == [("SO", "root-S1", "4500.00", [("15", "4500.00")])]


def test_the_rate_per_period_is_the_price_or_where_only_that_changed_its_difference():
    history = given(OPENED, policy=Policy(line_rate=LineRate.PER_PERIOD))
    (sold,) = history.when(snapshot("O2", now(ChangeType.ADJUST_PRICE, 100, 120))).documents
    assert sold.lines[0].rate == 20
    (sold,) = history.when(snapshot("O3", now(ChangeType.UPDATE_QUANTITY, 101, 120))).documents
    assert sold.lines[0].rate == 120
    (sold,) = history.when(snapshot("O4", now(ChangeType.UPDATE_QUANTITY, 110, 130))).documents
    assert sold.lines[0].rate == 130


def test_new_products_and_one_time_lines_are_what_they_say():
    event = snapshot("O2", once("7.00"), now(ChangeType.UPDATE_QUANTITY, 110, 100), seats("S2", 5, "50"))
    assert papers(given(OPENED).when(event)) == [
        ("SO", "root-S1", "6057.00", [("1", "7.00"), ("10", "6000.00"), ("5", "50.00")])
    ]


def test_totals_are_checked_as_they_are_told():
    history = given(OPENED)
    event = snapshot("O2", now(ChangeType.UPDATE_QUANTITY, 110, 100), total_amount=Decimal("66000.02"))
    assert reasons(history.when(event)) == ["totals_do_not_tie"]
    assert "66000" in history.steps[-1].quarantined[0].reasons[0].detail
    assert papers(history.when(released("O2", "totals_do_not_tie")))[0][2] == "6000.00"
    two = (now(ChangeType.UPDATE_QUANTITY, 110, 100), seats("S2", 5, "50"))
    assert reasons(given(OPENED).when(snapshot("O2", *two, total_amount=Decimal("66050.03")))) == ["totals_do_not_tie"]
    assert not reasons(given(OPENED).when(snapshot("O2", *two, total_amount=Decimal("66050.02"))))
    no_quantity = (now(ChangeType.UPDATE_QUANTITY, 110, 100), line("9.00", 0))
    assert not reasons(given(OPENED).when(snapshot("O2", *no_quantity, total_amount=Decimal("66009.02"))))


def test_a_difference_is_rounded_once():
    price = Decimal("0.333333")
    opened = snapshot("O1", seats("S1", 10, price * 10 * 12, unit_price=price))
    step = given(opened).when(snapshot("O2", now(ChangeType.UPDATE_QUANTITY, 11, price)))
    assert papers(step)[0][2] == "2.00"


def test_a_snapshot_waits_for_its_versions_like_any_order():
    first = snapshot("O1", seats("S1", 100, "120000", unit_price=Decimal(100), subscription_version=1))
    third = snapshot("O3", now(ChangeType.UPDATE_QUANTITY, 90, 100, subscription_version=3))
    history = given(first)
    assert outcome(history.when(third)) == "HELD"
    second = snapshot("O2", now(ChangeType.UPDATE_QUANTITY, 110, 100, subscription_version=2))
    assert names(history.when(second)) == ["NUE-SO-O2", "NUE-RA-O3"]
    assert papers(history.steps[-1])[1][2] == "12000.00"


def test_two_lines_of_one_subscription_are_compared_one_after_the_other():
    dip = now(ChangeType.UPDATE_QUANTITY, 50, 100, end=date(2025, 9, 30), months=3)
    back = now(ChangeType.UPDATE_QUANTITY, 120, 100, start=date(2025, 10, 1), months=3)
    step = given(OPENED).when(snapshot("O2", dip, back))
    assert papers(step) == [("RA", "root-S1", "9000.00", [("50", "15000.00"), ("-20", "-6000.00")])]


def test_a_renewal_is_worth_its_whole_term():
    renewal = renewed("S1", 50, "63000", start_on=date(2026, 1, 1), end_on=date(2026, 12, 31), unit_price=Decimal(105))
    assert papers(given(OPENED).when(snapshot("O2", renewal))) == [("SO", "root-S1", "63000.00", [("50", "63000.00")])]


def test_a_price_that_is_not_told_is_what_its_dates_are_worth():
    opened = snapshot("O1", seats("S1", 10, "1200", term=Decimal(12), term_dimension=TermDimension.MONTH))
    step = given(opened).when(snapshot("O2", now(ChangeType.UPDATE_QUANTITY, 5, 10)))
    assert papers(step) == [("RA", "root-S1", "300.00", [("5", "300.00")])]
    assert line(1).unit_price is None


def of_version(number, quantity):
    return snapshot(f"O{number}", now(ChangeType.UPDATE_QUANTITY, quantity, 100, subscription_version=number))


@pytest.mark.parametrize("act", [released("O2", "stale_version"), discarded("O2")], ids=["released", "discarded"])
def test_a_version_that_comes_after_a_later_one_takes_nothing_of_that_back(act):
    history = given(OPENED)
    history.when(of_version(3, 120))
    assert papers(history.when(released("O3", "version_gap"))) == [("SO", "root-S1", "12000.00", [("20", "12000.00")])]
    before = history.state.subscription("S1")
    assert reasons(history.when(of_version(2, 110))) == ["stale_version"]
    step = history.when(act)
    assert (papers(step), changes(step)[0].delta_tcv) == ([], 0)
    after = history.state.subscription("S1")
    assert (after.schedule, after.posted, after.quantity) == (before.schedule, before.posted, before.quantity)
    assert papers(history.when(of_version(4, 115))) == [("RA", "root-S1", "3000.00", [("5", "3000.00")])]


def test_a_late_version_lets_the_other_lines_of_its_order_through():
    history = given(OPENED)
    history.when(of_version(3, 120))
    history.when(released("O3", "version_gap"))
    for number, version in (("O4", 2), ("O5", 3)):
        late = now(ChangeType.UPDATE_QUANTITY, 110, 100, subscription_version=version)
        history.when(snapshot(number, late, seats(f"S-{number}", 5, "50")))
        assert papers(history.when(released(number, "stale_version"))) == [("SO", "root-S1", "50.00", [("5", "50.00")])]


@pytest.mark.parametrize("end", [DEC, None], ids=["bounded", "evergreen"])
def test_a_subscription_that_is_cancelled_to_nothing_is_dead(end):
    opened = snapshot("O1", seats("S1", 10, "1200", unit_price=Decimal(10), end_on=end, term=Decimal(12)))
    history = given(opened, snapshot("O2", now(ChangeType.CANCEL, 0, 10, end=end)))
    assert history.state.subscription("S1").is_dead
    assert reasons(history.when(snapshot("O3", now(ChangeType.UPDATE_QUANTITY, 5, 10, end=end)))) == [
        "dead_subscription"
    ]
