"""Import: an archived topic becomes a topic again, record by record as it was.

What the target holds already is compared with the archive, and only the rest is written. So an import that was
interrupted is run again, and one that has nothing to do with the archive is refused before anything is written.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from confluent_kafka import Message

from streams.archive import target
from streams.archive.envelope import Archived
from streams.archive.live import live_records
from streams.archive.reading import ArchiveReader
from streams.errors import ArchiveError
from streams.kafka import MAX_RECORD_BYTES
from streams.pace import Pace
from streams.reading import TopicReader
from streams.sending import Sender
from streams.settings import Settings
from streams.topics import TopicPlan

_SETTLED: Final = 1.0
"""Seconds that a target must be still for: what a killed import has sent may arrive after its end."""

_LOOK_EVERY: Final = 1000  # records


@dataclass(slots=True)
class Imported:
    """What one import did. ``moved`` are partitions whose records have other offsets than they had."""

    topic: str
    target: str
    made: bool = False
    records: int = 0
    found: int = 0
    moved: list[int] = field(default_factory=list)
    nameless: int = 0


@dataclass(slots=True)
class _Part:
    """An archived partition and how many of its records the target holds already."""

    reader: ArchiveReader
    told: Imported
    partition: int
    held: int

    def records(self) -> Iterator[Archived]:
        return self.reader.archived(self.partition, *self.reader.extents()[self.partition])


class Import:
    """One run of an import. Every target is looked at before the first record is written."""

    def __init__(self, settings: Settings, reader: TopicReader) -> None:
        self._settings = settings
        self._reader = reader
        self._misplaced: str | None = None
        self._expected: dict[tuple[str, int], int] = {}

    def run(self, wanted: dict[str, ArchiveReader]) -> list[Imported]:
        """Write what is missing in the topics ``wanted``, each from the archive of another.

        Raises:
            ArchiveError: a target is not like the archived topic or holds other records, somebody else writes to it,
                or the archive is damaged.
            KafkaUnavailable, NuestreamError: Kafka does not answer, or refuses.
        """
        plans = {name: target.plan_of(self._settings, reader.described, name) for name, reader in wanted.items()}
        parts: list[_Part] = []
        for name, reader in wanted.items():
            parts += self._looked_at(plans[name], reader)
        for part in parts:
            if part.told.made and part.partition == 0:
                target.make(self._settings, self._reader, plans[part.told.target])
        self._send(parts)
        return list({part.told.target: part.told for part in parts}.values())

    def _looked_at(self, plan: TopicPlan, reader: ArchiveReader) -> list[_Part]:
        told = Imported(reader.described.topic, plan.name)
        partitions = self._reader.partitions(plan.name)
        told.made = partitions == 0
        if not told.made:
            target.check(self._settings, plan, partitions)
        extents = {} if told.made else self._still(plan.name)
        parts = []
        for partition, manifest in enumerate(reader.manifests):
            low, high = extents.get(partition, (0, 0))
            part = _Part(reader, told, partition, high)
            _check_writable(part)
            if low > 0 or high > manifest.records:
                raise ArchiveError(
                    f"{plan.name}[{partition}] has had {high} records, its archive has {manifest.records}: the target "
                    "must be empty, or hold the beginning of the archive"
                )
            if high:
                self._check_same(plan, part)
            told.found += high
            told.nameless += sum(entry.nameless for entry in manifest.entries)
            if any(entry.has_holes for entry in manifest.entries) or (manifest.entries and manifest.entries[0].start):
                told.moved.append(partition)
            parts.append(part)
        return parts

    def _still(self, topic: str) -> dict[int, tuple[int, int]]:
        extents = self._reader.extents(topic)
        while any(high for _, high in extents.values()):
            time.sleep(_SETTLED)
            before, extents = extents, self._reader.extents(topic)
            if extents == before:
                break
        return extents

    def _check_same(self, plan: TopicPlan, part: _Part) -> None:
        """Records are counted from 0 in the target, and a compacted one may have dropped some since."""
        archived = enumerate(islice(part.records(), part.held))
        compacted = "compact" in plan.config["cleanup.policy"]
        for live, _ in live_records(self._reader, plan.name, part.partition, 0, part.held):
            number, wanted = next(archived)
            while compacted and number < live.offset:
                number, wanted = next(archived)
            if number != live.offset or _content(wanted) != _content(live):
                raise ArchiveError(
                    f"{plan.name}[{part.partition}] holds at offset {live.offset} another record than the archive of "
                    f"{part.told.topic} has there: the target must be empty, or hold the beginning of the archive"
                )

    def _send(self, parts: list[_Part]) -> None:
        sender = Sender(self._settings.kafka, self._placed, MAX_RECORD_BYTES)
        with Pace("importing", sum(part.reader.count(part.partition) - part.held for part in parts)) as pace:
            for part in parts:
                name = part.told.target
                self._expected[name, part.partition] = part.held
                for each in islice(part.records(), part.held, None):
                    sender.send(name, each.key, each.value, each.headers, part.partition, each.timestamp)
                    part.told.records += 1
                    pace.advance()
                    if part.told.records % _LOOK_EVERY == 0:
                        self._check_places()
            sender.flush()
        self._check_places()

    def _placed(self, message: Message) -> None:
        place = (str(message.topic()), message.partition())
        if message.offset() != self._expected[place] and self._misplaced is None:
            self._misplaced = f"{place[0]}[{place[1]}]"
        self._expected[place] = message.offset() + 1

    def _check_places(self) -> None:
        if self._misplaced is not None:
            raise ArchiveError(
                f"somebody else writes to {self._misplaced} meanwhile: it is no copy of the archive any more; delete "
                "the topic and import it again"
            )


def _check_writable(part: _Part) -> None:
    for entry in part.reader.manifests[part.partition].entries:
        if entry.least_timestamp <= 0:
            raise ArchiveError(
                f"{part.told.topic}[{part.partition}] has a record without a timestamp between the offsets "
                f"{entry.first_offset} and {entry.last_offset}: no producer can write such a record"
            )


def _content(record: Archived) -> tuple[object, ...]:
    return record.key, record.value, record.headers, record.timestamp
