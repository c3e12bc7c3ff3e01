"""Copies of orders, conflicts between them, and orders that are not activated."""

import msgspec
import pytest

from schemas.order import Source
from tests.projections.given import (
    discarded,
    given,
    line,
    more,
    names,
    once,
    order,
    outcome,
    papers,
    party,
    product,
    reasons,
    seats,
)

OPENED = order("O1", seats("S1", 100, "1200.00"), once("500.00"))
NOTHING = ((), (), (), ())


def said(step):
    return step.upserts, step.documents, step.contract_events, step.quarantined


def test_a_copy_is_recorded_and_says_nothing():
    history = given(OPENED)
    step = history.when(OPENED)
    assert said(step) == NOTHING
    assert history.state.position == 1


@pytest.mark.parametrize(
    "emission",
    [
        {"event_id": "another"},
        {"source": Source.BACKFILL},
        {"customer": party("acme", email="new@acme.example")},
        {"products": (product("seat", name="Renamed"), product("setup"))},
        {"correlation_id": "c"},
    ],
    ids=str,
)
def test_a_copy_may_differ_in_how_it_was_emitted_and_in_its_snapshots(emission):
    copy = msgspec.structs.replace(OPENED, **emission)
    assert said(given(OPENED).when(copy)) == NOTHING


def test_a_copy_may_write_its_numbers_and_list_its_lines_otherwise():
    copy = order("O1", *reversed(OPENED.order.lines), total_amount=OPENED.order.total_amount.normalize())
    assert said(given(OPENED).when(copy)) == NOTHING


@pytest.mark.parametrize(
    "other",
    [
        order("O1", seats("S1", 100, "1200.01"), once("500.00")),
        order("O1", seats("S1", 101, "1200.00"), once("500.00")),
        order("O1", seats("S1", 100, "1200.00")),
        order("O1", seats("S1", 100, "1200.00"), once("500.00"), po_number="PO-1"),
    ],
    ids=["amount", "quantity", "lines", "header"],
)
def test_the_same_order_with_other_content_is_a_conflict_and_changes_nothing(other):
    history = given(OPENED)
    before = dict(history.state.entries())
    step = history.when(other)
    assert reasons(step) == ["conflict"]
    assert step.contract_events == ()
    after = dict(history.state.entries())
    assert {key: after[key] for key in before} == before
    assert len(after) == len(before) + 1
    assert said(history.when(OPENED)) == NOTHING


def test_the_same_conflict_again_says_nothing_more_while_it_waits():
    history = given(OPENED)
    other = order("O1", seats("S1", 100, "1200.01"), event_id="event-X")
    assert reasons(history.when(other)) == ["conflict"]
    assert said(history.when(other)) == NOTHING
    third = order("O1", seats("S1", 100, "1200.02"), event_id="event-Y")
    assert reasons(history.when(third)) == ["conflict"]


def test_a_conflict_that_arrives_again_after_it_was_discarded_is_told_and_waits_for_nobody():
    history = given(OPENED)
    other = order("O1", seats("S1", 100, "1200.01"), event_id="event-X")
    history.when(other)
    history.when(discarded("X"))
    before = dict(history.state.entries())
    (held_back,) = history.when(other).quarantined
    assert ([each.code for each in held_back.reasons], held_back.event_id) == (["conflict"], None)
    assert dict(history.state.entries()) == before


def test_a_copy_of_a_held_back_order_says_nothing_more():
    history = given(OPENED)
    unknown = order("O2", more("S9", 1, "12.00"))
    assert reasons(history.when(unknown)) == ["unknown_subscription"]
    assert said(history.when(unknown)) == NOTHING


@pytest.mark.parametrize("status", ["Draft", "draft", "Canceled", "Ready to bill"])
def test_an_order_that_is_not_activated_is_ignored_and_leaves_no_trace(status):
    history = given(order("O1", seats("S1", 100, "1200.00"), status=status))
    (step,) = history.steps
    assert (outcome(step), step.documents, step.upserts) == ("IGNORED", (), ())
    assert dict(history.state.entries()) == {}
    assert history.state.position == 0


@pytest.mark.parametrize("status", ["Activated", "activated", "Active"])
def test_both_words_for_activated_are_understood(status):
    assert outcome(given().when(order("O1", line(1), status=status))) == "POSTED"


def test_an_ignored_draft_is_not_mistaken_for_a_copy_of_its_activation():
    history = given(order("O1", seats("S1", 100, "1200.00"), status="Draft"))
    assert names(history.when(order("O1", seats("S1", 100, "1200.00")))) == ["NUE-SO-O1"]


def test_a_draft_that_arrives_after_its_activation_is_ignored_too():
    history = given(order("O1", seats("S1", 100, "1200.00")))
    step = history.when(order("O1", seats("S1", 100, "1200.00"), status="Draft"))
    assert reasons(step) == []
    assert step.documents == ()


def test_a_draft_is_ignored_whatever_else_is_wrong_with_it():
    event = order("O1", seats("S1", 100, "1200.00"), status="Draft", currency="XXX", products=())
    assert outcome(given().when(event)) == "IGNORED"


def test_two_orders_with_the_same_lines_are_two_orders():
    history = given(order("O1", once("500.00")))
    assert papers(history.when(order("O2", once("500.00")))) == [("SO", "O2", "500.00", [("1", "500.00")])]
