"""Orders that arrive before what they follow on from: who waits for what, and what ends it."""

import random

from msgspec.structs import replace

from projections import turn, waiting
from projections.records import LogRecord
from projections.waiting import MOST_WAITING, body_of, is_too_large, pack_body
from schemas.holding import Held, Missing, Settled
from schemas.order import EventType
from tests.projections.given import (
    LATER,
    NOON,
    decided,
    expired,
    fewer,
    given,
    more,
    names,
    order,
    outcome,
    reasons,
    released,
    seats,
)

OPENED = order("O1", seats("S1", 100, "1200.00", subscription_version=1))
OTHER = order("P1", seats("T1", 5, "500.00", subscription_version=1))


def version(number, n, amount="12.00", order_id=None, **fields):
    """The order that makes version ``n`` of a subscription."""
    return order(order_id or f"{number}v{n}", more(number, 1, amount, subscription_version=n), **fields)


def outcomes(step):
    """What the step decided, order by order."""
    return [(each.order_id, each.outcome.value) for each in step.contract_events if hasattr(each, "outcome")]


def test_an_order_waits_for_its_own_missing_versions_and_says_which():
    step = given(OPENED).when(version("S1", 4))
    assert (outcome(step), step.documents, step.upserts, step.quarantined) == ("HELD", (), (), ())
    (held,) = step.holdings
    assert isinstance(held, Held)
    assert held.waits_for == (Missing(subscription_number="S1", first_version=2, last_version=3),)
    assert (held.event_id, held.offset, held.held_at) == ("event-S1v4", 1, version("S1", 4).published_at)
    assert decided(step).reasons[0].detail == decided(step).why == "waits for S1 versions 2 to 3"


def test_a_change_of_a_subscription_that_nobody_has_seen_waits_for_its_first_version():
    history = given()
    assert outcome(history.when(version("S1", 2))) == "HELD"
    assert names(history.when(OPENED)) == ["NUE-SO-O1", "NUE-SO-S1v2"]


def test_it_waits_for_nothing_else():
    history = given(OPENED, OTHER)
    assert outcome(history.when(version("S1", 3))) == "HELD"
    assert outcome(history.when(version("T1", 2))) == "POSTED"


def test_when_what_it_waits_for_arrives_it_is_decided_at_that_position():
    history = given(OPENED)
    early, late = version("S1", 3), version("S1", 2)
    history.when(early)
    step = history.when(late)
    assert names(step) == ["NUE-SO-S1v2", "NUE-SO-S1v3"]
    first, second = [each for each in step.contract_events if hasattr(each, "outcome")]
    assert (first.ordinal, first.decided_by, second.ordinal, second.decided_by) == (1, None, 2, late.event_id)
    assert second.known_at == late.published_at
    (settled,) = step.holdings
    assert isinstance(settled, Settled)
    assert (settled.event_id, settled.outcome.value, settled.by) == (early.event_id, "POSTED", None)
    assert history.state.position == 2
    assert history.state.body(early.event_id) is None


def test_those_that_find_their_place_at_once_are_decided_in_the_order_of_their_arrival():
    history = given(OPENED, OTHER)
    for each in (version("T1", 3), version("S1", 4), version("S1", 3)):
        assert outcome(history.when(each)) == "HELD"
    both = order("B", more("S1", 1, 1, subscription_version=2), more("T1", 1, 1, subscription_version=2))
    assert [order_id for order_id, _ in outcomes(history.when(both))] == ["B", "T1v3", "S1v3", "S1v4"]


def test_whatever_finds_its_place_in_one_turn_sends_its_customers_and_items_in_that_order():
    history = given(OPENED)
    history.when(version("S1", 3))
    step = history.when(version("S1", 2))
    assert [each.origin.order_id for each in step.upserts] == ["S1v2", "S1v2", "S1v3", "S1v3"]


def test_an_order_that_waits_for_two_things_which_come_at_once_is_decided_once():
    history = given(OPENED, OTHER)
    credit = fewer("S1", 1, "9999.00", subscription_version=3)
    history.when(order("B", credit, more("T1", 1, 1, subscription_version=3)))
    both = order("A", more("S1", 1, 1, subscription_version=2), more("T1", 1, 1, subscription_version=2))
    assert outcomes(history.when(both)) == [("A", "POSTED"), ("B", "QUARANTINED")]


def test_an_order_over_two_contracts_of_which_one_has_a_gap_waits_whole():
    history = given(OPENED, OTHER)
    both = order("B", more("S1", 1, 1, subscription_version=2), more("T1", 1, 1, subscription_version=3))
    assert outcome(history.when(both)) == "HELD"
    assert decided(history.steps[-1]).why == "waits for T1 version 2"
    far = order("F", more("S1", 1, 1, subscription_version=3), more("T1", 1, 1, subscription_version=4))
    assert decided(given(OPENED, OTHER).when(far)).why == "waits for S1 version 2; waits for T1 versions 2 to 3"
    assert history.state.subscription("S1").version == 1
    assert outcome(history.when(version("S1", 3))) == "HELD"
    assert [order_id for order_id, _ in outcomes(history.when(version("T1", 2)))] == ["T1v2", "B", "S1v3"]


def test_what_still_waits_for_something_else_is_left_as_it_is():
    history = given(OPENED, OTHER)
    far = order("F", more("S1", 1, 1, subscription_version=3), more("T1", 1, 1, subscription_version=3))
    history.when(far)
    waits = history.state.waiting("event-F")
    assert outcome(history.when(version("S1", 2))) == "POSTED"
    assert history.state.waiting("event-F") == waits
    assert names(history.when(version("T1", 2))) == ["NUE-SO-T1v2", "NUE-SO-F", "NUE-SO-F-2"]


def test_a_copy_of_a_waiting_order_says_nothing_and_other_content_is_a_conflict():
    history = given(OPENED)
    history.when(version("S1", 3))
    again = history.when(replace(version("S1", 3), event_id="again"))
    assert (again.contract_events, again.holdings, again.quarantined) == ((), (), ())
    other = replace(version("S1", 3, amount="13.00"), event_id="other")
    assert reasons(history.when(other)) == ["conflict"]
    assert names(history.when(version("S1", 2))) == ["NUE-SO-S1v2", "NUE-SO-S1v3"]


def test_an_order_that_waited_may_be_quarantined_when_its_turn_comes():
    history = given(OPENED)
    history.when(order("O3", fewer("S1", 1, "9999.00", subscription_version=3)))
    step = history.when(version("S1", 2))
    assert outcomes(step) == [("S1v2", "POSTED"), ("O3", "QUARANTINED")]
    assert [each.code for each in step.quarantined[0].reasons] == ["credit_exceeds_remaining"] * 2
    assert (step.quarantined[0].offset, step.quarantined[0].value) == (1, b"bytes 1")
    assert step.holdings == ()


def test_what_was_waived_for_an_order_while_it_waited_counts_when_its_turn_comes():
    history = given(OPENED)
    history.when(order("O3", fewer("S1", 1, "9999.00", subscription_version=3)))
    history.when(released("O3", "credit_exceeds_remaining"))
    assert names(history.when(version("S1", 2))) == ["NUE-SO-S1v2", "NUE-RA-O3"]


def test_versions_that_arrive_backwards_are_decided_forwards():
    history = given()
    last = MOST_WAITING
    for n in range(last, 1, -1):
        assert outcome(history.when(version("S1", n))) == "HELD"
    step = history.when(OPENED)
    assert names(step) == ["NUE-SO-O1", *(f"NUE-SO-S1v{n}" for n in range(2, last + 1))]
    assert history.state.subscription("S1").version == last


def test_no_more_orders_wait_for_one_subscription_than_its_state_can_hold(monkeypatch):
    monkeypatch.setattr(waiting, "MOST_WAITING", 3)
    history = given(OPENED)
    for n in (3, 4, 5):
        assert outcome(history.when(version("S1", n))) == "HELD"
    assert reasons(history.when(version("S1", 6))) == ["too_many_waiting", "version_gap"]
    step = history.when(released("S1v4", "credit_exceeds_remaining"))
    assert (step.quarantined, step.contract_events) == ((), ()), "whoever waits has a place"
    assert names(history.when(version("S1", 2))) == [f"NUE-SO-S1v{n}" for n in (2, 3, 4, 5)]
    assert names(history.when(released("S1v6"))) == ["NUE-SO-S1v6"]
    assert outcome(history.when(version("S1", 8))) == "HELD", "those that were decided make room"


def test_an_order_too_large_to_be_kept_is_quarantined_for_good(monkeypatch):
    monkeypatch.setattr(turn, "is_too_large", lambda body: True)
    history = given(OPENED)
    assert "too_large" in reasons(history.when(version("S1", 3)))
    assert history.state.body("event-S1v3") is None
    step = history.when(released("S1v3", "version_gap", "too_large"))
    assert (step.contract_events, step.documents) == ((), ())


def test_a_conflict_too_large_to_be_kept_is_told_and_not_kept(monkeypatch):
    monkeypatch.setattr(turn, "is_too_large", lambda body: True)
    history = given(OPENED)
    step = history.when(replace(order("O1", seats("S1", 1, "1.00")), event_id="other"))
    assert reasons(step) == ["conflict", "too_large"]
    assert history.state.body("other") is None


def test_a_gap_that_expires_quarantines_what_waited_and_only_that():
    history = given(OPENED)
    history.when(version("S1", 3))
    step = history.when(expired("S1v3"))
    assert (outcome(step), reasons(step)) == ("QUARANTINED", ["version_gap"])
    assert (decided(step).decided_by, decided(step).known_at) == ("expired-S1v3", LATER)
    for again in (expired("S1v3"), expired("O1"), expired("nobody")):
        assert history.when(again).contract_events == ()


def test_what_arrives_after_its_gap_expired_leaves_it_to_a_person():
    history = given(OPENED)
    history.when(version("S1", 3))
    history.when(expired("S1v3"))
    assert names(history.when(version("S1", 2))) == ["NUE-SO-S1v2"]
    assert names(history.when(released("S1v3"))) == ["NUE-SO-S1v3"]


def test_a_cancellation_that_arrives_before_its_activation_waits_for_it():
    history = given()
    lines = OPENED.order.lines
    gone = order("O1", *lines, event_type=EventType.ORDER_CANCELED, status="Canceled", event_id="event-C")
    step = history.when(gone)
    assert outcome(step) == "HELD"
    assert step.holdings[0].waits_for == (Missing(order_id="O1"),)
    assert outcomes(history.when(OPENED)) == [("O1", "POSTED"), ("O1", "QUARANTINED")]


def test_an_activation_after_a_cancellation_that_somebody_let_go_waits_for_a_person():
    history = given()
    lines = OPENED.order.lines
    history.when(order("O1", *lines, event_type=EventType.ORDER_CANCELED, status="Canceled", event_id="event-C"))
    history.when(expired("C"))
    assert outcome(history.when(released("C", "version_gap"))) == "NO_OP"
    assert reasons(history.when(OPENED)) == ["cancelled_before"]
    assert names(history.when(released("O1", "cancelled_before"))) == ["NUE-SO-O1"]


def test_a_draft_cancelled_before_its_activation_is_ignored():
    gone = order("O1", seats("S1", 1, 1), event_type=EventType.ORDER_CANCELED, status="Canceled", activated_at=None)
    step = given().when(gone)
    assert (outcome(step), step.holdings) == ("IGNORED", ())


def test_a_cancelled_draft_that_nobody_could_read_is_ignored_once_it_is_let_through():
    draft = {"event_type": EventType.ORDER_CANCELED, "status": "Canceled", "activated_at": None, "products": ()}
    history = given()
    assert reasons(history.when(order("O1", seats("S1", 1, 1), **draft))) == ["missing_product"]
    ignored = decided(history.when(released("O1", "missing_product")))
    assert (ignored.outcome.value, ignored.ordinal, ignored.decided_by) == ("IGNORED", 2, "released-O1-kim-1")


def test_an_order_is_too_large_to_be_kept_where_its_compressed_bytes_are_more_than_the_state_takes(monkeypatch):
    record = LogRecord("orders", 0, 1, NOON, b"acme", random.Random(1).randbytes(5000), {"ce_id": b"1" * 40})
    body = body_of(record, OPENED, b"")
    size = len(pack_body(body))
    assert size > 5000
    monkeypatch.setattr(waiting, "LARGEST_BODY", size)
    assert not is_too_large(body)
    monkeypatch.setattr(waiting, "LARGEST_BODY", size - 1)
    assert is_too_large(body)


def test_an_event_id_used_twice_is_told_and_stops_nothing():
    history = given(OPENED)
    history.when(version("S1", 3))
    step = history.when(replace(version("S1", 3, amount="13.00"), event_id="event-S1v3"))
    (held,) = step.quarantined
    assert ([each.code for each in held.reasons], held.event_id, held.offset) == (["conflict"], None, 2)
    assert names(history.when(version("S1", 2))) == ["NUE-SO-S1v2", "NUE-SO-S1v3"]


def test_the_same_history_says_the_same_under_the_same_ids():
    def said():
        history = given(OPENED)
        for each in (version("S1", 4), version("S1", 3), expired("S1v4"), version("S1", 2), released("S1v4")):
            history.when(each)
        return [(step.documents, step.contract_events, step.quarantined, step.holdings) for step in history.steps]

    first = said()
    assert said() == first
    ids = [each.hold_id for step in first for each in step[3] if isinstance(each, Held)]
    ids += [each.decision_id for step in first for each in step[1] if hasattr(each, "outcome")]
    ids += [each.settlement_id for step in first for each in step[3] if isinstance(each, Settled)]
    assert len(set(ids)) == len(ids) >= 9


def test_another_order_under_the_event_id_of_one_that_waits_takes_nothing_from_it():
    history = given(OPENED, OTHER)
    history.when(replace(version("S1", 3), event_id="twice"))
    step = history.when(replace(version("T1", 3), event_id="twice"))
    assert [each.code for each in step.quarantined[0].reasons] == ["conflict"]
    assert step.contract_events == ()
    assert names(history.when(version("S1", 2))) == ["NUE-SO-S1v2", "NUE-SO-S1v3"]
    assert outcome(history.when(version("T1", 3))) == "HELD", "published under an id of its own it finds its place"
