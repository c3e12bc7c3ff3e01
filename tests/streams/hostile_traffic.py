"""Traffic on a real orders topic, what was sent noted place by place, and its fate read back from the outputs."""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from projections.partitions import partition_of
from schemas.codec import Decoder, Malformed
from schemas.contract import OrderDecided, OrderOutcome
from schemas.holding import Held, Settled
from schemas.order import OrderEvent
from schemas.quarantine import Quarantined
from streams.kafka import MAX_RECORD_BYTES
from tests.pipeline import TOPICS, Pipeline
from tests.streams.hostile import PERHAPS, Headers, Hostile

PARTITIONS = 4
GOOD = "good"
DECODER = Decoder()
SETTLED = {OrderOutcome.POSTED, OrderOutcome.NO_OP, OrderOutcome.IGNORED}

Place = tuple[int, int]


@dataclass(frozen=True)
class Sent:
    """What was published at one place. ``order`` is what a reader of the bytes finds, None where nobody can."""

    family: str
    digest: bytes
    order: tuple[str, str] | None


def digest(key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]) -> bytes:
    """Stands for a record's bytes; of a repeated header the last counts, and one without a value is empty."""
    read = sorted((name, data or b"") for name, data in dict(headers).items())
    return hashlib.sha256(repr((key, value, read)).encode()).digest()


def order_in(value: bytes | None, headers: Headers) -> tuple[str, str] | None:
    """The order's id and its event's, if the bytes are an order."""
    try:
        read = DECODER.decode(value, [(name, data or b"") for name, data in headers])
    except Malformed:
        return None
    return (read.order.order_id, read.event_id) if isinstance(read, OrderEvent) else None


class Traffic:
    """A producer that notes what it put where."""

    def __init__(self, pipeline: Pipeline, **settings: str | int) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": pipeline.bootstrap,
                "partitioner": "murmur2_random",
                "acks": "all",
                "linger.ms": 20,
                "message.max.bytes": 2_000_000,
                "log_level": 0,
                **settings,
            }
        )
        self._topic = pipeline.prefix + TOPICS["orders"]
        self.sent: dict[Place, Sent] = {}

    def send(self, hostile: Hostile) -> None:
        """Publish one record."""
        note = Sent(
            hostile.family,
            digest(hostile.key, hostile.value, hostile.headers),
            order_in(hostile.value, hostile.headers),
        )

        def delivered(error: object, message: Message) -> None:
            assert error is None, error
            self.sent[message.partition(), message.offset()] = note

        where = {}
        if hostile.astray and hostile.key is not None:
            where = {"partition": (partition_of(hostile.key, PARTITIONS) + 1) % PARTITIONS}
        while True:
            try:
                self._producer.produce(
                    self._topic,
                    hostile.value,
                    hostile.key,
                    headers=list(hostile.headers),
                    on_delivery=delivered,
                    **where,
                )
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)

    def flush(self) -> None:
        """Wait until everything is acknowledged."""
        assert self._producer.flush(60) == 0


class Memory(threading.Thread):
    """Looks at a process's resident memory, in MB, until it is told to stop."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self._done = threading.Event()
        self.samples: list[float] = []

    def run(self) -> None:
        while not self._done.wait(0.25):
            lines = self._status.read_text().splitlines()
            self.samples.append(next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")))

    def stop(self) -> list[float]:
        self._done.set()
        self.join()
        return self.samples


def records(bootstrap: str, topic: str, ends: Mapping[int, int]) -> Iterator[Message]:
    """Everything in a topic."""
    left = {partition: end for partition, end in ends.items() if end}
    with closing(Consumer({"bootstrap.servers": bootstrap, "group.id": "reading", "log_level": 0})) as reader:
        reader.assign([TopicPartition(topic, partition, 0) for partition in left])
        while left:
            for message in reader.consume(1000, 1.0):
                assert message.error() is None, message.error()
                yield message
                if message.offset() + 1 >= left[message.partition()]:
                    del left[message.partition()]


def account(pipeline: Pipeline, sent: Mapping[Place, Sent]) -> Counter[tuple[str, str]]:
    """The fate of every single offset of the log, each checked."""
    ends = pipeline.ends("orders")
    log = {(partition, offset) for partition, end in ends.items() for offset in range(end)}
    assert log - set(sent) == {(partition, 0) for partition in ends}, "the log holds more than a policy and the sent"
    held, waited = held_back(pipeline)
    decided = decisions(pipeline)
    fates: Counter[tuple[str, str]] = Counter()
    for place, note in sent.items():
        quarantine = held.pop(place, None)
        if quarantine is not None:
            codes = ", ".join(sorted({reason.code for reason in quarantine.reasons}))
            bytes_held = digest(quarantine.key, quarantine.value, quarantine.headers.items())
            assert note.family != GOOD, f"a good order is in quarantine: {codes}"
            assert bytes_held == note.digest, f"{note.family} at {place} is not in quarantine as it was"
            fates[note.family, f"quarantined, {codes}"] += 1
            continue
        assert note.family == GOOD or note.family in PERHAPS, f"{note.family} at {place} was lost"
        assert note.order is not None, f"{note.family} at {place} was lost"
        outcomes = decided.get(note.order[0], set())
        if note.family == GOOD:
            assert outcomes & SETTLED, f"order {note.order[0]} at {place} is not decided but {outcomes}"
        assert outcomes, f"order {note.order[0]} at {place} was lost"
        fates[note.family, "held" if place in waited else "decided, or a copy of what was"] += 1
    assert not held, "something is in quarantine that was not sent"
    return fates


def held_back(pipeline: Pipeline) -> tuple[dict[Place, Quarantined], set[Place]]:
    """What quarantine holds of each place of the log, and the places whose orders were held to wait for others."""
    orders, quarantine, waited = pipeline.prefix + TOPICS["orders"], {}, set()
    for message in records(pipeline.bootstrap, pipeline.prefix + TOPICS["quarantine"], pipeline.ends("quarantine")):
        found = Decoder(max_bytes=MAX_RECORD_BYTES).decode(message.value(), message.headers())
        if isinstance(found, Held):
            waited.add((found.partition, found.offset))
        elif isinstance(found, Quarantined):
            assert found.topic == orders
            assert (found.partition, found.offset) not in quarantine, "quarantined twice"
            assert found.reasons
            assert all(reason.code and reason.detail for reason in found.reasons)
            quarantine[found.partition, found.offset] = found
        else:
            assert isinstance(found, Settled), found
    return quarantine, waited


def decisions(pipeline: Pipeline) -> dict[str, set[OrderOutcome]]:
    """The outcomes of each order, by its id."""
    found: dict[str, set[OrderOutcome]] = {}
    for message in records(pipeline.bootstrap, pipeline.prefix + TOPICS["contracts"], pipeline.ends("contracts")):
        record = DECODER.decode(message.value(), message.headers())
        if isinstance(record, OrderDecided):
            found.setdefault(record.order_id, set()).add(record.outcome)
    return found
