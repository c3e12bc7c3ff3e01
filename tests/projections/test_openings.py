"""Contracts of years before: opening balances, and orders that were posted before this system took over."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from schemas.contract import Movement
from schemas.opening import OpenedSegment, OpenedSubscription, Opening
from schemas.order import EventType, LineSemantics
from schemas.policy import MixedOrders, Policy
from tests.projections.given import LATER, decided, fewer, given, more, names, order, outcome, papers, reasons, seats

SEGMENT = OpenedSegment(
    start_on=date(2025, 1, 1), end_on=date(2025, 12, 31), quantity=Decimal(100), unit_price=Decimal(100)
)
OPENED = OpenedSubscription(
    number="S1", version=4, product_id="seat", quantity=Decimal(100), status="Active", posted=Decimal(1000),
    start_on=date(2024, 1, 1), end_on=date(2025, 12, 31), segments=(SEGMENT,),
)  # fmt: skip
OPENING = Opening(
    event_id="opening-1", customer_id="acme", contract_id="anchor", currency="USD", billing_account_id="acme",
    opened_on=date(2025, 2, 28), posted=Decimal(1000), subscriptions=(OPENED,), by="kim", at=LATER,
)  # fmt: skip
FROM_MARCH = Policy(post_from=date(2025, 3, 1))


def change(n, line=more, amount="12.00", **fields):
    return order(f"v{n}", line("S1", 1, amount, subscription_version=n), **fields)


def test_a_change_of_an_opened_contract_finds_its_anchor():
    history = given()
    step = history.when(OPENING)
    assert (step.documents, step.upserts, step.quarantined) == ((), (), ())
    assert papers(history.when(change(5))) == [("SO", "anchor", "12.00", [("1", "12.00")])]


def test_a_credit_finds_the_limit_that_the_opening_gives():
    history = given()
    history.when(OPENING)
    assert set(reasons(history.when(change(5, fewer, "1000.02")))) == {"credit_exceeds_remaining"}
    assert names(history.when(replace(change(5, fewer, "1000.00"), event_id="other"))) == []


def test_a_credit_within_the_limit_is_posted():
    history = given()
    history.when(OPENING)
    assert papers(history.when(change(5, fewer, "1000.00"))) == [("RA", "anchor", "1000.00", [("1", "1000.00")])]


def test_an_opening_tells_the_contract_stream_where_to_begin():
    (event,) = given().when(OPENING).contract_events
    assert (event.movement, event.mrr_after, event.delta_arr) == (Movement.OPENING, 10000, 120000)
    assert (event.effective_on, event.version, event.amount, event.sequence) == (date(2025, 2, 28), 4, 0, 1)


def test_a_copy_of_an_opening_says_nothing_and_another_is_a_conflict():
    history = given()
    history.when(OPENING)
    again = history.when(replace(OPENING, event_id="again", by="lee", at=LATER.replace(month=5)))
    assert (again.contract_events, again.quarantined) == ((), ())
    other = history.when(replace(OPENING, event_id="other", posted=Decimal(7)))
    assert [each.code for each in other.quarantined[0].reasons] == ["conflict"]
    assert history.state.contract("anchor").posted == 1000


def test_an_opening_after_the_first_order_is_late():
    history = given(order("O1", seats("S1", 1, "1.00")))
    step = history.when(OPENING)
    assert [each.code for each in step.quarantined[0].reasons] == ["opened_late"]
    assert step.quarantined[0].customer_id == "acme"


def test_an_opening_frees_the_changes_that_waited_for_it():
    history = given()
    assert outcome(history.when(change(5))) == "HELD"
    step = history.when(OPENING)
    assert names(step) == ["NUE-SO-v5"]
    assert (decided(step).decided_by, decided(step).known_at) == ("opening-1", LATER)


def test_orders_before_the_cut_over_are_projected_and_never_posted():
    history = given(policy=FROM_MARCH)
    old = order("O1", seats("T1", 10, "1200.00"), activated_at=LATER.replace(month=1))
    step = history.when(old)
    assert (outcome(step), step.documents, step.upserts) == ("NO_OP", (), ())
    assert history.state.subscription("T1").posted == Decimal("1200.00")
    later = history.when(order("O2", fewer("T1", 5, "600.00")))
    assert papers(later) == [("RA", "root-T1", "600.00", [("5", "600.00")])]


def test_of_old_orders_that_post_nothing_nobody_is_asked_whether_to_post_them():
    history = given(policy=replace(FROM_MARCH, mixed_orders=MixedOrders.QUARANTINE))
    then = datetime(2025, 1, 5, tzinfo=UTC)
    old = {"activated_at": then, "published_at": then}
    history.when(order("O1", seats("S1", 10, "100.00"), seats("S2", 10, "100.00"), **old))
    mixed = order("O2", more("S1", 1, "10.00"), fewer("S2", 2, "20.00"), **old)
    assert outcome(history.when(mixed)) == "NO_OP"
    gone = replace(mixed.order, status="Canceled")
    step = history.when(replace(mixed, event_id="event-C", event_type=EventType.ORDER_CANCELED, order=gone))
    assert (outcome(step), step.documents) == ("NO_OP", ())
    assert [history.state.subscription(number).quantity for number in ("S1", "S2")] == [10, 10]


def test_an_old_order_that_the_opening_contains_changes_nothing():
    history = given(policy=FROM_MARCH)
    history.when(OPENING)
    step = history.when(change(3, activated_at=LATER.replace(month=1)))
    assert (outcome(step), history.state.subscription("S1").version) == ("NO_OP", 4)
    assert reasons(history.when(change(4))) == ["stale_version"]


def test_a_snapshot_of_a_subscription_that_was_opened_without_segments_waits_for_a_person():
    history = given()
    history.when(replace(OPENING, subscriptions=(replace(OPENED, segments=()),)))
    worth = {"unit_price": Decimal(100), "subscription_version": 5, "start_on": date(2025, 7, 1)}
    event = order("v5", more("S1", 101, "60600.00", **worth), line_semantics=LineSemantics.SNAPSHOT)
    assert reasons(history.when(event)) == ["schedule_unknown"]
    known = given()
    known.when(OPENING)
    assert papers(known.when(event)) == [("SO", "anchor", "600.00", [("1", "600.00")])]


def opened(*segments):
    return replace(OPENING, subscriptions=(replace(OPENED, segments=segments),))


@pytest.mark.parametrize(
    "segments",
    [
        (SEGMENT, replace(SEGMENT, start_on=date(2025, 12, 31), end_on=date(2026, 12, 31))),
        (replace(SEGMENT, end_on=None), replace(SEGMENT, start_on=date(2026, 1, 1), end_on=None)),
        (replace(SEGMENT, end_on=date(2024, 12, 31)),),
        (replace(SEGMENT, quantity=Decimal(-1)),),
    ],
    ids=["overlapping", "after one without an end", "backwards", "negative"],
)
def test_segments_that_cannot_all_be_so_are_held_back(segments):
    step = given().when(opened(*segments))
    assert [each.code for each in step.quarantined[0].reasons] == ["opened_segments"]
    assert (step.contract_events, step.state.contract("anchor")) == ((), None)


def test_segments_that_follow_one_on_the_other_are_taken_in():
    step = given().when(opened(replace(SEGMENT, start_on=date(2026, 1, 1), end_on=None), SEGMENT))
    assert [each.start_on.year for each in step.contract_events[0].schedule_after] == [2025, 2026]


def test_an_opening_whose_prices_cannot_be_told_is_held_back_and_stops_nothing():
    history = given()
    huge = replace(SEGMENT, quantity=Decimal(10) ** 21, unit_price=Decimal(10) ** 17)
    step = history.when(replace(OPENING, subscriptions=(replace(OPENED, segments=(huge,)),)))
    assert [each.code for each in step.quarantined[0].reasons] == ["price_too_large"]
    assert step.contract_events == ()


def told(opening):
    return [(each.code, each.detail) for each in given().when(opening).quarantined[0].reasons]


def test_what_is_wrong_with_an_opening_is_told_with_the_subscription():
    twice = replace(OPENING, subscriptions=(OPENED, OPENED))
    assert told(twice) == [("opened_twice", "S1 stands in the opening more than once")]
    unversioned = replace(OPENING, subscriptions=(replace(OPENED, version=0),))
    assert told(unversioned) == [("opened_version", "S1 has version 0; the first is 1")]
    dear = replace(SEGMENT, unit_price=Decimal(10) ** 17)
    (reason,) = told(replace(OPENING, subscriptions=(replace(OPENED, segments=(dear,)),)))
    assert reason == ("price_too_large", "S1 costs more a month than can be told")
    history = given(order("O1", seats("S1", 1, "1.00")))
    (reason,) = history.when(OPENING).quarantined[0].reasons
    assert (reason.code, reason.detail) == (
        "opened_late",
        "S1 is there already: an opening comes before its first order",
    )


def test_the_first_version_may_be_opened_and_its_start_is_kept():
    history = given(replace(OPENING, subscriptions=(replace(OPENED, version=1),)))
    assert history.state.subscription("S1").version == 1
    assert history.state.subscription("S1").start_on == date(2024, 1, 1)
