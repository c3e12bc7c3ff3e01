"""The table that keeps customers' state: written only as fast as the broker acknowledges it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, cast

import faust
from faust.types import TP

from projections.forms import Record, UnreadableState, position_of
from streams.state_stores import PartitionStore, new_store


def what_counts(batch: Iterable[Record], held: Callable[[bytes], bytes | None]) -> dict[bytes, bytes | None]:
    """What a part of the changelog leaves, per key, over what is ``held``; None is a record that was deleted.

    The record with the highest log position counts, of two with the same position the later: a worker that was
    stopped and continued may have written an older record after a newer one. Deletion goes by order alone. A record
    that this version cannot read counts as the newest, so that whoever needs it stops.
    """
    counts: dict[bytes, bytes | None] = {}
    for key, value in batch:
        if value is not None:
            known = counts[key] if key in counts else held(key)
            if known is not None and _order(known) > _order(value):
                continue
        counts[key] = value
    return counts


def _order(record: bytes) -> float:
    try:
        return position_of(record)
    except UnreadableState:
        return math.inf


class StateTable(faust.Table):  # type: ignore[misc]
    """A Faust table of raw bytes whose writes are awaited, and which never goes back in the log.

    Faust sends changelog records in the background and only logs what the broker refuses; here each is awaited
    before the local store has it, so the store is never ahead of the changelog.
    """

    def __init__(self, app: Any, *, store: str, on_fault: Callable[[BaseException], None], **options: Any) -> None:
        """``store`` is ``memory`` or ``rocksdb``; ``on_fault`` stops the worker, since Faust would only log a fault."""
        self._kind = store
        self._on_fault = on_fault
        super().__init__(app, key_type=bytes, value_type=bytes, **options)

    def _new_store(self) -> Any:
        return new_store(self._kind, self)

    @property
    def _kept(self) -> PartitionStore:
        return cast("PartitionStore", self.data)

    def read(self, partition: int, key: bytes) -> bytes | None:
        """A record as last acknowledged or recovered."""
        return self._kept.read(partition, key)

    def keys_with(self, prefix: bytes, partition: int) -> Iterator[bytes]:
        """The keys of a partition that begin with ``prefix``; to be read to its end before anything is written."""
        return self._kept.keys_with(partition, prefix)

    def complete_to(self, partition: int) -> int | None:
        """The changelog offset up to which the partition is here, or None where nothing is."""
        offset: int | None = self.data.persisted_offset(self.place(partition))
        return offset

    def place(self, partition: int) -> TP:
        """A partition of the changelog, as Faust names it."""
        return TP(self.changelog_topic_name, partition)

    async def write(self, partition: int, records: Sequence[Record]) -> None:
        """Write ``records`` to the changelog's ``partition`` in their order, as the broker acknowledges them.

        As many as fit are one batch, which the broker takes whole or not at all; each batch is acknowledged, and
        stored here, before the next is sent. A value of None deletes the record, by a tombstone in the changelog. A
        key that was deleted is not to be used again: a worker that was stopped and continued could repeat the
        deletion.

        Raises whatever the producer raises where the broker refuses a batch; the store then has those before it.
        """
        left = list(records)
        while left:
            batch, count = self._batch_of(left)
            sent = await self._producer.send_batch(batch, self.changelog_topic_name, partition=partition)
            first: int = (await sent).offset
            self._kept.write(partition, left[:count], first + count - 1)
            left = left[count:]

    def _batch_of(self, records: Sequence[Record]) -> tuple[Any, int]:
        """A batch of the first of ``records``, and how many they are; a record by itself always fits."""
        batch = self._producer.create_batch()
        taken = itertools.takewhile(
            lambda record: batch.append(key=record[0], value=record[1], timestamp=None) is not None, records
        )
        count = sum(1 for _ in taken)
        batch.close()
        return batch, count

    @property
    def _producer(self) -> Any:
        # Faust's own send() knows single records only
        return self.app.producer._ensure_producer()

    def take(self, partition: int, batch: Sequence[Record], offset: int | None) -> None:
        """Take a part of the changelog, after which the partition is complete up to ``offset``."""
        counts = what_counts(batch, lambda key: self.read(partition, key))
        self._kept.write(partition, counts.items(), offset)

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Take what Faust has recovered, or read for a standby."""
        parts: dict[int, list[Any]] = {}
        for event in batch:
            parts.setdefault(event.message.partition, []).append(event.message)
        try:
            for partition, messages in parts.items():
                records = [(message.key, message.value) for message in messages]
                self.take(partition, records, max(message.offset for message in messages))
        except Exception as error:  # Faust would log it, and go on with state that has a gap
            self._on_fault(error)
            raise
