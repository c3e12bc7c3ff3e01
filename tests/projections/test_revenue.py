"""Recurring revenue from the contract events alone, drawn as an ARR waterfall and tied to the documents."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest

from projections.revenue import mrr_of
from schemas.contract import Movement, SubscriptionChanged
from schemas.order import ChangeType
from tests.projections.given import (
    cancelled,
    changes,
    changing,
    fewer,
    given,
    kind,
    more,
    order,
    renewed,
    repriced,
    seats,
)
from tests.projections.histories import folded, generated

OPENED = order("O1", seats("S1", 100, "120000.00", unit_price=Decimal(100)))
REST = {"start_on": date(2025, 7, 1), "end_on": date(2025, 12, 31)}
LAST = {"start_on": date(2025, 10, 1), "end_on": date(2025, 12, 31)}
NEXT = {"start_on": date(2026, 1, 1), "end_on": date(2026, 12, 31)}


@pytest.mark.parametrize(
    ("line", "movement", "delta_mrr"),
    [
        (more("S1", 10, "6000.00", **REST), Movement.EXPANSION, 1000),
        (fewer("S1", 50, "30000.00", **REST), Movement.CONTRACTION, -5000),
        (repriced("S1", 100, "6000.00", unit_price=Decimal(10), **REST), Movement.EXPANSION, 1000),
        (cancelled("S1", 100, "60000.00", **REST), Movement.CHURN, -10000),
        (cancelled("S1", 40, "24000.00", **REST), Movement.CONTRACTION, -4000),
        (changing("S1", ChangeType.CANCEL, 0, 0, start_on=date(2026, 1, 1), end_on=None), Movement.CHURN, -10000),
        (renewed("S1", 50, "63000.00", unit_price=Decimal(105), **NEXT), Movement.RENEWAL, -4750),
        (renewed("S1", 100, "120000.00", **NEXT), Movement.RENEWAL, 0),
        (changing("S1", ChangeType.CO_TERM, 100, "30000.00", start_on=date(2026, 1, 1), end_on=date(2026, 3, 31)),
         Movement.NONE, 0),
        (changing("S1", ChangeType.UPDATE_TERM, 100, "-30000.00", **LAST), Movement.NONE, 0),
    ],
)  # fmt: skip
def test_a_change_moves_recurring_revenue(line, movement, delta_mrr):
    (change,) = changes(given(OPENED).when(order("O2", line)))
    assert (change.movement, change.delta_mrr, change.delta_arr) == (movement, delta_mrr, 12 * delta_mrr)
    assert change.mrr_after - change.mrr_before == delta_mrr
    assert (change.effective_on, change.delta_tcv) == (line.start_on, line.amount)


def test_a_new_subscription_begins_its_revenue():
    (change,) = changes(given().when(OPENED))
    assert (change.movement, change.mrr_before, change.mrr_after) == (Movement.NEW, 0, 10000)
    assert change.schedule_before == ()
    assert [(each.start_on, each.end_on, each.quantity, each.mrr) for each in change.schedule_after] == [
        (date(2025, 1, 1), date(2025, 12, 31), 100, 10000)
    ]


def test_a_change_says_whose_it_is_when_it_was_and_what_was_so_before_and_after():
    event = order("O2", more("S1", 10, "6000.00", subscription_id="id-2", **REST))
    (change,) = changes(given(OPENED).when(event))
    assert (change.contract_id, change.subscription_number, change.subscription_id) == ("root-S1", "S1", "id-2")
    assert (change.order_id, change.order_number, change.customer_id) == ("O2", "No. O2", "acme")
    assert (change.event_id, change.occurred_at, change.known_at) == ("event-O2", event.occurred_at, event.published_at)
    assert (change.start_on, change.end_on) == (date(2025, 1, 1), date(2025, 12, 31))
    assert (change.status_before, change.status_after) == ("Active", "Active")
    assert (change.quantity_before, change.quantity_delta, change.quantity_after) == (100, 10, 110)
    assert [each.mrr for each in change.schedule_before] == [10000]
    assert [each.mrr for each in change.schedule_after] == [10000, 11000]


def test_what_a_month_is_worth_is_told_to_six_decimals_and_however_large_it_is_to_28_digits():
    assert mrr_of(Decimal("33.3333335")) == Decimal("33.333334")
    assert mrr_of(Decimal(10) ** 25 + Decimal("0.1234567")) == Decimal(10) ** 25 + Decimal("0.12")


def month(day: date) -> int:
    return 12 * day.year + day.month - 1


def arr_in(schedule, at: int) -> Decimal:
    """ARR of a subscription in a month, by its schedule."""
    found = [
        each.mrr
        for each in schedule
        if month(each.start_on) <= at and (each.end_on is None or month(each.end_on) >= at)
    ]
    return 12 * sum(found, Decimal(0))


def waterfall(events: list[SubscriptionChanged]) -> dict[int, dict[str, Decimal]]:
    """Per month: opening ARR, what moved it, and closing ARR; from the contract events of one currency alone."""
    last: dict[str, SubscriptionChanged] = {}
    renewals: dict[str, set[int]] = defaultdict(set)
    for event in sorted({each.change_id: each for each in events}.values(), key=lambda each: each.version):
        last[event.subscription_number] = event
        if ChangeType.RENEW in event.change_types and event.effective_on:
            renewals[event.subscription_number].add(month(event.effective_on))
    schedules = {number: event.schedule_after for number, event in last.items()}
    edges = [month(each) for rows in schedules.values() for row in rows for each in (row.start_on, row.end_on) if each]
    table: dict[int, dict[str, Decimal]] = {}
    for at in range(min(edges), max(edges) + 2):
        row = defaultdict(Decimal)
        for number, schedule in schedules.items():
            before, after = arr_in(schedule, at - 1), arr_in(schedule, at)
            row["opening"] += before
            row["closing"] += after
            row["renewal"] += min(before, after) if at in renewals[number] else 0
            row[_column(before, after)] += after - before
        table[at] = dict(row)
    return table


def _column(before: Decimal, after: Decimal) -> str:
    if not before:
        return "new"
    if not after:
        return "churn"
    return "expansion" if after > before else "contraction"


def test_an_arr_waterfall_is_drawn_from_contract_events_alone_and_ties_to_the_documents():
    assert sum(ties_in(folded(generated(seed, 40, 4))) for seed in range(12)) >= 4


def ties_in(projection):
    """In how many currencies of a history the waterfall ties to the documents; all that can must."""
    events = [each for _, step in projection.steps for each in step.contract_events]
    by_currency = defaultdict(list)
    for each in events:
        if isinstance(each, SubscriptionChanged):
            by_currency[each.currency].append(each)
    posted, recurring, ties = defaultdict(Decimal), 0, 0
    for event, step in projection.steps:
        owner = {line.line_id: bool(line.subscription_number or line.asset_number) for line in event.order.lines}
        for document in step.documents:
            sign = 1 if kind(document) == "SO" else -1
            posted[document.currency] += sign * sum(row.amount for row in document.lines if owner[row.line_id])
    for currency, own in by_currency.items():
        table = waterfall(own + own[: len(own) // 2])  # some were delivered twice
        for at, row in table.items():
            moved = sum(
                (row.get(name, Decimal(0)) for name in ("new", "expansion", "contraction", "churn")), Decimal(0)
            )
            assert row["opening"] + moved == row["closing"]
            assert at - 1 not in table or table[at - 1]["closing"] == row["opening"]
        assert table[max(table)]["closing"] == 0
        # a month is worth a twelfth of its ARR: all months together are what the documents hold
        worth = sum((row["closing"] for row in table.values()), Decimal(0)) / 12
        assert sum((each.delta_tcv for each in own), Decimal(0)) == sum((each.amount for each in own), Decimal(0))
        # (a swap tells one amount for days at several prices, which is spread over them: what is cut later differs)
        spread = {each.subscription_number for each in own if ChangeType.SWAP in each.change_types}
        assert spread or abs(worth - sum((each.amount for each in own), Decimal(0))) < len(own)
        ties += not spread
        recurring += len(own)
        ramped = any(len(each.schedule_after) > 1 and each.version == 1 for each in own)
        assert ramped or abs(posted[currency] - sum((each.amount for each in own), Decimal(0))) < len(own)
    assert recurring > 20
    return ties
