"""Where a replay reads: the orders topic of a Kafka as it stands, or its Avro archive."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from projections.records import LogRecord
from schemas.codec import Decoder
from streams.archive.reading import ArchiveReader
from streams.kafka import registry_of
from streams.log_records import records_between
from streams.reading import TopicReader
from streams.settings import Settings


class Log(Protocol):
    """A log that can be read by partition, opened."""

    def extents(self) -> dict[int, tuple[int, int]]:
        """Per partition the first offset that is there and the one that the next record will have."""

    def records(self, partition: int, start: int, end: int) -> Iterator[LogRecord]:
        """The records of a partition from offset ``start`` up to, but not with, ``end``, in order."""

    def decoder(self) -> Decoder:
        """What reads their values."""


@dataclass(frozen=True, slots=True)
class Source:
    """Says which log is meant, to this process and to others: opened where it is read.

    ``archive`` is the address of an archive; without one, it is the Kafka of the settings.
    """

    settings: Settings
    topic: str
    archive: str | None = None

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return f"{self.topic} in {self.archive or self.settings.kafka.bootstrap_servers}"

    def open(self) -> AbstractContextManager[Log]:
        """Open it.

        Raises:
            ArchiveError: the archive is not there, has no such topic, or is damaged.
            SettingsError: a setting of the connection cannot be used.
        """
        return _OfKafka(self) if self.archive is None else _OfArchive(self.archive, self.topic)


class _OfKafka:
    """Raises ``KafkaUnavailable`` wherever the brokers do not answer, or refuse."""

    def __init__(self, source: Source) -> None:
        self._settings, self._topic = source.settings, source.topic
        self._reader = TopicReader(self._settings.kafka)

    def extents(self) -> dict[int, tuple[int, int]]:
        return self._reader.extents(self._topic)

    def records(self, partition: int, start: int, end: int) -> Iterator[LogRecord]:
        return records_between(self._reader, self._topic, partition, start, end)

    def decoder(self) -> Decoder:
        return Decoder(registry_of(self._settings.registry))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._reader.__exit__(kind, error, at)


class _OfArchive:
    def __init__(self, url: str, topic: str) -> None:
        self._reader = ArchiveReader(url, topic)

    def extents(self) -> dict[int, tuple[int, int]]:
        return self._reader.extents()

    def records(self, partition: int, start: int, end: int) -> Iterator[LogRecord]:
        return self._reader.records(partition, start, end)

    def decoder(self) -> Decoder:
        return Decoder(self._reader.registry())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
