"""Reading the quarantine topic: everything that waits, or all about one thing by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from projections.records import LogRecord
from schemas.codec import Decoder, Malformed
from schemas.order import OrderEvent
from schemas.quarantine import Quarantined
from streams.chains import Facts
from streams.fact_reading import FactReader
from streams.held_back import HeldBack, Waiting
from streams.kafka import registry_of
from streams.log_records import records_between
from streams.reading import TopicReader
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Original:
    """The record that waits, as it stands in the log; ``event`` is None where it is no order that can be read."""

    record: LogRecord
    event: OrderEvent | None


def everything_held_back(settings: Settings) -> HeldBack:
    """All that waits or waited. The bytes of quarantined records are left out: there may be very many.

    Raises:
        KafkaUnavailable: Kafka does not answer, or refuses.
        RegistryUnavailable: the registry gives no answer about a schema.
    """
    found = HeldBack()
    with TopicReader(settings.kafka) as reader:
        facts = FactReader(settings, reader, lambda record: found.take(_without_bytes(record)))
        facts.read(settings.topics.quarantine, facts.unread(settings.topics.quarantine))
    return found


def _without_bytes(record: Any) -> Any:
    return structs.replace(record, key=None, value=None, headers={}) if isinstance(record, Quarantined) else record


class Enquiry:
    """All about one thing that waits or waited, called ``name``; can be asked again for what was told since.

    ``found`` are the orders of that name, ``unreadable`` the records that are none.
    """

    def __init__(self, settings: Settings, reader: TopicReader, name: str) -> None:
        self._settings = settings
        self._reader = reader
        topic = settings.topics.quarantine
        # texts stand in Avro as they are: what does not contain the name need not be decoded
        search = FactReader(settings, reader)
        search.read(topic, search.unread(topic), _containing([name]))
        called = search.facts.held_back.called(name)
        self.unreadable = [each for key, each in search.facts.held_back.unreadable.items() if key == name]
        self._events = [each.event_id for each in called]
        self._customers = sorted({each.customer_id for each in map(_newest, called) if each.customer_id is not None})
        self._facts = FactReader(settings, reader)
        if called:
            self.read_on()

    @property
    def found(self) -> list[Waiting]:
        """The orders of that name; where some of them still wait, those alone."""
        orders = self._facts.facts.held_back.orders
        own = [orders[event_id] for event_id in self._events if event_id in orders]
        return [each for each in own if each.is_open] or own

    @property
    def facts(self) -> Facts:
        """What was read."""
        return self._facts.facts

    def read_on(self) -> None:
        """Read what the quarantine topic has told since."""
        topic = self._settings.topics.quarantine
        self._facts.read(topic, self._facts.unread(topic, self._customers), _containing(self._events))

    def read_decisions(self) -> None:
        """Read the decisions on the orders that were found."""
        topic = self._settings.topics.contracts
        self._facts.read(topic, self._facts.unread(topic, self._customers), _containing(self._events))

    def original(self, held: Waiting) -> Original | None:
        """The record that waits, from where it stands in the log; None where it is there no more."""
        since = held.since
        return original_at(self._settings, self._reader, since.topic, since.partition, since.offset)


def original_at(settings: Settings, reader: TopicReader, topic: str, partition: int, offset: int) -> Original | None:
    """The record at this place of the log, or None where there is none."""
    found = records_between(reader, topic, partition, offset, offset + 1)
    for record in found:
        try:
            content = Decoder(registry_of(settings.registry)).decode(record.value or b"", list(record.headers.items()))
        except Malformed:
            return Original(record, None)
        return Original(record, content if isinstance(content, OrderEvent) else None)
    return None


def _newest(waiting: Waiting) -> Any:
    return waiting.newest


def _containing(texts: Iterable[str]) -> Callable[[Any], bool]:
    raw = [text.encode() for text in texts]

    def is_wanted(message: Any) -> bool:
        value = message.value() or b""
        return any(text in value for text in raw)

    return is_wanted
