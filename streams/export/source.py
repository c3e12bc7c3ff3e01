"""Where records come from: any source that counts them and gives them in the order of their partitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from projections.records import LogRecord
from streams.errors import NuestreamError
from streams.log_records import records_between
from streams.reading import TopicReader


class Source(Protocol):
    """Topics as they stood at one moment."""

    def count(self, topic: str) -> int:
        """About how many records there are."""

    def records(self, topic: str) -> Iterator[LogRecord]:
        """All records, partition by partition, each in its own order."""


class KafkaSource:
    """Topics of a broker, up to where each ended when it was first asked for."""

    def __init__(self, reader: TopicReader) -> None:
        self._reader = reader
        self._extents: dict[str, dict[int, tuple[int, int]]] = {}

    def count(self, topic: str) -> int:
        """About how many records there are: as many as there are offsets.

        Raises:
            NuestreamError: there is no such topic, or none that we may see.
            KafkaUnavailable: no broker answers.
        """
        return sum(high - low for low, high in self._extent(topic).values())

    def records(self, topic: str) -> Iterator[LogRecord]:
        """All records, partition by partition, each in its own order.

        Raises:
            NuestreamError: there is no such topic, or none that we may see.
            KafkaUnavailable: the brokers stop answering, or refuse.
        """
        for partition, (low, high) in sorted(self._extent(topic).items()):
            yield from records_between(self._reader, topic, partition, low, high)

    def _extent(self, topic: str) -> dict[int, tuple[int, int]]:
        if topic not in self._extents:
            self._extents[topic] = self._reader.extents(topic)
        if not self._extents[topic]:
            raise NuestreamError(f"the topic {topic} is not there, or not ours to read: run `nuestream topics create`")
        return self._extents[topic]
