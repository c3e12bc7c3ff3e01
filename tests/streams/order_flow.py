"""Orders as they arrive on a bad day, at a pace, and a person who answers for some of those that are held back."""

from __future__ import annotations

import random
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition
from msgspec import Struct

from schemas.acts import Act, Discarded, GapExpired, Released
from schemas.codec import Decoder, Encoder
from schemas.headers import headers_of
from schemas.holding import Held
from schemas.nue import read_activation
from schemas.order import Source
from schemas.quarantine import Quarantined
from streams.kafka import consumer_config
from streams.sending import Sender
from streams.settings_connect import KafkaSettings
from tests.generator import activations
from tests.nue_json import Json

FIRST_AT = datetime(2026, 1, 1, tzinfo=UTC)
LATE, LATEST = 0.1, 40  # the share of orders that come late, and by how many others at most
SPOILT = 0.02
UNREADABLE = 0.005
TICK_S = 0.25


class Arrival(NamedTuple):
    """A record for the log."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def arrivals(seed: int, orders: int, customers: int) -> list[Arrival]:
    """A history with orders that overtake others of their customer, do not tie out, come twice or cannot be read."""
    chance = random.Random(f"arrivals/{seed}")
    due: list[tuple[int, int, Json]] = []
    for number, envelope in enumerate(activations(seed, orders, customers)):
        told = _spoilt(envelope) if chance.random() < SPOILT else envelope
        due.append((number + (chance.randrange(1, LATEST) if chance.random() < LATE else 0), number, told))
    return list(_records(chance, [(number, told) for _, number, told in sorted(due, key=lambda each: each[:2])]))


def _spoilt(envelope: Json) -> Json:
    data = envelope["data"]
    order = {**data["order"], "totalAmount": data["order"]["totalAmount"] + Decimal(1000)}
    return {**envelope, "data": {**data, "order": order}}


def _records(chance: random.Random, told: list[tuple[int, Json]]) -> Iterator[Arrival]:
    encoder = Encoder(None)
    for number, envelope in told:
        at = FIRST_AT + timedelta(seconds=number)
        event = read_activation(envelope, published_at=at, event_id=f"event-{number}", source=Source.MANUAL)
        record = _arrival(encoder, event.order.customer_id, event)
        yield record
        if chance.random() < UNREADABLE:
            yield record._replace(value=record.value[: chance.randrange(len(record.value))])


def _arrival(encoder: Encoder, customer_id: str, said: Struct) -> Arrival:
    return Arrival(customer_id.encode(), encoder.encode("orders", said), headers_of(said))


class Publisher(threading.Thread):
    """Publishes so fast that the records last for as long as ``faults_left`` counts down, and then the rest at once."""

    def __init__(self, kafka: KafkaSettings, topic: str, records: list[Arrival], fault_s: float) -> None:
        super().__init__(daemon=True)
        self._sender = Sender(kafka)
        self._topic = topic
        self._waiting = records
        self._fault_s = fault_s
        self.faults_left = 1
        self.hurry = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while self._waiting:
                pace = self.left * TICK_S / ((self.faults_left + 2) * self._fault_s)
                size = self.left if self.hurry.is_set() else int(pace) + (random.random() < pace % 1)
                portion, self._waiting = self._waiting[:size], self._waiting[size:]
                for record in portion:
                    self._sender.send(self._topic, *record)
                self._sender.flush()
                self.hurry.wait(TICK_S)
        except BaseException as error:
            self.error = error

    @property
    def left(self) -> int:
        """How many are not yet published."""
        return len(self._waiting)


class Person(threading.Thread):
    """Reads what is held back, and lets some of it through, discards some, asks twice, or waits no longer."""

    def __init__(self, kafka: KafkaSettings, quarantine: str, partitions: int, orders: str) -> None:
        super().__init__(daemon=True)
        self._sender = Sender(kafka)
        self._consumer = Consumer(consumer_config(kafka, "person", log_level=0))
        self._consumer.assign([TopicPartition(quarantine, number, 0) for number in range(partitions)])
        self._orders = orders
        self._known: set[str] = set()
        self.gone = threading.Event()
        self.said: Counter[str] = Counter()
        self.error: BaseException | None = None

    def run(self) -> None:
        decoder = Decoder(None)
        try:
            while not self.gone.is_set():
                message = self._consumer.poll(TICK_S)
                if message is None or message.error() is not None:
                    continue
                self._answer(decoder.decode(message.value(), message.headers()))
                self._sender.flush()
        except BaseException as error:
            self.error = error
        finally:
            self._consumer.close()

    def _answer(self, record: Struct) -> None:
        if isinstance(record, Held):
            name, about, waives, answers = record.hold_id, record.event_id, (), TO_HELD
        elif isinstance(record, Quarantined) and record.event_id is not None:
            waives = tuple(dict.fromkeys(reason.code for reason in record.reasons))
            name, about, answers = record.quarantine_id, record.event_id, TO_QUARANTINED
        else:
            return
        if name in self._known:
            return
        self._known.add(name)
        # whatever the timing, the same order gets the same answer
        dice = zlib.crc32(name.encode()) % 10
        for number, answer in enumerate(answers.get(dice, ())):
            act = answer(f"{name}/{number}", about, str(record.customer_id), waives)
            self._sender.send(self._orders, *_arrival(Encoder(None), act.customer_id, act))
            self.said[type(act).__name__] += 1


Answer = Callable[[str, str, str, tuple[str, ...]], Act]


def _let_through(event_id: str, about: str, customer_id: str, waives: tuple[str, ...]) -> Act:
    return Released(
        event_id=event_id, about=about, customer_id=customer_id, by="ada", at=FIRST_AT, why="agreed", waives=waives
    )


def _look_again(event_id: str, about: str, customer_id: str, waives: tuple[str, ...]) -> Act:
    return _let_through(event_id, about, customer_id, ())


def _drop(event_id: str, about: str, customer_id: str, waives: tuple[str, ...]) -> Act:
    return Discarded(event_id=event_id, about=about, customer_id=customer_id, by="ada", at=FIRST_AT, why="a mistake")


def _wait_no_longer(event_id: str, about: str, customer_id: str, waives: tuple[str, ...]) -> Act:
    return GapExpired(
        event_id=event_id, about=about, customer_id=customer_id, by="project-0", at=FIRST_AT, waited_seconds=60
    )


TO_QUARANTINED: dict[int, tuple[Answer, ...]] = {
    0: (_let_through,),
    1: (_let_through,),
    2: (_let_through, _let_through),
    3: (_look_again,),
    4: (_drop,),
    5: (_drop, _let_through),
}
TO_HELD: dict[int, tuple[Answer, ...]] = {0: (_let_through,), 1: (_drop,), 2: (_wait_no_longer,)}
