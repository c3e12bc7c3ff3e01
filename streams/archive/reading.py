"""Reading an archived topic: what a replay needs, without Kafka."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from projections.records import LogRecord
from streams.archive.envelope import Archived, archived_records, plain_records, schemas_in
from streams.archive.kept_schemas import KeptSchemas
from streams.archive.manifest import ArchivedTopic, FileEntry, Manifest, checked_file, read_topic, topics_in
from streams.archive.storage import Storage
from streams.errors import ArchiveError
from streams.instants import instant_of

__all__ = ["ArchiveError", "ArchiveReader"]


class ArchiveReader:
    """One topic of an archive. Nothing is read before it was compared with its checksum.

    ``url`` is a path or any URL that fsspec knows, ``topic`` the name that the topic had.
    """

    def __init__(self, url: str, topic: str) -> None:
        """Read what the archive says of the topic; its files are not opened yet.

        Raises:
            ArchiveError: the archive has no such topic, its manifests are damaged, or it cannot be reached.
        """
        self._storage = Storage(url)
        found = read_topic(self._storage, topic)
        if found is None:
            others = ", ".join(each.topic for each in topics_in(self._storage)) or "no topic at all"
            raise ArchiveError(f"the archive {self._storage.url} has no topic {topic}; it has {others}")
        self.described: ArchivedTopic = found
        self.manifests = [Manifest(self._storage, topic, number) for number in range(found.partitions)]
        self._schemas: dict[str, dict[str, str]] = {}

    def partitions(self) -> int:
        """The number of partitions that the topic has."""
        return self.described.partitions

    def extents(self) -> dict[int, tuple[int, int]]:
        """Per partition the first offset and the last offset plus one; ``(0, 0)`` where it has no records."""
        return {
            number: (manifest.entries[0].first_offset, manifest.end) if manifest.entries else (0, 0)
            for number, manifest in enumerate(self.manifests)
        }

    def count(self, partition: int) -> int:
        """How many records a partition has."""
        return self.manifests[partition].records

    def records(self, partition: int, start: int, end: int) -> Iterator[LogRecord]:
        """The records of a partition from offset ``start`` up to, but not with, ``end``. Some offsets may have none.

        Raises:
            ArchiveDamaged: a file is missing, or is not as it was written.
        """
        topic = self.described.topic
        for path, data in self._files(partition, start, end):
            for each in plain_records(path, data):
                offset = each["offset"]
                if start <= offset < end:
                    yield LogRecord(
                        topic,
                        partition,
                        offset,
                        instant_of(each["timestamp"] / 1000),
                        each["key"],
                        each["value"],
                        {header["name"]: header["value"] or b"" for header in each["headers"]},
                    )

    def archived(self, partition: int, start: int, end: int) -> Iterator[Archived]:
        """The same records with all that the archive knows of them: every header in its order, timestamps as they were.

        Raises:
            ArchiveDamaged: a file is missing, or is not as it was written.
        """
        for path, data in self._files(partition, start, end):
            yield from (each for each in archived_records(path, data) if start <= each.offset < end)

    def registry(self) -> KeptSchemas:
        """The schemas that the values name, for a decoder.

        Its methods raise :class:`ArchiveError` where the file that keeps the schema is damaged.
        """
        return KeptSchemas(self._schema)

    def _files(self, partition: int, start: int, end: int) -> Iterator[tuple[str, bytes]]:
        manifest = self.manifests[partition]
        for entry in manifest.entries:
            if entry.first_offset < end and entry.end > start:
                yield self._file(manifest, entry)

    def _file(self, manifest: Manifest, entry: FileEntry) -> tuple[str, bytes]:
        path = manifest.path(entry)
        return f"{self._storage.url}/{path}", checked_file(self._storage, path, entry)

    def _schema(self, named: str) -> Mapping[str, str] | None:
        keeping = ((each, entry) for each in self.manifests for entry in each.entries if named in entry.schemas)
        while "schema" not in self._schemas.get(named, {}) and (found := next(keeping, None)):
            # what one export did not find, a later one may have
            kept = schemas_in(*self._file(*found))
            self._schemas |= {name: said for name, said in kept.items() if "schema" not in self._schemas.get(name, {})}
        return self._schemas.get(named)
