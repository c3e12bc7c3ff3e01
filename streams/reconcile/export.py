"""A report for other programs: JSON, and CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from streams.reconcile.findings import OrderRow, Report

COLUMNS = (
    *("section", "kind", "record", "name", "internal_id", "document_number", "order_number", "customer_id"),
    *("contract_id", "dated", "currency", "amount", "words"),
)
# Spreadsheets take what begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_json(report: Report) -> str:
    """All of a report. Amounts are texts with exact digits."""
    told: dict[str, Any] = msgspec.to_builtins(report)
    for sums, row in zip(report.sums, told["sums"], strict=True):
        row["difference"] = str(sums.difference)
    return json.dumps({"tiesOut": report.ties_out, **told}, indent=2, ensure_ascii=False)


def as_csv(report: Report) -> str:
    """Discrepancies, what is explained, and a line per document of each order of the period, told apart by
    ``section``.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in _rows(report):
        writer.writerow({name: _cell(name, value) for name, value in row.items()})
    return text.getvalue()


def _rows(report: Report) -> Iterator[dict[str, Any]]:
    for section, told in (("discrepancy", report.discrepancies), ("explained", report.explained)):
        for each in told:
            about = msgspec.structs.asdict(each)
            kind = about.get("kind") or about.get("state")
            yield {name: about[name] for name in COLUMNS if name in about} | {"section": section, "kind": kind}
    for order in report.orders:
        yield from _order_rows(order)


def _order_rows(order: OrderRow) -> Iterable[dict[str, Any]]:
    own = {
        "section": "order",
        "kind": order.outcome,
        "record": order.event,
        "name": order.order_number,
        "order_number": order.order_number,
        "customer_id": order.customer_id,
        "dated": order.dated.isoformat(),
        "currency": order.currency,
        "amount": order.total,
        "words": order.why,
    }
    yield own
    for document in order.documents:
        yield own | {
            "section": "document",
            "kind": document.state,
            "record": "document",
            "name": document.external_id,
            "internal_id": document.internal_id,
            "document_number": document.number,
            "amount": None,
            "words": None,
        }


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    text = str(value)
    return f"'{text}" if name != "amount" and text.startswith(_FORMULA) else text
