"""Records as NetSuite's SuiteQL tells them, for comparing many at once. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from sinks.readback import as_decimal, id_of
from sinks.transactions import LINE_ID, ORIGINAL_ORDER

Row = Mapping[str, Any]

RECORD_TYPES: Mapping[str, str] = {"SalesOrd": "salesOrder", "RtnAuth": "returnAuthorization"}
"""SuiteQL's names of the types of our documents, and those of their records."""

FIELD_COLUMNS: Mapping[str, Mapping[str, str]] = {
    "customer": {
        "companyName": "companyname",
        "firstName": "firstname",
        "lastName": "lastname",
        "email": "email",
        "phone": "phone",
        "comments": "comments",
        "startDate": "since",
    },
    "item": {"displayName": "displayname", "salesDescription": "description"},
}
"""Fields of customers and items that are Nue's also after creation, and the columns that tell them."""


class HeldLine(Struct, frozen=True):
    """A line that carries one of our line ids; ``item`` is an internal id."""

    line_id: str
    item: str | None
    quantity: Decimal | None
    amount: Decimal | None


class HeldDocument(Struct, frozen=True, kw_only=True):
    """A sales order or return authorization. ``entity`` and ``currency`` are internal ids.

    ``number`` is what NetSuite calls it; ``total`` is with tax, its sign NetSuite's. ``lines`` are ours alone.
    """

    internal_id: str
    record: str
    external_id: str | None
    entity: str | None
    currency: str | None
    link: str | None
    number: str | None
    total: Decimal | None
    lines: tuple[HeldLine, ...] = ()


class HeldRecord(Struct, frozen=True):
    """A customer or item under one of our external ids, with the columns that we compare."""

    internal_id: str
    external_id: str
    row: Row


def document_of(row: Row, lines: Iterable[Row] = ()) -> HeldDocument:
    """The document of a row of ``transaction`` and of rows of ``transactionline``."""
    return HeldDocument(
        internal_id=id_of(row) or "",
        record=RECORD_TYPES.get(str(row.get("type")), str(row.get("type"))),
        external_id=_text(row.get("externalid")),
        entity=_text(row.get("entity")),
        currency=_text(row.get("currency")),
        link=_text(row.get(ORIGINAL_ORDER)),
        number=_text(row.get("tranid")),
        total=as_decimal(row.get("foreigntotal")),
        lines=tuple(map(_line_of, lines)),
    )


def _line_of(row: Row) -> HeldLine:
    quantity, amount = as_decimal(row.get("quantity")), as_decimal(row.get("foreignamount"))
    return HeldLine(str(row.get(LINE_ID)), _text(row.get("item")), quantity, amount)


def _text(value: object) -> str | None:
    return None if value is None or value == "" else str(value)
