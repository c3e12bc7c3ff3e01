"""Recurring revenue by month: each movement in its month, and closing = opening + movements, to the last decimal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from msgspec.structs import replace

from projections.records import Step
from schemas.contract import Movement, Segment, SubscriptionChanged
from schemas.order import OrderLine
from tests.projections.given import cancelled, fewer, given, more, order, renewed, seats
from tests.projections.histories import folded, generated
from tests.projections.test_openings import OPENING
from tests.streams.export.tables import Written, make, tables_of

MOVEMENTS = ("brought_forward", "new", "expansion", "contraction", "churn", "renewal")
HUNDRED = seats("S1", 100, "120000.00", unit_price=Decimal(100))
JULY = {"start_on": date(2025, 7, 1), "end_on": date(2025, 12, 31)}
NEXT = {"start_on": date(2026, 1, 1), "end_on": date(2026, 12, 31)}


def moved(database: duckdb.DuckDBPyConnection, subscription: str) -> list[tuple[Any, ...]]:
    query = "SELECT month, movement, delta_arr, arr_after FROM arr_movements WHERE subscription_number = ? ORDER BY ALL"
    found = database.execute(query, [subscription]).fetchall()
    return [(f"{month:%Y-%m}", movement, int(delta), int(after)) for month, movement, delta, after in found]


CASES: dict[str, tuple[Callable[[str], OrderLine], list[tuple[Any, ...]]]] = {
    "more": (
        lambda number: more(number, 10, "6000.00", **JULY),
        [("2025-07", "EXPANSION", 12000, 132000), ("2026-01", "CHURN", -132000, 0)],
    ),
    "fewer": (
        lambda number: fewer(number, 50, "30000.00", **JULY),
        [("2025-07", "CONTRACTION", -60000, 60000), ("2026-01", "CHURN", -60000, 0)],
    ),
    "cancelled": (
        lambda number: cancelled(number, 100, "60000.00", **JULY),
        [("2025-07", "CHURN", -120000, 0)],
    ),
    "renewed-larger": (
        lambda number: renewed(number, 110, "132000.00", **NEXT),
        [("2026-01", "RENEWAL", 12000, 132000), ("2027-01", "CHURN", -132000, 0)],
    ),
    "renewed-as-it-was": (
        lambda number: renewed(number, 100, "120000.00", **NEXT),
        [("2026-01", "RENEWAL", 0, 120000), ("2027-01", "CHURN", -120000, 0)],
    ),
    "renewed-late": (
        lambda number: renewed(number, 100, "110000.00", start_on=date(2026, 2, 1), end_on=date(2026, 12, 31)),
        [("2026-01", "CHURN", -120000, 0), ("2026-02", "RENEWAL", 120000, 120000), ("2027-01", "CHURN", -120000, 0)],
    ),
}


def test_every_change_stands_in_its_month(tmp_path: Path) -> None:
    steps: list[Step] = []
    for number, (change, _) in CASES.items():
        opened = order(f"first-{number}", seats(number, 100, "120000.00", unit_price=Decimal(100)))
        history = given(opened, order(f"second-{number}", change(number)))
        steps += history.steps
    with tables_of(*steps, work=tmp_path) as database:
        found = {number: moved(database, number) for number in CASES}
    assert found == {number: [("2025-01", "NEW", 120000, 120000), *expected] for number, (_, expected) in CASES.items()}


def test_what_was_there_before_is_brought_forward_and_not_new(tmp_path: Path) -> None:
    history = given()
    history.when(OPENING)
    with tables_of(*history.steps, work=tmp_path) as database:
        assert moved(database, "S1") == [("2025-02", "OPENING", 120000, 120000), ("2026-01", "CHURN", -120000, 0)]
        (row,) = database.execute(
            "SELECT opening, brought_forward, new, closing FROM arr_waterfall WHERE month = '2025-02-01'"
        ).fetchall()
        assert row == (0, 120000, 0, 120000)


def test_a_month_counts_by_its_last_day_and_what_has_no_end_runs_on(tmp_path: Path) -> None:
    history = given(order("O1", HUNDRED))
    (told,) = [each for each in history.steps[0].contract_events if isinstance(each, SubscriptionChanged)]
    spans = (
        (date(2025, 1, 10), date(2025, 1, 20), 1),  # gone before its month ends
        (date(2025, 1, 21), date(2025, 2, 27), 2),  # gone before the second ends
        (date(2025, 2, 28), date(2025, 3, 31), 3),
        (date(2025, 5, 31), None, 4),
    )
    schedule = tuple(
        Segment(start_on=start, end_on=end, quantity=Decimal(1), mrr=Decimal(mrr)) for start, end, mrr in spans
    )
    written = Written()
    written.write("contracts", replace(told, schedule_after=schedule))
    make(written, tmp_path)
    with duckdb.connect(str(tmp_path / "result")) as database:
        found = database.execute("SELECT month, closing FROM arr_waterfall ORDER BY month").fetchall()
    assert [(f"{month:%Y-%m}", int(closing)) for month, closing in found] == [
        ("2025-01", 24), ("2025-02", 36), ("2025-03", 36), ("2025-04", 0), ("2025-05", 48),
    ]  # fmt: skip


def test_closing_is_opening_and_movements_and_what_the_schedules_say_whatever_happened(tmp_path: Path) -> None:
    steps = [step for _, step in folded(generated(7, 120, 8)).steps]
    with tables_of(*steps, work=tmp_path) as database:
        rows = database.execute("SELECT * FROM arr_waterfall ORDER BY currency, month").fetchall()
        names = [name for name, *_ in database.description or ()]
    expected = _arr_by_schedules(steps)
    kinds: set[str] = set()
    before: dict[str, Decimal] = {}
    for values in rows:
        row = dict(zip(names, values, strict=True))
        currency, month = row["currency"], row["month"]
        kinds |= {name for name in MOVEMENTS if row[name]}
        assert row["closing"] == row["opening"] + sum(row[name] for name in MOVEMENTS)
        assert row["opening"] == before.get(currency, 0)
        assert row["closing"] == expected[currency](month)
        before[currency] = row["closing"]
    assert len(before) > 1
    assert set(before.values()) == {Decimal(0)}
    assert kinds >= {"new", "expansion", "contraction", "churn", "renewal"}


def _arr_by_schedules(steps: list[Step]) -> dict[str, Any]:
    last: dict[tuple[str, str], SubscriptionChanged] = {}
    for step in steps:
        for each in step.contract_events:
            if isinstance(each, SubscriptionChanged) and each.movement is not Movement.OPENING:
                last[each.currency, each.subscription_number] = each
    spans: dict[str, list[Segment]] = defaultdict(list)
    for (currency, _), change in last.items():
        spans[currency] += change.schedule_after

    def arr_of(own: list[Segment], month: date) -> Decimal:
        day = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        running = (each for each in own if each.start_on <= day and (each.end_on is None or each.end_on >= day))
        return 12 * sum((each.mrr for each in running), Decimal(0))

    return {currency: lambda month, own=own: arr_of(own, month) for currency, own in spans.items()}
