"""The first way beside the second for every order, and what became of the orders of a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from schemas.contract import OrderOutcome
from streams.chains import outcome_name
from streams.reconcile.findings import Discrepancy, Kind, OrderRow, PostedDocument
from streams.reconcile.period import Period
from streams.reconcile.telling import in_currency
from streams.reconcile.tie import OrderFacts, Promised, untied
from streams.reconcile.workbook import Workbook

_DECIDED = """
    SELECT decision.*, event.told, promised.external_id, promised.command_id, promised.amount,
        command.command_id AS commanded_id, command.amount AS commanded
    FROM decision LEFT JOIN event USING (event_id) LEFT JOIN promised USING (event_id)
        LEFT JOIN command USING (external_key)
    ORDER BY decision.rowid
"""
_UNPROMISED = """
    SELECT external_id, record, amount, currency FROM command
    WHERE version = '' AND NOT EXISTS (SELECT 1 FROM promised WHERE promised.external_key = command.external_key)
"""
# a copy of an order is not decided again
_UNDECIDED = """
    SELECT event.* FROM event LEFT JOIN decision USING (event_id)
    WHERE decision.event_id IS NULL AND NOT event.pending
        AND event.event_id NOT IN (SELECT event_id FROM waiting)
        AND NOT EXISTS (
            SELECT 1 FROM event AS first JOIN decision ON decision.event_id = first.event_id
            WHERE first.order_id = event.order_id AND first.kind = event.kind
        )
"""
_IN_PERIOD = """
    SELECT event.*, decision.outcome, decision.why AS decided_why, decision.order_total, decision.posted_total,
        waiting.state AS waits, waiting.why AS waits_why, promised.external_id, command.internal_id, command.number,
        command.state
    FROM event LEFT JOIN decision USING (event_id) LEFT JOIN waiting USING (event_id)
        LEFT JOIN promised USING (event_id) LEFT JOIN command USING (external_key)
    WHERE event.dated BETWEEN ? AND ? AND (
        decision.event_id IS NOT NULL OR waiting.state IS NOT NULL OR NOT EXISTS (
            SELECT 1 FROM event AS other WHERE other.order_id = event.order_id AND other.kind = event.kind
                AND (other.event_id < event.event_id OR other.event_id IN (SELECT event_id FROM decision))
                AND other.event_id <> event.event_id
        )
    )
    ORDER BY event.dated, event.order_number, event.event_id
"""


def untied_orders(workbook: Workbook) -> Iterator[Discrepancy]:
    """The orders that do not tie with their decisions and commands, and those about which nothing was decided."""
    for order, row in decided_orders(workbook):
        if words := untied(order):
            yield Discrepancy(
                kind=Kind.TOTALS,
                record="order",
                name=row["order_number"],
                words="; ".join(words),
                order_number=row["order_number"],
                customer_id=row["customer_id"],
                currency=row["currency"],
                amount=in_currency(order.posted_total, row["currency"]),
            )
    for row in workbook.all(_UNDECIDED):
        yield Discrepancy(
            kind=Kind.UNDECIDED,
            record="order",
            name=row["order_number"],
            words="it is in the log, the projector has passed it, and nothing was decided about it",
            order_number=row["order_number"],
            customer_id=row["customer_id"],
            currency=row["currency"],
        )
    for row in workbook.all(_UNPROMISED):
        yield Discrepancy(
            kind=Kind.TOTALS,
            record=row["record"],
            name=row["external_id"],
            words="its command is on the command topic, and no decision names it",
            currency=row["currency"],
            amount=in_currency(Decimal(row["amount"]), row["currency"]),
        )


def decided_orders(workbook: Workbook) -> Iterator[tuple[OrderFacts, Any]]:
    """Every decision with the documents that it names, and its row of the workbook."""
    for _, rows in groupby(workbook.all(_DECIDED), key=lambda row: row["event_id"]):
        all_rows = list(rows)
        row = all_rows[0]
        named = [each for each in all_rows if each["external_id"] is not None]
        facts = OrderFacts(
            outcome=OrderOutcome(row["outcome"]),
            currency=row["currency"],
            told=None if row["told"] is None else Decimal(row["told"]),
            order_total=Decimal(row["order_total"]),
            posted_total=Decimal(row["posted_total"]),
            waived=bool(row["waived"]),
            promised=tuple(map(_promised, named)),
        )
        yield facts, row


def _promised(row: Any) -> Promised:
    return Promised(
        external_id=row["external_id"],
        command_id=row["command_id"],
        amount=Decimal(row["amount"]),
        commanded_id=row["commanded_id"],
        commanded=None if row["commanded"] is None else Decimal(row["commanded"]),
    )


def order_sums(workbook: Workbook) -> dict[str, Decimal]:
    """What the posted orders say that they are over, by currency.

    What was decided, where they do not say it; what was posted, where a person has waived the difference.
    """
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    query = "SELECT decision.*, event.told FROM decision LEFT JOIN event USING (event_id) WHERE outcome = 'POSTED'"
    for row in workbook.all(query):
        said = row["posted_total"] if row["waived"] else row["told"] or row["order_total"]
        sums[row["currency"]] += Decimal(said)
    return sums


def outcome_counts(workbook: Workbook) -> dict[str, int]:
    """How many activated or cancelled orders had which outcome, by the newest decision on each."""
    query = "SELECT outcome, COUNT(*) AS number FROM decision WHERE outcome <> 'IGNORED' GROUP BY 1 ORDER BY 2 DESC"
    rows = workbook.all(query)
    return {outcome_name(OrderOutcome(row["outcome"])): row["number"] for row in rows}


def command_sums(workbook: Workbook) -> dict[str, Decimal]:
    """What the commands are over, by currency, sales orders less return authorizations."""
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in workbook.all("SELECT currency, amount FROM command WHERE currency IS NOT NULL"):
        sums[row["currency"]] += Decimal(row["amount"])
    return sums


def orders_of(workbook: Workbook, period: Period) -> Iterator[OrderRow]:
    """Every activated or cancelled order whose documents are, or would be, dated in the period; copies left out."""
    days = (period.first_on.isoformat(), period.last_on.isoformat())
    for _, rows in groupby(workbook.all(_IN_PERIOD, *days), key=lambda row: row["event_id"]):
        all_rows = list(rows)
        row = all_rows[0]
        documents = tuple(
            PostedDocument(
                external_id=each["external_id"],
                state=each["state"] or "not commanded",
                internal_id=each["internal_id"],
                number=each["number"],
            )
            for each in all_rows
            if each["external_id"] is not None
        )
        outcome, why = _outcome(row, documents)
        yield OrderRow(
            order_number=row["order_number"],
            order_id=row["order_id"],
            customer_id=row["customer_id"],
            dated=date.fromisoformat(row["dated"]),
            event=row["kind"],
            outcome=outcome,
            why=why,
            currency=row["currency"],
            total=in_currency(Decimal(row["order_total"] or row["told"] or 0), row["currency"]),
            posted=in_currency(Decimal(row["posted_total"] or 0), row["currency"]),
            documents=documents,
        )


def _outcome(row: Any, documents: tuple[PostedDocument, ...]) -> tuple[str, str]:
    """What became of an order, in a word and in a sentence."""
    if row["outcome"] is None:
        if row["waits"] is not None:
            return row["waits"], row["waits_why"]
        return "pending" if row["pending"] else "undecided", "nothing was decided about it yet"
    outcome, why = OrderOutcome(row["outcome"]), row["decided_why"]
    if outcome is OrderOutcome.POSTED:
        not_posted = list(dict.fromkeys(each.state for each in documents if each.state != "posted"))
        if not_posted:
            return ", ".join(not_posted), why
    return outcome_name(outcome), why
