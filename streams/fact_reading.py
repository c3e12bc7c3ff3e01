"""Reading from the topics what became of orders, from where the last reading ended to where the topics end now."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from confluent_kafka import Message
from msgspec import Struct

from projections.partitions import partition_of
from schemas.codec import Decoder, Malformed
from streams.chains import Facts
from streams.header_names import headers_in
from streams.kafka import registry_of
from streams.reading import TopicReader
from streams.settings import Settings

_LOG = logging.getLogger("nuestream.history")

Extents = dict[int, tuple[int, int]]


class FactReader:
    """Takes records of the topics into :class:`Facts`. A record that cannot be read is logged and left out."""

    def __init__(self, settings: Settings, reader: TopicReader, take: Callable[[Struct], object] | None = None) -> None:
        """``take`` gets the records, where they are to go elsewhere than into ``facts``."""
        self.facts = Facts()
        self._give = take or self.facts.take
        self._reader = reader
        self._decoder = Decoder(registry_of(settings.registry))
        self._next: dict[tuple[str, int], int] = {}

    def unread(self, topic: str, keys: Iterable[str] | None = None) -> Extents:
        """What of ``topic`` was not read yet, per partition; with ``keys``, in the partitions of those alone.

        Raises:
            KafkaUnavailable: no broker answers.
        """
        extents = self._reader.extents(topic)
        wanted = set(extents) if keys is None else {partition_of(key.encode(), len(extents)) for key in keys if extents}
        return {
            partition: (min(max(low, self._next.get((topic, partition), 0)), high), high)
            for partition, (low, high) in extents.items()
            if partition in wanted
        }

    def pass_over(self, topic: str) -> None:
        """Read of ``topic`` only what comes from now on.

        Raises:
            KafkaUnavailable: no broker answers.
        """
        self._next |= {(topic, partition): high for partition, (_, high) in self._reader.extents(topic).items()}

    def read(
        self,
        topic: str,
        extents: Extents,
        wanted: Callable[[Any], bool] = lambda _: True,
        passed: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Take in the ``wanted`` records between ``extents``; ``passed`` is called with how many were passed.

        Raises:
            KafkaUnavailable: the brokers stop answering, or refuse.
            RegistryUnavailable: the registry gives no answer about a schema.
        """
        for message in self._reader.records(topic, extents):
            passed(1)
            if wanted(message):
                self._take(message)
        self._next |= {(topic, partition): high for partition, (_, high) in extents.items()}

    def _take(self, message: Message) -> None:
        try:
            record = self._decoder.decode(message.value(), [(name, data or b"") for name, data in headers_in(message)])
        except Malformed as error:
            place = f"{message.topic()}[{message.partition()}] offset {message.offset()}"
            _LOG.warning("%s is left out: %s", place, error)
        else:
            self._give(record)
