"""Looking things up in NetSuite: records by our external ids, currencies and payment terms by their names."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from sinks.answer import Answer
from sinks.attempts import Attempts
from sinks.readback import id_of, rows_of
from sinks.retry import AFTER_READ, Step
from sinks.translate import group_of
from sinks.verdict import Unauthorized

_IDS_PER_QUERY = 200
PAGE = 1000
"""So many rows are on a full page of a query, and so many values may stand in one list of it."""


def portions(values: Iterable[str], size: int = PAGE) -> Iterator[list[str]]:
    """``values`` in their order, so many at a time as a query takes."""
    every = list(values)
    yield from (every[start : start + size] for start in range(0, len(every), size))


class Found(Struct, frozen=True, kw_only=True):
    """A record under our external id. ``content`` is ``None`` where NetSuite refuses to show it, for ``reason``."""

    record: str
    internal_id: str
    content: object = None
    reason: str | None = None


async def find(attempts: Attempts, record: str, external_id: str) -> Found | None:
    """The record of this type under our external id, or ``None``. Lasts as long as an outage does."""
    return await _find(attempts, record, external_id, attempts.client.get_by_eid, "externalid")


async def find_by_id(attempts: Attempts, record: str, internal_id: str) -> Found | None:
    """The record of this type with this internal id, or ``None``. Lasts as long as an outage does."""
    return await _find(attempts, record, internal_id, attempts.client.get_by_id, "id")


async def _find(
    attempts: Attempts, record: str, name: str, get: Callable[[str, str], Awaitable[Answer]], column: str
) -> Found | None:
    while True:
        reply = await attempts.read(get, record, name)
        step = AFTER_READ[reply.kind]
        if step is Step.DONE and (internal_id := id_of(reply.body)):
            return Found(record=record, internal_id=internal_id, content=reply.body)
        if step is Step.GONE:
            return None
        if step is Step.REFUSE or attempts.hopeless:
            # reading needs the right to edit, and workflows lock records: the record may be there all the same
            return await _find_unseen(attempts, record, column, name, reply.words)
        await attempts.pause(reply)


async def _find_unseen(attempts: Attempts, record: str, column: str, name: str, reason: str) -> Found | None:
    query = f"SELECT id FROM {group_of(record)} WHERE {column} = ?"  # noqa: S608 (one of our three tables)
    rows = await select(attempts, query, [name])
    internal_id = id_of(rows[0]) if rows else None
    return Found(record=record, internal_id=internal_id, reason=reason) if internal_id else None


async def select(attempts: Attempts, query: str, params: Sequence[str]) -> list[Mapping[str, Any]]:
    """The rows of a SuiteQL query. Raises :class:`Unauthorized` where NetSuite refuses it: nothing can then go on."""
    rows = await select_if_allowed(attempts, query, params)
    if isinstance(rows, str):
        raise Unauthorized(f"NetSuite refuses a look-up that every document needs ({query}): {rows}")
    return rows


async def select_if_allowed(
    attempts: Attempts, query: str, params: Sequence[str] = ()
) -> list[Mapping[str, Any]] | str:
    """The rows of the first page of a SuiteQL query, or in words why NetSuite refuses it."""
    page = await _page(attempts, query, params, 0)
    return page if isinstance(page, str) else rows_of(page)


async def every_row_if_allowed(attempts: Attempts, query: str, params: Sequence[str]) -> list[Mapping[str, Any]] | str:
    """The rows of all pages of a SuiteQL query, or in words why NetSuite refuses it."""
    rows: list[Mapping[str, Any]] = []
    offset = 0
    while True:
        page = await _page(attempts, query, params, offset)
        if isinstance(page, str):
            return page
        rows += rows_of(page)
        if not page.get("hasMore"):
            return rows
        offset += PAGE


async def select_every(attempts: Attempts, query: str, params: Sequence[str]) -> list[Mapping[str, Any]]:
    """The rows of all pages of a SuiteQL query. Raises :class:`Unauthorized` where NetSuite refuses it."""
    rows = await every_row_if_allowed(attempts, query, params)
    if isinstance(rows, str):
        raise Unauthorized(f"NetSuite refuses a look-up ({query[:80]} …): {rows}")
    return rows


async def _page(attempts: Attempts, query: str, params: Sequence[str], offset: int) -> Mapping[str, Any] | str:
    while True:
        reply = await attempts.read(attempts.client.suiteql, query, params, offset=offset)
        match AFTER_READ[reply.kind]:
            case Step.DONE if isinstance(reply.body, Mapping):
                return reply.body
            case Step.GONE | Step.REFUSE:
                return reply.words
            case _:
                await attempts.pause(reply)


class Directory:
    """Internal ids that were looked up, remembered. What NetSuite does not know is asked for again next time."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], str] = {}
        self._asked: dict[tuple[str, str], asyncio.Task[str | None]] = {}

    async def ids(self, attempts: Attempts, table: str, external_ids: Iterable[str]) -> dict[str, str]:
        """Internal ids of the customers or items (``table``) among ``external_ids`` that NetSuite has."""
        wanted = list(dict.fromkeys(external_ids))
        unknown = [external_id for external_id in wanted if (table, external_id) not in self._ids]
        for part in portions(unknown, _IDS_PER_QUERY):
            marks = ", ".join("?" * len(part))
            query = f"SELECT id, externalid FROM {table} WHERE externalid IN ({marks})"  # noqa: S608 (values are bound)
            rows = await select(attempts, query, part)
            # NetSuite compares external ids without regard to case, and gives them back as they were first written
            found = {str(row.get("externalid")).casefold(): id_of(row) for row in rows}
            for external_id in part:
                if internal_id := found.get(external_id.casefold()):
                    self._ids[table, external_id] = internal_id
        return {wish: self._ids[table, wish] for wish in wanted if (table, wish) in self._ids}

    async def currency(self, attempts: Attempts, symbol: str) -> str | None:
        """The internal id of a currency by its ISO code."""
        return await self._named(attempts, "currency", "SELECT id FROM currency WHERE symbol = ?", symbol)

    async def term(self, attempts: Attempts, name: str) -> str | None:
        """The internal id of a payment term by its name."""
        return await self._named(attempts, "term", "SELECT id FROM term WHERE name = ?", name)

    def forget(self) -> None:
        """Ask NetSuite again: a refusal may mean that a record was deleted and made anew under another id."""
        self._ids.clear()

    async def _named(self, attempts: Attempts, table: str, query: str, name: str) -> str | None:
        """Ask once for all that want to know at the same time."""
        key = (table, name)
        while key not in self._ids:
            asked = self._asked.get(key)
            if asked is None:
                asked = self._asked[key] = asyncio.create_task(_id_by(attempts, query, name))
                asked.add_done_callback(lambda _: self._asked.pop(key))
            internal_id = await asyncio.shield(asked)
            if internal_id is None:
                return None
            self._ids[key] = internal_id
        return self._ids[key]


async def _id_by(attempts: Attempts, query: str, name: str) -> str | None:
    rows = await select(attempts, query, [name])
    return id_of(rows[0]) if rows else None
