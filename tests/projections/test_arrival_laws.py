"""What holds for every history however its records arrive, and for every part of it."""

import random
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from projections.as_of import View, as_of, written_at
from projections.records import LogRecord
from schemas.command import Document
from schemas.contract import OrderDecided, OrderOutcome, SubscriptionChanged
from schemas.order import ChangeType, LineType, OrderEvent
from schemas.policy import PolicyActivated
from tests.projections.histories import START, Projection, folded
from tests.projections.test_laws import HISTORIES, POLICIES, few, totals

CHANGES = {ChangeType.NEW, ChangeType.UPDATE_QUANTITY, ChangeType.CANCEL}


def first_copies(events: Iterable[OrderEvent]) -> list[OrderEvent]:
    """Every activated order once: which of two copies comes first is not what these laws are about."""
    return list({event.order.order_id: event for event in events if event.order.is_active}.values())


def any_order(events: list[OrderEvent], chance: random.Random) -> list[OrderEvent]:
    """The same events, those of a customer in any order."""
    mixed = list(events)
    chance.shuffle(mixed)
    return mixed


def papers(documents: Iterable[Document]) -> dict[str, tuple[object, ...]]:
    """What stands on each document, by its name."""
    return {
        each.external_id: (each.entity, each.original_order_id, each.tran_on, each.currency, each.total, each.lines)
        for each in documents
    }


@few
@given(HISTORIES, POLICIES, st.randoms(use_true_random=False))
def test_in_whatever_order_everything_arrives_the_documents_are_the_same(events, policy, chance):
    orders = first_copies(events)
    in_order, mixed = folded(orders, policy), folded(any_order(orders, chance), policy)
    assert papers(mixed.documents) == papers(in_order.documents)
    assert held_in_the_end(mixed) == held_in_the_end(in_order)


def held_in_the_end(projection: Projection) -> set[str]:
    """The orders whose last decision is that they wait."""
    last = {
        decided.event_id: decided.outcome
        for _, step in projection.steps
        for decided in step.contract_events
        if isinstance(decided, OrderDecided)
    }
    return {event_id for event_id, outcome in last.items() if outcome is OrderOutcome.HELD}


@few
@given(HISTORIES, POLICIES, st.randoms(use_true_random=False))
def test_in_whatever_order_everything_arrives_a_customers_contracts_end_alike(events, policy, chance):
    orders = first_copies(events)
    in_order, mixed = folded(orders, policy), folded(any_order(orders, chance), policy)
    for customer, state in in_order.states.items():
        found = dict(mixed.states[customer].entries())
        for key, entry in state.entries():
            if key.startswith(("s/", "c/")):
                assert msgspec.structs.replace(found[key], position=0) == msgspec.structs.replace(entry, position=0)


@few
@given(HISTORIES, POLICIES, st.randoms(use_true_random=False))
def test_a_decision_that_was_taken_is_never_taken_otherwise(events, policy, chance):
    mixed = any_order(list(events), chance)
    decisions = defaultdict(list)
    for _, step in folded(mixed, policy).steps:
        for decided in step.contract_events:
            if isinstance(decided, OrderDecided):
                decisions[decided.event_id].append(decided)
    for taken in decisions.values():
        assert [each.ordinal for each in taken] == list(range(1, len(taken) + 1))
        assert all(each.outcome is OrderOutcome.HELD for each in taken[:-1])


@few
@given(HISTORIES, POLICIES)
def test_the_quantity_after_is_the_quantity_before_and_the_change(events, policy):
    projection = folded(events, policy)
    lines = {event.event_id: event.order.lines for event, _ in projection.steps}
    checked = 0
    for _, step in projection.steps:
        for change in step.contract_events:
            if not isinstance(change, SubscriptionChanged) or not set(change.change_types) <= CHANGES:
                continue
            own = [
                line
                for line in lines[change.event_id]
                if change.subscription_number in (line.subscription_number, line.asset_number)
            ]
            if any(line.line_type is LineType.RAMP_ITEM for line in own):
                continue
            delta = sum((line.quantity for line in own), Decimal(0))
            assert change.quantity_after == (change.quantity_before or 0) + delta
            assert change.quantity_delta == delta
            checked += 1
    assert checked or not events or len(events) < 5


@few
@given(HISTORIES, POLICIES, st.randoms(use_true_random=False), st.data())
def test_a_part_of_history_folds_to_what_was_known_then_and_the_whole_to_the_live_state(events, policy, chance, data):
    mixed = [
        msgspec.structs.replace(event, published_at=START + timedelta(seconds=number))
        for number, event in enumerate(any_order(list(events), chance), 1)
    ]
    live = folded(mixed, policy)
    first = PolicyActivated(
        event_id="policy", partition=0, partitions=1, activated_at=START, activated_by="kim", policy=policy
    )
    log = [(record(-1, first), first), *((record(n, event), event) for n, event in enumerate(mixed))]
    assert {customer: dict(state.entries()) for customer, state in as_of(log).items()} == {
        customer: dict(state.entries()) for customer, state in live.states.items()
    }
    end = data.draw(st.integers(0, len(mixed)))
    then = as_of(log, View(known_at=START + timedelta(seconds=end)))
    part = folded(mixed[:end], policy)
    assert {customer: dict(state.entries()) for customer, state in then.items()} == {
        customer: dict(state.entries()) for customer, state in part.states.items()
    }


def record(offset: int, content: OrderEvent | PolicyActivated) -> LogRecord:
    """A record as the fold of a history numbers it."""
    key = content.order.customer_id.encode() if isinstance(content, OrderEvent) else b"policy/0"
    return LogRecord("orders", 0, offset, written_at(content), key, f"{offset}".encode())


@few
@given(HISTORIES, POLICIES, st.randoms(use_true_random=False))
def test_documents_sum_to_the_posted_orders_in_whatever_order_they_arrive(events, policy, chance):
    wanted, found = defaultdict(Decimal), defaultdict(Decimal)
    for _, step in folded(any_order(list(events), chance), policy).steps:
        for decided in step.contract_events:
            if isinstance(decided, OrderDecided) and decided.outcome is OrderOutcome.POSTED:
                assert decided.posted_total == decided.order_total
                wanted[decided.currency] += decided.order_total
        for document in step.documents:
            found[document.currency] += totals([document])
    assert {key: value for key, value in found.items() if value} == {k: v for k, v in wanted.items() if v}
