"""The made-up histories are what the other tests take them for: exact, repeatable, varied and consistent."""

from collections import Counter
from decimal import Decimal

import pytest

from projections.lines import expected_total
from schemas.contract import OrderDecided
from schemas.nue import parse_json
from schemas.order import ChangeType, LineType
from tests.generator import activations, to_json
from tests.projections.given import kind, totals
from tests.projections.histories import folded, generated

SEEDS = range(5)


@pytest.fixture(scope="module", params=SEEDS)
def history(request):
    return generated(request.param, 400, 25)


def test_the_same_seed_makes_the_same_history():
    one, again = ([to_json(each) for each in activations(7, 50, 5)] for _ in range(2))
    assert one == again
    assert one != [to_json(each) for each in activations(8, 50, 5)]


def test_written_and_read_json_has_the_same_numbers():
    for envelope in activations(3, 50, 5):
        assert parse_json(to_json(envelope)) == envelope


def test_no_order_is_held_back(history):
    held = [held.reasons for _, step in folded(history).steps for held in step.quarantined]
    assert held == []


def test_every_order_ties_out(history):
    for event, step in folded(history).steps:
        for decision in step.contract_events:
            if isinstance(decision, OrderDecided) and decision.outcome == "POSTED":
                assert totals(step.documents) == decision.posted_total == expected_total(event.order)


def test_the_histories_have_of_everything():
    events = [event for seed in SEEDS for event in generated(seed, 400, 25)]
    lines = [line for event in events for line in event.order.lines]
    kinds = {line.change_type for line in lines}
    unmade = {ChangeType.UNKNOWN, ChangeType.CONVERT_FREE_TRIAL, ChangeType.UPGRADE, ChangeType.DOWNGRADE}
    assert kinds == set(ChangeType) - unmade - {ChangeType.RECONFIGURE}
    assert {line.line_type for line in lines} == {LineType.LINE_ITEM, LineType.RAMP_ITEM, LineType.SUMMARY_ITEM}
    assert {event.order.currency for event in events} == {"USD", "EUR", "JPY", "KWD"}
    assert any(event.order.customer_id != event.order.billing_account_id for event in events)
    assert any(event.order.status == "Draft" for event in events)
    assert any(event.order.tax_amount for event in events)
    steps = [step for seed in SEEDS for _, step in folded(generated(seed, 400, 25)).steps]
    shapes = Counter("+".join(sorted(kind(document) for document in step.documents)) for step in steps)
    assert {"SO", "RA", "SO+SO", "RA+SO", "RA+RA", ""} <= shapes.keys()
    opposite = [row for step in steps for each in step.documents for row in each.lines if row.amount < 0]
    assert opposite
    assert any(each.total == 0 for step in steps for each in step.documents)
    assert any(event.order.total_amount == Decimal(0) for event in events)
    assert any(not step.contract_events for step in steps), "no copies"
