"""The tables that SuiteQL sees, as SQLite views over the sandbox's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sinks.sandbox import arrangement_views
from sinks.sandbox.account import FAMILY, CustomFields

_INACTIVE = (
    "CASE WHEN json_extract(body, '$.isInactive') = 1 OR external_key IN (SELECT external_key FROM inactive) "
    "THEN 'T' ELSE 'F' END"
)
# amounts are numbers here, so that they compare as such; exact digits are in the records
_AMOUNT = "CAST({} AS NUMERIC)"
_CREDITED = "(CASE (SELECT type FROM record WHERE id = line.record) WHEN 'salesOrder' THEN -1 ELSE 1 END)"
_NAMED = ("subsidiary", "location", "department", "classification", "account")

_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "transaction": {
        "id": "id",
        "externalid": "external_id",
        "type": "CASE type WHEN 'salesOrder' THEN 'SalesOrd' ELSE 'RtnAuth' END",
        "recordtype": "LOWER(type)",
        "entity": "json_extract(body, '$.entity.id')",
        "currency": "json_extract(body, '$.currency.id')",
        "exchangerate": "json_extract(body, '$.exchangeRate')",
        "terms": "json_extract(body, '$.terms.id')",
        "trandate": "json_extract(body, '$.tranDate')",
        "tranid": "json_extract(body, '$.tranId')",
        "memo": "json_extract(body, '$.memo')",
        "otherrefnum": "json_extract(body, '$.otherRefNum')",
        "total": _AMOUNT.format("total"),
        "foreigntotal": _AMOUNT.format("total"),
        **arrangement_views.OF_TRANSACTIONS,
    },
    "revenueelement": arrangement_views.ELEMENT,
    "transactionline": {
        "transaction": "record",
        "id": "number",
        "item": "item",
        "quantity": "json_extract(body, '$.quantity')",
        "rate": "json_extract(body, '$.rate')",
        "foreignamount": _AMOUNT.format("amount"),
    },
    "customer": {
        "id": "id",
        "externalid": "external_id",
        "entityid": "name",
        "companyname": "json_extract(body, '$.companyName')",
        "firstname": "json_extract(body, '$.firstName')",
        "lastname": "json_extract(body, '$.lastName')",
        "email": "json_extract(body, '$.email')",
        "phone": "json_extract(body, '$.phone')",
        "comments": "json_extract(body, '$.comments')",
        "startdate": "json_extract(body, '$.startDate')",
        "parent": "json_extract(body, '$.parent.id')",
        "isinactive": _INACTIVE,
    },
    "item": {
        "id": "id",
        "externalid": "external_id",
        "itemid": "name",
        "recordtype": "LOWER(type)",
        "displayname": "json_extract(body, '$.displayName')",
        "description": "json_extract(body, '$.salesDescription')",
        "isinactive": _INACTIVE,
    },
    "currency": {
        "id": "id",
        "symbol": "symbol",
        "name": "name",
        "isbasecurrency": "CASE symbol WHEN 'USD' THEN 'T' ELSE 'F' END",
    },
    "term": {"id": "id", "name": "name"},
    **{kind: {"id": "id", "name": "name"} for kind in _NAMED},
}
_SOURCES: Mapping[str, str] = {
    "transaction": "record WHERE family = 'transaction'",
    "transactionline": "line",
    "revenueelement": arrangement_views.ELEMENTS,
    "customer": "record WHERE family = 'entity'",
    "item": "record WHERE family = 'item'",
    "currency": "reference WHERE kind = 'currency'",
    "term": "reference WHERE kind = 'term'",
    **{kind: f"reference WHERE kind = '{kind}'" for kind in _NAMED},
}
TABLES = frozenset(_COLUMNS)
"""The tables that can be queried."""


def columns(custom_fields: CustomFields, *, signs_of_books: bool = False) -> dict[str, dict[str, str]]:
    """Per table its columns, and the SQL that each one stands for; custom fields included.

    ``signs_of_books``: the lines of sales orders have the sign of the books, where a sale is a credit.
    """
    known = {
        table: {**own, **{name: f"json_extract(body, '$.{name}')" for name in _custom(table, custom_fields)}}
        for table, own in _COLUMNS.items()
    }
    if signs_of_books:
        lines = known["transactionline"]
        lines |= {name: f"{_CREDITED} * {lines[name]}" for name in ("quantity", "foreignamount")}
    return known


def statements(custom_fields: CustomFields, *, signs_of_books: bool = False) -> Iterable[str]:
    """The SQL that makes the views anew: custom fields may have changed since a file was written."""
    for table, own in columns(custom_fields, signs_of_books=signs_of_books).items():
        listed = ", ".join(f'{expression} AS "{name}"' for name, expression in own.items())
        yield f"DROP VIEW IF EXISTS suiteql_{table}"
        more = arrangement_views.among(own) if table == "transaction" else ""
        yield f"CREATE VIEW suiteql_{table} AS SELECT {listed} FROM {_SOURCES[table]}{more}"  # noqa: S608  names are checked


def _custom(table: str, custom_fields: CustomFields) -> list[str]:
    family = {"transaction": "transaction", "customer": "entity", "item": "item"}.get(table)
    places = [record for record, its in FAMILY.items() if its == family]
    if table == "transactionline":
        places = [place for place in custom_fields if place.endswith(".item")]
    return sorted({name for place in places for name in custom_fields.get(place, ())})
