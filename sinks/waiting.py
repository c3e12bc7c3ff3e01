"""What keeps a lane from going on; which wait for a customer or item, until when; how much room the others take."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from itertools import count
from typing import NamedTuple

from schemas.outcome import LetterState
from sinks import letters
from sinks.entry import Entry, Kind, Lane, Stage
from sinks.knowledge import Knowledge
from sinks.letters import Letter


class Wait(NamedTuple):
    """The head of a lane waits for any of these references, or for a person; ``in_time`` for a while only."""

    names: list[str]
    in_time: bool = False


def hindrance(head: Entry, knowledge: Knowledge) -> Letter | Wait | None:
    """What keeps the head of a lane from running: a dead letter to be written, or something that it waits for."""
    letter = head.letter
    if letter is None and head.pending is not None:
        return head.pending
    if head.request is not None:
        return None  # a person wants it tried now
    if head.subject.kind is Kind.UPSERT:
        return _parents(head, knowledge)
    if letter is not None and letter.state is LetterState.REFUSED:
        return Wait([])
    awaited = letter.waits_for if letter is not None and letter.state is LetterState.WAITING else None
    if awaited and knowledge.missing([awaited]):
        return Wait([awaited])
    missing = knowledge.missing(head.subject.references)
    for name in missing:
        if reason := knowledge.refusal(name):
            return letters.waiting_for(name, f"{name} was refused: {reason}")
    return Wait(missing, in_time=True) if missing and not head.overdue else None


def _parents(head: Entry, knowledge: Knowledge) -> Wait | None:
    """The parent that a customer waits for: it is named when the customer is made, and never again."""
    if head.overdue or knowledge.newest(head.subject.external_id) is not None:
        return None
    awaited = knowledge.awaited_parents(head.subject.references)
    names = [name for name in awaited if knowledge.refusal(name) is None]  # what becomes of it then, is delivery's
    return Wait(names, in_time=True) if names else None


class Waiting:
    """Lanes by what they wait for.

    ``held`` counts commands in memory, ``waiting`` those of them in waiting lanes, ``behind`` those that have ``depth``
    others or more of their own lane before them.
    """

    def __init__(self, depth: int) -> None:
        self.held = 0
        self.waiting = 0
        self.behind = 0
        self._depth = depth
        self._lanes: dict[str, dict[Lane, None]] = {}
        self._deadlines: list[tuple[float, int, Entry]] = []
        self._sequence = count()

    def count(self, lane: Lane, change: int) -> None:
        """Commands without a dead letter came to the lane or left it."""
        self._leave_out(lane, -1)
        lane.fresh += change
        self.held += change
        self._leave_out(lane, 1)

    def set_waits(self, lane: Lane, *, waits: bool) -> None:
        """Whether the lane's head waits."""
        self._leave_out(lane, -1)
        lane.waits = waits
        self._leave_out(lane, 1)

    def _leave_out(self, lane: Lane, change: int) -> None:
        if lane.waits:
            self.waiting += change * lane.fresh
        else:
            self.behind += change * max(0, lane.fresh - self._depth)

    def wait_for(self, lane: Lane, external_ids: Iterable[str]) -> None:
        """Let :meth:`woken` return the lane for any of these."""
        for name in external_ids:
            self._lanes.setdefault(name, {})[lane] = None

    def woken(self, external_id: str) -> Iterable[Lane]:
        """The lanes that waited for it; they no longer do."""
        return self._lanes.pop(external_id, {})

    def set_due(self, entry: Entry, due: float) -> None:
        """The head of a lane waits until ``due``; set once for each time that it waits."""
        if entry.due is None:
            entry.due = due
            heapq.heappush(self._deadlines, (due, next(self._sequence), entry))

    def next_due(self) -> float | None:
        """The earliest deadline."""
        while self._deadlines and not self._counts():
            heapq.heappop(self._deadlines)
        return self._deadlines[0][0] if self._deadlines else None

    def pop_due(self) -> Entry | None:
        """The entry with the earliest deadline, which it then no longer has."""
        if self.next_due() is None:
            return None
        entry = heapq.heappop(self._deadlines)[2]
        entry.due = None
        return entry

    def _counts(self) -> bool:
        due, _, entry = self._deadlines[0]
        return entry.stage is Stage.IDLE and entry.due == due
