"""The topics of a broker beside those of an archive: which are meant, and their records as an archive has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from streams.archive.envelope import Archived
from streams.errors import ArchiveError
from streams.header_names import readable_headers
from streams.reading import TopicReader
from streams.settings import Settings
from streams.topics import topic_plans

STATE: Final = "state"  # folded from the log whenever it is needed, and so archived only where it is asked for


class Chosen(NamedTuple):
    """A topic to be archived; ``role`` is None where it is none of the project's."""

    role: str | None
    topic: str


class LiveRecord(NamedTuple):
    """A record as it was read; ``nameless`` where it has headers that no client can read."""

    record: Archived
    nameless: bool


def chosen_topics(settings: Settings, given: Sequence[str]) -> list[Chosen]:
    """The topics that ``given`` names by role or by name; without any, the project's own, its state left out.

    Raises:
        ArchiveError: one is named twice.
    """
    names = {plan.role: plan.name for plan in topic_plans(settings)}
    roles = {name: role for role, name in names.items()}
    asked = list(given) or [role for role in names if role != STATE]
    found = [Chosen(each, names[each]) if each in names else Chosen(roles.get(each), each) for each in asked]
    topics = [each.topic for each in found]
    if len(set(topics)) < len(topics):
        raise ArchiveError(f"--topics names {next(each for each in topics if topics.count(each) > 1)} twice")
    return found


def live_records(reader: TopicReader, topic: str, partition: int, start: int, end: int) -> Iterator[LiveRecord]:
    """The records of a partition from offset ``start`` up to, but not with, ``end``.

    Raises:
        KafkaUnavailable: the brokers stop answering, or refuse.
    """
    for message in reader.records(topic, {partition: (start, end)}):
        headers = readable_headers(message)
        kind, timestamp = message.timestamp()
        record = Archived(message.offset(), timestamp, kind, message.key(), message.value(), tuple(headers or ()))
        yield LiveRecord(record, headers is None)
