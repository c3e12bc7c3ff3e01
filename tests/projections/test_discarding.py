"""What becomes of discarded orders: who is named, what of them still counts, and that their money does not."""

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from schemas.contract import Movement
from schemas.order import EventType, LineSemantics
from tests.projections.given import (
    changes,
    decided,
    discarded,
    expired,
    fewer,
    given,
    more,
    once,
    order,
    outcome,
    reasons,
    released,
    seats,
)

SOLD = order("O1", seats("S1", 100, "1200.00", subscription_version=1))
EARLY = order("O3", more("S1", 1, "12.00", subscription_version=3))


def canceled(event):
    """The same order, cancelled."""
    gone = replace(event.order, status="Canceled")
    return replace(event, event_id="event-C", event_type=EventType.ORDER_CANCELED, order=gone)


@pytest.mark.parametrize(
    ("about", "event"),
    [
        ("O2", order("O2", more("S1", 1, "12.00"), total_amount=Decimal(13))),
        ("C", canceled(SOLD)),
        ("X", replace(order("O1", once(1)), event_id="event-X")),
    ],
    ids=["an activation", "a cancellation", "a conflict"],
)
def test_whoever_discards_something_is_named_with_the_reason_given(about, event):
    history = given(SOLD)
    assert history.when(event).quarantined
    (settled,) = history.when(discarded(about)).holdings
    assert (settled.outcome.value, settled.by, settled.why) == ("DISCARDED", "kim", "sent twice")


def test_a_discarded_change_counts_among_those_of_its_contract_and_posts_nothing_to_it():
    history = given(SOLD)
    history.when(order("O2", more("S1", 1, "12.00", subscription_version=2), total_amount=Decimal(13)))
    assert [each.sequence for each in changes(history.when(discarded("O2")))] == [2]
    assert [each.sequence for each in changes(history.when(EARLY))] == [3]
    assert (history.state.contract("root-S1").changes, history.state.contract("root-S1").posted) == (3, 1212)


@pytest.mark.parametrize(
    "broken",
    [
        order("O2", more("S1", 1, "12.00"), currency="XXX", total_amount=Decimal(15), tax_amount=Decimal(3)),
        order("O2", more("S1", 12, "12.00", unit_price=Decimal(10) ** 17), tax_amount=Decimal(0)),
    ],
    ids=["currency", "price"],
)
def test_money_that_nobody_can_read_moves_no_revenue_once_its_order_is_discarded(broken):
    history = given(SOLD)
    history.when(broken)
    assert decided(history.steps[-1]).order_total == Decimal(12)
    (change,) = changes(history.when(discarded("O2")))
    assert (change.movement, change.delta_mrr, change.delta_tcv, change.amount) == (Movement.NONE, 0, 0, 0)
    assert change.quantity_after == 100 + broken.order.lines[0].quantity
    assert [each.mrr for each in change.schedule_after] == [100, 100][: len(change.schedule_after)]


def test_a_price_that_cannot_be_told_is_not_kept_where_a_discarded_order_states_it():
    history = given(SOLD)
    priced = more("S1", 112, "12.00", unit_price=Decimal(10) ** 17, subscription_version=2)
    history.when(order("O2", priced, line_semantics=LineSemantics.SNAPSHOT))
    (change,) = changes(history.when(discarded("O2")))
    assert [(each.quantity, each.mrr) for each in change.schedule_after] == [(112, 0)]


def test_the_days_that_a_discarded_order_changes_are_changed_unless_it_is_in_other_money():
    history = given(SOLD)
    rest = {"start_on": date(2025, 7, 1)}
    history.when(order("O2", more("S1", 50, "300.00", subscription_version=2, **rest), total_amount=Decimal(99)))
    history.when(discarded("O2"))
    assert [each.quantity for each in history.state.subscription("S1").schedule] == [100, 150]
    history.when(order("O3", more("S1", 50, "300.00", subscription_version=3, **rest), currency="EUR"))
    history.when(discarded("O3"))
    after = history.state.subscription("S1")
    assert (after.quantity, after.currency, [each.quantity for each in after.schedule]) == (200, "USD", [100, 150])


def test_in_money_that_nobody_knows_the_orders_own_total_is_told():
    step = given().when(order("O1", once("12.345"), currency="XXX"))
    assert (reasons(step), decided(step).order_total) == (["unknown_currency"], Decimal("12.345"))


def test_what_was_waived_before_a_gap_expires_stays_waived():
    history = given(SOLD)
    history.when(EARLY)
    history.when(canceled(EARLY))
    history.when(discarded("C"))
    history.when(released("O3", "cancelled_before"))
    step = history.when(expired("O3"))
    assert (outcome(step), reasons(step)) == ("QUARANTINED", ["version_gap"])


def test_the_credit_of_a_discarded_order_does_not_make_room_for_another():
    history = given(SOLD)
    history.when(order("O2", fewer("S1", 1, "12.00", subscription_version=2), total_amount=Decimal(-13)))
    history.when(discarded("O2"))
    assert history.state.subscription("S1").posted == Decimal(1200)
    assert reasons(history.when(order("O3", fewer("S1", 1, "1200.02", subscription_version=3)))) == [
        "credit_exceeds_remaining",
        "credit_exceeds_remaining",
    ]
