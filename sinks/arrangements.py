"""What NetSuite made of documents: their revenue elements, and the arrangements that those stand in.

Neither is to be had from the record service; SuiteQL shows them to a role that may view revenue arrangements. An
element names its source as NetSuite displays it ("Sales Order #SO12"), which is what the transaction's display name is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sinks.attempts import Attempts
from sinks.lookup import every_row_if_allowed, portions, select_every
from sinks.readback import as_decimal, id_of
from sinks.transactions import ORIGINAL_ORDER

_DOCUMENTS = (
    "SELECT t.id, t.externalid, t.type, t.trandisplayname, t.tranid, t.entity, t.exchangerate, t.foreigntotal, "  # noqa: S608
    f"TO_CHAR(t.trandate, 'YYYY-MM-DD') AS tran_on, c.symbol, t.{ORIGINAL_ORDER} "
    "FROM transaction t JOIN currency c ON c.id = t.currency "
    "WHERE t.type IN ('SalesOrd', 'RtnAuth') AND t.{column} IN ({marks}) ORDER BY t.id"
)
_ELEMENTS = (
    "SELECT id, source, revenuearrangement, entity, subsidiary, currency FROM revenueelement "
    "WHERE source IN ({marks}) ORDER BY id"
)
_ARRANGEMENTS = (
    "SELECT id, tranid, mergedintonewarrangements FROM transaction WHERE type = 'RevArrng' AND id IN ({marks}) "
    "ORDER BY id"
)


class Element(Struct, frozen=True, kw_only=True):
    """A revenue element. ``books`` are its customer, subsidiary and currency, by internal id."""

    internal_id: str
    arrangement: str
    books: tuple[str, str, str]


class Arranged(Struct, frozen=True, kw_only=True):
    """A document as NetSuite has it, and its elements; none where NetSuite has not made them.

    ``name`` is its external id, of one that has none what NetSuite ``displayed``. ``contract_id`` is what its link
    field says, ``entity`` an internal id, ``amount`` its total with NetSuite's taxes, in ``currency`` (ISO 4217).
    """

    internal_id: str
    name: str
    displayed: str
    number: str
    is_return: bool = False
    contract_id: str | None = None
    entity: str = ""
    currency: str = ""
    amount: Decimal = Decimal(0)
    tran_on: date | None = None
    exchange_rate: Decimal | None = None
    elements: tuple[Element, ...] = ()


class Arrangements(Struct, frozen=True, kw_only=True):
    """What NetSuite told.

    ``documents`` by name in lower case, in the order of their internal ids; ``merged`` are arrangements whose
    elements went into another one, ``numbers`` what people call an arrangement. ``silence`` says in words why there
    are no elements: NetSuite does not show them.
    """

    documents: Mapping[str, Arranged]
    numbers: Mapping[str, str] = {}
    merged: frozenset[str] = frozenset()
    silence: str | None = None

    def of(self, name: str) -> Arranged | None:
        """The document of this name, whatever its case."""
        return self.documents.get(name.casefold())


async def arrangements_of(attempts: Attempts, contracts: Iterable[str], external_ids: Iterable[str]) -> Arrangements:
    """What NetSuite has of these documents and of all that carry the link of these contracts, a thousand to a query.

    Raises :class:`~sinks.verdict.Unauthorized` where NetSuite refuses the look-up of transactions.
    """
    documents: dict[str, Arranged] = {}
    for column, values in ((ORIGINAL_ORDER, contracts), ("externalid", external_ids)):
        for part in portions(values):
            query = _DOCUMENTS.format(column=column, marks=_marks(part))
            found = map(_document, await select_every(attempts, query, part))
            documents |= {document.name.casefold(): document for document in found if document is not None}
    elements = await _elements_of(attempts, documents)
    if isinstance(elements, str):
        return Arrangements(documents=documents, silence=elements)
    numbers, merged = await _told_of(attempts, {each.arrangement for own in elements.values() for each in own})
    return Arrangements(
        documents={name: replace(each, elements=tuple(elements.get(name, ()))) for name, each in documents.items()},
        numbers=numbers,
        merged=merged,
    )


async def _elements_of(attempts: Attempts, documents: Mapping[str, Arranged]) -> dict[str, list[Element]] | str:
    # numbers may be given anew in each subsidiary, so that what is displayed could be another customer's document
    sources = {(each.displayed, each.entity): name for name, each in documents.items()}
    elements: dict[str, list[Element]] = {}
    for part in portions({displayed for displayed, _ in sources}):
        told = await every_row_if_allowed(attempts, _ELEMENTS.format(marks=_marks(part)), part)
        if isinstance(told, str):
            return told
        for row in told:
            document, element = sources.get((str(row.get("source")), str(row.get("entity")))), _element(row)
            if document is not None and element is not None:
                elements.setdefault(document, []).append(element)
    return elements


async def _told_of(attempts: Attempts, arrangements: Iterable[str]) -> tuple[dict[str, str], frozenset[str]]:
    numbers: dict[str, str] = {}
    merged: set[str] = set()
    for part in portions(sorted(arrangements)):
        told = await every_row_if_allowed(attempts, _ARRANGEMENTS.format(marks=_marks(part)), part)
        # without it nothing is known but the elements, which say where they are
        for row in told if not isinstance(told, str) else ():
            if (internal_id := id_of(row)) is not None:
                numbers[internal_id] = str(row.get("tranid") or internal_id)
                merged |= {internal_id} if row.get("mergedintonewarrangements") == "T" else set()
    return numbers, frozenset(merged)


def _document(row: Mapping[str, Any]) -> Arranged | None:
    internal_id = id_of(row)
    if internal_id is None:
        return None
    displayed, link, on = (row.get(name) for name in ("trandisplayname", ORIGINAL_ORDER, "tran_on"))
    return Arranged(
        internal_id=internal_id,
        name=str(row.get("externalid") or displayed or internal_id),
        displayed=str(displayed),
        number=str(row.get("tranid") or internal_id),
        is_return=row.get("type") == "RtnAuth",
        contract_id=None if link is None else str(link),
        entity=str(row.get("entity")),
        currency=str(row.get("symbol")),
        amount=abs(as_decimal(row.get("foreigntotal")) or Decimal(0)),
        tran_on=None if on is None else date.fromisoformat(str(on)),
        exchange_rate=as_decimal(row.get("exchangerate")),
    )


def _element(row: Mapping[str, Any]) -> Element | None:
    internal_id, arrangement = id_of(row), row.get("revenuearrangement")
    if internal_id is None or not arrangement:
        return None
    entity, subsidiary, currency = (str(row.get(name) or "") for name in ("entity", "subsidiary", "currency"))
    return Element(internal_id=internal_id, arrangement=str(arrangement), books=(entity, subsidiary, currency))


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
