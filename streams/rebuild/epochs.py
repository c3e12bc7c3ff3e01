"""Epochs of an account: each rebuild begins a new one, and does not believe what earlier ones say of NetSuite."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaException, TopicPartition

from schemas.codec import Decoder, Malformed
from schemas.outcome import Outcome
from streams.faults import Faults
from streams.header_names import headers_to_read
from streams.kafka import consumer_config
from streams.lag import GroupLag
from streams.reading import ANSWER_TIMEOUT, TopicReader
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Epoch:
    """A rebuild of an account: its number, the group that says how far it is, and whether it was begun before."""

    number: int
    group: str
    is_resumed: bool


def group_of(settings: Settings, number: int) -> str:
    """The consumer group of a rebuild; it is there as long as the rebuild is not through."""
    return f"{settings.groups.apply}.rebuild-{settings.netsuite.account}-{number}"


def next_epoch(settings: Settings, reader: TopicReader, decoder: Decoder) -> Epoch:
    """The rebuild to go on with, or a new one, begun at the beginning of the command topic.

    Raises:
        KafkaUnavailable, RegistryUnavailable: the outcomes cannot be read, or the group cannot be asked for.
    """
    newest = _newest_epoch(settings, reader, decoder)
    for number in (newest, newest + 1):
        group = group_of(settings, number)
        with GroupLag(settings.kafka, reader, group, settings.topics.commands) as lag:
            if number and any(offset is not None for offset in lag.committed().values()):
                return Epoch(number, group, is_resumed=True)
    return Epoch(newest + 1, group_of(settings, newest + 1), is_resumed=False)


def begin(settings: Settings, epoch: Epoch, starts: Mapping[int, int]) -> None:
    """Let the group of a new rebuild say that nothing is done yet.

    Raises:
        KafkaUnavailable: the brokers do not answer, or refuse.
    """
    faults = Faults(settings.kafka)
    places = [TopicPartition(settings.topics.commands, number, start) for number, start in starts.items()]
    with closing(faults.client(Consumer, consumer_config(settings.kafka, epoch.group))) as consumer:
        try:
            consumer.committed(places, timeout=ANSWER_TIMEOUT)  # finds the group's coordinator first
            consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            raise faults.unavailable(f"beginning the rebuild, as the group {epoch.group}", error) from None


def _newest_epoch(settings: Settings, reader: TopicReader, decoder: Decoder) -> int:
    topic, newest = settings.topics.outcomes, 0
    own = f"{settings.netsuite.account}|".encode()
    for message in reader.records(topic, reader.extents(topic)):
        if not (message.key() or b"").startswith(own):
            continue
        try:
            outcome = decoder.decode(message.value(), headers_to_read(message))
        except Malformed:
            continue
        if isinstance(outcome, Outcome):
            newest = max(newest, outcome.epoch)
    return newest
