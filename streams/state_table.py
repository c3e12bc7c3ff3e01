"""The table that keeps customers' state: written only as fast as the broker acknowledges it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import faust

from projections.forms import Record, position_of


class StateTable(faust.Table):  # type: ignore[misc]
    """A Faust table of raw bytes whose writes are awaited, and which never goes back in the log.

    Faust sends changelog records in the background and only logs what the broker refuses; here each is awaited
    before the local store has it, so the store is never ahead of the changelog. A worker that was stopped and
    continued may have written an older record after a newer one: recovery keeps the higher log position.
    """

    def read(self, key: bytes) -> bytes | None:
        """A record as last acknowledged or recovered."""
        return cast("bytes | None", self.data.get(key))

    async def write(self, partition: int, records: Sequence[Record]) -> None:
        """Write ``records`` to the changelog's ``partition``, wait for the broker, then store them.

        Raises whatever the producer raises where the broker refuses a record; the store is then unchanged.
        """
        topic = self.changelog_topic_name
        sent = [await self.app.producer.send(topic, key, value, partition, None, None) for key, value in records]
        for (key, value), acknowledgement in zip(records, sent, strict=True):
            metadata = await acknowledgement
            self.data[key] = value
            self.data.set_persisted_offset(metadata.topic_partition, metadata.offset)

    def apply_changelog_batch(self, batch: Iterable[Any]) -> None:
        """Take recovered records, except those older than what is here already."""
        newest: dict[bytes, Any] = {}
        for event in batch:
            if event.value is None:
                continue
            held = newest[event.key].value if event.key in newest else self.read(event.key)
            if held is None or position_of(event.value) >= position_of(held):
                newest[event.key] = event
        super().apply_changelog_batch(newest.values())
