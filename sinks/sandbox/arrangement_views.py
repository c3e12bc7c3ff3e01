"""Revenue arrangements as SuiteQL sees them: as transactions, and their elements in a table of their own."""

from __future__ import annotations

from collections.abc import Mapping

ARRANGEMENTS, ELEMENTS_FAMILY = "arrangement", "element"
"""The families of records that hold them."""

_DISPLAY_NAME = (
    "CASE type WHEN 'salesOrder' THEN 'Sales Order #' ELSE 'Return Authorization #' END "
    "|| COALESCE(json_extract(body, '$.tranId'), id)"
)
OF_TRANSACTIONS: Mapping[str, str] = {"trandisplayname": _DISPLAY_NAME, "mergedintonewarrangements": "NULL"}
"""Columns of transactions that are about arrangements."""

ELEMENT: Mapping[str, str] = {
    "id": "id",
    "source": f"(SELECT {_DISPLAY_NAME} FROM record AS own WHERE own.id = json_extract(record.body, '$.document'))",  # noqa: S608
    "revenuearrangement": "json_extract(body, '$.arrangement')",
    "lastmergedfromarrangement": "json_extract(body, '$.mergedFrom')",
    "item": "json_extract(body, '$.item')",
    "entity": "json_extract(body, '$.entity')",
    "subsidiary": "json_extract(body, '$.subsidiary')",
    "currency": "json_extract(body, '$.currency')",
    "exchangerate": "json_extract(body, '$.exchangeRate')",
    "quantity": "CAST(json_extract(body, '$.quantity') AS NUMERIC)",
    "salesamount": "CAST(json_extract(body, '$.amount') AS NUMERIC)",
}
"""The columns of revenue elements, and the SQL that each one stands for."""
ELEMENTS = f"record WHERE family = '{ELEMENTS_FAMILY}'"

_ARRANGEMENT: Mapping[str, str] = {
    "id": "id",
    "type": "'RevArrng'",
    "recordtype": "'revenuearrangement'",
    "entity": "json_extract(body, '$.entity')",
    "currency": "json_extract(body, '$.currency')",
    "tranid": "'RA' || id",
    "trandisplayname": "'Revenue Arrangement #RA' || id",
    "mergedintonewarrangements": "json_extract(body, '$.merged')",
}


def among(columns: Mapping[str, str]) -> str:
    """What adds the arrangements to the view of the transactions, which has these ``columns``."""
    listed = ", ".join(_ARRANGEMENT.get(name, "NULL") for name in columns)
    return f" UNION ALL SELECT {listed} FROM record WHERE family = '{ARRANGEMENTS}'"  # noqa: S608  names of ours
