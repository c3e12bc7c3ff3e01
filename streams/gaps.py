"""Orders that have waited too long for others: a worker says so in the log, and the fold quarantines them.

A clock never decides: what it appends is a record, which acts only while the order is still held at its place in the
log. So it does no harm when two workers say it, or when what was missing arrives just before it.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from projections.forms import Read
from projections.identity import stable_id
from projections.pages import BODIES, load
from schemas.acts import GapExpired
from schemas.codec import Encoder
from schemas.contract import OrderOutcome
from schemas.headers import headers_of
from streams.messages import Message

_SELDOM = 60.0
_OFTEN = 0.25
_AT_ONCE = 200


class Gap(NamedTuple):
    """An order that is held: ``ordinal`` counts the decisions on it, so that another waiting is another gap."""

    customer_id: str
    event_id: str
    ordinal: int


class ReadToEnd(Protocol):
    """How far a partition has been read, in seconds of the monotonic clock."""

    @property
    def since(self) -> float:
        """When this worker first found it read to its end."""

    @property
    def through(self) -> float:
        """The latest instant at which all that the log then held is known to be carried through."""


class GapHost(Protocol):
    """What the watch needs of the worker that it runs in."""

    table: Any

    def read_to(self) -> Mapping[int, ReadToEnd]:
        """The assigned partitions that have been read to their end."""

    def reader_of(self, partition: int) -> Read:
        """Reads records of the state of ``partition``."""

    async def send(self, messages: Sequence[Message]) -> None:
        """Send and wait for every acknowledgement."""


class GapWatch:
    """Which orders have waited for ``timeout`` seconds, as this worker itself has seen it.

    Counted is from when the worker had read the partition to its end and saw the order held, whichever is later, to
    the last instant at which it is known to have read all that was there.
    """

    def __init__(self, timeout: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout = timeout
        self._clock = clock
        self._seen: dict[int, dict[Gap, float]] = {}
        self._told: set[Gap] = set()

    def look(self, partition: int, read: ReadToEnd, held: Iterable[Gap]) -> list[tuple[Gap, int]]:
        """Look at the orders that are held in a partition now; returns those that waited too long, and the seconds."""
        before, now = self._seen.get(partition, {}), self._clock()
        seen = self._seen[partition] = {gap: before.get(gap, now) for gap in held}
        waited = {gap: read.through - max(at, read.since) for gap, at in seen.items() if gap not in self._told}
        return [(gap, int(seconds)) for gap, seconds in waited.items() if seconds >= self._timeout]

    def told(self, gap: Gap) -> None:
        """It stands in the log: once per run is enough."""
        self._told.add(gap)

    def forget_others(self, partitions: Iterable[int]) -> None:
        """Forget what was seen in partitions that are not read to their end here: another worker may have them."""
        for gone in self._seen.keys() - set(partitions):
            del self._seen[gone]


async def watch_gaps(host: GapHost, topic: str, encoder: Encoder, patience: float, name: str | None) -> None:
    """Append :class:`GapExpired` to ``topic`` for orders that wait for longer than ``patience`` seconds.

    ``name`` is what the worker is called, its machine's name where it has none. A patience of 0 is endless.
    """
    if not patience:
        return
    watch, by = GapWatch(patience), f"projector {name or socket.gethostname()}"
    while True:
        await asyncio.sleep(min(_SELDOM, max(_OFTEN, patience / 20)))
        read_to = host.read_to()
        watch.forget_others(read_to)
        for partition, read in read_to.items():
            keys = list(host.table.keys_with(BODIES, partition))
            held: list[Gap] = []
            for start in range(0, len(keys), _AT_ONCE):
                if partition not in host.read_to():
                    break  # it went to another worker meanwhile
                held += held_among(keys[start : start + _AT_ONCE], host.reader_of(partition))
                await asyncio.sleep(0)  # records go first
            for gap, seconds in watch.look(partition, read, held) if partition in host.read_to() else ():
                await host.send([_message(topic, encoder, gap, seconds, by)])
                watch.told(gap)


def held_among(keys: Iterable[bytes], read: Read) -> Iterator[Gap]:
    """Of the events whose bytes are stored under ``keys``, those that are held."""
    for key in keys:
        customer, _, event = key.removeprefix(BODIES).rpartition(b"\x00")
        customer_id, event_id = customer.decode(), event.decode()
        entry = load(customer_id, read).waiting(event_id)
        if entry is not None and entry.outcome is OrderOutcome.HELD:
            yield Gap(customer_id, event_id, entry.ordinal)


def _message(topic: str, encoder: Encoder, gap: Gap, seconds: int, by: str) -> Message:
    act = GapExpired(
        event_id=stable_id("gap expired", gap.event_id, gap.ordinal),
        about=gap.event_id,
        customer_id=gap.customer_id,
        by=by,
        at=datetime.now(UTC),
        waited_seconds=seconds,
    )
    return Message(topic, gap.customer_id.encode(), encoder.encode(topic, act), tuple(headers_of(act)))
