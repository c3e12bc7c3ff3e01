"""How far a consumer group is behind its topic, by the offsets that it has committed."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.faults import Faults
from streams.kafka import consumer_config
from streams.reading import ANSWER_TIMEOUT, TopicReader
from streams.settings_connect import KafkaSettings


class GroupLag:
    """The lag of one group on one topic; looks on and never joins the group. A context manager."""

    def __init__(self, kafka: KafkaSettings, reader: TopicReader, group: str, topic: str) -> None:
        self._reader = reader
        self.topic = topic
        self._faults = Faults(kafka)
        self._consumer = Consumer(consumer_config(kafka, group, error_cb=self._faults, log_level=0))

    def records(self) -> int:
        """How many records of the topic the group has not committed yet.

        Raises:
            KafkaUnavailable: the brokers do not answer, or refuse.
        """
        extents = self._reader.extents(self.topic)
        committed = self._committed(extents)
        return sum(max(0, end - max(committed[number] or 0, low)) for number, (low, end) in extents.items())

    def committed(self) -> dict[int, int | None]:
        """Per partition, the offset that the group goes on from; None where it has committed none.

        Raises:
            KafkaUnavailable: the brokers do not answer, or refuse.
        """
        return self._committed(self._reader.extents(self.topic))

    def _committed(self, partitions: Iterable[int]) -> dict[int, int | None]:
        places = [TopicPartition(self.topic, partition) for partition in partitions]
        try:
            found = self._consumer.committed(places, timeout=ANSWER_TIMEOUT)
        except KafkaException as error:
            raise self._faults.unavailable(f"reading how far {self.topic} is done", error) from None
        return {place.partition: place.offset if place.offset >= 0 else None for place in found}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()
