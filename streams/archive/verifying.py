"""Verification: whether an archive is what its manifests say, can be read, and agrees with the topic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from schemas.codec import Decoder, Malformed
from streams.archive.envelope import Archived, archived_records
from streams.archive.kept_schemas import NO_REGISTRY, schema_named
from streams.archive.live import live_records
from streams.archive.manifest import FileEntry, Manifest, checked_file, topic_path
from streams.archive.personal_data import Redaction
from streams.archive.reading import ArchiveReader
from streams.archive.storage import Storage
from streams.errors import ArchiveDamaged, ArchiveError
from streams.kafka import MAX_RECORD_BYTES
from streams.pace import Pace
from streams.reading import TopicReader

Damaged = Callable[[str], None]
_MOST_TOLD: Final = 20


@dataclass(slots=True)
class Verified:
    """What was found in the archive of one topic.

    ``damage`` says what is not as it was written, ``unkept`` counts values whose schema only a registry has;
    ``malformed`` counts values that could never be read, which is how a bad record looks in the log; ``strays`` are
    files that no manifest names; ``beyond`` counts records that the topic has behind the archive's end.
    """

    topic: str
    partitions: int
    left_out: tuple[str, ...]
    files: int = 0
    records: int = 0
    bytes: int = 0
    damage: list[str] = field(default_factory=list)
    unkept: int = 0
    malformed: int = 0
    nameless: int = 0
    strays: list[str] = field(default_factory=list)
    beyond: int | None = None

    @property
    def is_sound(self) -> bool:
        """Whether the archive is whole, and its values need nothing beside it."""
        return not self.damage and not self.unkept


class Verification:
    """Reads every file of an archived topic, and the topic beside it where one is to be compared."""

    def __init__(self, storage: Storage, reader: ArchiveReader, pace: Pace) -> None:
        self._storage = storage
        self._reader = reader
        self._pace = pace
        described = reader.described
        self._found = Verified(described.topic, described.partitions, described.left_out)
        self._judges = described.role in Redaction.ROLES
        self._decoder = Decoder(reader.registry(), max_bytes=MAX_RECORD_BYTES)

    def run(self, live: Live | None = None) -> Verified:
        """Look at everything.

        Raises:
            ArchiveError: the storage gives no answer.
            KafkaUnavailable, RegistryUnavailable: the topic, or the registry of its values, gives none.
        """
        found = self._found
        named = {topic_path(found.topic)}
        for partition, manifest in enumerate(self._reader.manifests):
            records = self._partition(manifest)
            if live is None:
                for _ in records:
                    pass
            else:
                found.beyond = (found.beyond or 0) + live.compare(partition, manifest, records, self._damaged)
            named |= {manifest.name, *(manifest.path(entry) for entry in manifest.entries)}
        found.strays = [name for name in self._storage.names(found.topic) if name not in named]
        return found

    def _partition(self, manifest: Manifest) -> Iterator[Archived]:
        for entry in manifest.entries:
            self._found.files += 1
            self._found.bytes += entry.bytes
            self._found.nameless += entry.nameless
            try:
                yield from self._file(manifest.path(entry), entry)
            except ArchiveDamaged as error:
                self._damaged(str(error))

    def _file(self, path: str, entry: FileEntry) -> Iterator[Archived]:
        data = checked_file(self._storage, path, entry)
        offsets: list[int] = []
        timestamps: list[int] = []
        for record in archived_records(path, data):
            offsets.append(record.offset)
            timestamps.append(record.timestamp)
            self._judge(record)
            self._pace.advance()
            yield record
        self._found.records += len(offsets)
        said = (entry.records, entry.first_offset, entry.last_offset, entry.least_timestamp, entry.greatest_timestamp)
        if said != (len(offsets), offsets[0], offsets[-1], min(timestamps), max(timestamps)):
            self._damaged(f"{path}: its manifest tells another number of records, other offsets or other timestamps")
        if any(after <= before for before, after in pairwise(offsets)):
            self._damaged(f"{path}: its offsets do not rise")

    def _judge(self, record: Archived) -> None:
        if not self._judges or record.value is None:
            return
        try:
            self._decoder.decode(record.value, [(name, value or b"") for name, value in record.headers])
        except Malformed as error:
            if str(error) == NO_REGISTRY and schema_named(record.value, record.headers) is not None:
                self._found.unkept += 1
            else:
                self._found.malformed += 1

    def _damaged(self, text: str) -> None:
        if len(self._found.damage) < _MOST_TOLD:
            self._found.damage.append(text)
        elif len(self._found.damage) == _MOST_TOLD:
            self._found.damage.append("and more")


class Live:
    """A topic to compare an archive with."""

    def __init__(self, reader: TopicReader, topic: str, *, compacted: bool, redaction: Redaction | None) -> None:
        """``redaction`` is what left personal data out of the archive, None where nothing did.

        Raises:
            ArchiveError: there is no such topic.
        """
        self._reader = reader
        self._topic = topic
        self._compacted = compacted
        self._redaction = redaction
        self._extents = reader.extents(topic)
        if not self._extents:
            raise ArchiveError(f"there is no topic {topic}, or it may not be read")

    def compare(self, partition: int, manifest: Manifest, records: Iterator[Archived], damaged: Damaged) -> int:
        """Hold the archived records of a partition against the topic's; returns how many it has behind their end."""
        place = f"{self._topic}[{partition}]"
        low, high = self._extents.get(partition, (0, 0))
        start = max(low, manifest.entries[0].start if manifest.entries else 0)
        live = live_records(self._reader, self._topic, partition, start, min(high, manifest.end))
        ours = next(records, None)
        for record, _ in live:
            while ours is not None and ours.offset < record.offset:
                self._absent(place, ours, low, damaged)
                ours = next(records, None)
            if ours is None or ours.offset > record.offset:
                damaged(f"{place} has a record at offset {record.offset}, the archive has none")
            else:
                if not self._agrees(record, ours):
                    damaged(f"{place}: the record at offset {record.offset} is another one in the archive")
                ours = next(records, None)
        while ours is not None:
            self._absent(place, ours, low, damaged)
            ours = next(records, None)
        return max(high - max(manifest.end, low), 0)

    def _agrees(self, live: Archived, ours: Archived) -> bool:
        if self._redaction is not None:
            return self._redaction.agrees(live, ours)
        return live._replace(timestamp_type=ours.timestamp_type) == ours

    def _absent(self, place: str, ours: Archived, low: int, damaged: Damaged) -> None:
        if ours.offset >= low and not self._compacted:
            damaged(f"{place} has no record at offset {ours.offset}, the archive has one")
