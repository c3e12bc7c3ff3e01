"""Takes lanes as far as they go by themselves: to a run, a dead letter, an answer, or something to wait for. Pure."""

from __future__ import annotations

from collections import deque

from schemas.outcome import LetterState, Outcome
from schemas.requests import DiscardRequested, RedriveRequested, Request
from sinks import asked, letters
from sinks.entry import Decline, Entry, Kind, Lane, Stage, Write
from sinks.knowledge import Knowledge
from sinks.letters import Letter
from sinks.share import Share
from sinks.waiting import Wait, Waiting, hindrance


class Traffic:
    """The lanes of all ``shares``. ``ready`` are the commands that may run, ``line`` knows what waits.

    ``reference_timeout`` is in the unit of the instants, seconds. ``depth`` is how many commands of a lane count.
    """

    def __init__(self, knowledge: Knowledge, reference_timeout: float, depth: int) -> None:
        self.shares: dict[int, Share] = {}
        self.ready: deque[Entry] = deque()
        self.line = Waiting(depth)
        self._knowledge = knowledge
        self._reference_timeout = reference_timeout
        self._outbox: list[Write | Decline] = []

    def to_write(self) -> list[Write | Decline]:
        """What is due to be written since this was asked last."""
        outbox, self._outbox = self._outbox, []
        return [
            each
            for each in outbox
            if (each.entry.stage is Stage.WRITING if isinstance(each, Write) else each.partition in self.shares)
        ]

    def advance(self, lane: Lane, now: float) -> None:
        """Take the lane as far as it goes without anything happening outside."""
        self.line.set_waits(lane, waits=False)
        share = self.shares.get(lane.partition)
        if share is not None and not share.retired:
            self._take_up(share, lane)
            self._begin_requests(share, lane)
        while share and lane.entries and lane.entries[0].stage is Stage.IDLE:
            head = lane.entries[0]
            if not share.is_settled(head, self._knowledge):
                self._start(head, now)
                break
            if head.letter is not None:
                self.write(head, letters.closed("applied"))
                break
            lane.entries.popleft()
            self._settle(share, head)
        if share is not None:
            self._park_followers(share, lane)
            share.drop_if_empty(lane)

    def wake(self, outcome: Outcome, now: float) -> None:
        """Let everything go on that this outcome concerns."""
        self.resume(outcome.external_id, now)
        for share in self.shares.values():
            for lane in share.lanes_about(outcome):
                self.close_covered(lane)
                self.advance(lane, now)

    def resume(self, external_id: str, now: float) -> None:
        """Let go on what waited for a reference."""
        for lane in self.line.woken(external_id):
            self.advance(lane, now)

    def expire(self, now: float, waiting_limit: int) -> None:
        """Let those go on that have waited long enough, or are the oldest of more than ``waiting_limit``."""
        while (due := self.line.next_due()) is not None and (due <= now or self.line.waiting > waiting_limit):
            entry = self.line.pop_due()
            if entry is not None:
                entry.overdue = True
                self.advance(entry.lane, now)

    def append(self, entry: Entry) -> None:
        """A command comes to its lane."""
        entry.lane.entries.append(entry)
        self.line.count(entry.lane, 1)

    def write(self, entry: Entry, letter: Letter) -> None:
        """Have a dead letter written."""
        share = self.shares[entry.place.partition]
        share.open[entry.subject.command_id] = entry
        share.in_flight += 1
        letter = letters.following(letter, entry.letter, entry.request)
        entry.stage, entry.pending, entry.due = Stage.WRITING, letter, None
        self._outbox.append(Write(entry, letter))

    def written(self, entry: Entry, letter_offset: int, now: float) -> None:
        """The broker has acknowledged the dead letter that is pending of ``entry``."""
        if entry.stage is not Stage.WRITING or entry.pending is None:
            return
        share, letter = self.shares[entry.place.partition], entry.pending
        share.in_flight -= 1
        entry.pending, entry.request, entry.stage = None, None, Stage.IDLE
        if letter.state.is_open:
            self.line.count(entry.lane, -1 if entry.letter is None else 0)
            share.keep(entry, letter, letter_offset)
            self.close_covered(entry.lane)
        else:
            for request, reason in asked.too_late(entry, letter.reason):
                self.decline(share.partition, request, reason)
            share.drop_closed(entry, discarded=letter.state is LetterState.DISCARDED)
        self.advance(entry.lane, now)

    def decline(self, partition: int, request: Request, reason: str) -> None:
        """Have the words written that answer a request."""
        self._outbox.append(Decline(partition, request, reason))

    def file(self, share: Share, request: Request) -> Entry | None:
        """Note a request with its command and return that; a request that cannot be carried out is answered."""
        filed = asked.file(request, share, self._knowledge)
        if isinstance(filed, Entry):
            return filed
        self.decline(share.partition, request, filed)
        return None

    def close_covered(self, lane: Lane) -> None:
        """Close the letters of upserts that NetSuite has the content of, or a newer one."""
        for entry in lane.letters:
            if entry.stage is Stage.IDLE and self._knowledge.covers(entry.subject):
                self.write(entry, letters.closed("applied, or overtaken by a newer version"))

    def _start(self, head: Entry, now: float) -> None:
        """Bring the head of a lane to where it runs, is dead-lettered, or waits."""
        match hindrance(head, self._knowledge):
            case Letter() as letter:
                self.write(head, letter)
            case Wait(names, in_time):
                self.line.wait_for(head.lane, names)
                if in_time:
                    self.line.set_waits(head.lane, waits=True)
                    # so that its documents, which began to wait with it, still find it
                    part = 0.5 if head.subject.kind is Kind.UPSERT else 1
                    self.line.set_due(head, now + self._reference_timeout * part)
            case None:
                self._make_ready(head)

    def _make_ready(self, entry: Entry) -> None:
        entry.stage, entry.due = Stage.READY, None
        self.ready.append(entry)

    def _take_up(self, share: Share, lane: Lane) -> None:
        """Let those customers go on that were dead-lettered for want of a parent, where that has come."""
        for entry in list(lane.letters):
            letter = entry.letter
            if entry.stage is not Stage.IDLE or letter is None or letter.state is not LetterState.WAITING:
                continue
            if awaited := self._knowledge.awaited_parents([letter.waits_for] if letter.waits_for else []):
                self.line.wait_for(lane, awaited)
            else:
                share.redrive(entry)

    def _begin_requests(self, share: Share, lane: Lane) -> None:
        """Carry out what people asked for, as far as it can be begun now."""
        for entry in asked.to_begin(lane) if lane.asked else ():
            while entry.asked and entry.request is None:
                request = entry.asked[0]
                if reason := asked.begin(entry):
                    self.decline(share.partition, request, reason)
            if isinstance(entry.request, RedriveRequested):
                share.redrive(entry)
            elif isinstance(entry.request, DiscardRequested) and entry.subject.kind is Kind.DOCUMENT:
                self._make_ready(entry)  # NetSuite is asked first whether it holds the document
            elif isinstance(entry.request, DiscardRequested):
                self.write(entry, letters.discarded())

    def _settle(self, share: Share, entry: Entry) -> None:
        self.line.count(entry.lane, -1)
        share.settle(entry)

    def _park_followers(self, share: Share, lane: Lane) -> None:
        """What comes behind a dead letter becomes one, without waiting for its turn."""
        for entry in [] if share.retired else lane.to_park():
            if share.is_settled(entry, self._knowledge):
                lane.entries.remove(entry)
                self._settle(share, entry)
            else:
                self.write(entry, entry.pending or letters.parked_behind(lane.entries[0].subject.name))
