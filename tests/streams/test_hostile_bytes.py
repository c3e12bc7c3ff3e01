"""Bad records of every family among good orders: every order is decided, every bad record is in quarantine as it was.

`NUESTREAM_HOSTILE` (default 2,000) is how many bad records flow, `NUESTREAM_HOSTILE_SEED` where the chance starts;
both are printed, with the rate and the worker's memory.
"""

import hashlib
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from projections.partitions import partition_of
from schemas.codec import Decoder, Encoder, Malformed
from schemas.contract import OrderDecided, OrderOutcome
from schemas.order import OrderEvent
from schemas.quarantine import Quarantined
from tests.environment import Kafka
from tests.pipeline import TOPICS, Pipeline
from tests.projections.histories import generated
from tests.sandbox_server import running_sandbox
from tests.streams.hostile import ODD_HEADERS, PERHAPS, UNREADABLE, Headers, Hostile, hostile_records

HOSTILE = int(os.environ.get("NUESTREAM_HOSTILE", "2000"))
SEED = int(os.environ.get("NUESTREAM_HOSTILE_SEED", str(random.SystemRandom().randrange(1 << 30))))
GOOD = max(200, HOSTILE // 20)
PARTITIONS = 4
GROWTH_MB = 64
DECODER = Decoder()
GOOD_FAMILY = "good"

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

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "partitioner": "murmur2_random",
                "acks": "all",
                "linger.ms": 20,
                "message.max.bytes": 2_000_000,
                "log_level": 0,
            }
        )
        self._topic = topic
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


@pytest.fixture
def pipeline(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    with running_sandbox() as sandbox:
        made = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox, {"TOPICS__PARTITIONS": str(PARTITIONS)})
        try:
            made.run("topics", "create")
            yield made
        finally:
            made.close()


def mixed(seed: int, good: int, hostile: int) -> Iterator[Hostile]:
    """Good orders in their order, bad records of other customers between them."""
    chance = random.Random(f"mixed/{seed}")
    orders = iter(generated(seed, good, max(10, good // 20)))
    bad = hostile_records(seed, hostile)
    for event in orders:
        headers = chance.choice(ODD_HEADERS) if chance.random() < 0.1 else ()
        value = Encoder().encode("orders", event)
        yield Hostile(GOOD_FAMILY, event.order.customer_id.encode(), value, headers)
        yield from islice(bad, chance.randint(0, 2 * hostile // good))
    yield from bad


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


@pytest.mark.timeout(7200)
def test_every_good_order_is_decided_and_every_bad_record_quarantined_as_it_was_and_memory_stays_flat(
    kafka: Kafka, pipeline: Pipeline
) -> None:
    print(f"seed {SEED}, {HOSTILE} bad records, {GOOD} good orders and their copies")
    pipeline.start("project")
    memory = Memory(pipeline.process("project").pid)
    memory.start()
    began = time.monotonic()
    traffic = Traffic(kafka.bootstrap, pipeline.prefix + TOPICS["orders"])
    for each in mixed(SEED, GOOD, HOSTILE):
        traffic.send(each)
    traffic.flush()
    pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 6000, "project")
    took = time.monotonic() - began
    samples = memory.stop()
    assert pipeline.stop("project") == 0

    fates = account(kafka, pipeline, traffic.sent)
    print(f"{len(traffic.sent)} records in {took:.0f} s, {len(traffic.sent) / took:.0f}/s")
    for (family, fate), count in sorted(fates.items()):
        print(f"  {count:7} {family}: {fate}")
    print("resident memory in MB:", " ".join(f"{each:.0f}" for each in samples[:: max(1, len(samples) // 40)]))
    middle = len(samples) // 2
    growth = max(samples[middle:]) - max(samples[:middle])
    assert growth < GROWTH_MB, f"grew by {growth:.0f} MB in the second half"


def account(kafka: Kafka, pipeline: Pipeline, sent: Mapping[Place, Sent]) -> Counter[tuple[str, str]]:
    """The fate of every single offset of the log, each checked."""
    ends = pipeline.ends("orders")
    log = {(partition, offset) for partition, end in ends.items() for offset in range(end)}
    assert log - set(sent) == {(partition, 0) for partition in ends}, "the log holds more than a policy and the sent"
    held = quarantined(kafka, pipeline)
    decided = decisions(kafka, pipeline)
    fates: Counter[tuple[str, str]] = Counter()
    for place, note in sent.items():
        reasons = held.pop(place, None)
        if reasons is not None:
            bytes_held, codes = reasons
            assert note.family != GOOD_FAMILY, f"a good order is in quarantine: {codes}"
            assert bytes_held == note.digest, f"{note.family} at {place} is not in quarantine as it was"
            fates[note.family, f"quarantined, {codes}"] += 1
            continue
        assert note.family == GOOD_FAMILY or note.family in PERHAPS, f"{note.family} at {place} was lost"
        assert note.order is not None, f"{note.family} at {place} was lost"
        outcome = decided.get(note.order[0])
        assert outcome is not None, f"order {note.order[0]} at {place} was lost"
        if note.family == GOOD_FAMILY:
            assert outcome != {OrderOutcome.QUARANTINED}
        fates[note.family, "decided, or a copy of what was"] += 1
    assert not held, "something is in quarantine that was not sent"
    return fates


def quarantined(kafka: Kafka, pipeline: Pipeline) -> dict[Place, tuple[bytes, str]]:
    """What quarantine holds of each place of the log: the digest of its bytes, and the codes of the reasons."""
    orders, found = pipeline.prefix + TOPICS["orders"], {}
    for message in records(kafka.bootstrap, pipeline.prefix + TOPICS["quarantine"], pipeline.ends("quarantine")):
        held = DECODER.decode(message.value(), message.headers())
        assert isinstance(held, Quarantined)
        assert held.topic == orders
        assert (held.partition, held.offset) not in found, "quarantined twice"
        assert held.reasons
        assert all(reason.code and reason.detail for reason in held.reasons)
        codes = ", ".join(sorted({reason.code for reason in held.reasons}))
        found[held.partition, held.offset] = digest(held.key, held.value, held.headers.items()), codes
    return found


def decisions(kafka: Kafka, pipeline: Pipeline) -> dict[str, set[OrderOutcome]]:
    """The outcomes of each order, by its id."""
    found: dict[str, set[OrderOutcome]] = {}
    for message in records(kafka.bootstrap, pipeline.prefix + TOPICS["contracts"], pipeline.ends("contracts")):
        record = DECODER.decode(message.value(), message.headers())
        if isinstance(record, OrderDecided):
            found.setdefault(record.order_id, set()).add(record.outcome)
    return found


@pytest.mark.parametrize("family", sorted(UNREADABLE))
def test_a_reader_of_bad_bytes_says_what_is_wrong(family: str) -> None:
    made = [each for each in hostile_records(7, 1500) if each.family == family]
    assert len(made) > 10
    for each in made:
        with pytest.raises(Malformed) as error:
            DECODER.decode(each.value, [(name, data or b"") for name, data in each.headers])
        assert 10 < len(str(error.value)) < 500
