"""What an archive says of itself: the topic, and per partition which files make it up, in order.

``TOPIC/topic.json`` is written once. ``TOPIC/partition=NNNNN/manifest.jsonl`` has a line per file and only grows; a
file that it does not name is no part of the archive.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Final

import msgspec
from msgspec import Struct

from streams.archive.storage import Storage
from streams.errors import ArchiveDamaged, ArchiveError

FORMAT: Final = "nuestream-archive/1"


class ArchivedTopic(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The topic that was archived. ``left_out`` names the kinds of personal data that its values no longer have."""

    format: str
    topic: str
    role: str | None
    partitions: int
    left_out: tuple[str, ...] = ()


class FileEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One file. It covers the offsets from ``start`` up to, but not with, ``end``, some of which may have no record.

    ``file`` is relative to the partition's folder, timestamps are in milliseconds since 1970. ``schemas`` are the ids
    and GUIDs of the schemas that its header keeps; ``nameless`` counts the records whose header names are not UTF-8,
    which no client can read: they are archived without headers.
    """

    file: str
    start: int
    end: int
    first_offset: int
    last_offset: int
    records: int
    bytes: int
    sha256: str
    least_timestamp: int
    greatest_timestamp: int
    schemas: tuple[str, ...] = ()
    nameless: int = 0

    @property
    def has_holes(self) -> bool:
        """Whether some of its offsets have no record."""
        return self.records != self.end - self.start


def topic_path(topic: str) -> str:
    """Where the topic is described."""
    return f"{topic}/topic.json"


def partition_folder(topic: str, partition: int) -> str:
    """Where the files of a partition lie."""
    return f"{topic}/partition={partition:05d}"


def manifest_path(topic: str, partition: int) -> str:
    """Where the files of a partition are listed."""
    return f"{partition_folder(topic, partition)}/manifest.jsonl"


def read_topic(storage: Storage, topic: str) -> ArchivedTopic | None:
    """The description of an archived topic, None where there is no such topic.

    Raises:
        ArchiveDamaged: it is not as it was written, or of a later version.
    """
    name = topic_path(topic)
    data = storage.read(name)
    if data is None:
        return None
    try:
        found = msgspec.json.decode(data, type=ArchivedTopic)
    except msgspec.DecodeError as error:
        raise ArchiveDamaged(f"{storage.url}/{name} is damaged: {error}") from None
    if found.format != FORMAT or found.topic != topic or found.partitions < 1:
        raise ArchiveDamaged(f"{storage.url}/{name} is not of a topic {topic} in the format {FORMAT}")
    return found


def begin_topic(storage: Storage, topic: ArchivedTopic) -> None:
    """Begin an archive of a topic: from here on, a partition without a manifest has lost it."""
    for partition in range(topic.partitions):
        name = manifest_path(topic.topic, partition)
        if storage.read(name) is None:
            storage.write(name, b"")
    storage.write(topic_path(topic.topic), msgspec.json.format(msgspec.json.encode(topic)) + b"\n")


def topics_in(storage: Storage) -> list[ArchivedTopic]:
    """The topics that an archive has, by name.

    Raises:
        ArchiveError: the storage gives no answer, or the description of one is damaged.
    """
    found = (read_topic(storage, folder) for folder in storage.folders())
    return [topic for topic in found if topic is not None]


class Manifest:
    """The files of one partition, in the order of their offsets."""

    def __init__(self, storage: Storage, topic: str, partition: int) -> None:
        """Read it.

        Raises:
            ArchiveDamaged: it is missing, or not as it was written.
        """
        self._storage = storage
        self.folder = partition_folder(topic, partition)
        self.name = manifest_path(topic, partition)
        data = storage.read(self.name)
        if data is None:
            raise ArchiveDamaged(f"{storage.url}/{self.name} is missing")
        self.entries = self._parsed(data)
        self._digest = hashlib.sha256(data).digest()

    @property
    def end(self) -> int:
        """The offset behind the last file; 0 where there is none."""
        return self.entries[-1].end if self.entries else 0

    @property
    def records(self) -> int:
        """How many records its files have."""
        return sum(entry.records for entry in self.entries)

    def path(self, entry: FileEntry) -> str:
        """Where the file lies in the archive."""
        return f"{self.folder}/{entry.file}"

    def write(self) -> None:
        """Put the manifest in its place, with what was added to ``entries``.

        Raises:
            ArchiveError: somebody else has changed it since it was read: only one export may run at a time.
        """
        data = b"".join(msgspec.json.encode(entry) + b"\n" for entry in self.entries)
        if hashlib.sha256(data).digest() == self._digest:
            return
        if hashlib.sha256(self._storage.read(self.name) or b"").digest() != self._digest:
            raise ArchiveError(f"{self._storage.url}/{self.name} was changed by another export: run one at a time")
        self._storage.write(self.name, data)
        self._digest = hashlib.sha256(data).digest()

    def _parsed(self, data: bytes) -> list[FileEntry]:
        where = f"{self._storage.url}/{self.name}"
        if data and not data.endswith(b"\n"):
            raise ArchiveDamaged(f"{where} is damaged: its last line is not complete")
        entries = []
        for number, line in enumerate(data.splitlines(), 1):
            try:
                entries.append(msgspec.json.decode(line, type=FileEntry))
            except msgspec.DecodeError as error:
                raise ArchiveDamaged(f"{where} is damaged: line {number}: {error}") from None
        for entry in entries:
            if not (entry.start <= entry.first_offset <= entry.last_offset == entry.end - 1 and entry.records > 0):
                raise ArchiveDamaged(f"{where} is damaged: the offsets of {entry.file} do not fit together")
        for before, after in pairwise(entries):
            if after.start != before.end:
                raise ArchiveDamaged(
                    f"{where} is damaged: offsets {before.end} to {after.start} are missing or repeated"
                )
        return entries


def checked_file(storage: Storage, path: str, entry: FileEntry) -> bytes:
    """The bytes of a file of the archive, once they are known to be those that were written.

    Raises:
        ArchiveDamaged: the file is missing or not what the manifest says.
    """
    data = storage.read(path)
    if data is None:
        raise ArchiveDamaged(f"{storage.url}/{path} is missing")
    if len(data) != entry.bytes or hashlib.sha256(data).hexdigest() != entry.sha256:
        raise ArchiveDamaged(f"{storage.url}/{path} is damaged: it has not the bytes that were written")
    return data
