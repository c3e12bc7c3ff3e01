"""A reconciliation from its first record to its report."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from types import TracebackType
from typing import Self

from rich.progress import Progress, TaskID

from sinks.ledger import Ledger
from sinks.verdict import Unauthorized
from streams.errors import NuestreamError
from streams.netsuite_login import client_of
from streams.netsuite_reading import lookups
from streams.reading import TopicReader
from streams.reconcile.account import Examination
from streams.reconcile.findings import Counts, Discrepancy, Explained, Report, Sums
from streams.reconcile.orders import command_sums, order_sums, orders_of, outcome_counts, untied_orders
from streams.reconcile.period import Period
from streams.reconcile.reading import TopicsRead
from streams.reconcile.telling import in_currency
from streams.reconcile.workbook import Sought, Workbook
from streams.settings import Settings

_SETTLING = 2.0
"""Seconds after which the records of one decision, which the projector writes side by side, are all there."""


class Work:
    """One reconciliation. ``missing`` are the commands that can be put on the topic again. A context manager.

    Raises, where it begins and in ``report``:
        KafkaUnavailable: the brokers do not answer, or refuse.
        RegistryUnavailable: the registry gives no answer about a schema.
        NuestreamError: the command topic is not there, or NetSuite gives no answer or refuses to be asked.
    """

    def __init__(self, settings: Settings, bar: Progress) -> None:
        self.missing: list[Sought] = []
        self._settings = settings
        self._bar = bar
        self._tasks: dict[str, TaskID] = {}
        self._reader = TopicReader(settings.kafka, settings.groups.apply)
        self._workbook = Workbook()

    def __enter__(self) -> Self:
        self._reader.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._workbook.__exit__(kind, error, at)
        self._reader.__exit__(kind, error, at)

    def report(self, period: Period | None) -> Report:
        """Read the topics, then the account, and compare."""
        topic = self._settings.topics.commands
        if not self._reader.partitions(topic):
            raise NuestreamError(f"the topic {topic} is not there, or not ours to read: run `nuestream topics create`")
        checked_at = datetime.now(UTC)
        topics = TopicsRead(self._settings, self._reader, self._workbook, self._topic_read)
        topics.read_all()
        examination = Examination(self._workbook, topics.is_pending, self._compared)
        asyncio.run(self._examine(examination))
        topics.read_decided()
        untied = self._untied(topics)
        examination.finish()
        self.missing = examination.missing
        count = self._workbook.count
        return Report(
            account=self._settings.netsuite.account,
            checked_at=checked_at,
            counts=Counts(
                orders=count("(SELECT DISTINCT order_id, kind FROM event)"),
                documents=count("command WHERE version = ''"),
                found=count("command WHERE version = '' AND internal_id IS NOT NULL"),
                customers=count("command WHERE record = 'customer'"),
                items=count("command WHERE record = 'item'"),
                unreadable=topics.unreadable,
                outcomes=outcome_counts(self._workbook),
            ),
            sums=self._sums(examination),
            discrepancies=tuple(sorted((*untied, *examination.discrepancies), key=_place)),
            explained=tuple(examination.explained),
            first_on=period.first_on if period else None,
            last_on=period.last_on if period else None,
            orders=tuple(orders_of(self._workbook, period)) if period else (),
        )

    async def _examine(self, examination: Examination) -> None:
        async with client_of(self._settings.netsuite) as client:
            try:
                await examination.read(Ledger(lookups(client, "reconcile")))
            except Unauthorized as error:
                raise NuestreamError(str(error)) from None

    def _untied(self, topics: TopicsRead) -> list[Discrepancy]:
        """The orders that do not tie, and still do not when all that the projector was just writing is there."""
        found = list(untied_orders(self._workbook))
        if not found:
            return []
        time.sleep(_SETTLING)
        topics.read_decided()
        names = {(each.kind, each.name) for each in found}
        return [each for each in untied_orders(self._workbook) if (each.kind, each.name) in names]

    def _sums(self, examination: Examination) -> tuple[Sums, ...]:
        orders, commands = order_sums(self._workbook), command_sums(self._workbook)
        explained, netsuite = _explained_sums(examination.explained), examination.netsuite

        def sums_of(currency: str) -> Sums:
            ways = [
                in_currency(way.get(currency, Decimal(0)), currency) for way in (orders, commands, explained, netsuite)
            ]
            return Sums(currency=currency, orders=ways[0], commands=ways[1], explained=ways[2], netsuite=ways[3])

        return tuple(map(sums_of, sorted({*orders, *commands, *netsuite})))

    def _topic_read(self, topic: str, done: int, total: int) -> None:
        self._bar.update(self._task(f"reading {topic}", total), completed=done)

    def _compared(self, what: str, more: int) -> None:
        wanted = {"customers": "record = 'customer'", "items": "record = 'item'"}.get(what, "version = ''")
        total = self._workbook.count(f"command WHERE {wanted}") if f"comparing {what}" not in self._tasks else 0
        self._bar.advance(self._task(f"comparing {what}", total), more)

    def _task(self, name: str, total: int) -> TaskID:
        if name not in self._tasks:
            self._tasks[name] = self._bar.add_task(name, total=total, rate=f"{total:,}")
        return self._tasks[name]


def _explained_sums(explained: Iterable[Explained]) -> dict[str, Decimal]:
    """What is commanded and, for a reason, not in NetSuite."""
    sums: dict[str, Decimal] = {}
    for each in explained:
        if each.internal_id is None and each.currency is not None and each.amount is not None:
            sums[each.currency] = sums.get(each.currency, Decimal(0)) + each.amount
    return sums


def _place(discrepancy: Discrepancy) -> tuple[str, str, str]:
    return discrepancy.kind, discrepancy.record, discrepancy.name
