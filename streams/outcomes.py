"""What all sinks together have written: outcomes and dead letters, read to their end and then followed."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING as BEGINNING
from confluent_kafka import Consumer, KafkaError, Message, TopicPartition
from msgspec.structs import replace

from schemas.codec import Decoder, Malformed
from schemas.outcome import DeadLetter, LetterState, Outcome
from schemas.requests import DiscardRequested, RedriveRequested, Request, RequestDeclined
from sinks.entry import Kind, Place, Recalled, Subject, subject_of
from sinks.letters import Letter
from streams.command_records import command_in, original_of
from streams.faults import UNSETTLED, Faults
from streams.kafka import consumer_config
from streams.one_thread import OneThread
from streams.reading import BATCH, OF_NO_CONCERN
from streams.settings import Settings
from streams.watermarks import ends_of

log = logging.getLogger("nuestream.apply")

News = Outcome | tuple[DeadLetter, Subject | None] | Request | RequestDeclined


class Follower:
    """Reads the outcome and dead-letter topics, all partitions, outside the consumer group's assignment.

    ``on_outcome`` hears of every outcome of this account that others wrote; ``on_refused`` of customers and items that
    were dead-lettered, with the reason; ``on_request`` of what people ask for, with its partition. Outcomes before
    ``epoch`` say nothing: the account is being rebuilt. ``Follower.epoch`` is the newest that was seen.
    """

    def __init__(
        self,
        settings: Settings,
        decoder: Decoder,
        partitions: dict[str, int],
        on_outcome: Callable[[Outcome], None],
        on_refused: Callable[[str, str], None],
        on_request: Callable[[int, Request], None],
        epoch: int = 0,
    ) -> None:
        self.epoch = self._since = epoch
        self._account = settings.netsuite.account
        self._topics = settings.topics
        self._decoder = decoder
        self._on_outcome = on_outcome
        self._on_refused = on_refused
        self._on_request = on_request
        self._faults = Faults(settings.kafka)
        config = consumer_config(settings.kafka, settings.groups.apply, **{"enable.partition.eof": True})
        self._consumer = self._faults.client(Consumer, config)
        self._places = [
            TopicPartition(topic, number, BEGINNING)
            for topic in (self._topics.outcomes, self._topics.dead_letters)
            for number in range(partitions[topic])
        ]
        self._reached = {(place.topic, place.partition): 0 for place in self._places}
        self._letters: dict[int, dict[int, Recalled]] = {}
        self._discarded: dict[int, set[str]] = {}
        self._requests: dict[int, dict[str, Request]] = {}
        self._own: set[tuple[int, int]] = set()
        self._moved = asyncio.Condition()
        self._thread = OneThread("follow")

    async def follow(self) -> None:
        """Read for ever. Raises KafkaUnavailable and RegistryUnavailable."""
        await self._thread.call(self._consumer.assign, self._places)
        while True:
            for message, record in await self._thread.call(self._read):
                self._take(message, record)
            async with self._moved:
                self._moved.notify_all()

    async def catch_up(self) -> None:
        """Wait until everything that is on the topics now has been read."""
        ends = await self._thread.call(ends_of, self._consumer, self._faults, self._places)
        async with self._moved:
            await self._moved.wait_for(lambda: all(self._reached[place] >= end for place, end in ends.items()))

    def letters(self, partition: int) -> list[Recalled]:
        """The open dead letters of a partition's commands, in the order of these."""
        redriven = {each.command_id for each in self.requests(partition) if isinstance(each, RedriveRequested)}
        return [
            replace(letter, quiet=letter.quiet and letter.subject.command_id not in redriven)
            for _, letter in sorted(self._letters.get(partition, {}).items())
        ]

    def discarded(self, partition: int) -> set[str]:
        """The ids of the commands of a partition that are never sent."""
        return self._discarded.get(partition, set())

    def requests(self, partition: int) -> list[Request]:
        """What people asked for about a partition's dead letters and no sink has answered, oldest first."""
        return list(self._requests.get(partition, {}).values())

    def wrote(self, partition: int, offset: int) -> None:
        """An outcome is this sink's own; it is not news when it comes back."""
        if self._reached[self._topics.outcomes, partition] <= offset:
            self._own.add((partition, offset))

    async def close(self) -> None:
        """Leave the broker."""
        await self._thread.call(self._consumer.close)
        self._thread.end()

    def _read(self) -> list[tuple[Message, News | None]]:
        first = self._consumer.poll(0.2)
        if self._faults.hopeless:
            raise self._faults.unavailable("reading outcomes")
        batch = [] if first is None else [first, *self._consumer.consume(BATCH, timeout=0)]
        return [(message, self._decoded(message)) for message in batch]

    def _decoded(self, message: Message) -> News | None:
        error = message.error()
        if error is not None:
            if error.code() not in OF_NO_CONCERN | UNSETTLED | {KafkaError._PARTITION_EOF}:
                raise self._faults.unavailable(f"reading {message.topic()}", error)
            return None
        try:
            record = self._decoder.decode(message.value(), message.headers())
        except Malformed as why:
            reason = str(why)
        else:
            if isinstance(record, Outcome):
                return record
            if isinstance(record, DeadLetter):
                return record, self._subject(record)
            if isinstance(record, RedriveRequested | DiscardRequested | RequestDeclined):
                return record
            reason = f"a {type(record).__name__} is neither an outcome nor about a dead letter"
        place = f"{message.topic()}/{message.partition()}/{message.offset()}"
        log.error("%s was left out: %s", place, reason)
        return None

    def _subject(self, letter: DeadLetter) -> Subject | None:
        """What the command inside a letter is about; ``None`` in a closing one, which holds no command."""
        if not letter.state.is_open:
            return None
        command = command_in(original_of(letter), self._decoder)
        if isinstance(command, str):
            return Subject(
                kind=Kind.UNREADABLE,
                lane=letter.lane,
                command_id=letter.command_id,
                external_id=letter.external_id,
            )
        subject = subject_of(command)
        references = tuple(sys.intern(name) for name in subject.references)
        return replace(subject, command_id=letter.command_id, references=references)

    def _take(self, message: Message, record: News | None) -> None:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        is_record = message.error() is None
        if is_record or message.error().code() == KafkaError._PARTITION_EOF:
            reached = offset + 1 if is_record else offset
            self._reached[topic, partition] = max(self._reached[topic, partition], reached)
        if isinstance(record, Outcome):
            if (partition, offset) in self._own:
                self._own.discard((partition, offset))
            elif record.account == self._account and record.epoch >= self._since:
                self.epoch = max(self.epoch, record.epoch)
                self._on_outcome(record)
        elif isinstance(record, RequestDeclined):
            self._requests.get(partition, {}).pop(record.request_id, None)
        elif isinstance(record, RedriveRequested | DiscardRequested):
            self._take_request(partition, record)
        elif record is not None:
            self._take_letter(offset, *record)

    def _take_request(self, partition: int, request: Request) -> None:
        self._requests.setdefault(partition, {})[request.request_id] = request
        self._on_request(partition, request)

    def _take_letter(self, letter_offset: int, letter: DeadLetter, subject: Subject | None) -> None:
        """The newest letter of a command counts."""
        if letter.topic != self._topics.commands:
            return
        opened, asked = self._letters.setdefault(letter.partition, {}), self._requests.get(letter.partition, {})
        asked.pop(letter.request_id or "", None)
        if subject is None:
            opened.pop(letter.offset, None)
            if letter.state is LetterState.DISCARDED:
                self._discarded.setdefault(letter.partition, set()).add(letter.command_id)
            return
        said = Letter(
            state=letter.state,
            reason=letter.reason,
            waits_for=letter.waits_for,
            status=letter.status,
            answer=letter.answer,
            attempts=letter.attempts,
        )
        place = Place(letter.partition, letter.offset)
        opened[letter.offset] = Recalled(
            place=place,
            subject=subject,
            letter=said,
            letter_offset=letter_offset,
            # what NetSuite refused in so many words was believed only when nothing was running any more
            quiet=letter.state is LetterState.REFUSED and letter.status is not None,
        )
        if subject.kind is Kind.UPSERT:
            self._on_refused(subject.external_id, letter.reason)
