"""Sending records so that each is known to be acknowledged, or the sender stops."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from streams.errors import NuestreamError
from streams.faults import Faults
from streams.kafka import SEND_DEADLINE_MS, producer_config
from streams.settings_connect import KafkaSettings

T = TypeVar("T")

MAX_IN_FLIGHT = 20_000
"""Records that wait for their acknowledgement at most; with the size limit below it bounds the memory."""

MAX_IN_FLIGHT_KB = 65_536


class TooLarge(NuestreamError):
    """One record is larger than the limit of the producer; the others are not concerned."""


class Sender:
    """A producer that counts acknowledgements and raises at the first refused record."""

    def __init__(
        self,
        kafka: KafkaSettings,
        on_acknowledged: Callable[[Message], None] = lambda _: None,
        max_bytes: int | None = None,
    ) -> None:
        """``on_acknowledged`` is told each record that has its place, within the calls below, and must not raise.

        ``max_bytes`` is the largest record that is taken; librdkafka's own limit where nothing is given.
        """
        self._faults = Faults(kafka)
        self._refused: tuple[str, KafkaError] | None = None
        self._on_acknowledged = on_acknowledged
        self.acknowledged = 0
        limits = {"queue.buffering.max.messages": MAX_IN_FLIGHT, "queue.buffering.max.kbytes": MAX_IN_FLIGHT_KB}
        if max_bytes is not None:
            limits["message.max.bytes"] = max_bytes
        self._producer = self._faults.client(Producer, producer_config(kafka, **limits))

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        partition: int | None = None,
        timestamp: int | None = None,
    ) -> None:
        """Hand a record over; waits while too many are unacknowledged. A value of None is a tombstone.

        ``timestamp`` is in milliseconds, above 0; the present where nothing is given.

        Raises:
            KafkaUnavailable: an earlier record was refused, or this one is.
            TooLarge: this record is over the producer's size limit and was not sent.
        """
        given = {"partition": partition, "timestamp": timestamp}
        place = {name: number for name, number in given.items() if number is not None}
        while True:
            self._check()
            try:
                self._serve(
                    lambda: self._producer.produce(
                        topic, key=key, value=value, headers=list(headers), on_delivery=self._delivered, **place
                    )
                )
            except BufferError:
                self._serve(lambda: self._producer.poll(0.2))
            else:
                self._serve(lambda: self._producer.poll(0))
                return

    def flush(self, patience: float = SEND_DEADLINE_MS / 1000 + 5) -> None:
        """Wait until every record is acknowledged, ``patience`` seconds at most.

        Raises:
            KafkaUnavailable: a record was refused, or some are still unanswered.
        """
        until = time.monotonic() + patience
        while self._serve(lambda: self._producer.flush(0.5)) and time.monotonic() < until:
            self._check()
        self._check()
        if len(self._producer):
            raise self._faults.unavailable(f"{len(self._producer)} records were not acknowledged")

    def _serve(self, call: Callable[[], T]) -> T:
        """Make a call of the producer, in which it also reports; what it raises is told as ours."""
        try:
            return call()
        except (KafkaException, SystemError) as error:
            # a fatal error is raised in whatever the client runs just then, in callbacks as a SystemError
            met = error if isinstance(error, KafkaException) else error.__cause__
            if not isinstance(met, KafkaException):
                raise
            if met.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                raise TooLarge("the record is too large for Kafka") from None
            doing = "sending"
            if met.args[0].code() == KafkaError.CLUSTER_AUTHORIZATION_FAILED:
                doing = "sending (to a user who may write to some topic, the broker grants this by itself)"
            raise self._faults.unavailable(doing, met) from None

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.acknowledged += 1
            self._on_acknowledged(message)
        elif self._refused is None:
            self._refused = (f"{message.topic()}[{message.partition()}] refused a record", error)

    def _check(self) -> None:
        if self._refused is not None:
            raise self._faults.unavailable(*self._refused)
        if self._faults.hopeless:
            raise self._faults.unavailable("sending")
