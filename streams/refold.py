"""The state of one partition twice: as its changelog has it, and folded again from the log by the same pure core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from projections.forms import Record, UnreadableState, position_of
from projections.in_force import policy_key
from projections.pages import head_key
from projections.records import LogRecord
from schemas.codec import Decoder, Encoder
from streams.kafka import registry_of
from streams.log_records import records_between
from streams.messages import Message
from streams.projector import Projector
from streams.reading import TopicReader
from streams.settings import Settings
from streams.state_table import what_counts

HEADS = head_key("")
"""What the table keys of customers' heads begin with."""

_AT_ONCE = 2000
Advance = Callable[[int], None]


@dataclass(slots=True)
class Stored:
    """What the changelog of one partition says: ``counts`` as a recovery takes it, ``last`` by place alone."""

    counts: dict[bytes, bytes | None] = field(default_factory=dict)
    last: dict[bytes, bytes | None] = field(default_factory=dict)

    def read(self, key: bytes) -> bytes | None:
        """A record as a recovery takes it."""
        return self.counts.get(key)

    def position(self, customer: bytes) -> int:
        """The log position that a customer's state contains, by the key of its records in the log; -1 for none."""
        return _position(self.counts.get(HEADS + customer))

    def policy_position(self, partition: int) -> int:
        """The log position of the policy; -1 for none."""
        return _position(self.counts.get(policy_key(partition)))

    def highest(self, partition: int) -> int:
        """The highest log position that the state of the partition contains; -1 where there is none."""
        heads = (_position(value) for key, value in self.counts.items() if key.startswith(HEADS))
        return max(self.policy_position(partition), max(heads, default=-1))


def _position(record: bytes | None) -> int:
    try:
        return -1 if record is None else position_of(record)
    except UnreadableState:
        return -1


def read_stored(settings: Settings, reader: TopicReader, partition: int, advance: Advance) -> Stored:
    """Read the changelog of a partition to its end as of now; ``advance`` is told of each part's number of records.

    Raises:
        KafkaUnavailable: the brokers stop answering, or refuse.
    """
    stored = Stored()
    extent = reader.extents(settings.changelog).get(partition, (0, 0))
    messages = reader.records(settings.changelog, {partition: extent})
    while batch := [(message.key(), message.value()) for message in islice(messages, _AT_ONCE)]:
        stored.counts |= what_counts(batch, stored.counts.get)
        stored.last.update(batch)
        advance(len(batch))
    return stored


@dataclass(slots=True)
class _Collected:
    """Ports that keep table records in memory and send nothing."""

    records: dict[bytes, bytes] = field(default_factory=dict)

    def read(self, key: bytes) -> bytes | None:
        return self.records.get(key)

    async def send(self, messages: Sequence[Message]) -> None:
        pass

    async def write(self, records: Sequence[Record]) -> None:
        for key, value in records:
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value


class Refold:
    """Folds partitions of the log again."""

    def __init__(self, settings: Settings, reader: TopicReader) -> None:
        self._settings = settings
        self._reader = reader
        # What would be sent is encoded, by the projector, but goes nowhere: it needs no registry.
        self._encoder, self._decoder = Encoder(None), Decoder(registry_of(settings.registry))

    async def fold(
        self, partition: int, end: int, contained: Callable[[LogRecord], bool], advance: Advance
    ) -> dict[bytes, bytes]:
        """The table records after those records of a partition below offset ``end`` for which ``contained`` is true.

        Raises:
            KafkaUnavailable: the brokers stop answering, or refuse.
            PolicyMissing: the partition does not begin with a policy.
            RegistryUnavailable: the registry gives no answer about a schema.
        """
        ports = _Collected()
        topic = self._settings.topics.orders
        projector = Projector(partition, self._settings.topics, self._encoder, self._decoder)
        start, log_end = self._reader.extents(topic)[partition]
        records = records_between(self._reader, topic, partition, start, min(end, log_end))
        while batch := list(islice(records, _AT_ONCE)):
            for record in batch:
                if contained(record):
                    await projector.project(record, ports)
            advance(len(batch))
        return ports.records
