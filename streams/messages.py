"""The records that follow from one record of the log, as they are written to their topics."""

from __future__ import annotations

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


class Messages:
    """Writes what was decided for the topics of these settings."""

    def __init__(self, topics: TopicSettings, encoder: Encoder) -> None:
        self._topics = topics
        self._encoder = encoder

    def upserts(self, step: Step) -> list[Message]:
        """The customers and items, which have to be acknowledged before the documents that need them.

        Each has its own name as its key, whoever ordered: that keeps its versions in order.
        """
        return [self._message(self._topics.commands, each, each.external_id.encode()) for each in step.upserts]

    def others(self, step: Step, key: bytes) -> list[Message]:
        """Documents, contract events, and what is told of orders that wait, under their customer's key."""
        topics = self._topics
        return [
            *(self._message(topics.commands, document, key) for document in step.documents),
            *self.contract_events(step, key),
            *(self._message(topics.quarantine, held, key) for held in step.quarantined),
            *(self._message(topics.quarantine, holding, key) for holding in step.holdings),
        ]

    def contract_events(self, step: Step, key: bytes) -> list[Message]:
        """The contract events alone."""
        return [self._message(self._topics.contracts, event, key) for event in step.contract_events]

    def rejection(self, record: LogRecord, reason: Reason) -> Message:
        """The quarantine of a record that has no place in the log."""
        held = quarantined_record(record, (reason,))
        return self._message(self._topics.quarantine, held, held.key or b"")

    def _message(self, topic: str, record: Struct, key: bytes) -> Message:
        return Message(topic, key, self._encoder.encode(topic, record), tuple(headers_of(record)))
