"""What holds for every history, whatever its orders are."""

import random
from collections import defaultdict
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.lines import expected_total
from projections.posting import RULES_VERSION
from schemas.codec import Encoder
from schemas.command import Document
from schemas.contract import OrderDecided, OrderOutcome
from schemas.currency import minor_units
from schemas.headers import headers_of
from schemas.order import OrderEvent
from schemas.policy import DocumentDate, LineRate, MixedOrders, Policy, ZeroOrders
from tests.projections.given import totals
from tests.projections.histories import Projection, folded, generated

HISTORIES = st.builds(
    generated, seed=st.integers(0, 20), orders=st.sampled_from([1, 30, 60]), customers=st.sampled_from([1, 4, 10])
)
POLICIES = st.builds(
    Policy,
    mixed_orders=st.sampled_from([MixedOrders.ONE_DOCUMENT, MixedOrders.SPLIT, MixedOrders.QUARANTINE]),
    split_by_contract=st.booleans(),
    zero_orders=st.sampled_from([ZeroOrders.POST_NEW, ZeroOrders.SKIP]),
    document_date=st.sampled_from([DocumentDate.ACTIVATED, DocumentDate.EFFECTIVE]),
    line_rate=st.sampled_from([LineRate.PER_TERM, LineRate.PER_PERIOD]),
    tenant_time_zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York"]),
)
ENCODER = Encoder(None)
few = settings(max_examples=15, deadline=None)


def said(projection: Projection) -> list[tuple[bytes, object]]:
    """Everything said, as bytes and headers."""
    return [
        (ENCODER.encode("topic", each), headers_of(each))
        for _, step in projection.steps
        for each in (*step.upserts, *step.documents, *step.contract_events, *step.quarantined)
    ]


def by_customer(projection: Projection) -> dict[str, list[object]]:
    """What was said about each customer, in order."""
    found = defaultdict(list)
    for event, step in projection.steps:
        found[event.order.customer_id] += [*step.upserts, *step.documents, *step.contract_events]
    return dict(found)


def interleaved(events: tuple[OrderEvent, ...], chance: random.Random) -> list[OrderEvent]:
    """The same events, each customer's in their order, the customers mingled otherwise."""
    lanes = defaultdict(list)
    for event in events:
        lanes[event.order.customer_id].append(event)
    turns = [customer for customer, lane in lanes.items() for _ in lane]
    chance.shuffle(turns)
    return [lanes[customer].pop(0) for customer in turns]


def posted(projection: Projection) -> list[tuple[OrderEvent, OrderDecided, tuple[Document, ...]]]:
    return [
        (event, decision, step.documents)
        for event, step in projection.steps
        for decision in step.contract_events
        if isinstance(decision, OrderDecided) and decision.outcome is OrderOutcome.POSTED
    ]


@few
@given(HISTORIES, POLICIES)
def test_the_same_history_says_the_same_bytes_again(events, policy):
    assert said(folded(events, policy)) == said(folded(events, policy))


@few
@given(HISTORIES, POLICIES, st.randoms(use_true_random=False))
def test_how_customers_are_mingled_changes_nothing(events, policy, chance):
    assert by_customer(folded(interleaved(events, chance), policy)) == by_customer(folded(events, policy))


@few
@given(HISTORIES, POLICIES)
def test_publishing_everything_twice_changes_nothing(events, policy):
    once = folded(events, policy)
    again = folded([msgspec.structs.replace(each, event_id=f"{each.event_id}-again") for each in events], policy)
    for event in events:
        if event.order.is_active:
            step = once.fold(msgspec.structs.replace(event, event_id=f"{event.event_id}-again"))
            assert (step.upserts, step.documents, step.contract_events, step.quarantined) == ((), (), (), ())
    strip = [(each.external_id, each.command_id, each.lines, each.total) for each in again.documents]
    assert [(each.external_id, each.command_id, each.lines, each.total) for each in once.documents] == strip


@few
@given(HISTORIES, st.randoms(use_true_random=False))
def test_every_record_delivered_twice_in_a_row_says_what_it_said_once(events, chance):
    doubled = [each for event in events for each in [event] * chance.choice([1, 2, 3])]
    active = [event for event in doubled if event.order.is_active]
    assert [each.command_id for each in folded(active).documents] == [
        each.command_id for each in folded(event for event in events if event.order.is_active).documents
    ]


@few
@given(HISTORIES, POLICIES)
def test_documents_sum_to_the_posted_orders_per_currency(events, policy):
    wanted, found = defaultdict(Decimal), defaultdict(Decimal)
    for event, decision, documents in posted(folded(events, policy)):
        assert totals(documents) == decision.posted_total == decision.order_total == expected_total(event.order)
        wanted[event.order.currency] += expected_total(event.order)
        found[event.order.currency] += totals(documents)
    assert found == wanted


@few
@given(HISTORIES, POLICIES)
def test_what_a_contract_posted_is_the_sum_of_its_documents(events, policy):
    projection = folded(events, msgspec.structs.replace(policy, split_by_contract=True))
    found = defaultdict(Decimal)
    for document in projection.documents:
        found[document.origin.customer_id, document.original_order_id] += totals([document])
    for (customer, contract_id), total in found.items():
        assert projection.states[customer].contract(contract_id).posted == total


@few
@given(HISTORIES, POLICIES, st.data())
def test_what_comes_later_never_changes_a_decision(events, policy, data):
    end = data.draw(st.integers(0, len(events)))
    whole, part = said(folded(events, policy)), said(folded(events[:end], policy))
    assert whole[: len(part)] == part


@few
@given(HISTORIES, POLICIES)
def test_every_command_says_what_decided_it_and_every_document_its_contract(events, policy):
    projection = folded(events, policy)
    for command in (*projection.documents, *projection.upserts):
        assert command.origin.policy_id == policy.policy_id
        assert command.origin.rules_version == RULES_VERSION
        assert command.origin.order_id
        assert command.origin.event_id
    for document in projection.documents:
        assert document.original_order_id
        assert document.external_id.startswith("NUE-")


@few
@given(HISTORIES, POLICIES)
def test_money_on_documents_is_whole_minor_units_and_no_total_is_negative(events, policy):
    for document in folded(events, policy).documents:
        unit = Decimal(1).scaleb(-minor_units(document.currency))
        assert document.total >= 0
        assert document.total == sum(row.amount for row in document.lines)
        for row in document.lines:
            assert row.amount == row.amount.quantize(unit)
            assert row.rate >= 0
            assert row.quantity != 0
            assert (row.quantity < 0) == (row.amount < 0)
            if policy.mixed_orders is MixedOrders.SPLIT and policy.split_by_contract:
                assert row.amount >= 0


@few
@given(HISTORIES, POLICIES)
def test_no_two_commands_have_one_id_and_no_two_documents_one_name(events, policy):
    projection = folded(events, policy)
    commands = [each.command_id for each in (*projection.documents, *projection.upserts)]
    assert len(set(commands)) == len(commands)
    names = [each.external_id.casefold() for each in projection.documents]
    assert len(set(names)) == len(names)
    ids = [headers["ce_id"] for headers in (dict(found) for _, found in said(projection))]
    ignored = sum(not event.order.is_active for event, _ in projection.steps)
    assert len(set(ids)) >= len(ids) - ignored
