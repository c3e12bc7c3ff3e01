"""Everything of ours that stands in an account, read from one end to the other by SuiteQL.

Pages follow each other by internal id, not by offset: a query tells 100,000 rows at most, and a record that is deleted
meanwhile would make an offset pass over another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence

from sinks.attempts import Attempts
from sinks.held import FIELD_COLUMNS, HeldDocument, HeldRecord, Row, document_of
from sinks.lookup import Directory, portions, select, select_every
from sinks.readback import id_of
from sinks.transactions import LINE_ID, ORIGINAL_ORDER

_LINES_OF = 250
"""Of so many documents the lines are asked for by one query: most fit on one page, and queries go side by side."""

# Invoices and credit memos take the link over from the order that they bill: they are finance's, not ours.
_HEADS = (
    f"SELECT id, externalid, type, entity, currency, tranid, foreigntotal, {ORIGINAL_ORDER} FROM transaction "  # noqa: S608
    f"WHERE type IN ('SalesOrd', 'RtnAuth') AND ({ORIGINAL_ORDER} IS NOT NULL OR externalid LIKE 'NUE-%') "
    "AND id > ? ORDER BY id"
)
_LINES = (
    f"SELECT transaction, item, quantity, foreignamount, {LINE_ID} FROM transactionline "  # noqa: S608  our own names
    f"WHERE {LINE_ID} IS NOT NULL AND transaction IN ({{marks}}) ORDER BY transaction, id"
)
_PREFIXES: Mapping[str, str] = {"customer": "NUE-CUST-", "item": "NUE-ITEM-"}
_AS: Mapping[str, str] = {"since": "TO_CHAR(startdate, 'YYYY-MM-DD') AS since"}


class Ledger:
    """The records of one account. ``attempts`` makes the dealings of one query with NetSuite, named for its log.

    Everything raises :class:`~sinks.verdict.Unauthorized` where NetSuite refuses a query.
    """

    def __init__(self, attempts: Callable[[str], Attempts]) -> None:
        self._attempts = attempts
        self._directory = Directory()

    async def records(self, table: str) -> AsyncIterator[list[HeldRecord]]:
        """All ``customer`` or ``item`` records under our external ids, a page at a time."""
        columns = ", ".join(_AS.get(name, name) for name in FIELD_COLUMNS[table].values())
        query = (
            f"SELECT id, externalid, {columns} FROM {table} "  # noqa: S608  our own names
            f"WHERE externalid LIKE '{_PREFIXES[table]}%' AND id > ? ORDER BY id"
        )
        async for rows in self._pages(query, f"the {table}s"):
            yield [HeldRecord(id_of(row) or "", str(row.get("externalid")), row) for row in rows]

    async def documents(self) -> AsyncIterator[list[HeldDocument]]:
        """All sales orders and return authorizations with our link or external id, a page at a time."""
        async for rows in self._pages(_HEADS, "the documents"):
            ids = [internal_id for row in rows if (internal_id := id_of(row))]
            lines: dict[str, list[Row]] = {}
            for found in await asyncio.gather(*map(self._lines, portions(ids, _LINES_OF))):
                for line in found:
                    lines.setdefault(str(line.get("transaction")), []).append(line)
            yield [document_of(row, lines.get(id_of(row) or "", ())) for row in rows]

    async def currencies(self, symbols: Iterable[str]) -> dict[str, str | None]:
        """The internal id of each currency by its ISO code."""
        attempts = self._attempts("the currencies")
        return {symbol: await self._directory.currency(attempts, symbol) for symbol in symbols}

    async def _lines(self, ids: Sequence[str]) -> list[Row]:
        query = _LINES.format(marks=", ".join("?" * len(ids)))
        return await select_every(self._attempts(f"the lines of {len(ids)} documents"), query, ids)

    async def _pages(self, query: str, name: str) -> AsyncIterator[list[Row]]:
        """The pages of a query, the next being asked for while one is looked at."""
        coming = asyncio.create_task(self._page(query, name, "0"))
        try:
            while rows := await coming:
                coming = asyncio.create_task(self._page(query, name, id_of(rows[-1]) or ""))
                yield rows
        finally:
            coming.cancel()

    async def _page(self, query: str, name: str, after: str) -> list[Row]:
        return await select(self._attempts(f"{name} after {after}"), query, [after])
