"""A projector over a broker in memory, in which every record, page, head and offset becomes durable by itself.

A run notes each portion that the projector hands over. A crash keeps any part of one portion that a broker could
have kept: of the messages, those of one partition in their order, other partitions independently; of the table
records, all up to one of them. Everything after it is lost.
"""

import itertools
import zlib
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from projections.forms import Record, position_of
from projections.in_force import PolicyInForce, load_policy
from projections.pages import load
from projections.records import LogRecord, customer_of
from projections.state import WaitingEntry
from schemas.codec import Decoder, Encoder
from schemas.headers import headers_of
from schemas.policy import Policy, PolicyActivated
from streams.messages import Message
from streams.projector import Projector
from streams.settings import TopicSettings

TOPICS = TopicSettings()
ENCODER, DECODER = Encoder(None), Decoder(None)
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Durable:
    """What a crash leaves behind."""

    outputs: list[Message] = field(default_factory=list)
    changelog: list[Record] = field(default_factory=list)
    committed: int = 0

    def copy(self) -> "Durable":
        return Durable(list(self.outputs), list(self.changelog), self.committed)

    def keep(self, portion: Sequence[Message | Record]) -> None:
        """Make a part of a portion durable."""
        for each in portion:
            if isinstance(each, Message):
                self.outputs.append(each)
            else:
                self.changelog.append(each)


@dataclass
class Worker:
    """One incarnation of the process. ``on_portion`` sees each portion before it is durable and may crash."""

    durable: Durable
    store: dict[bytes, bytes] = field(default_factory=dict)
    on_portion: Callable[["Worker", Sequence[Message | Record]], None] = lambda _worker, _portion: None
    portions: int = 0
    log_id: str | None = None
    partition: int = 0

    def recover(self) -> None:
        """Read the changelog; the record with the highest position counts, whenever it was written."""
        for key, value in self.durable.changelog:
            held = self.store.get(key)
            if value is None:
                self.store.pop(key, None)
            elif held is None or position_of(value) >= position_of(held):
                self.store[key] = value

    def run(self, log: Sequence[LogRecord], start: int | None = None) -> None:
        """Recover, then carry every record from the committed offset (or ``start``) through."""
        self.recover()
        projector = Projector(self.partition, TOPICS, ENCODER, DECODER, self.log_id)
        for record in log[self.durable.committed if start is None else start :]:
            finish(projector.project(record, self))
            self._portion(())
            self.durable.committed = max(self.durable.committed, record.offset + 1)

    def read(self, key: bytes) -> bytes | None:
        return self.store.get(key)

    async def send(self, messages: Sequence[Message]) -> None:
        self._portion(messages)
        self.durable.keep(messages)

    async def write(self, records: Sequence[Record]) -> None:
        self._portion(records)
        self.durable.keep(records)
        for key, value in records:
            if value is None:
                self.store.pop(key, None)
            else:
                self.store[key] = value

    def _portion(self, portion: Sequence[Message | Record]) -> None:
        self.on_portion(self, portion)
        self.portions += 1


def clean(log: Sequence[LogRecord]) -> Durable:
    """What one run without a crash leaves."""
    durable = Durable()
    Worker(durable).run(log)
    return durable


def finish(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine that never waits, without an event loop."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("the projector waited for something")


def survivors(portion: Sequence[Message | Record]) -> Iterator[Sequence[Message | Record]]:
    """Every part of a portion that may be durable when the process is gone, from nothing to all of it."""
    if portion and isinstance(portion[0], Message):
        lanes: defaultdict[tuple[str, int], list[Message]] = defaultdict(list)
        for each in portion:
            lanes[each.topic, zlib.crc32(each.key) % TOPICS.partitions].append(each)
        cuts = [[lane[:end] for end in range(len(lane) + 1)] for lane in lanes.values()]
        for chosen in itertools.product(*cuts):
            yield [each for lane in chosen for each in lane]
    else:
        yield from (portion[:end] for end in range(len(portion) + 1))


def activated(policy: Policy | None = None, partitions: int = 1) -> PolicyActivated:
    """A policy for the partition."""
    return PolicyActivated(
        event_id="policy",
        partition=0,
        partitions=partitions,
        activated_at=AT,
        activated_by="somebody",
        policy=policy or Policy(),
    )


def log_of(*contents: Struct | tuple[bytes | None, bytes | None]) -> list[LogRecord]:
    """The records of a partition: structs are encoded under their key, tuples are key and bytes."""
    records = []
    for offset, content in enumerate(contents):
        headers = {}
        if isinstance(content, tuple):
            key, value = content
        else:
            value = ENCODER.encode(TOPICS.orders, content)
            headers = dict(headers_of(content))
            key = b"policy/0" if isinstance(content, PolicyActivated) else customer_of(content).encode()
        records.append(LogRecord(TOPICS.orders, 0, offset, AT, key, value, headers))
    return records


def customers_of(log: Sequence[LogRecord]) -> list[str]:
    """The customers whose keys are in the log."""
    return sorted({record.key.decode() for record in log if record.key and b"/" not in record.key})


@dataclass(frozen=True)
class View:
    """What the readers of the topics and the next decision see: each event once, by its id, and the state."""

    outputs: dict[tuple[str, bytes], list[tuple[bytes, bytes, tuple[tuple[str, bytes], ...]]]]
    states: dict[str, tuple[int, dict[str, object], dict[str, object]]]
    policy: PolicyInForce | None


def view(durable: Durable, customers: Sequence[str]) -> View:
    """The durable records with copies dropped. A copy must be one, to the byte."""
    outputs: dict[tuple[str, bytes], list[tuple[bytes, bytes, tuple[tuple[str, bytes], ...]]]] = {}
    seen: dict[bytes, Message] = {}
    for message in durable.outputs:
        name = dict(message.headers)["ce_id"]
        if seen.setdefault(name, message) is not message:
            assert seen[name] == message, f"{name!r} is said twice with other content"
            continue
        outputs.setdefault((message.topic, message.key), []).append((name, message.value, message.headers))
    worker = Worker(durable)
    worker.recover()
    states = {}
    for customer in customers:
        state = load(customer, worker.read)
        entries = dict(state.entries())
        waiting = [name[2:] for name, entry in entries.items() if isinstance(entry, WaitingEntry) and entry.is_open]
        states[customer] = (state.position, entries, {name: state.body(name) for name in waiting})
    return View(outputs, states, load_policy(0, worker.read))
