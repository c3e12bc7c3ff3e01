"""The example histories, and what NetSuite holds in the shape of their expected documents."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.normalized import fetched

NUMBERS = ("quantity", "amount")
LINE = (
    "item",
    *NUMBERS,
    "custcol_nue_transactionlineid",
    "custcol_nue_start_date",
    "custcol_nue_end_date",
)
HEADER = (
    "recordType",
    "externalId",
    "entity",
    "custbody_nue_original_orderid",
    "tranDate",
    "currency",
    "otherRefNum",
    "memo",
    "startDate",
    "endDate",
)


def expected_of(file: Path) -> dict[str, Any]:
    """The documents, customers and items that a history must leave behind, comparable with :func:`shape_of`."""
    expected = json.loads(file.read_text(), parse_float=Decimal)
    return {
        "documents": {each["externalId"]: _document(each) for each in expected["documents"]},
        "customers": set(expected["customers"]),
        "items": expected["items"],
    }


def shape_of(sandbox: Any) -> dict[str, Any]:
    """What a sandbox holds, in the same shape."""
    held = fetched(sandbox.url)
    return {
        "documents": {each["externalId"]: _document(each) for each in held["documents"]},
        "customers": {each["externalId"] for each in held["customers"]},
        "items": {each["externalId"]: each["recordType"] for each in held["items"]},
    }


def _document(document: dict[str, Any]) -> dict[str, Any]:
    header = {name: document[name] for name in HEADER if name in document}
    lines = [
        {name: Decimal(str(line[name])) if name in NUMBERS else line[name] for name in LINE}
        for line in document["lines"]
    ]
    return header | {"lines": lines, "total": Decimal(str(document["total"]))}
