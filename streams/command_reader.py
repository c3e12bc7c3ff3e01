"""The sink's place in its consumer group: reads commands, holds partitions, commits offsets.

The partitions are shared by the cooperative protocol: when a worker comes or goes, only the partitions that move are
drained, and deliveries of the others, which may take a minute each, go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from schemas.codec import Decoder
from schemas.command import Command
from sinks.entry import Original, Place
from streams.command_records import command_in, original_in
from streams.faults import UNSETTLED, Faults
from streams.kafka import consumer_config
from streams.one_thread import OneThread
from streams.settings import Settings
from streams.watermarks import ends_of

log = logging.getLogger("nuestream.apply")

T = TypeVar("T")

BATCH = 1000
FETCH_BYTES = 256 * 1024
"""Of one partition at a time; a record that is larger comes all the same."""
POLL = 0.2


class Read(NamedTuple):
    """A record that was read: its command, or the reason why it has none."""

    place: Place
    original: Original
    command: Command | str


class CommandReader:
    """A consumer of the command topic; every call to it is made from one thread.

    ``on_assigned`` is given the high watermarks of new partitions; nothing of them is read before it returns.
    ``on_revoked`` returns the offsets to commit for partitions that go; ``on_lost`` is told of those that are gone.
    """

    def __init__(
        self,
        settings: Settings,
        decoder: Decoder,
        on_assigned: Callable[[dict[int, int]], Coroutine[Any, Any, None]],
        on_revoked: Callable[[list[int]], Coroutine[Any, Any, dict[int, int]]],
        on_lost: Callable[[list[int]], Coroutine[Any, Any, None]],
    ) -> None:
        self._topic = settings.topics.commands
        self._decoder = decoder
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        self._on_lost = on_lost
        # a few look-ups serve a large portion of commands, so a backlog is not read one by one
        self._pause_below, self._resume_at = max(1, settings.apply.window // 10), max(1, settings.apply.window // 2)
        self._faults = Faults(settings.kafka)
        membership: dict[str, object] = {
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": round(settings.apply.session_timeout * 1000),
            "heartbeat.interval.ms": max(1, round(settings.apply.session_timeout * 300)),
            # partitions are read in turn: documents wait the less for what stands in another one
            "fetch.message.max.bytes": FETCH_BYTES,
            "queued.min.messages": BATCH,
        }
        if settings.apply.instance_id is not None:
            membership["group.instance.id"] = settings.apply.instance_id
        config = consumer_config(settings.kafka, settings.groups.apply, **membership)
        self._consumer = self._faults.client(Consumer, config)
        self._paused: set[int] = set()
        self._batch: list[Message] = []
        self._failure: BaseException | None = None
        self._loop = asyncio.get_running_loop()
        self._thread = OneThread("commands")

    async def start(self) -> None:
        """Join the group."""
        await self._thread.call(self._subscribe)

    async def read(self, room: int) -> list[Read]:
        """Some commands, at most about ``room``; none after a moment without any.

        Raises:
            KafkaUnavailable: the brokers refuse.
            RegistryUnavailable: a schema cannot be fetched.
        """
        return await self._thread.call(self._read, room)

    async def commit(self, offsets: dict[int, int]) -> bool:
        """Commit; False where the group is being reshared, and it has to be tried again or is another worker's."""
        return await self._thread.call(self._commit, offsets)

    async def close(self) -> None:
        """Leave the group."""
        await self._thread.call(self._consumer.close)
        self._thread.end()

    def _subscribe(self) -> None:
        self._consumer.subscribe(
            [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._were_lost
        )

    def _read(self, room: int) -> list[Read]:
        self._hold_back(room)
        self._batch = []
        patience = POLL
        # one by one: a rebalance during a poll takes back what the partitions gave before it
        while len(self._batch) < max(1, min(room, BATCH)) and (message := self._consumer.poll(patience)) is not None:
            self._batch.append(message)
            patience = 0.0
        if self._failure is not None:
            raise self._failure
        if self._faults.hopeless:
            raise self._faults.unavailable(f"reading {self._topic}")
        return [read for message in self._batch if (read := self._decoded(message)) is not None]

    def _hold_back(self, room: int) -> None:
        assigned = self._consumer.assignment()
        if room < self._pause_below:
            flowing = [place for place in assigned if place.partition not in self._paused]
            self._consumer.pause(flowing)
            self._paused.update(place.partition for place in flowing)
        elif self._paused and room >= self._resume_at:
            self._consumer.resume([place for place in assigned if place.partition in self._paused])
            self._paused.clear()

    def _decoded(self, message: Message) -> Read | None:
        error = message.error()
        if error is not None:
            if error.code() in UNSETTLED or error.retriable():
                return None
            raise self._faults.unavailable(f"reading {self._topic}", error)
        original = original_in(message)
        return Read(Place(message.partition(), message.offset()), original, command_in(original, self._decoder))

    def _commit(self, offsets: dict[int, int]) -> bool:
        places = [TopicPartition(self._topic, partition, offset) for partition, offset in offsets.items()]
        try:
            done = self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            log.warning("offsets were not committed, which costs nothing but time: %s", error.args[0].str())
            return False
        return not any(place.error for place in done or ())

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        def take_over() -> None:
            ends = ends_of(consumer, self._faults, places)
            self._on_loop(self._on_assigned({partition: end for (_, partition), end in ends.items()}))

        self._guarded(take_over)

    def _revoked(self, _consumer: Consumer, places: list[TopicPartition]) -> None:
        def hand_over() -> None:
            offsets = self._on_loop(self._on_revoked(self._gone(places)))
            if offsets:
                self._commit(offsets)

        self._guarded(hand_over)

    def _were_lost(self, _consumer: Consumer, places: list[TopicPartition]) -> None:
        self._guarded(lambda: self._on_loop(self._on_lost(self._gone(places))))

    def _gone(self, places: list[TopicPartition]) -> list[int]:
        gone = [place.partition for place in places]
        self._paused.difference_update(gone)
        self._batch = [message for message in self._batch if message.partition() not in gone]
        return gone

    def _on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for work on the event loop; the client's thread is in a rebalance and must not go on without it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _guarded(self, function: Callable[[], None]) -> None:
        # An exception must not pass through librdkafka: it is raised by the next read.
        try:
            function()
        except BaseException as error:
            self._failure = self._failure or error
