"""Which command may run next, and how far each partition has got. Pure bookkeeping: instants are passed in.

The caller feeds in what it reads and how things ended, and carries out what :meth:`Lanes.take` hands out. Documents of
one customer run one after the other, upserts of one external id too, and different lanes side by side. Everything
that a dead letter holds is remembered as a stub without its bytes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from schemas.command import Command
from schemas.outcome import LetterState, Outcome
from sinks import letters
from sinks.entry import Action, Entry, Kind, Lane, Original, Place, Recalled, Run, Stage, Write, subject_of, unreadable
from sinks.knowledge import Knowledge
from sinks.letters import Letter
from sinks.share import Share
from sinks.slots import Slots
from sinks.waiting import Waiting


class Lanes:
    """The commands of the assigned partitions.

    ``slots`` says how many run at once. ``window`` commands may be in memory, not counting those behind a document
    that waits for a reference; of these there may be ``waiting_limit``, then the oldest count as overdue early.
    ``reference_timeout`` is in the unit of the instants, seconds.
    """

    def __init__(self, *, slots: Slots, window: int, waiting_limit: int, reference_timeout: float) -> None:
        self.knowledge = Knowledge()
        self.slots = slots
        self._window = window
        self._waiting_limit = waiting_limit
        self._reference_timeout = reference_timeout
        self._shares: dict[int, Share] = {}
        self._ready: deque[Entry] = deque()
        self._outbox: list[Write] = []
        self._line = Waiting()

    @property
    def room(self) -> int:
        """How many more commands may be read into memory; not positive when the window is full."""
        return self._window - (self._line.held - self._line.waiting)

    @property
    def parked(self) -> int:
        """How many commands of these partitions have an open dead letter."""
        return sum(len(share.open) for share in self._shares.values())

    def in_flight(self, partition: int) -> int:
        """How many commands of a partition are being delivered or recorded."""
        return self._shares[partition].in_flight if partition in self._shares else 0

    def committable(self, partition: int) -> int | None:
        """The offset below which every command is settled; ``None`` where there is nothing to commit."""
        return self._shares[partition].progress.committable if partition in self._shares else None

    def assign(
        self, partition: int, parked: Iterable[Recalled], closed: Iterable[str], inherited_before: int, now: float
    ) -> None:
        """Take a partition over, all outcomes so far learnt.

        ``parked`` are its open dead letters in the order of their commands, ``closed`` the command ids of the closed
        ones. Commands below the offset ``inherited_before`` may have been sent by another sink.
        """
        share = self._shares[partition] = Share(partition, closed, inherited_before)
        for found in parked:
            share.recall(found)
            if found.subject.kind is Kind.UPSERT:
                self.knowledge.refuse(found.subject.external_id, found.letter.reason)
        for lane in share.lanes:
            self._close_covered(lane)
            self._advance(lane, now)

    def retire(self, partition: int) -> None:
        """Start nothing more of a partition; what is in flight may end."""
        if partition in self._shares:
            self._shares[partition].retired = True

    def forget(self, partition: int) -> None:
        """Drop a partition; what is in flight no longer counts when it ends."""
        share = self._shares.pop(partition, None)
        for lane in share.lanes if share else ():
            self._line.set_waits(lane, waits=False)
            self._line.count(lane, -lane.fresh)
            for entry in (*lane.entries, *lane.letters):
                self.slots.give_back(entry)
                entry.stage = Stage.GONE
            lane.entries.clear()
            lane.letters.clear()
        self.knowledge.forget_places(partition)

    def offer(self, place: Place, original: Original, command: Command | str, now: float) -> None:
        """A record was read; ``command`` is what it says, or the reason why it cannot be read.

        Ignored where the partition is not (or no longer) this sink's to start.
        """
        share = self._shares.get(place.partition)
        if share is None or share.retired:
            return
        share.progress.read(place.offset)
        subject = unreadable(place, original) if isinstance(command, str) else subject_of(command)
        lane = share.lane_of(subject)
        entry = Entry(place, subject, lane, place.offset < share.inherited_before, original)
        if isinstance(command, str):
            entry.pending = letters.refused(command)
        else:
            entry.command = command
        self._append(lane, entry)
        self._advance(lane, now)

    def take(self, now: float) -> list[Action]:
        """What to do now: all dead letters that are due, and deliveries as far as slots are free."""
        self._expire(now)
        runs: list[Action] = []
        while self._ready and self.slots.free:
            entry = self._ready.popleft()
            if entry.stage is not Stage.READY:
                continue
            share = self._shares[entry.place.partition]
            entry.stage = Stage.IDLE
            if share.retired:
                continue
            if share.is_settled(entry, self.knowledge):
                self._advance(entry.lane, now)
                continue
            entry.stage = Stage.RUNNING
            self.slots.take(entry)
            share.in_flight += 1
            references = self.knowledge.internal_ids(entry.subject.references)
            entry.given = frozenset(references)
            runs.append(Run(entry, references, self.knowledge.newest(entry.subject.external_id)))
        writes = [write for write in self._outbox if write.entry.stage is Stage.WRITING]
        self._outbox = []
        return [*writes, *runs]

    def next_due(self) -> float | None:
        """When :meth:`take` has something new to say although nothing happened."""
        return self._line.next_due()

    def applied(self, entry: Entry, outcome: Outcome, now: float) -> None:
        """NetSuite holds the command, and the broker has acknowledged its outcome."""
        if self._ended(entry):
            self.knowledge.learn(outcome, entry.place)
            self._wake(outcome, now)
            self._advance(entry.lane, now)

    def refused(self, entry: Entry, letter: Letter, now: float) -> None:
        """NetSuite refused the command for good."""
        if self._ended(entry):
            self._write(entry, letter)
            self._advance(entry.lane, now)
            if entry.subject.kind is Kind.UPSERT:
                self.refuse(entry.subject.external_id, letter.reason, now)

    def missing(self, entry: Entry, external_id: str, now: float) -> None:
        """NetSuite has no such customer or item, whatever the outcomes say."""
        if external_id in entry.given or entry.subject.kind is Kind.UPSERT:
            self.refused(entry, letters.refused(f"NetSuite no longer has {external_id}"), now)
        elif self._ended(entry):
            if self.knowledge.missing([external_id]):  # else its outcome came while NetSuite was asked
                self._write(entry, letters.waiting_for(external_id, f"{external_id} is not in NetSuite"))
            self._advance(entry.lane, now)

    def recorded(self, entry: Entry, letter_offset: int, now: float) -> None:
        """The broker has acknowledged the dead letter that :meth:`take` handed out for ``entry``."""
        if entry.stage is not Stage.WRITING or entry.pending is None:
            return
        share, letter = self._shares[entry.place.partition], entry.pending
        share.in_flight -= 1
        entry.pending, entry.stage = None, Stage.IDLE
        if letter.state is LetterState.CLOSED:
            share.drop_closed(entry)
        else:
            self._line.count(entry.lane, -1 if entry.letter is None else 0)
            share.keep(entry, letter, letter_offset)
            self._close_covered(entry.lane)
        self._advance(entry.lane, now)

    def learn(self, outcome: Outcome, now: float) -> None:
        """An outcome was seen that this sink has not written."""
        went_back = self.knowledge.learn(outcome)
        if went_back is not None:
            place, newest = went_back
            share = self._shares.get(place.partition)
            if share is not None and (entry := share.again(place, newest)) is not None:
                self._append(entry.lane, entry)
        self._wake(outcome, now)

    def refuse(self, external_id: str, reason: str, now: float) -> None:
        """A customer or item is dead-lettered: documents that wait for it are parked."""
        self.knowledge.refuse(external_id, reason)
        for lane in self._line.woken(external_id):
            self._advance(lane, now)

    def _advance(self, lane: Lane, now: float) -> None:
        """Take the lane as far as it goes without anything happening outside."""
        self._line.set_waits(lane, waits=False)
        share = self._shares.get(lane.partition)
        while share and lane.entries and lane.entries[0].stage is Stage.IDLE:
            head = lane.entries[0]
            if not share.is_settled(head, self.knowledge):
                self._start(head, now)
                break
            if head.letter is not None:
                self._write(head, letters.closed("applied"))
                break
            lane.entries.popleft()
            self._settle(share, head)
        if share is not None:
            self._park_followers(share, lane)
            share.drop_if_empty(lane)

    def _start(self, head: Entry, now: float) -> None:
        """Bring the head of a lane to where it runs, is dead-lettered, or waits."""
        if head.letter is None and head.pending is not None:
            self._write(head, head.pending)
            return
        if head.letter is not None and not self._may_resume(head, head.letter):
            return
        missing = self.knowledge.missing(head.subject.references)
        for name in missing:
            if reason := self.knowledge.refusal(name):
                self._write(head, letters.waiting_for(name, f"{name} was refused: {reason}"))
                return
        if missing and not head.overdue:
            self._line.wait_for(head.lane, missing)
            self._line.set_waits(head.lane, waits=True)
            self._line.set_due(head, now + self._reference_timeout)
            return
        head.due = None
        head.stage = Stage.READY
        self._ready.append(head)

    def _may_resume(self, head: Entry, letter: Letter) -> bool:
        if letter.state is LetterState.WAITING and letter.waits_for and self.knowledge.missing([letter.waits_for]):
            self._line.wait_for(head.lane, [letter.waits_for])
            return False
        return letter.state is not LetterState.REFUSED

    def _expire(self, now: float) -> None:
        while (due := self._line.next_due()) is not None and (due <= now or self._line.waiting > self._waiting_limit):
            entry = self._line.pop_due()
            if entry is not None:
                entry.overdue = True
                self._advance(entry.lane, now)

    def _ended(self, entry: Entry) -> bool:
        """Whether the delivery of ``entry`` still counts."""
        if entry.stage is not Stage.RUNNING:
            return False
        entry.stage, entry.overdue = Stage.IDLE, False
        self.slots.give_back(entry)
        self._shares[entry.place.partition].in_flight -= 1
        return True

    def _settle(self, share: Share, entry: Entry) -> None:
        self._line.count(entry.lane, -1)
        share.settle(entry)

    def _write(self, entry: Entry, letter: Letter) -> None:
        share = self._shares[entry.place.partition]
        share.open[entry.subject.command_id] = entry
        share.in_flight += 1
        entry.stage, entry.pending, entry.due = Stage.WRITING, letter, None
        self._outbox.append(Write(entry, letter))

    def _close_covered(self, lane: Lane) -> None:
        """Close the letters of upserts that NetSuite has the content of, or a newer one."""
        for entry in lane.letters:
            if entry.stage is Stage.IDLE and self.knowledge.covers(entry.subject):
                self._write(entry, letters.closed("applied, or overtaken by a newer version"))

    def _park_followers(self, share: Share, lane: Lane) -> None:
        """What comes behind a dead letter becomes one, without waiting for its turn."""
        for entry in [] if share.retired else lane.to_park():
            if share.is_settled(entry, self.knowledge):
                lane.entries.remove(entry)
                self._settle(share, entry)
            else:
                self._write(entry, entry.pending or letters.parked_behind(lane.entries[0].subject.name))

    def _wake(self, outcome: Outcome, now: float) -> None:
        """Let everything go on that this outcome concerns."""
        for lane in self._line.woken(outcome.external_id):
            self._advance(lane, now)
        for share in self._shares.values():
            for lane in share.lanes_about(outcome):
                self._close_covered(lane)
                self._advance(lane, now)

    def _append(self, lane: Lane, entry: Entry) -> None:
        lane.entries.append(entry)
        self._line.count(lane, 1)
