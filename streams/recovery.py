"""Recovery of the state table: the changelog is read directly, and Faust is left with what came since.

Faust takes recovered records one by one through its event loop, some 7,000 a second. Here they are read in batches,
some twenty times as fast, after Faust has assigned the partitions and before it begins to recover; it then finds them
complete up to an offset, as it would find a database on a disk that was kept.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from faust.tables import TableManager
from faust.tables.recovery import Recovery

from projections.forms import Record
from streams.one_thread import OneThread
from streams.reading import TopicReader
from streams.state_stores import UnusableStore
from streams.state_table import StateTable

_LOG = logging.getLogger("nuestream.recovery")
_AT_ONCE = 2000
_Read = tuple[int, int, bytes, bytes | None]


class ReadAhead:
    """Brings partitions of a state table to the end of their changelog."""

    def __init__(self, table: StateTable, open_reader: Callable[[], TopicReader], patience: float) -> None:
        """After ``patience`` seconds it leaves the rest to Faust."""
        self._table = table
        self._open_reader = open_reader
        self._patience = patience
        self._thread = OneThread("recovery")

    async def read(self, partitions: Iterable[int]) -> None:
        """Read what is missing of ``partitions``. May be cancelled: what was read so far is kept, and complete.

        Raises:
            UnusableStore: what is here is ahead of the changelog, so it belongs to another.
            KafkaUnavailable: the brokers stop answering, or refuse.
        """
        began, count = time.monotonic(), 0
        reader = await self._thread.call(self._open_reader)
        try:
            extents = await self._thread.call(self._missing, reader, set(partitions))
            records = reader.records(self._table.changelog_topic_name, extents)
            while batch := await self._thread.call(_next, records):
                self._take(batch)
                count += len(batch)
                if time.monotonic() - began > self._patience:
                    _LOG.info("recovery: %d records so far; Faust goes on, more slowly", count)
                    return
            for partition, (_, end) in extents.items():
                self._table.take(partition, (), end - 1)
        finally:
            self._thread.call(reader.__exit__, None, None, None)
        _LOG.info("recovery: %d records read in %.1f s", count, time.monotonic() - began)

    def _missing(self, reader: TopicReader, partitions: set[int]) -> dict[int, tuple[int, int]]:
        found = reader.extents(self._table.changelog_topic_name)
        missing = {}
        for partition in partitions & found.keys():
            start, end = found[partition]
            here = self._table.complete_to(partition)
            if here is not None and here >= end:
                raise UnusableStore(
                    f"the state kept for partition {partition} goes to offset {here}, and "
                    f"{self._table.changelog_topic_name} only to {end - 1}: it belongs to another changelog; delete "
                    "the folder that project.data_dir names"
                )
            missing[partition] = (max(start, 0 if here is None else here + 1), end)
        return {partition: extent for partition, extent in missing.items() if extent[1] > 0}

    def _take(self, batch: list[_Read]) -> None:
        parts: defaultdict[int, list[Record]] = defaultdict(list)
        offsets: dict[int, int] = {}
        for partition, offset, key, value in batch:
            parts[partition].append((key, value))
            offsets[partition] = offset
        for partition, records in parts.items():
            self._table.take(partition, records, offsets[partition])


def _next(records: Iterable[Any]) -> list[_Read]:
    return [
        (message.partition(), message.offset(), message.key(), message.value())
        for message in itertools.islice(records, _AT_ONCE)
    ]


class StateTables(TableManager):  # type: ignore[misc]
    """Faust's table manager, with a recovery that reads ahead. ``open_reader`` is set before the app starts."""

    open_reader: Callable[[], TopicReader]
    _recovery: Recovery | None

    @property
    def recovery(self) -> Recovery:
        """The recovery service."""
        if self._recovery is None:
            self._recovery = _Recovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery


class _Recovery(Recovery):  # type: ignore[misc]
    async def _build_highwaters(self, consumer: Any, tps: Any, destination: Any, title: str) -> None:
        # Faust gives this as long as a broker has to answer, and takes longer for the end of its service.
        patience = self.app.conf.broker_request_timeout * 0.7
        if title == "active":
            for table in self.tables.values():
                own = {place.partition for place in tps if place.topic == table.changelog_topic_name}
                await ReadAhead(table, self.tables.open_reader, patience).read(own)
        await super()._build_highwaters(consumer, tps, destination, title)

    async def _build_offsets(self, consumer: Any, tps: Any, destination: Any, title: str) -> None:
        for place in tps:
            if (here := self.tp_to_table[place].persisted_offset(place)) is not None:
                destination[place] = here
        await super()._build_offsets(consumer, tps, destination, title)
