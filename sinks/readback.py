"""What NetSuite answers, in our words: refusals, ids, and whether a record is the document that we meant. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from schemas.command import Document, DocumentLine
from sinks.translate import LINE_ID, ORIGINAL_ORDER, References

_WORDS_LIMIT = 2000


def refusal_in(body: object) -> str | None:
    """The error that an answer's body tells, in NetSuite's words; ``None`` where it is not NetSuite that speaks.

    NetSuite nests details under ``o:errorDetails`` or puts a single one at the top; both are read. The words are for
    people: its codes and texts are too coarse to decide by.
    """
    if not isinstance(body, Mapping):
        return None
    nested = body.get("o:errorDetails")
    details = [part for part in nested if isinstance(part, Mapping)] if isinstance(nested, list) else []
    if not details and ("o:errorCode" in body or "detail" in body):
        details = [body]
    words = "; ".join(filter(None, map(_sentence, details)))
    if not words and not {"title", "status"} <= body.keys():
        return None
    return in_utf8((words or str(body["title"]))[:_WORDS_LIMIT])


def in_utf8(text: str) -> str:
    """``text`` with a question mark for each half of a surrogate pair: JSON may carry one alone, UTF-8 may not."""
    return text.encode("utf-8", "replace").decode()


def _sentence(detail: Mapping[str, Any]) -> str:
    said = str(detail.get("detail") or detail.get("o:errorCode") or "")
    path = detail.get("o:errorPath")
    return f"{said} (at {path})" if path else said


def id_in_location(location: str | None) -> str | None:
    """The internal id at the end of a ``Location`` header, which may be absolute or relative."""
    if not location:
        return None
    return location.split("?", 1)[0].rstrip("/").rsplit("/", 1)[-1] or None


def id_of(record: object) -> str | None:
    """The internal id of a record as NetSuite gives it: a string, in some releases a number."""
    found = record.get("id") if isinstance(record, Mapping) else None
    return str(found) if isinstance(found, str | int) and str(found) else None


def rows_of(body: object) -> list[Mapping[str, Any]]:
    """The rows of a SuiteQL answer, their column names in lower case."""
    items = body.get("items") if isinstance(body, Mapping) else None
    rows = items if isinstance(items, list) else []
    return [{str(key).lower(): value for key, value in row.items()} for row in rows if isinstance(row, Mapping)]


def matches(document: Document, record: object, references: References) -> list[str]:
    """How ``record``, found under the document's external id, differs from the document; empty if it is ours.

    Ours are entity, currency, link field and the lines that carry our line ids: item, quantity, amount. NetSuite's
    own lines and totals (tax) are not compared.
    """
    if not isinstance(record, Mapping):
        return ["it could not be read"]
    differences = [
        f"{name} is {found!r}, not {wanted!r}"
        for name, found, wanted in (
            ("entity", id_of(record.get("entity")), references.ids[document.entity]),
            ("currency", id_of(record.get("currency")), references.currency),
            (ORIGINAL_ORDER, record.get(ORIGINAL_ORDER), document.original_order_id),
        )
        if found != wanted
    ]
    return differences + _line_differences(document.lines, record.get("item"), references)


def _line_differences(lines: tuple[DocumentLine, ...], sublist: object, references: References) -> list[str]:
    items = sublist.get("items") if isinstance(sublist, Mapping) else None
    if not isinstance(items, list):
        return ["its lines were not given"]
    wanted = Counter(_OurLine(line.line_id, references.ids[line.item], line.quantity, line.amount) for line in lines)
    found = Counter(map(_our_line, (item for item in items if isinstance(item, Mapping) and item.get(LINE_ID))))
    return [f"line {line.shown} is not there" for line in wanted - found] + [
        f"line {line.shown} is not of this document" for line in found - wanted
    ]


class _OurLine(Struct, frozen=True):
    line_id: str
    item: str | None
    quantity: Decimal | None
    amount: Decimal | None

    @property
    def shown(self) -> str:
        return f"{self.line_id} (item {self.item}, quantity {self.quantity}, amount {self.amount})"


def _our_line(item: Mapping[str, Any]) -> _OurLine:
    quantity, amount = as_decimal(item.get("quantity")), as_decimal(item.get("amount"))
    return _OurLine(str(item[LINE_ID]), id_of(item.get("item")), quantity, amount)


def as_decimal(value: object) -> Decimal | None:
    """A number as NetSuite gives it, in JSON or as text; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    try:
        return Decimal(value)
    except ArithmeticError:
        return None
