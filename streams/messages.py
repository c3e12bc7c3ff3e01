"""The records that follow from one record of the log, as they are written to their topics."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from msgspec import Struct

from projections.records import LogRecord, Step
from projections.waiting import quarantined_record
from schemas.codec import Encoder
from schemas.headers import headers_of
from schemas.quarantine import Reason
from streams.settings import TopicSettings


@dataclass(frozen=True, slots=True)
class Message:
    """A record to be sent; the partition follows from the key."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


Said = Iterator[tuple[bytes, Struct]]
"""Records with their keys."""


def upserts_of(step: Step) -> Said:
    """The customers and items, which have to be acknowledged before the documents that need them.

    Each has its own name as its key, whoever ordered: that keeps its versions in order.
    """
    return ((upsert.external_id.encode(), upsert) for upsert in step.upserts)


def documents_of(step: Step, customer: bytes) -> Said:
    """The documents, under their customer's key."""
    return ((customer, document) for document in step.documents)


def contract_events_of(step: Step, customer: bytes) -> Said:
    """What was decided and what it changed, under the customer's key."""
    return ((customer, event) for event in step.contract_events)


def waiting_of(step: Step, customer: bytes) -> Said:
    """What is told of orders that wait, under their customer's key."""
    return ((customer, record) for record in (*step.quarantined, *step.holdings))


def rejection_of(record: LogRecord, reason: Reason) -> Said:
    """The quarantine of a record that has no place in the log, under the record's own key."""
    held = quarantined_record(record, (reason,))
    yield held.key or b"", held


class Messages:
    """Writes what was decided for the topics of these settings."""

    def __init__(self, topics: TopicSettings, encoder: Encoder) -> None:
        self._topics = topics
        self._encoder = encoder

    def of_upserts(self, step: Step) -> list[Message]:
        """What has to be acknowledged before the rest is sent."""
        return list(self._encoded(self._topics.commands, upserts_of(step)))

    def of_the_rest(self, step: Step, customer: bytes) -> list[Message]:
        """Documents, contract events, and what is told of orders that wait."""
        return [
            *self._encoded(self._topics.commands, documents_of(step, customer)),
            *self._encoded(self._topics.contracts, contract_events_of(step, customer)),
            *self._encoded(self._topics.quarantine, waiting_of(step, customer)),
        ]

    def of_rejection(self, record: LogRecord, reason: Reason) -> list[Message]:
        """The quarantine of a record that has no place in the log."""
        return list(self._encoded(self._topics.quarantine, rejection_of(record, reason)))

    def _encoded(self, topic: str, said: Said) -> Iterator[Message]:
        for key, record in said:
            yield Message(topic, key, self._encoder.encode(topic, record), tuple(headers_of(record)))
