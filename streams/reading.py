"""Reading a topic from outside a consumer group: what is in it now, from the beginning or a part of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from streams.faults import ELECTION, UNSETTLED, Faults
from streams.kafka import consumer_config
from streams.settings_connect import KafkaSettings

ANSWER_TIMEOUT = ELECTION
"""Seconds to wait for the next record of a partition that has one."""

BATCH = 2000

# A reader commits nothing, so what it may do in its group does not matter; librdkafka asks for the coordinator anyway.
OF_NO_CONCERN = frozenset({KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT})


class TopicReader:
    """A reader of topics as they stand; a context manager."""

    def __init__(self, kafka: KafkaSettings, group: str = "nuestream-reader") -> None:
        self._faults = Faults(kafka)
        # a fetch that waits at the end of one partition would hold up the next that is asked for
        own = {"enable.partition.eof": True, "fetch.wait.max.ms": 50}
        self._consumer = self._faults.client(Consumer, consumer_config(kafka, group, **own))

    def partitions(self, topic: str) -> int:
        """The number of partitions of ``topic``; 0 where there is no such topic, or none that we may see.

        Raises:
            KafkaUnavailable: no broker answers.
        """
        # asking for one topic would create it where the broker creates topics by itself
        asked = self._faults.ask("listing the topics", self._consumer, self._consumer.list_topics)
        found = asked.topics.get(topic)
        return 0 if found is None or found.error is not None else len(found.partitions)

    def extents(self, topic: str) -> dict[int, tuple[int, int]]:
        """Per partition the first offset that is there and the one that the next record will have."""
        places = [TopicPartition(topic, number) for number in range(self.partitions(topic))]
        doing = f"reading the extent of {topic}"
        ask = self._consumer.get_watermark_offsets
        return {
            place.partition: self._faults.ask(doing, self._consumer, ask, place, within=ELECTION) for place in places
        }

    def records(self, topic: str, extents: Mapping[int, tuple[int, int]]) -> Iterator[Message]:
        """The records of ``topic`` between the offsets ``extents``, the end excluded, in order per partition.

        Raises:
            KafkaUnavailable: the brokers stop answering, or refuse.
        """
        left = {partition: end for partition, (start, end) in extents.items() if start < end}
        self._consumer.assign([TopicPartition(topic, number, extents[number][0]) for number in left])
        progress_at = time.monotonic()
        while left:
            # consume() by itself would wait for a whole batch
            first = self._consumer.poll(0.5)
            batch = [] if first is None else [first, *self._consumer.consume(BATCH, timeout=0)]
            if self._faults.hopeless or time.monotonic() - progress_at > ANSWER_TIMEOUT:
                raise self._faults.unavailable(f"reading {topic}")
            for message in batch:
                partition = message.partition()
                error = message.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    if error.code() not in OF_NO_CONCERN | UNSETTLED:
                        raise self._faults.unavailable(f"reading {topic}", error)
                    continue
                progress_at = time.monotonic()
                if partition not in left:
                    continue
                if error is None and message.offset() < left[partition]:
                    yield message
                if error is not None or message.offset() >= left[partition] - 1:
                    del left[partition]
                    self._consumer.incremental_unassign([TopicPartition(topic, partition)])

    def first_records(self, topic: str) -> dict[int, Message | None]:
        """The first record of each partition, None where it is empty."""
        extents = self.extents(topic)
        found: dict[int, Message | None] = dict.fromkeys(extents)
        first = {partition: (low, min(low + 1, high)) for partition, (low, high) in extents.items()}
        for message in self.records(topic, first):
            found[message.partition()] = message
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()
