"""What stands in NetSuite under many of our external ids, asked for a thousand at a time.

A replay of a whole history against an account that holds it would cost two calls per command: a create that is refused
and a look-up. Here the records of a whole portion of commands are fetched by a few SuiteQL queries before their turn
comes. What they say spares calls and decides nothing else: where a record is not as the command says, or anything about
it is not known, the command goes the ordinary way.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from schemas.command import Command, CreateSalesOrder, Document, Upsert, UpsertCustomer, UpsertItem
from sinks.attempts import Attempts
from sinks.lookup import every_row_if_allowed, portions
from sinks.readback import as_decimal, id_of
from sinks.translate import LINE_ID, ORIGINAL_ORDER, References, patch_for

WORTH_ASKING, WORTH_ASKING_AGAIN = 50, 5
"""Of fewer commands at once it is not asked: most are new, and would pay for nothing. The second counts where most of
those that were asked about last stood there already."""

KEPT = 20_000
"""So many answers are kept for commands whose turn has not come; some are parked, and never ask."""

_log = logging.getLogger(__name__)

Row = Mapping[str, Any]

_COLUMNS = {
    "transaction": f"id, externalid, type, entity, currency, {ORIGINAL_ORDER}",
    "customer": "id, externalid, companyname, firstname, lastname, email, phone, comments, "
    "TO_CHAR(startdate, 'YYYY-MM-DD') AS since",
    "item": "id, externalid, displayname, description",
}
_LINES = (
    f"SELECT transaction, item, quantity, foreignamount, {LINE_ID} FROM transactionline "  # noqa: S608  our own names
    f"WHERE {LINE_ID} IS NOT NULL AND transaction IN ({{marks}}) ORDER BY transaction, id"
)


class Standing(Struct, frozen=True):
    """A record under one of our external ids: its internal id, its columns, and of a document our lines."""

    internal_id: str
    row: Row
    lines: tuple[Row, ...] = ()


class Census:
    """Portions of commands and what stands under their external ids; each is told once, then forgotten.

    ``attempts`` makes the dealings of one portion with NetSuite. Of more than ``kept`` answers that nobody has asked
    for, the oldest are dropped: their commands go the ordinary way.
    """

    def __init__(self, attempts: Callable[[str], Attempts], kept: int = KEPT) -> None:
        self._attempts = attempts
        self._kept = kept
        self._asked: dict[str, asyncio.Task[dict[str, Standing]]] = {}
        self._refused: set[str] = set()
        self._worth_asking = WORTH_ASKING

    def expect(self, commands: Iterable[Command]) -> None:
        """Ask about ``commands``, none of which is known to be in NetSuite, where they are many."""
        wanted: dict[str, list[str]] = {}
        for command in commands:
            if command.external_id not in self._asked:
                wanted.setdefault(_table_of(command), []).append(command.external_id)
        if sum(map(len, wanted.values())) < self._worth_asking:
            return
        for table, names in wanted.items():
            unique = list(dict.fromkeys(names))
            for part in portions(unique) if table not in self._refused else ():
                self._asked.update(dict.fromkeys(part, asyncio.create_task(self._ask(table, part))))
        while len(self._asked) > self._kept:
            self._drop(next(iter(self._asked)))

    async def standing(self, external_id: str) -> Standing | None:
        """What stands there, where it was asked for and found. Raises :class:`Unauthorized`."""
        asked = self._asked.pop(external_id, None)
        if asked is None:
            return None
        try:
            return (await asyncio.shield(asked)).pop(external_id.casefold(), None)
        except asyncio.CancelledError:
            if asked.cancelled():
                return None
            raise

    def forget(self) -> None:
        """Drop what was asked for and not yet told: those commands may not come."""
        for task in set(self._asked.values()):
            task.cancel()
        self._asked.clear()

    def _drop(self, external_id: str) -> None:
        asked = self._asked.pop(external_id)
        if asked.done() and not asked.cancelled() and asked.exception() is None:
            asked.result().pop(external_id.casefold(), None)

    async def _ask(self, table: str, names: Sequence[str]) -> dict[str, Standing]:
        attempts = self._attempts(f"a look-up of {len(names)} external ids")
        query = f"SELECT {_COLUMNS[table]} FROM {table} WHERE externalid IN ({{marks}}) ORDER BY id"  # noqa: S608
        rows = await self._all_rows(attempts, table, query, names)
        by_id = {internal_id: row for row in rows if (internal_id := id_of(row))}
        self._worth_asking = WORTH_ASKING_AGAIN if 2 * len(by_id) > len(names) else WORTH_ASKING
        lines: dict[str, list[Row]] = {}
        if table == "transaction" and by_id:
            for line in await self._all_rows(attempts, table, _LINES, list(by_id)):
                lines.setdefault(str(line.get("transaction")), []).append(line)
        return {
            str(row.get("externalid")).casefold(): Standing(internal_id, row, tuple(lines.get(internal_id, ())))
            for internal_id, row in by_id.items()
        }

    async def _all_rows(self, attempts: Attempts, table: str, query: str, values: Sequence[str]) -> list[Row]:
        rows = await every_row_if_allowed(attempts, query.format(marks=", ".join("?" * len(values))), values)
        if isinstance(rows, str):
            _log.warning("NetSuite refuses to look many up at once, so each is by itself: %s", rows)
            self._refused.add(table)
            return []
        return rows


def _table_of(command: Command) -> str:
    match command:
        case UpsertCustomer():
            return "customer"
        case UpsertItem():
            return "item"
    return "transaction"


def says_the_same(upsert: Upsert, standing: Standing) -> bool:
    """Whether NetSuite has every field of ``upsert`` that we would change."""
    columns = {"startDate": "since", "salesDescription": "description"}
    words = patch_for(upsert, standing.internal_id).body
    return all(standing.row.get(columns.get(name, name.lower())) == value for name, value in words.items())


def is_document(document: Document, standing: Standing, references: References) -> bool:
    """Whether what stands there is ``document``: its kind, entity, currency and link, and our lines as we sent them.

    The books give sales the opposite sign, and SuiteQL may tell it so; all lines may have the one sign or the other.
    """
    row = standing.row
    kind = "SalesOrd" if isinstance(document, CreateSalesOrder) else "RtnAuth"
    head = (kind, references.ids[document.entity], references.currency, document.original_order_id)
    if tuple(row.get(name) for name in ("type", "entity", "currency", ORIGINAL_ORDER)) != head:
        return False
    wanted = [(line.line_id, references.ids[line.item], line.quantity, line.amount) for line in document.lines]
    found = Counter(
        (
            str(line.get(LINE_ID)),
            str(line.get("item")),
            as_decimal(line.get("quantity")),
            as_decimal(line.get("foreignamount")),
        )
        for line in standing.lines
    )
    return any(
        found == Counter((line_id, item, quantity * sign, amount * sign) for line_id, item, quantity, amount in wanted)
        for sign in (1, -1)
    )
