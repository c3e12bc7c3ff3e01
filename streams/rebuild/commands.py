"""`nuestream rebuild commands`: what the log decides and the command topic lacks, put on it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import click
from confluent_kafka import Message as Read

from projections.records import LogRecord, Step
from schemas.codec import Encoder
from schemas.headers import headers_of
from schemas.quarantine import Reason
from streams.console import progress_bar, results
from streams.errors import NuestreamError
from streams.group_members import check_no_members
from streams.header_names import headers_in
from streams.kafka import registry_of
from streams.messages import Said, documents_of, upserts_of
from streams.reading import TopicReader
from streams.replay.command import chosen
from streams.replay.run import Followed, Task
from streams.sending import Sender
from streams.settings import Settings

_TOGETHER = 500


def run_rebuild_commands(settings: Settings, task: Task, *, dry_run: bool, yes: bool) -> int:
    """Replay, and send the commands that the topic lacks; returns 0. Interrupted, it is run again.

    Raises:
        GroupInUse: a projector writes to the topic.
        NuestreamError, RegistryUnavailable: a topic is not there, cannot be read or written, or not decided by.
    """
    check_no_members(settings, settings.groups.project, settings.project.session_timeout)
    there = _ids_on(settings)
    extents = chosen(task)
    lacking = 0
    for send in (False, True):
        filler = _Filler(settings, there) if send else None
        total = sum(end - start for start, end in extents.values())
        with progress_bar() as bar:
            shown = bar.add_task("sending commands" if send else "replaying the log", total=total, rate="")

            def advance(count: int, shown: object = shown) -> None:
                bar.advance(shown, count)  # type: ignore[arg-type]

            for partition, extent in extents.items():
                followed = iter(Followed(task, partition, extent, advance))
                while portion := list(islice(followed, _TOGETHER)):
                    if filler is not None:
                        filler.take(portion)
                    else:
                        lacking += sum(_id_of(said) not in there for _, said in _commands(portion))
        if filler is not None:
            results.print(f"{filler.sent:,} commands were put on {settings.topics.commands}", soft_wrap=True)
            return 0
        results.print(
            f"{settings.topics.commands} has {len(there):,} commands and lacks {lacking:,} that the log decides",
            soft_wrap=True,
        )
        if dry_run or not lacking:
            return 0
        if not yes:
            click.confirm(f"Put {lacking:,} commands on {settings.topics.commands}?", abort=True, err=True)
    return 0


class _Filler:
    """Sends what is not there yet; customers and items are acknowledged before the documents that need them."""

    def __init__(self, settings: Settings, there: set[str]) -> None:
        self._topic = settings.topics.commands
        self._encoder = Encoder(registry_of(settings.registry))
        self._sender = Sender(settings.kafka)
        self._there = there
        self.sent = 0

    def take(self, portion: list[tuple[LogRecord, Step | Reason]]) -> None:
        """Send the commands of some records, and wait until Kafka has them."""
        self._send(said for _, step in portion if isinstance(step, Step) for said in upserts_of(step))
        self._send(
            said for record, step in portion if isinstance(step, Step) for said in documents_of(step, record.key or b"")
        )

    def _send(self, said: Said) -> None:
        for key, command in said:
            if _id_of(command) not in self._there:
                self._there.add(_id_of(command))
                self._sender.send(self._topic, key, self._encoder.encode(self._topic, command), headers_of(command))
                self.sent += 1
        self._sender.flush()


def _commands(portion: list[tuple[LogRecord, Step | Reason]]) -> Said:
    for record, step in portion:
        if isinstance(step, Step):
            yield from upserts_of(step)
            yield from documents_of(step, record.key or b"")


def _id_of(command: object) -> str:
    return str(command.command_id)  # type: ignore[attr-defined]  # every command has one


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
