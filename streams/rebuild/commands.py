"""`nuestream rebuild commands`: what the log decides and the command topic lacks, put on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

import click
from confluent_kafka import Message as Read
from msgspec import Struct

from projections.records import LogRecord, Step
from schemas.codec import Encoder
from schemas.headers import headers_of
from schemas.quarantine import Reason
from streams.console import results
from streams.errors import NuestreamError
from streams.group_members import check_no_members
from streams.header_names import headers_in
from streams.kafka import registry_of
from streams.messages import Said, documents_of, upserts_of
from streams.pace import Pace
from streams.reading import TopicReader
from streams.replay.command import Extents, chosen, extents_of
from streams.replay.run import Followed, Task
from streams.sending import Sender
from streams.settings import Settings

_TOGETHER = 500
Portion = Sequence[tuple[LogRecord, Step | Reason]]


def run_rebuild_commands(settings: Settings, task: Task, *, dry_run: bool, yes: bool) -> int:
    """Replay, and send the commands that the topic lacks; returns 0. Interrupted, it is run again.

    Raises:
        GroupInUse: a projector writes to the topic.
        NuestreamError, RegistryUnavailable: a topic is not there, cannot be read or written, or not decided by.
    """
    check_no_members(settings, settings.groups.project, settings.project.session_timeout)
    there = _ids_on(settings)
    extents = chosen(task, extents_of(task.source))
    # the log is decided once where nobody has to be asked in between
    sender = _Sender(settings) if yes and not dry_run else None
    lacking = _go_through(task, extents, set(there), sender)
    results.print(
        f"{settings.topics.commands} has {len(there):,} commands and lacks {lacking:,} that the log decides",
        soft_wrap=True,
    )
    if dry_run or not lacking:
        return 0
    if sender is None:
        click.confirm(f"Put {lacking:,} commands on {settings.topics.commands}?", abort=True, err=True)
        lacking = _go_through(task, extents, there, _Sender(settings))
    results.print(f"{lacking:,} commands were put on {settings.topics.commands}", soft_wrap=True)
    return 0


def _go_through(task: Task, extents: Extents, there: set[str], sender: _Sender | None) -> int:
    """Replay and hand what is not ``there`` over to ``sender``; how much that was."""
    lacking = 0
    doing = "replaying the log" if sender is None else "sending commands"
    with Pace(doing, sum(end - start for start, end in extents.values())) as pace:
        for partition, extent in extents.items():
            followed = iter(Followed(task, partition, extent, pace.advance))
            while portion := list(islice(followed, _TOGETHER)):
                # customers and items are acknowledged before the documents that need them
                for commands in (_upserts(portion), _documents(portion)):
                    new = list(_lacking(commands, there))
                    lacking += len(new)
                    if sender is not None:
                        sender.send(new)
    return lacking


class _Sender:
    """Puts commands on their topic, and waits until Kafka has them."""

    def __init__(self, settings: Settings) -> None:
        self._topic = settings.topics.commands
        self._encoder = Encoder(registry_of(settings.registry))
        self._sender = Sender(settings.kafka)

    def send(self, said: Iterable[tuple[bytes, Struct]]) -> None:
        """Raises ``KafkaUnavailable`` where one is refused."""
        for key, command in said:
            self._sender.send(self._topic, key, self._encoder.encode(self._topic, command), headers_of(command))
        self._sender.flush()


def _lacking(said: Said, there: set[str]) -> Said:
    """Those whose id is not ``there``, each once: it is then."""
    for key, command in said:
        name = str(command.command_id)  # type: ignore[attr-defined]  # every command has one
        if name not in there:
            there.add(name)
            yield key, command


def _upserts(portion: Portion) -> Said:
    for _, step in portion:
        if isinstance(step, Step):
            yield from upserts_of(step)


def _documents(portion: Portion) -> Said:
    for record, step in portion:
        if isinstance(step, Step):
            yield from documents_of(step, record.key or b"")


def _ids_on(settings: Settings) -> set[str]:
    """The ids of the commands that are on the topic, by their headers."""
    topic = settings.topics.commands
    with TopicReader(settings.kafka, settings.groups.project) as reader:
        extents = reader.extents(topic)
        if not extents:
            raise NuestreamError(f"the topic {topic} is not there: run `nuestream topics create`")
        return set(_ids(reader.records(topic, extents)))


def _ids(messages: Iterator[Read]) -> Iterator[str]:
    for message in messages:
        name = dict(headers_in(message)).get("ce_id")
        if name is not None:
            yield name.decode(errors="replace")
