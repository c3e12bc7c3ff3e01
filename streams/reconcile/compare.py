"""What was decided, beside what is found: each difference by its kind. Pure.

Compared is what is ours alone, as the sink does: of a document its type, entity, link, currency and the lines that
carry our line ids; of a customer or item the fields that stay Nue's after creation. Lines that NetSuite or finance
added by themselves (tax, freight, a discount) carry no line id of ours and are not looked at, nor is any total with
tax.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from schemas.command import Document, DocumentLine, Upsert, UpsertCustomer
from sinks.held import FIELD_COLUMNS, HeldDocument, HeldLine, HeldRecord
from sinks.translate import patch_for
from streams.reconcile.findings import Discrepancy, Kind
from streams.reconcile.telling import discrepancy, in_currency, plain, record_of

_LONGEST_VALUE = 80


class Known(Struct, frozen=True, kw_only=True):
    """Internal ids of customers and items by external id, the external ids of those by internal id, and currencies.

    External ids are in lower case on the left: NetSuite compares them so.
    """

    ids: Mapping[str, str]
    names: Mapping[str, str]
    currencies: Mapping[str, str | None]

    def called(self, internal_id: str | None) -> str:
        """A customer or item for people."""
        if internal_id is None:
            return "none"
        name = self.names.get(internal_id)
        return f"{name} (internal id {internal_id})" if name else f"internal id {internal_id}, which is none of ours"


def compare_document(document: Document, held: HeldDocument, known: Known) -> list[Discrepancy]:
    """How what stands under a document's external id differs from it; one discrepancy per kind."""
    told: dict[Kind, list[str]] = {}
    for kind, words in (*_head(document, held, known), *_lines(document, held.lines, known)):
        told.setdefault(kind, []).append(words)
    return [discrepancy(kind, document, "; ".join(words), held.internal_id) for kind, words in told.items()]


def _head(document: Document, held: HeldDocument, known: Known) -> Iterator[tuple[Kind, str]]:
    if held.record != record_of(document):
        yield Kind.TYPE, f"it is a {held.record}, not a {record_of(document)}"
    if held.entity != known.ids.get(document.entity.casefold()):
        yield Kind.ENTITY, f"on customer {known.called(held.entity)}, not {document.entity}"
    if held.link != document.original_order_id:
        yield Kind.LINK, f"linked to contract {held.link or 'none'}, not {document.original_order_id}"
    if held.currency != known.currencies.get(document.currency):
        yield Kind.CURRENCY, f"in the currency with internal id {held.currency}, not in {document.currency}"


def _lines(document: Document, found: Sequence[HeldLine], known: Known) -> Iterator[tuple[Kind, str]]:
    sign = sign_of(document.lines, found)
    standing: dict[str, list[HeldLine]] = {}
    for line in found:
        standing.setdefault(line.line_id, []).append(line)
    for ours in document.lines:
        same = standing.pop(ours.line_id, [])
        if len(same) == 1:
            yield from _line(ours, same[0], sign, known, document.currency)
        else:
            yield Kind.LINES, f"line {ours.line_id} " + (f"stands {len(same)} times" if same else "is not there")
    for line_id in standing:
        yield Kind.LINES, f"line {line_id} is not of this document"


def _line(wanted: DocumentLine, found: HeldLine, sign: int, known: Known, currency: str) -> Iterator[tuple[Kind, str]]:
    name = f"line {wanted.line_id}"
    if found.amount != wanted.amount * sign:
        over = "nothing" if found.amount is None else f"{in_currency(found.amount * sign, currency)}"
        yield Kind.AMOUNT, f"{name} is over {over}, not {in_currency(wanted.amount, currency)} {currency}"
    if found.quantity != wanted.quantity * sign:
        quantity = "none" if found.quantity is None else plain(found.quantity * sign)
        yield Kind.LINES, f"{name} has the quantity {quantity}, not {plain(wanted.quantity)}"
    if found.item != known.ids.get(wanted.item.casefold()):
        yield Kind.LINES, f"{name} sells {known.called(found.item)}, not {wanted.item}"


def sign_of(wanted: Sequence[DocumentLine], found: Sequence[HeldLine]) -> int:
    """1, or -1 where SuiteQL tells this document with the sign that sales have in the books.

    Of the two the one with which more amounts and quantities agree.
    """
    told = {line.line_id: line for line in found}
    pairs = [(line, told[line.line_id]) for line in wanted if line.line_id in told]

    def agreeing(sign: int) -> int:
        same = (
            (theirs.amount == ours.amount * sign) + (theirs.quantity == ours.quantity * sign) for ours, theirs in pairs
        )
        return sum(same)

    if agreeing(1) == agreeing(-1):
        # none agrees, or there are none: a document's own sum is never negative, and without money its quantity
        amount = sum((line.amount or Decimal(0) for line in found), Decimal(0))
        quantity = sum((line.quantity or Decimal(0) for line in found), Decimal(0))
        return -1 if (amount or quantity) < 0 else 1
    return 1 if agreeing(1) > agreeing(-1) else -1


def net_of(held: HeldDocument, sign: int) -> Decimal:
    """What our lines of a document in NetSuite add to its order."""
    amount = sum((line.amount or Decimal(0) for line in held.lines), Decimal(0)) * sign
    return amount if held.record == "salesOrder" else -amount


def compare_upsert(upsert: Upsert, held: HeldRecord) -> list[str]:
    """How a customer or item in NetSuite differs from its newest version, field by field.

    Text is compared without the spaces at its ends, and telephone numbers by their digits: NetSuite writes both its own
    way.
    """
    columns = FIELD_COLUMNS["customer" if isinstance(upsert, UpsertCustomer) else "item"]
    words = patch_for(upsert, held.internal_id).body
    return [
        f"{name} is {_shown(held.row.get(columns[name]))}, not {_shown(value)}"
        for name, value in words.items()
        if name in columns and _normal(name, held.row.get(columns[name])) != _normal(name, value)
    ]


def _normal(name: str, value: object) -> str:
    text = "" if value is None else str(value).replace("\r\n", "\n").strip()
    digits = "".join(filter(str.isdigit, text)) if name == "phone" else ""
    return digits or text


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    text = str(value)
    return repr(text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…")
