"""A report for people at a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal

from rich.text import Text

from schemas.currency import UnknownCurrency
from streams import chain_tables
from streams.console import results, table
from streams.reconcile.findings import Explained, OrderRow, PostedDocument, Report

RECORDS = {
    "salesOrder": "sales order",
    "returnAuthorization": "return authorization",
    "customer": "customer",
    "item": "item",
    "order": "order",
}
"""What records are called."""

MOST_EXPLAINED = 20
"""Of one state, so many are listed at a terminal; the files have all."""


def print_report(report: Report) -> None:
    """Write it to standard output."""
    results.print(Text(lead(report)), soft_wrap=True)
    results.print()
    results.print(_sums(report))
    if report.first_on is not None:
        results.print()
        results.print(_orders(report))
    if report.explained:
        results.print()
        results.print(_explained(report))
        if (left := len(report.explained) - len(_listed(report.explained))) > 0:
            results.print(Text(f"and {left:,} more; --json, --csv and --html tell all", "dim"))
    if report.discrepancies:
        results.print()
        results.print(_discrepancies(report))
    results.print()
    style = "green" if report.ties_out else "bold red"
    results.print(Text(("✓ " if report.ties_out else "✗ ") + verdict(report), style), soft_wrap=True)


def lead(report: Report) -> str:
    """What was looked at, in one sentence."""
    counts = report.counts
    unread = f"; {counted(counts.unreadable, 'record')} could not be read" if counts.unreadable else ""
    each = ", ".join(f"{number:,} {outcome}" for outcome, number in counts.outcomes.items())
    orders = counted(counts.orders, "order") + (f" ({each})" if each else "")
    return (
        f"NetSuite account {report.account}, {report.checked_at:%Y-%m-%d %H:%M}Z: {orders}, "
        f"{counted(counts.documents, 'document')} ({counts.found:,} in NetSuite), "
        f"{counted(counts.customers, 'customer')}, {counted(counts.items, 'item')}{unread}"
    )


def verdict(report: Report) -> str:
    """What is wrong, in one sentence."""
    if report.ties_out:
        return "Everything ties out: Nue's orders, the commands, and NetSuite."
    kinds = Counter(each.kind.value for each in report.discrepancies)
    each = ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items()))
    return f"{len(report.discrepancies):,} discrepanc{'y' if len(report.discrepancies) == 1 else 'ies'}: {each}"


def outcomes(orders: Iterable[OrderRow]) -> str:
    """How many orders of the period had which outcome."""
    counted_outcomes = Counter(order.outcome for order in orders)
    return ", ".join(f"{number:,} {outcome}" for outcome, number in counted_outcomes.most_common()) or "no orders"


def money(amount: Decimal | None, currency: str | None) -> str:
    """An amount with the decimals of its currency; none where either is not known."""
    if amount is None or currency is None:
        return ""
    try:
        return chain_tables.money(amount, currency)
    except UnknownCurrency:
        return f"{amount:,f}"


def document_text(document: PostedDocument) -> str:
    """A document of an order, and where it stands."""
    where = document.number or (f"internal id {document.internal_id}" if document.internal_id else None)
    return f"{document.external_id} ({', '.join(filter(None, (document.state, where)))})"


def counted(number: int, noun: str) -> str:
    """A number of things."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _sums(report: Report) -> object:
    columns = ("currency", "orders in Nue", "commands", "explained", "in NetSuite", "difference")
    rows = [
        (
            each.currency,
            *(money(amount, each.currency) for amount in _amounts(each)),
            money(each.difference, each.currency),
        )
        for each in report.sums
    ]
    return table("Sales orders less return authorizations, before tax", columns, rows, right=columns[1:])


def _amounts(sums: object) -> Sequence[Decimal]:
    return [getattr(sums, name) for name in ("orders", "commands", "explained", "netsuite")]


def _orders(report: Report) -> object:
    columns = ("order", "day", "event", "outcome", "currency", "total", "posted", "documents")
    rows = [
        (
            *(order.order_number, order.dated.isoformat(), order.event, order.outcome, order.currency),
            *(money(order.total, order.currency), money(order.posted, order.currency)),
            "\n".join(map(document_text, order.documents)) or order.why,
        )
        for order in report.orders
    ]
    title = f"Orders from {report.first_on} to {report.last_on}: {outcomes(report.orders)}"
    return table(title, columns, rows, right=("total", "posted"))


def _explained(report: Report) -> object:
    kinds = Counter(each.state.value for each in report.explained)
    title = "Not in NetSuite, or not ours, for a reason: " + ", ".join(f"{n:,} {kind}" for kind, n in kinds.items())
    rows = [
        (each.state, RECORDS.get(each.record, each.record), each.name, each.order_number or "", each.words)
        for each in _listed(report.explained)
    ]
    return table(title, ("state", "record", "name", "order", "why"), rows)


def _listed(explained: Iterable[Explained]) -> list[Explained]:
    seen: Counter[str] = Counter()
    listed = []
    for each in explained:
        seen[each.state] += 1
        if seen[each.state] <= MOST_EXPLAINED:
            listed.append(each)
    return listed


def _discrepancies(report: Report) -> object:
    rows = [
        (
            *(each.kind, RECORDS.get(each.record, each.record), each.name, each.internal_id or ""),
            *(each.order_number or "", each.words),
        )
        for each in report.discrepancies
    ]
    return table("Discrepancies", ("kind", "record", "name", "internal id", "order", "what"), rows)
