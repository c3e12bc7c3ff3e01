"""What people say of orders that are held back, and what then becomes of them."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from projections.readable import FOR_GOOD
from schemas.holding import ReleaseRequested, Settled
from schemas.order import ChangeType, EventType, LineType
from schemas.policy import MixedOrders, Policy
from tests.projections.given import (
    cancelled,
    changes,
    changing,
    decided,
    discarded,
    expired,
    fewer,
    given,
    line,
    more,
    names,
    order,
    outcome,
    papers,
    party,
    reasons,
    released,
    renewed,
    seats,
    totals,
)

OPENED = order("O1", seats("S1", 100, "1200.00", subscription_version=1), seats("S2", 10, "600.00"))
CREDIT = order("O2", fewer("S1", 10, "1200.02", subscription_version=2))
NEXT = order("O3", more("S1", 1, "12.00", subscription_version=3))
TWO_PEOPLE = Policy(release_by_two=True)


def test_a_released_order_is_posted_and_its_waiting_is_settled_by_name():
    history = given(OPENED)
    assert set(reasons(history.when(CREDIT))) == {"credit_exceeds_remaining"}
    step = history.when(released("O2", "credit_exceeds_remaining"))
    assert names(step) == ["NUE-RA-O2"]
    (settled,) = step.holdings
    assert isinstance(settled, Settled)
    assert (settled.event_id, settled.outcome.value, settled.by, settled.why) == ("event-O2", "POSTED", "kim", "agreed")
    assert (decided(step).ordinal, decided(step).decided_by) == (2, "released-O2-kim-1")


def test_released_twice_it_is_posted_once():
    history = given(OPENED)
    history.when(CREDIT)
    history.when(released("O2", "credit_exceeds_remaining"))
    again = history.when(released("O2", "credit_exceeds_remaining", by="lee"))
    assert (again.documents, again.contract_events, again.holdings) == ((), (), ())


def test_released_over_its_gap_it_is_posted_and_what_was_missing_is_late():
    history = given(OPENED)
    history.when(NEXT)
    step = history.when(released("O3", "version_gap", number=2))
    assert names(step) == ["NUE-SO-O3"]
    late = order("O2", more("S1", 5, "60.00", subscription_version=2))
    assert reasons(history.when(late)) == ["stale_version"]
    before = history.state.subscription("S1")
    assert names(history.when(released("O2", "stale_version"))) == ["NUE-SO-O2"]
    after = history.state.subscription("S1")
    assert (after.version, after.quantity, after.posted) == (3, before.quantity, before.posted + Decimal("60.00"))


def test_a_release_that_does_not_waive_the_gap_leaves_the_order_waiting():
    history = given(OPENED)
    history.when(NEXT)
    step = history.when(released("O3", "credit_exceeds_remaining"))
    assert (step.contract_events, step.holdings, step.documents) == ((), (), ())
    assert names(history.when(order("O2", more("S1", 1, "1.00", subscription_version=2)))) == ["NUE-SO-O2", "NUE-SO-O3"]


def test_a_change_released_before_its_subscription_belongs_to_the_contract_of_its_root():
    history = given()
    early = more("S1", 1, "12.00", subscription_version=2, root_subscription_id="root-S1")
    history.when(order("O2", early))
    assert papers(history.when(released("O2", "version_gap")))[0][1] == "root-S1"


def test_a_change_released_before_its_subscription_that_names_no_root_is_its_own_contract():
    history = given()
    history.when(order("O2", more("S1", 1, "12.00", subscription_version=2)))
    assert papers(history.when(released("O2", "version_gap")))[0][1] == "S1"


def test_a_discarded_order_posts_nothing_and_the_versions_behind_it_find_their_place():
    history = given(OPENED)
    history.when(CREDIT)
    assert outcome(history.when(NEXT)) == "HELD"
    step = history.when(discarded("O2"))
    assert names(step) == ["NUE-SO-O3"]
    assert [each.outcome.value for each in step.contract_events if hasattr(each, "outcome")] == ["DISCARDED", "POSTED"]
    assert [each.outcome.value for each in step.holdings] == ["DISCARDED", "POSTED"]
    entry = history.state.subscription("S1")
    assert (entry.version, entry.quantity, entry.posted) == (3, 91, Decimal("1212.00"))
    assert history.when(released("O2", "credit_exceeds_remaining")).documents == ()


def test_a_discarded_first_order_leaves_a_contract_to_which_nothing_was_posted():
    history = given()
    history.when(order("O1", seats("S1", 1, "12.00"), total_amount=Decimal(13)))
    history.when(discarded("O1"))
    assert history.state.contract("root-S1").posted == 0


def test_a_held_order_can_be_discarded_over_its_gap():
    history = given(OPENED)
    history.when(NEXT)
    said = decided(history.when(discarded("O3")))
    assert (said.outcome.value, said.why, said.documents, said.upserts) == (
        "DISCARDED",
        "discarded by kim: sent twice",
        (),
        (),
    )
    assert history.state.contract("root-S1").posted == Decimal("1800.00")
    assert history.state.subscription("S1").version == 3
    assert changes(history.steps[-1])[0].amount == 0
    assert changes(history.steps[-1])[0].delta_tcv == Decimal("12.00")


@pytest.mark.parametrize(
    "broken",
    [
        order("O2", changing("S1", ChangeType.UNKNOWN, 1, "12.00", subscription_version=2)),
        order("O2", more("S1", 1, "12.00", subscription_version=2), currency="XXX"),
        order(
            "O2",
            more("S1", 1, "12.00", subscription_version=2, unit_price=Decimal(10) ** 17, quantity_after=Decimal(101)),
        ),
    ],
    ids=["change type", "currency", "price"],
)
def test_an_order_that_nobody_can_post_is_folded_once_it_is_discarded(broken):
    if broken.order.lines[0].unit_price:
        lines = (replace(broken.order.lines[0], quantity=Decimal(100)),)
        broken = replace(broken, order=replace(broken.order, lines=lines))
    history = given(OPENED)
    codes = set(reasons(history.when(broken)))
    assert codes <= FOR_GOOD
    assert set(reasons(history.when(released("O2", *codes)))) == codes
    assert outcome(history.when(discarded("O2"))) == "DISCARDED"
    assert outcome(history.when(NEXT)) == "POSTED"


def test_a_discarded_order_does_not_move_its_contracts_currency_or_payer():
    history = given(OPENED)
    moved = {"currency": "EUR", "billing_account_id": "reseller", "billing_account": party("reseller")}
    codes = reasons(history.when(order("O2", more("S1", 1, "12.00", subscription_version=2), **moved)))
    assert codes == ["currency_mismatch", "billing_account_mismatch"]
    before = history.state.contract("root-S1")
    history.when(discarded("O2"))
    after = history.state.contract("root-S1")
    assert (after.currency, after.billing_account_id, after.posted) == ("USD", "acme", before.posted)
    assert outcome(history.when(NEXT)) == "POSTED"


def test_an_event_of_a_type_that_nobody_knows_is_only_said_to_be_discarded():
    history = given(OPENED)
    history.when(order("O2", more("S1", 1, "12.00"), event_type=EventType.UNKNOWN))
    step = history.when(discarded("O2"))
    assert (outcome(step), decided(step).why, changes(step)) == ("DISCARDED", "discarded by kim: sent twice", [])


def test_a_release_that_waives_only_some_reasons_leaves_the_others():
    history = given(OPENED)
    event = order("O2", fewer("S1", 10, "1200.02"), currency="EUR", billing_account_id="x", billing_account=party("x"))
    assert reasons(history.when(event)) == ["currency_mismatch", "billing_account_mismatch"]
    assert reasons(history.when(released("O2", "currency_mismatch"))) == ["billing_account_mismatch"]
    assert decided(history.steps[-1]).ordinal == 2
    assert names(history.when(released("O2", "billing_account_mismatch", number=2))) == ["NUE-RA-O2"]


def test_a_conflict_can_only_be_discarded():
    history = given(OPENED)
    other = replace(order("O1", seats("S1", 1, "1.00")), event_id="event-X")
    first = history.when(other).quarantined[0].quarantine_id
    again = history.when(released("X", "conflict"))
    assert reasons(again) == ["conflict"]
    assert again.quarantined[0].quarantine_id != first
    closed = history.when(discarded("X"))
    assert (closed.contract_events, closed.documents) == ((), ())
    assert closed.holdings[0].outcome.value == "DISCARDED"
    assert history.state.subscription("S1").quantity == 100


@pytest.mark.parametrize("act", [released("O1", "conflict"), discarded("O1"), released("nobody"), discarded("nobody")])
def test_nothing_is_said_about_what_does_not_wait(act):
    history = given(OPENED)
    step = history.when(act)
    assert (step.documents, step.contract_events, step.quarantined, step.holdings) == ((), (), (), ())
    assert history.state.position == 1


def test_an_act_delivered_again_changes_nothing():
    history = given(OPENED)
    history.when(CREDIT)
    act = released("O2", "credit_exceeds_remaining")
    history.when(act)
    entries = dict(history.state.entries())
    assert history.when(act).contract_events == ()
    assert dict(history.state.entries()) == entries


def test_where_two_must_release_the_first_is_a_request_and_the_same_person_cannot_be_the_second():
    history = given(OPENED, policy=TWO_PEOPLE)
    history.when(CREDIT)
    for number in (1, 2):
        step = history.when(released("O2", "credit_exceeds_remaining", number=number))
        (request,) = step.holdings
        assert isinstance(request, ReleaseRequested)
        assert (request.by, request.waives, step.documents) == ("kim", ("credit_exceeds_remaining",), ())
    assert names(history.when(released("O2", "credit_exceeds_remaining", by="lee"))) == ["NUE-RA-O2"]


def test_where_two_must_release_the_second_may_not_waive_more_than_was_asked_for():
    history = given(OPENED, policy=TWO_PEOPLE)
    history.when(CREDIT)
    history.when(released("O2"))
    wider = history.when(released("O2", "credit_exceeds_remaining", by="lee"))
    assert isinstance(wider.holdings[0], ReleaseRequested)
    assert names(history.when(released("O2", "credit_exceeds_remaining", number=2))) == ["NUE-RA-O2"]


def test_a_request_outlives_the_expiry_of_the_gap():
    history = given(OPENED, policy=TWO_PEOPLE)
    history.when(NEXT)
    history.when(released("O3", "version_gap"))
    history.when(expired("O3"))
    assert names(history.when(released("O3", "version_gap", by="lee"))) == ["NUE-SO-O3"]


def test_one_person_discards_also_where_two_must_release():
    history = given(OPENED, policy=TWO_PEOPLE)
    history.when(CREDIT)
    assert outcome(history.when(discarded("O2"))) == "DISCARDED"


ENDED = order("E", cancelled("S1", 100, "600.00", subscription_version=2))
GONE = order("O1", *OPENED.order.lines, event_type=EventType.ORDER_CANCELED, status="Canceled", event_id="event-O2")
WAIVED = {
    "totals_do_not_tie": order("O2", more("S1", 1, "12.00"), total_amount=Decimal(13)),
    "currency_mismatch": order("O2", more("S1", 1, "12.00"), currency="EUR"),
    "billing_account_mismatch": order("O2", more("S1", 1, "12.00"), billing_account_id="x", billing_account=party("x")),
    "credit_exceeds_remaining": order("O2", fewer("S1", 10, "9999.00")),
    "quantity_mismatch": order("O2", more("S1", 1, "12.00", quantity_after=Decimal(7))),
    "negative_renewal": order("O2", renewed("S1", 10, "-1.00")),
    "negative_new_order": order("O2", line("-1.00", 1)),
    "unknown_subscription": order("O2", more("S9", 1, "12.00")),
    "changed_without_asset": order("O2", seats("S1", 1, "12.00")),
    "stale_version": order("O2", more("S1", 1, "12.00", subscription_version=1)),
    "missing_product": order("O2", more("S1", 1, "12.00"), products=()),
    "missing_party": replace(order("O2", more("S1", 1, "12.00")), billing_account=party("somebody else")),
    "order_cancelled": GONE,
}


@pytest.mark.parametrize("code", WAIVED)
def test_whatever_can_be_waived_posts_its_documents_once_it_is(code):
    history = given(OPENED)
    event = WAIVED[code]
    assert set(reasons(history.when(event))) == {code}
    step = history.when(released("O2", code))
    posted = [each for each in event.order.lines if each.line_type is LineType.LINE_ITEM]
    sign = -1 if code == "order_cancelled" else 1
    assert totals(step.documents) == sign * sum(each.amount for each in posted) != 0
    assert all(document.total >= 0 for document in step.documents)


def test_a_dead_subscription_that_somebody_lets_change_stays_dead():
    history = given(OPENED, ENDED)
    assert reasons(history.when(order("O2", more("S1", 1, "12.00")))) == ["dead_subscription"]
    assert names(history.when(released("O2", "dead_subscription"))) == ["NUE-SO-O2"]
    assert history.state.subscription("S1").status == "Cancelled"


def test_a_mixed_order_let_through_is_one_document():
    history = given(OPENED, policy=Policy(mixed_orders=MixedOrders.QUARANTINE))
    history.when(order("O2", more("S1", 1, "12.00"), fewer("S2", 1, "60.00")))
    assert names(history.when(released("O2", "mixed_order"))) == ["NUE-RA-O2"]


def test_the_ids_of_everything_that_is_said_are_different():
    history = given(OPENED)
    for each in (CREDIT, released("O2"), released("O2", number=2), discarded("O2"), NEXT):
        history.when(each)
    held = [each.quarantine_id for step in history.steps for each in step.quarantined]
    said = [each.decision_id for step in history.steps for each in step.contract_events if hasattr(each, "outcome")]
    assert len(set(held)) == len(held) == 3
    assert len(set(said)) == len(said) == 6
