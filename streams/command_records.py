"""Command records: what is in one, and reading one again."""

from __future__ import annotations

from confluent_kafka import Message

from schemas.codec import Decoder, Malformed
from schemas.command import Command, CreateReturnAuthorization, CreateSalesOrder, UpsertCustomer, UpsertItem
from schemas.outcome import DeadLetter
from sinks.entry import Entry, Original
from streams.errors import NuestreamError
from streams.one_thread import OneThread
from streams.reading import TopicReader
from streams.settings import Settings


def command_in(original: Original, decoder: Decoder) -> Command | str:
    """The command in a record, or the reason why there is none. Raises RegistryUnavailable."""
    try:
        record = decoder.decode(original.value, original.headers)
    except Malformed as why:
        return f"the command cannot be read: {why}"
    if isinstance(record, UpsertCustomer | UpsertItem | CreateSalesOrder | CreateReturnAuthorization):
        return record
    return f"the record is no command: {type(record).__name__}"


def original_of(letter: DeadLetter) -> Original:
    """The command's record as it was before it became a dead letter."""
    return Original(letter.key, letter.value, tuple(letter.headers.items()))


def original_in(message: Message) -> Original:
    """A record as it came from Kafka."""
    headers = tuple((name, value or b"") for name, value in message.headers() or ())
    return Original(message.key(), message.value(), headers)


class Rereader:
    """Reads single commands again: parked ones from their dead letters, others from the command topic."""

    def __init__(self, settings: Settings, decoder: Decoder) -> None:
        self._topics = settings.topics
        self._decoder = decoder
        self._reader = TopicReader(settings.kafka, settings.groups.apply)
        self._thread = OneThread("reread")

    async def load(self, entry: Entry) -> None:
        """Give ``entry`` its record and command back.

        Raises:
            NuestreamError: Kafka does not answer, or the record is no longer there.
            RegistryUnavailable: its schema cannot be fetched.
        """
        entry.original, command = await self._thread.call(self._read, entry)
        entry.command = None if isinstance(command, str) else command

    def close(self) -> None:
        """Stop reading."""
        self._thread.end()

    def _read(self, entry: Entry) -> tuple[Original, Command | str]:
        parked = entry.letter_offset is not None
        topic = self._topics.dead_letters if parked else self._topics.commands
        partition, offset = entry.place
        if entry.letter_offset is not None:
            offset = entry.letter_offset
        for message in self._reader.records(topic, {partition: (offset, offset + 1)}):
            original = original_in(message)
            if parked:
                letter = self._decoder.decode(message.value(), message.headers())
                if not isinstance(letter, DeadLetter):
                    break
                original = original_of(letter)
            return original, command_in(original, self._decoder)
        raise NuestreamError(f"{topic}/{partition}/{offset}, which holds {entry.subject.name}, is no longer there")
