"""A command on its way through the sink, and the lane in which it is kept in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from itertools import takewhile
from typing import NamedTuple

from msgspec import Struct

from schemas.command import Command, UpsertCustomer, UpsertItem
from schemas.outcome import Outcome
from schemas.requests import DiscardRequested, Request
from sinks.letters import Letter

Version = tuple[datetime, str]


class Place(NamedTuple):
    """Where a command stands on the command topic."""

    partition: int
    offset: int


class Original(Struct, frozen=True):
    """A command's record as it was read: what a dead letter keeps."""

    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def key_text(self) -> str:
        """The key for people and lanes; bytes that are not UTF-8 are shown escaped."""
        return (self.key or b"").decode("utf-8", "backslashreplace")


class Kind(Enum):
    """What is kept in order: documents by customer, upserts by external id.

    An unreadable command is kept among the documents of its key, since it may be one.
    """

    DOCUMENT = auto()
    UPSERT = auto()
    UNREADABLE = auto()


class Stage(Enum):
    """Where a command stands inside the sink."""

    IDLE = auto()
    READY = auto()
    RUNNING = auto()
    WRITING = auto()
    GONE = auto()


class Subject(Struct, frozen=True, kw_only=True):
    """What a command is about, as far as order and waiting are concerned."""

    kind: Kind
    lane: str
    command_id: str
    external_id: str
    references: tuple[str, ...] = ()
    version: Version | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        return self.external_id or self.command_id


class Recalled(Struct, frozen=True, kw_only=True):
    """An open dead letter, found on its topic at ``letter_offset``.

    ``quiet``: nothing that was sent of it before can still be running.
    """

    place: Place
    subject: Subject
    letter: Letter
    letter_offset: int
    quiet: bool = False


@dataclass(slots=True, eq=False)
class Entry:
    """One command in the sink's care.

    ``inherited``: another sink may have sent it. ``original`` and ``command`` are dropped once a dead letter holds
    them. ``letter`` is what the dead-letter topic has acknowledged, at ``letter_offset``; ``pending`` what is to be
    written to it. A command that waits for a reference does so until ``due``, after which it is ``overdue``.
    ``given`` are the references of its last run. ``request`` is what a person asked for and is being carried out,
    ``asked`` what comes after it.
    """

    place: Place
    subject: Subject
    lane: Lane
    inherited: bool
    original: Original | None = None
    command: Command | None = None
    stage: Stage = Stage.IDLE
    letter: Letter | None = None
    letter_offset: int | None = None
    pending: Letter | None = None
    due: float | None = None
    overdue: bool = False
    given: frozenset[str] = frozenset()
    request: Request | None = None
    asked: tuple[Request, ...] = ()


@dataclass(slots=True, eq=False)
class Lane:
    """Commands of one partition that go one after the other, oldest first.

    Those with a dead letter come first. ``fresh`` counts the others; while ``waits``, they take no room in the
    window. ``letters`` are dead-lettered upserts, which hold up nothing. ``asked`` are those about which people asked
    for something that was not begun yet.
    """

    partition: int
    kind: Kind
    name: str
    entries: deque[Entry] = field(default_factory=deque)
    letters: list[Entry] = field(default_factory=list)
    asked: list[Entry] = field(default_factory=list)
    fresh: int = 0
    waits: bool = False

    def newest_first(self, head: Entry, may_run: Callable[[Entry], bool]) -> Entry:
        """Of upserts let the newest that ``may_run`` pass ``head``, which may: it makes the older ones needless."""
        if self.kind is not Kind.UPSERT or head.request is not None:
            return head
        fresh = (each for each in self.entries if each.stage is Stage.IDLE and not (each.letter or each.request))
        newest = max(filter(may_run, fresh), key=_version_of, default=head)
        if newest is not head:
            self.entries.remove(newest)
            self.entries.appendleft(newest)
        return newest

    def to_park(self) -> list[Entry]:
        """What stands behind a dead letter without being one."""
        if self.kind is Kind.UPSERT or not self.entries or self.entries[0].letter is None:
            return []
        behind = takewhile(lambda entry: entry.letter is None and entry.stage is Stage.IDLE, reversed(self.entries))
        return list(behind)[::-1]


def _version_of(entry: Entry) -> tuple[Version, ...]:
    return () if entry.subject.version is None else (entry.subject.version,)


@dataclass(frozen=True, slots=True)
class Run:
    """Deliver a command now, or where it ``discards`` make sure that NetSuite does not hold it.

    ``references`` are internal ids by external id, as far as they are known.

    Where ``entry.command`` is ``None``, its record has to be read again first: at ``entry.letter_offset`` of the
    dead letters, or without one at ``entry.place``.
    """

    entry: Entry
    references: dict[str, str]
    newest: Outcome | None

    @property
    def partition(self) -> int:
        """The partition of the command."""
        return self.entry.place.partition

    @property
    def discards(self) -> bool:
        """Whether a person wants the command never to be sent."""
        return isinstance(self.entry.request, DiscardRequested)


@dataclass(frozen=True, slots=True)
class Write:
    """Write a dead letter now, its partition the command's, in the order in which these are handed out."""

    entry: Entry
    letter: Letter

    @property
    def partition(self) -> int:
        """The partition of the command."""
        return self.entry.place.partition


@dataclass(frozen=True, slots=True)
class Decline:
    """Tell now, in the partition of the dead letters, why a request is not carried out."""

    partition: int
    request: Request
    reason: str


Action = Run | Write | Decline


def subject_of(command: Command) -> Subject:
    """What ``command`` is about."""
    if isinstance(command, UpsertCustomer | UpsertItem):
        above = command.parent if isinstance(command, UpsertCustomer) else None
        return Subject(
            kind=Kind.UPSERT,
            lane=command.external_id,
            command_id=command.command_id,
            external_id=command.external_id,
            references=(above,) if above else (),
            version=(command.activated_at, command.origin.order_id),
        )
    return Subject(
        kind=Kind.DOCUMENT,
        lane=command.origin.customer_id,
        command_id=command.command_id,
        external_id=command.external_id,
        references=tuple(dict.fromkeys((command.entity, *(line.item for line in command.lines)))),
    )


def unreadable(place: Place, original: Original) -> Subject:
    """A command that cannot be decoded is known by its place alone."""
    name = f"{place.partition}/{place.offset}"
    return Subject(kind=Kind.UNREADABLE, lane=original.key_text, command_id=name, external_id="")
