"""The topics of the sink: whether they are there, and fit together."""

from __future__ import annotations

from streams.errors import NuestreamError
from streams.reading import TopicReader
from streams.settings import Settings


def partitions_of(settings: Settings) -> dict[str, int]:
    """How many partitions each topic of the sink has.

    Raises:
        NuestreamError: one is not there, or their numbers do not fit together.
        KafkaUnavailable: the brokers do not answer.
    """
    topics = settings.topics
    with TopicReader(settings.kafka, settings.groups.apply) as reader:
        found = {name: reader.partitions(name) for name in (topics.commands, topics.outcomes, topics.dead_letters)}
    for name, count in found.items():
        if count == 0:
            raise NuestreamError(f"the topic {name} is not there, or not ours to read: run `nuestream topics create`")
    if found[topics.commands] != topics.partitions:
        raise NuestreamError(
            f"topics.partitions (NUESTREAM_TOPICS__PARTITIONS) is {topics.partitions}, {topics.commands} has "
            f"{found[topics.commands]} partitions: they need to be the same number"
        )
    if found[topics.dead_letters] != found[topics.commands]:
        raise NuestreamError(
            f"{topics.dead_letters} has {found[topics.dead_letters]} partitions, {topics.commands} has "
            f"{found[topics.commands]}: a command and its dead letter need the same number"
        )
    return found
