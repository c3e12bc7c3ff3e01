"""The oracle gives the documents that the example histories expect, counts terms as published, and is its own."""

import ast
import json
from collections import defaultdict
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from tests.oracle import judge
from tests.oracle.terms import months

EXAMPLES = Path(__file__).parent.parent / "examples"
USUAL = {
    "mixed_orders": "one_document",
    "split_by_contract": True,
    "zero_orders": "post_new",
    "document_date": "activated",
    "tenant_time_zone": "UTC",
    "line_rate": "per_term",
    "term_basis": "us_30_360",
    "tie_out_tolerance": 1,
    "post_from": None,
    "order_cancellations": "hold",
    "release_by_two": False,
}


@pytest.mark.parametrize("folder", ["", "history-delta", "history-snapshot"])
def test_the_examples_leave_their_documents_behind(folder):
    records, orders = defaultdict(list), {}
    for n, text in enumerate((EXAMPLES / folder / "activations.ndjson").read_text().splitlines()):
        document = json.loads(text, parse_float=Decimal)
        order = document["data"]["order"]
        orders[f"e{n}"] = order["id"]
        records[order["customerId"]].append({"kind": "order", "event_id": f"e{n}", "document": document})
    verdicts = [judge(each, USUAL) for each in records.values()]
    expected = json.loads((EXAMPLES / folder / "expected.json").read_text(), parse_float=Decimal)
    found = {paper.external_id: told(paper) for verdict in verdicts for paper in verdict.documents}
    assert found == {each["externalId"]: expected_of(each) for each in expected["documents"]}
    outcomes = [(orders[event], outcome) for verdict in verdicts for event, outcome in verdict.outcomes.items()]
    idle = sorted(each for each in outcomes if each[1] not in ("posted", "copy"))
    assert idle == sorted((each["order"], each["outcome"]) for each in expected["not_posted"])


def told(paper):
    header = (paper.kind, paper.contract, paper.entity, paper.currency, paper.on.isoformat(), paper.memo)
    dates = tuple(str(each) if each else None for each in (paper.start, paper.end))
    rows = [
        (
            row.item,
            row.line_id,
            row.quantity,
            row.amount,
            *(str(each) if each else None for each in (row.start, row.end)),
        )
        for row in paper.rows
    ]
    return header, dates, paper.po_number, paper.total, rows


def expected_of(document):
    kind = "SO" if document["recordType"] == "salesOrder" else "RA"
    names = ("custbody_nue_original_orderid", "entity", "currency", "tranDate", "memo")
    rows = [
        (
            line["item"],
            line["custcol_nue_transactionlineid"],
            Fraction(line["quantity"]),
            Fraction(line["amount"]),
            line["custcol_nue_start_date"],
            line["custcol_nue_end_date"],
        )
        for line in document["lines"]
    ]
    dates = (document.get("startDate"), document.get("endDate"))
    return (
        (kind, *(document[name] for name in names)),
        dates,
        document["otherRefNum"],
        Fraction(document["total"]),
        rows,
    )


@pytest.mark.parametrize(
    ("basis", "start", "end", "expected"),
    [
        ("us_30_360", date(2023, 1, 1), date(2025, 8, 15), Fraction("31.5")),
        ("actual_actual", date(2023, 1, 1), date(2025, 8, 15), 12 * (2 + Fraction(227, 365))),
        ("us_30_360", date(2023, 7, 1), date(2023, 12, 31), Fraction(6)),
        ("eu_30_360", date(2024, 1, 31), date(2024, 3, 30), Fraction(2)),
        ("actual_360", date(2025, 1, 1), date(2025, 12, 31), Fraction(365, 30)),
        ("actual_365", date(2025, 1, 1), date(2025, 12, 31), Fraction(12)),
        ("whole_months", date(2025, 1, 15), date(2025, 4, 14), Fraction(3)),
    ],
)
def test_a_term_has_as_many_months_as_its_basis_says(basis, start, end, expected):
    assert months(basis, start, end) == expected


def test_the_oracle_imports_nothing_of_the_product():
    for file in Path(__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] in ("projections", "streams", "sinks", "schemas")]
