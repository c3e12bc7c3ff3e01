"""What NetSuite made of documents: their revenue elements, and the arrangements that those stand in.

Neither is to be had from the record service; SuiteQL shows them to a role that may view revenue arrangements. An
element names its source as NetSuite displays it ("Sales Order #SO12"), which is what the transaction's display name is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from sinks.attempts import Attempts
from sinks.lookup import PAGE, every_row_if_allowed, select_every
from sinks.readback import as_decimal, id_of

_DOCUMENTS = (
    "SELECT id, externalid, trandisplayname, entity, exchangerate FROM transaction "
    "WHERE type IN ('SalesOrd', 'RtnAuth') AND externalid IN ({marks}) ORDER BY id"
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
    """A document as NetSuite has it, and its elements; none where NetSuite has not made them."""

    internal_id: str
    exchange_rate: Decimal | None
    elements: tuple[Element, ...] = ()


class Arrangements(Struct, frozen=True, kw_only=True):
    """What NetSuite told.

    ``documents`` by external id in lower case; ``merged`` are arrangements whose elements went into another one,
    ``numbers`` what people call an arrangement. ``silence`` says in words why there are no elements: NetSuite does
    not show them.
    """

    documents: Mapping[str, Arranged]
    numbers: Mapping[str, str] = {}
    merged: frozenset[str] = frozenset()
    silence: str | None = None

    def of(self, external_id: str) -> Arranged | None:
        """The document with this external id, whatever its case."""
        return self.documents.get(external_id.casefold())


async def arrangements_of(attempts: Attempts, external_ids: Iterable[str]) -> Arrangements:
    """What NetSuite has of these documents, a thousand to a query.

    Raises :class:`~sinks.verdict.Unauthorized` where NetSuite refuses the look-up of transactions.
    """
    rows = [
        row for part in _parts(external_ids) for row in await select_every(attempts, _query(_DOCUMENTS, part), part)
    ]
    # numbers may be given anew in each subsidiary, so that the name alone could be another customer's document
    sources = {_place(row, "trandisplayname"): str(row.get("externalid")).casefold() for row in rows}
    elements: dict[str, list[Element]] = {}
    silence = None
    for part in _parts({name for name, _ in sources}):
        told = await every_row_if_allowed(attempts, _query(_ELEMENTS, part), part)
        if isinstance(told, str):
            silence = told
            break
        for row in told:
            document, element = sources.get(_place(row, "source")), _element(row)
            if document is not None and element is not None:
                elements.setdefault(document, []).append(element)
    documents = {
        (name := str(row.get("externalid")).casefold()): Arranged(
            internal_id=internal_id,
            exchange_rate=as_decimal(row.get("exchangerate")),
            elements=tuple(elements.get(name, ())),
        )
        for row in rows
        if (internal_id := id_of(row))
    }
    numbers, merged = await _told_of(attempts, {each.arrangement for own in elements.values() for each in own})
    return Arrangements(documents=documents, numbers=numbers, merged=merged, silence=silence)


async def _told_of(attempts: Attempts, arrangements: Iterable[str]) -> tuple[dict[str, str], frozenset[str]]:
    numbers: dict[str, str] = {}
    merged: set[str] = set()
    for part in _parts(sorted(arrangements)):
        told = await every_row_if_allowed(attempts, _query(_ARRANGEMENTS, part), part)
        # without it nothing is known but the elements, which say where they are
        for row in told if not isinstance(told, str) else ():
            if (internal_id := id_of(row)) is not None:
                numbers[internal_id] = str(row.get("tranid") or internal_id)
                merged |= {internal_id} if row.get("mergedintonewarrangements") == "T" else set()
    return numbers, frozenset(merged)


def _element(row: Mapping[str, Any]) -> Element | None:
    internal_id, arrangement = id_of(row), row.get("revenuearrangement")
    if internal_id is None or not arrangement:
        return None
    entity, subsidiary, currency = (str(row.get(name) or "") for name in ("entity", "subsidiary", "currency"))
    return Element(internal_id=internal_id, arrangement=str(arrangement), books=(entity, subsidiary, currency))


def _place(row: Mapping[str, Any], name: str) -> tuple[str, str]:
    return str(row.get(name)), str(row.get("entity"))


def _query(template: str, values: Sequence[str]) -> str:
    return template.format(marks=", ".join("?" * len(values)))


def _parts(values: Iterable[str]) -> Iterable[list[str]]:
    listed = list(values)
    return (listed[start : start + PAGE] for start in range(0, len(listed), PAGE))
