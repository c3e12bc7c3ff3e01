"""Orders that Nue cancels after they were posted, and what is left of them."""

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from schemas.order import ChangeType, EventType, LineSemantics
from schemas.policy import MixedOrders, OrderCancellations, Policy
from tests.projections.given import (
    LATER,
    cancelled,
    changes,
    decided,
    discarded,
    fewer,
    given,
    more,
    names,
    once,
    order,
    outcome,
    papers,
    reasons,
    released,
    renewed,
    repriced,
    seats,
)

POST = Policy(order_cancellations=OrderCancellations.POST)
OPENED = order("O1", seats("S1", 100, "1200.00", subscription_version=1, unit_price=Decimal(1)))


def canceled(event, **fields):
    """The same order, cancelled."""
    gone = replace(event.order, status="Canceled")
    return replace(event, event_id="event-C", event_type=EventType.ORDER_CANCELED, order=gone, **fields)


def test_an_increase_is_taken_back_and_the_subscription_is_what_it_was():
    increase = order("O2", more("S1", 10, "120.00", subscription_version=2))
    history = given(OPENED, increase, policy=POST)
    before = history.state.subscription("S1")
    assert papers(history.when(canceled(increase))) == [("RA", "root-S1", "120.00", [("10", "120.00")])]
    after = history.state.subscription("S1")
    assert (before.quantity, after.quantity, after.version, after.status) == (110, 100, 2, "Active")
    assert after.posted == Decimal("1200.00")
    assert decided(history.steps[-1]).order_total == decided(history.steps[-1]).posted_total == Decimal("-120.00")


REST = {"start_on": date(2025, 7, 1), "end_on": date(2025, 12, 31)}
PRICED = {"unit_price": Decimal("33.333333"), **REST}
ENDED = {"subscription_end_on": date(2025, 6, 30), "quantity_after": Decimal(0), "status_after": "Cancelled"}


@pytest.mark.parametrize(
    "line",
    [
        more("S1", 3, "600.00", quantity_after=Decimal(103), **PRICED),
        fewer("S1", 3, "600.00", quantity_after=Decimal(97), **PRICED),
        repriced("S1", 3, "600.00", **PRICED),
        repriced("S1", 3, "-600.00", **PRICED),
        cancelled("S1", 100, "60000.00", **ENDED, **REST),
        more("S1", 3, "5.00", unit_price=Decimal(7), **REST),
    ],
)
def test_whatever_changed_a_day_is_taken_back_on_that_day(line):
    opened = order("O1", seats("S1", 100, "120000.00", unit_price=Decimal(100)))
    history = given(opened, policy=POST)
    before = history.state.subscription("S1")
    change = order("O2", line)
    changed = history.when(change).state.subscription("S1")
    after = history.when(canceled(change)).state.subscription("S1")
    assert changed.schedule != before.schedule
    assert after.schedule == before.schedule
    assert (after.quantity, after.status, after.posted) == (100, "Active", Decimal("120000.00"))
    assert (changed.version, after.version) == (2, 2)
    (change_told,) = changes(history.steps[-1])
    assert change_told.quantity_before + change_told.quantity_delta == change_told.quantity_after == 100


def test_a_quantity_is_never_taken_below_zero():
    history = given(OPENED, order("O2", fewer("S1", 40, 0)), policy=POST)
    history.when(canceled(OPENED))
    assert papers(history.when(released("C", "changed_since"))) == [("RA", "root-S1", "1200.00", [("100", "1200.00")])]
    assert history.state.subscription("S1").quantity == 0


def test_what_was_rounded_is_taken_back_as_it_was_posted():
    thirds = order("O1", *(once("33.333") for _ in range(3)), total_amount=Decimal(100))
    step = given(thirds, policy=POST).when(canceled(thirds))
    assert papers(step) == [("RA", "O1", "100.00", [("1", "33.33"), ("1", "33.33"), ("1", "33.34")])]


def test_an_amount_without_a_quantity_is_taken_back_for_the_whole_quantity():
    cheaper = order("O2", repriced("S1", 0, "-120.00"))
    step = given(OPENED, cheaper, policy=POST).when(canceled(cheaper))
    assert papers(step) == [("SO", "root-S1", "120.00", [("100", "120.00")])]


def test_an_order_over_both_signs_is_taken_back_in_one_document_though_the_policy_would_ask():
    mixed = order("O2", more("S1", 10, "120.00", subscription_version=2), once("-20.00"))
    history = given(OPENED, mixed, policy=POST)
    step = history.when(canceled(mixed), replace(POST, mixed_orders=MixedOrders.QUARANTINE))
    assert papers(step) == [("RA", "root-S1", "100.00", [("10", "120.00"), ("-1", "-20.00")])]


def test_a_cancellation_says_so_and_names_its_order():
    history = given(OPENED, policy=POST)
    step = history.when(canceled(OPENED))
    assert (outcome(step), decided(step).why) == ("POSTED", "order cancelled")
    assert (step.documents[0].origin.order_id, step.documents[0].origin.event_id) == ("O1", "event-C")


def test_of_an_order_from_before_the_cut_over_no_document_is_made():
    policy = replace(POST, post_from=LATER.date())
    step = given(OPENED, policy=policy).when(canceled(OPENED))
    assert (papers(step), outcome(step)) == ([], "NO_OP")
    assert decided(step).why == "order cancelled: nothing to take back"


def test_a_reduction_is_sold_again():
    reduction = order("O2", fewer("S1", 10, "120.00", subscription_version=2))
    step = given(OPENED, reduction, policy=POST).when(canceled(reduction))
    assert papers(step) == [("SO", "root-S1", "120.00", [("10", "120.00")])]


def test_a_renewal_is_returned_and_its_term_is_gone():
    term = {"start_on": date(2026, 1, 1), "end_on": date(2026, 12, 31)}
    renewal = order("O2", renewed("S1", 100, "1200.00", subscription_version=2, **term))
    history = given(OPENED, renewal, policy=POST)
    assert papers(history.when(canceled(renewal))) == [("RA", "root-S1", "1200.00", [("100", "1200.00")])]
    assert [span.end_on for span in history.state.subscription("S1").schedule] == [date(2025, 12, 31)]


def test_its_documents_are_numbered_after_the_orders_own():
    policy = replace(POST, mixed_orders=MixedOrders.SPLIT)
    mixed = order("O2", more("S1", 10, "120.00", subscription_version=2), fewer("S2", 1, "60.00"))
    history = given(order("O1", *OPENED.order.lines, seats("S2", 10, "600.00")), mixed, policy=policy)
    assert names(history.steps[-1]) == ["NUE-SO-O2", "NUE-RA-O2"]
    assert names(history.when(canceled(mixed))) == ["NUE-RA-O2-2", "NUE-SO-O2-2"]


def test_it_is_dated_the_day_on_which_it_was_learned_of():
    (returned,) = given(OPENED, policy=POST).when(canceled(OPENED, published_at=LATER)).documents
    assert returned.tran_on == LATER.date()


def test_nothing_is_taken_back_twice_and_no_customer_is_sent():
    history = given(OPENED, policy=POST)
    step = history.when(canceled(OPENED))
    assert (names(step), step.upserts) == (["NUE-RA-O1"], ())
    assert history.when(replace(canceled(OPENED), event_id="again")).documents == ()


def test_of_a_discarded_order_nothing_is_taken_back():
    off = order("O2", more("S1", 1, "12.00", subscription_version=2), total_amount=Decimal(13))
    history = given(OPENED, policy=POST)
    history.when(off)
    assert outcome(history.when(canceled(off))) == "HELD"
    step = history.when(discarded("O2"))
    assert [each.outcome.value for each in step.contract_events if hasattr(each, "outcome")] == ["DISCARDED", "NO_OP"]


WORDS = {
    "changed_since": "S1 has been changed since, to version 2",
    "cancellation_differs": "the cancelled order does not say what its activation said",
    "snapshot_cancellation": "its lines state what the subscriptions were after it, not what it posted",
}


@pytest.mark.parametrize("code", WORDS)
def test_a_cancellation_that_does_not_fit_waits_for_a_person(code):
    history = given(OPENED, policy=POST)
    gone = canceled(OPENED)
    if code == "changed_since":
        history.when(order("O2", more("S1", 1, "12.00", subscription_version=2)))
    if code == "cancellation_differs":
        gone = replace(gone, order=replace(gone.order, po_number="another"))
    if code == "snapshot_cancellation":
        gone = replace(gone, line_semantics=LineSemantics.SNAPSHOT)
    assert code in reasons(history.when(gone))
    assert WORDS[code] in decided(history.steps[-1]).why
    step = history.when(released("C", "changed_since", "cancellation_differs"))
    assert names(step) == ([] if code == "snapshot_cancellation" else ["NUE-RA-O1"])


def test_a_cancellation_whose_lines_cannot_be_read_is_held_back():
    gone = canceled(OPENED)
    unknown = replace(gone.order.lines[0], change_type=ChangeType.UNKNOWN)
    step = given(OPENED, policy=POST).when(replace(gone, order=replace(gone.order, lines=(unknown,))))
    assert reasons(step) == ["change_type"]


def test_no_more_is_returned_than_is_left_of_what_was_posted_though_it_was_changed_since():
    history = given(OPENED, order("O2", fewer("S1", 50, "600.00", subscription_version=2)), policy=POST)
    step = history.when(replace(canceled(OPENED), event_id="event-canceled-O1"))
    assert reasons(step) == ["changed_since", "credit_exceeds_remaining", "credit_exceeds_remaining"]
    step = history.when(released("canceled-O1", "changed_since"))
    assert (outcome(step), reasons(step)) == ("QUARANTINED", ["credit_exceeds_remaining"] * 2)
    step = history.when(released("canceled-O1", "credit_exceeds_remaining"))
    assert papers(step) == [("RA", "root-S1", "1200.00", [("100", "1200.00")])]


def test_where_no_version_is_told_the_limit_alone_stops_a_return():
    opened = order("O1", seats("S1", 100, "1200.00"))
    history = given(opened, order("O2", fewer("S1", 50, "600.00")), policy=POST)
    assert set(reasons(history.when(canceled(opened)))) == {"credit_exceeds_remaining"}


def test_what_is_left_may_be_returned_whole():
    opened = order("O1", seats("S1", 100, "1200.00"), once("60.00"))
    history = given(opened, policy=POST)
    assert papers(history.when(canceled(opened)))[0][2] == "1260.00"
    assert history.state.contract("root-S1").posted == 0


@pytest.mark.parametrize(
    ("fields", "code"), [({"currency": "EUR"}, "currency_mismatch"), ({"payer": "other"}, "billing_account_mismatch")]
)
def test_a_cancellation_in_other_money_or_for_another_payer_waits_for_a_person(fields, code):
    history = given(OPENED, policy=POST)
    gone = canceled(OPENED)
    other = replace(gone.order, billing_account_id=fields.get("payer", gone.order.billing_account_id))
    other = replace(other, currency=fields.get("currency", other.currency))
    account = replace(gone.billing_account, id=other.billing_account_id)
    gone = replace(gone, order=other, billing_account=account)
    assert reasons(history.when(gone)) == ["cancellation_differs", code]


def test_a_released_cancellation_that_differs_takes_back_what_it_says():
    history = given(OPENED, policy=POST)
    less = order("O1", seats("S1", 90, "1080.00", subscription_version=1, unit_price=Decimal(1)))
    history.when(replace(canceled(less), event_id="event-canceled-O1"))
    step = history.when(released("canceled-O1", "cancellation_differs"))
    assert papers(step) == [("RA", "root-S1", "1080.00", [("90", "1080.00")])]
