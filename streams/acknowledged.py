"""Sending records one by one, each awaited until the broker has acknowledged it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import NamedTuple, TypeVarTuple, Unpack

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from msgspec import Struct

from schemas.codec import Encoder
from schemas.headers import headers_of
from streams.errors import KafkaUnavailable
from streams.faults import Faults
from streams.kafka import producer_config
from streams.one_thread import OneThread
from streams.settings_connect import KafkaSettings

Ts = TypeVarTuple("Ts")

# A dead letter is larger than the command inside it, which may be as large as brokers take by default.
MAX_BYTES = 4 * 1024 * 1024


class Placed(NamedTuple):
    """Where an acknowledged record stands."""

    partition: int
    offset: int


class AckSender:
    """A producer on threads of its own. Records that are handed over in order arrive in order."""

    def __init__(self, kafka: KafkaSettings, encoder: Encoder) -> None:
        self._encoder = encoder
        self._faults = Faults(kafka)
        self._producer = self._faults.client(Producer, producer_config(kafka, **{"message.max.bytes": MAX_BYTES}))
        self._thread = OneThread("send")
        self._loop = asyncio.get_running_loop()
        self._pending: set[asyncio.Future[Placed]] = set()
        self._failure: KafkaUnavailable | None = None
        self._closing = threading.Event()
        threading.Thread(target=self._serve_acknowledgements, name="acknowledgements", daemon=True).start()

    async def send(self, topic: str, key: bytes, record: Struct, partition: int | None = None) -> Placed:
        """Send a record and wait until the broker has it.

        Raises:
            KafkaUnavailable: it was refused, or not acknowledged in time, or the producer has failed for good.
            RegistryUnavailable: its schema could not be registered.
        """
        if self._failure is not None:
            raise self._failure
        placed: asyncio.Future[Placed] = self._loop.create_future()

        def delivered(error: KafkaError | None, message: Message) -> None:
            self._on_loop(settle, error, message)

        def settle(error: KafkaError | None, message: Message) -> None:
            if placed.done():
                return
            if error is None:
                placed.set_result(Placed(message.partition(), message.offset()))
            else:
                placed.set_exception(
                    self._faults.unavailable(f"{topic}[{message.partition()}] refused a record", error)
                )

        def produce() -> None:
            place = {} if partition is None else {"partition": partition}
            value = self._encoder.encode(topic, record)
            try:
                self._producer.produce(
                    topic, key=key, value=value, headers=headers_of(record), on_delivery=delivered, **place
                )
            except (KafkaException, BufferError) as error:
                raise self._faults.unavailable(f"sending to {topic}", error) from None

        self._pending.add(placed)
        try:
            await self._thread.call(produce)
            return await placed
        finally:
            self._pending.discard(placed)

    def close(self) -> None:
        """Stop; nothing that matters may be unacknowledged."""
        self._closing.set()
        self._thread.end()

    def _serve_acknowledgements(self) -> None:
        while not self._closing.is_set():
            try:
                self._producer.poll(0.5)
            except (KafkaException, SystemError) as error:
                # a fatal error is raised in whatever the client runs just then, in callbacks as a SystemError
                self._fail(error if isinstance(error, KafkaException) else error.__cause__ or error)
                return
            if self._faults.hopeless:
                self._fail(None)
                return

    def _fail(self, error: BaseException | None) -> None:
        """Nothing is acknowledged any more: end everything that waits for it, and every later send."""
        failure = self._failure = self._faults.unavailable("sending", error)

        def fail_pending() -> None:
            for placed in self._pending:
                if not placed.done():
                    placed.set_exception(failure)

        self._on_loop(fail_pending)

    def _on_loop(self, function: Callable[[Unpack[Ts]], object], *arguments: *Ts) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)
