"""Dead letters as the topic tells them: each command's story, what people asked for, and what came of it.

Of one command the topic is in the order in which things happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from schemas.codec import Decoder
from schemas.command import Command
from schemas.outcome import DeadLetter, LetterState
from schemas.requests import DiscardRequested, RedriveRequested, Request, RequestDeclined
from sinks.advice import advice_on
from sinks.entry import Original
from streams.command_records import command_in, original_of
from streams.errors import NuestreamError
from streams.fact_reading import FactReader
from streams.kafka import registry_of
from streams.reading import TopicReader
from streams.settings import Settings

Told = DeadLetter | Request | RequestDeclined


@dataclass(slots=True)
class Story:
    """A command that has or had a dead letter. ``command`` is what it says, or why it cannot be read.

    ``told`` is everything that was said about it, the oldest first, the bytes of the command left out.
    """

    newest: DeadLetter
    command: Command | str
    told: list[Told] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.newest.external_id or self.newest.command_id

    @property
    def is_open(self) -> bool:
        """Whether it may still be applied."""
        return self.newest.state.is_open

    @property
    def since(self) -> datetime:
        """When it became a dead letter."""
        return next((each.recorded_at for each in self.told if isinstance(each, DeadLetter)), self.newest.recorded_at)

    @property
    def customer(self) -> str:
        """Nue's id of the customer, or what the record's key says where it cannot be read."""
        return self.newest.lane if isinstance(self.command, str) else self.command.origin.customer_id

    @property
    def advice(self) -> str | None:
        """What to do about it."""
        return advice_on(self.newest.state, self.newest.reason, self.newest.answer)

    @property
    def asked(self) -> list[Request]:
        """What people asked for and no sink has answered."""
        told = {each.request_id for each in self.told if isinstance(each, DeadLetter | RequestDeclined)}
        requests = [each for each in self.told if isinstance(each, RedriveRequested | DiscardRequested)]
        return [each for each in requests if each.request_id not in told]

    def is_called(self, name: str) -> bool:
        """Whether this is its command id, its external id, or its order's id or number."""
        names = {self.newest.command_id, self.newest.external_id}
        if not isinstance(self.command, str):
            names |= {self.command.origin.order_id, self.command.origin.order_number}
        return name in names


class DeadLetters:
    """All stories that the topic tells, read from its beginning and on. ``answers`` are those to requests, by their id.

    Without ``ended`` those that were applied or discarded are left out, of which there may be very many. ``others``
    counts what the topic holds about commands of other topics.

    Raises, where it reads:
        NuestreamError: there is no such topic.
        KafkaUnavailable: Kafka does not answer, or refuses.
        RegistryUnavailable: the registry gives no answer about a schema.
    """

    def __init__(self, settings: Settings, reader: TopicReader, *, ended: bool = True) -> None:
        self.stories: dict[str, Story] = {}
        self.answers: dict[str, DeadLetter | RequestDeclined] = {}
        self.others: Counter[str] = Counter()
        self._settings = settings
        self._reader = reader
        self._ended = ended
        self._decoder = Decoder(registry_of(settings.registry))
        self._facts = FactReader(settings, reader, self._take)
        if not reader.partitions(settings.topics.dead_letters):
            raise NuestreamError(
                f"the topic {settings.topics.dead_letters} is not there, or not ours to read: run `nuestream topics "
                "create`, or correct topics.dead_letters (NUESTREAM_TOPICS__DEAD_LETTERS)"
            )
        self.read_on()

    def read_on(self, partitions: Iterable[int] | None = None) -> None:
        """Read what was told since, in some partitions or in all."""
        topic = self._settings.topics.dead_letters
        unread = self._facts.unread(topic)
        wanted = set(unread if partitions is None else partitions)
        self._facts.read(topic, {number: extent for number, extent in unread.items() if number in wanted})

    def called(self, name: str) -> list[Story]:
        """The commands of that name; where some of them are open, those alone."""
        found = [story for story in self.stories.values() if story.is_called(name)]
        return [story for story in found if story.is_open] or found

    def original(self, story: Story) -> Original:
        """The record of a command as it was, from its dead letters."""
        found: list[Original] = []

        def take(record: Struct) -> None:
            if isinstance(record, DeadLetter) and record.command_id == story.newest.command_id and record.state.is_open:
                found.append(original_of(record))

        facts = FactReader(self._settings, self._reader, take)
        topic, partition = self._settings.topics.dead_letters, story.newest.partition
        raw = story.newest.command_id.encode()
        facts.read(topic, {partition: facts.unread(topic)[partition]}, lambda message: raw in (message.value() or b""))
        return found[-1]

    def behind(self) -> dict[str, int]:
        """How many commands are parked behind each open one, by its command id."""
        count: dict[tuple[int, str], int] = {}
        for story in self.stories.values():
            if story.newest.state is LetterState.PARKED:
                lane = story.newest.partition, story.newest.lane
                count[lane] = count.get(lane, 0) + 1
        return {
            story.newest.command_id: count.get((story.newest.partition, story.newest.lane), 0)
            for story in self.stories.values()
            if story.newest.state in (LetterState.REFUSED, LetterState.WAITING)
        }

    def _take(self, record: Struct) -> None:
        if isinstance(record, DeadLetter):
            self._take_letter(record)
        elif isinstance(record, RedriveRequested | DiscardRequested | RequestDeclined):
            if isinstance(record, RequestDeclined):
                self.answers[record.request_id] = record
            if record.command_id in self.stories:
                self.stories[record.command_id].told.append(record)

    def _take_letter(self, letter: DeadLetter) -> None:
        if letter.topic != self._settings.topics.commands:
            self.others[letter.topic] += 1
            return
        if not letter.state.is_open and not self._ended:
            self.stories.pop(letter.command_id, None)
            return
        if letter.request_id:
            self.answers[letter.request_id] = letter
        bare = replace(letter, key=None, value=None, headers={})
        story = self.stories.get(letter.command_id)
        if story is None:
            story = self.stories[letter.command_id] = Story(bare, command_in(original_of(letter), self._decoder))
        story.newest = bare
        story.told.append(bare)
