"""Export: what a topic has beyond the end of its archive is appended to it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from streams.archive.envelope import Archived, archived_records
from streams.archive.kept_schemas import SchemasToKeep
from streams.archive.live import Chosen, live_records
from streams.archive.manifest import FORMAT, ArchivedTopic, Manifest, begin_topic, checked_file, read_topic
from streams.archive.personal_data import LEFT_OUT, Redaction
from streams.archive.storage import Storage
from streams.archive.writing import MOST_BYTES, PartitionWriter
from streams.errors import ArchiveError
from streams.pace import Pace
from streams.reading import TopicReader


@dataclass(slots=True)
class Exported:
    """What one export added to the archive of a topic, whose records are ``total`` now.

    ``nameless`` counts records whose headers no client can read; ``without_schema`` are the ids and GUIDs that values
    name and whose schemas could not be had.
    """

    topic: str
    records: int = 0
    files: int = 0
    bytes: int = 0
    nameless: int = 0
    total: int = 0
    without_schema: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Part:
    """A partition and the offsets of it that are to be appended."""

    chosen: Chosen
    manifest: Manifest
    partition: int
    start: int
    end: int


class Export:
    """One run of an export. No record is written before every topic was found to continue its archive."""

    def __init__(
        self,
        storage: Storage,
        reader: TopicReader,
        schemas: SchemasToKeep,
        redaction: Redaction | None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """``redaction`` is what leaves personal data out; None where the records are kept as they are."""
        self._storage = storage
        self._reader = reader
        self._schemas = schemas
        self._redaction = redaction
        self._most_bytes = most_bytes

    def run(self, topics: list[Chosen]) -> list[Exported]:
        """Append what is new in ``topics``, up to where they end now.

        Raises:
            ArchiveError: a topic is missing, is not the one that was archived, or has lost records that were not
                archived; another export is running; the storage refuses a file.
            KafkaUnavailable, RegistryUnavailable: no usable answer.
        """
        with alone(self._storage):
            parts = [part for chosen in topics for part in self._parts(chosen)]
            told = {chosen.topic: Exported(chosen.topic) for chosen in topics}
            with Pace("exporting", sum(part.end - part.start for part in parts)) as pace:
                for part in parts:
                    self._append(part, told[part.chosen.topic], pace)
        return list(told.values())

    def _parts(self, chosen: Chosen) -> list[_Part]:
        extents = self._reader.extents(chosen.topic)
        if not extents:
            raise ArchiveError(f"there is no topic {chosen.topic}, or it may not be read")
        self._begin(chosen, len(extents))
        parts = []
        for partition, (low, high) in sorted(extents.items()):
            manifest = Manifest(self._storage, chosen.topic, partition)
            part = _Part(chosen, manifest, partition, max(low, manifest.end), high)
            self._check_continues(part, low)
            parts.append(part)
        return parts

    def _begin(self, chosen: Chosen, partitions: int) -> None:
        left_out = () if self._redaction is None else LEFT_OUT
        if left_out and chosen.role not in Redaction.ROLES:
            raise ArchiveError(f"what is personal data in {chosen.topic} is not known: it cannot be left out")
        wanted = ArchivedTopic(
            format=FORMAT, topic=chosen.topic, role=chosen.role, partitions=partitions, left_out=left_out
        )
        found = read_topic(self._storage, chosen.topic)
        if found is None:
            begin_topic(self._storage, wanted)
        elif found.partitions != partitions:
            raise ArchiveError(
                f"{chosen.topic} has {partitions} partitions, its archive {found.partitions}: it is another topic, and "
                "needs an archive of its own"
            )
        elif found.left_out != left_out:
            kept = "without" if found.left_out else "with"
            raise ArchiveError(f"the archive of {chosen.topic} was begun {kept} personal data, and stays so")

    def _check_continues(self, part: _Part, low: int) -> None:
        manifest, place = part.manifest, f"{part.chosen.topic}[{part.partition}]"
        if not manifest.entries:
            return
        if part.end < manifest.end:
            raise ArchiveError(
                f"{place} ends at offset {part.end}, its archive at {manifest.end}: the topic is another one by now, "
                "and needs an archive of its own"
            )
        if low > manifest.end:
            raise ArchiveError(
                f"{place}: the records from offset {manifest.end} to {low} are gone from the topic and were never "
                "archived: begin another archive"
            )
        last = manifest.entries[-1]
        path = manifest.path(last)
        *_, archived = archived_records(path, checked_file(self._storage, path, last))
        for live in live_records(self._reader, part.chosen.topic, part.partition, last.last_offset, last.end):
            if not self._agrees(live.record, archived):
                raise ArchiveError(
                    f"{place}: the record at offset {last.last_offset} is not the one that was archived: the topic is "
                    "another one by now, and needs an archive of its own"
                )

    def _append(self, part: _Part, told: Exported, pace: Pace) -> None:
        manifest, before = part.manifest, len(part.manifest.entries)
        start = manifest.end if manifest.entries else part.start
        writer = PartitionWriter(self._storage, manifest, self._schemas, start, self._most_bytes)
        for live in live_records(self._reader, part.chosen.topic, part.partition, part.start, part.end):
            writer.add(self._as_archived(live.record), nameless=live.nameless)
            pace.advance()
        writer.close()
        added = manifest.entries[before:]
        told.records += sum(entry.records for entry in added)
        told.files += len(added)
        told.bytes += sum(entry.bytes for entry in added)
        told.nameless += sum(entry.nameless for entry in added)
        told.total += manifest.records
        told.without_schema |= {
            name for entry in added for name in entry.schemas if "schema" not in self._schemas[name]
        }

    def _agrees(self, live: Archived, archived: Archived) -> bool:
        return live == archived if self._redaction is None else self._redaction.agrees(live, archived)

    def _as_archived(self, record: Archived) -> Archived:
        return record if self._redaction is None else self._redaction.of(record)


@contextmanager
def alone(storage: Storage) -> Iterator[None]:
    """Hold the archive, where it is a folder, against other exports; the hold ends with the process at the latest."""
    if storage.folder is None:
        yield
        return
    try:
        storage.folder.mkdir(parents=True, exist_ok=True)
        lock = (storage.folder / ".lock").open("wb")
    except OSError as error:
        raise ArchiveError(f"{storage.url}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ArchiveError(f"another export is writing to {storage.url}") from None
        yield
