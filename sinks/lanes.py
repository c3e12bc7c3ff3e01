"""Which command may run next, and how far each partition has got. Pure bookkeeping: instants are passed in.

The caller feeds in what it reads and how things ended, and carries out what :meth:`Lanes.take` hands out. Documents of
one customer run one after the other, upserts of one external id too, and different lanes side by side. Everything
that a dead letter holds is remembered as a stub without its bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from schemas.command import Command, UpsertCustomer, UpsertItem
from schemas.outcome import Outcome
from schemas.requests import Request
from sinks import letters
from sinks.entry import Action, Entry, Kind, Original, Place, Recalled, Run, Stage, subject_of, unreadable
from sinks.knowledge import Knowledge
from sinks.letters import Letter
from sinks.share import Share
from sinks.slots import Slots
from sinks.traffic import Traffic
from sinks.translate import content_hash
from sinks.waiting import hindrance


class Lanes:
    """The commands of the assigned partitions.

    ``slots`` says how many run at once. ``window`` commands may be in memory, not counting those behind a document
    that waits for a reference; of these there may be ``waiting_limit``, then the oldest count as overdue early. Of a
    customer with very many commands only the first twentieth of a window counts, so that the others are read too.
    ``reference_timeout`` is in the unit of the instants, seconds, and so is ``request_limit``: how long after a
    partition was taken over NetSuite may still write what an earlier sink sent. A new customer waits for its parent for
    half of ``reference_timeout``; ``await_parents`` and the ``adopted`` are those of
    :class:`~sinks.knowledge.Knowledge`.
    """

    def __init__(
        self,
        *,
        slots: Slots,
        window: int,
        waiting_limit: int,
        reference_timeout: float,
        request_limit: float,
        await_parents: bool = True,
        adopted: Collection[str] = (),
    ) -> None:
        self.knowledge = Knowledge(adopted, await_parents=await_parents)
        self.slots = slots
        self._window = window
        self._waiting_limit = waiting_limit
        self._request_limit = request_limit
        self._traffic = Traffic(self.knowledge, reference_timeout, depth=max(1, window // 20))
        self._shares = self._traffic.shares
        self._line = self._traffic.line

    @property
    def room(self) -> int:
        """How many more commands may be read into memory; not positive when the window is full."""
        line = self._line
        aside = min(self._waiting_limit, line.waiting + line.behind)
        return self._window - (line.held - max(aside, line.waiting))

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
        self,
        partition: int,
        parked: Iterable[Recalled],
        discarded: Iterable[str],
        inherited_before: int,
        now: float,
        requests: Iterable[Request] = (),
    ) -> None:
        """Take a partition over, all outcomes so far learnt.

        ``parked`` are its open dead letters in the order of their commands, ``discarded`` the ids of the commands that
        are never sent, ``requests`` what people asked for and nobody has answered. Commands below the offset
        ``inherited_before`` may have been sent by another sink.
        """
        share = self._shares[partition] = Share(partition, discarded, inherited_before, now + self._request_limit)
        for found in parked:
            share.recall(found)
            if found.subject.kind is Kind.UPSERT:
                self.knowledge.refuse(found.subject.external_id, found.letter.reason)
        for request in requests:  # before anything of them is sent
            self._traffic.file(share, request)
        for lane in share.lanes:
            self._traffic.close_covered(lane)
            self._traffic.advance(lane, now)

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
            if isinstance(command, UpsertCustomer | UpsertItem) and not share.is_settled(entry, self.knowledge):
                share.may_be_running(entry, content_hash(command), now)
        self._traffic.append(entry)
        self._traffic.advance(lane, now)

    def ask(self, partition: int, request: Request, now: float) -> None:
        """A person asks for something about a dead letter. Where it is not this sink's, another one hears of it."""
        share = self._shares.get(partition)
        if share is not None and not share.retired and (entry := self._traffic.file(share, request)):
            self._traffic.advance(entry.lane, now)

    def take(self, now: float) -> list[Action]:
        """What to do now: everything that is due to be written, and deliveries as far as slots are free."""
        self._traffic.expire(now, self._waiting_limit)
        self._send_doubtful(now)
        runs: list[Action] = []
        while self._traffic.ready and self.slots.free:
            entry = self._traffic.ready.popleft()
            if entry.stage is not Stage.READY:
                continue
            share = self._shares[entry.place.partition]
            entry.stage = Stage.IDLE
            if share.retired:
                continue
            if share.is_settled(entry, self.knowledge):
                if entry.letter is not None:
                    self._traffic.write(entry, letters.closed("applied"))
                self._traffic.advance(entry.lane, now)
                continue
            entry = entry.lane.newest_first(entry, lambda each: hindrance(each, self.knowledge) is None)
            entry.stage = Stage.RUNNING
            self.slots.take(entry)
            share.in_flight += 1
            references = self.knowledge.internal_ids(entry.subject.references)
            entry.given = frozenset(references)
            runs.append(Run(entry, references, self.knowledge.newest(entry.subject.external_id)))
        return [*self._traffic.to_write(), *runs]

    def next_due(self) -> float | None:
        """When :meth:`take` has something new to say although nothing happened."""
        dues = [share.quiet_at for share in self._shares.values() if share.doubtful and not share.retired]
        return min((due for due in (*dues, self._line.next_due()) if due is not None), default=None)

    def applied(self, entry: Entry, outcome: Outcome, now: float) -> None:
        """NetSuite holds the command, and the broker has acknowledged its outcome."""
        if self._ended(entry):
            self.knowledge.learn(outcome, entry.place)
            self._shares[entry.place.partition].doubt(outcome, now)
            if entry.letter is not None:
                self._traffic.write(entry, letters.closed("applied"))
            self._traffic.wake(outcome, now)
            self._traffic.advance(entry.lane, now)

    def refused(self, entry: Entry, letter: Letter, now: float) -> None:
        """NetSuite refused the command for good."""
        if self._ended(entry):
            entry.inherited = entry.inherited and letter.status is None  # NetSuite refused it when nothing ran
            self._traffic.write(entry, letter)
            self._traffic.advance(entry.lane, now)
            if entry.subject.kind is Kind.UPSERT:
                self.refuse(entry.subject.external_id, letter.reason, now)

    def missing(self, entry: Entry, external_id: str, now: float) -> None:
        """NetSuite has no such customer or item, whatever the outcomes say."""
        if external_id in entry.given:
            self.refused(entry, letters.refused(f"NetSuite no longer has {external_id}"), now)
        elif self._ended(entry):
            is_missing = bool(self.knowledge.missing([external_id]))  # else its outcome came while NetSuite was asked
            what = letters.PARENT if entry.subject.kind is Kind.UPSERT else ""
            reason = f"{what}{external_id} is not in NetSuite"
            if is_missing:
                self._traffic.write(entry, letters.waiting_for(external_id, reason))
            self._traffic.advance(entry.lane, now)
            if is_missing and entry.subject.kind is Kind.UPSERT:
                self.refuse(entry.subject.external_id, reason, now)

    def discarded(self, entry: Entry, note: str, now: float) -> None:
        """NetSuite does not hold the command, and nothing of it can be running; ``note`` says what was found."""
        if self._ended(entry):
            self._traffic.write(entry, letters.discarded(note))
            self._traffic.advance(entry.lane, now)

    def kept(self, entry: Entry, reason: str, now: float) -> None:
        """The command cannot be discarded."""
        if self._ended(entry) and entry.request is not None:
            self._traffic.decline(entry.place.partition, entry.request, reason)
            entry.request = None
            self._traffic.advance(entry.lane, now)

    def recorded(self, entry: Entry, letter_offset: int, now: float) -> None:
        """The broker has acknowledged the dead letter that :meth:`take` handed out for ``entry``."""
        self._traffic.written(entry, letter_offset, now)

    def learn(self, outcome: Outcome, now: float) -> None:
        """An outcome was seen that this sink has not written."""
        if went_back := self.knowledge.learn(outcome):
            self._append_again(*went_back)
        self._traffic.wake(outcome, now)

    def refuse(self, external_id: str, reason: str, now: float) -> None:
        """A customer or item is dead-lettered: documents that wait for it are parked."""
        self.knowledge.refuse(external_id, reason)
        self._traffic.resume(external_id, now)

    def _send_doubtful(self, now: float) -> None:
        """Send the newest version again where an older one may have been written on top by now."""
        for share in self._shares.values():
            for external_id in share.take_doubtful(now):
                if delivered := self.knowledge.doubt(external_id):
                    entry = self._append_again(*delivered)
                    if entry is not None:
                        self._traffic.advance(entry.lane, now)

    def _append_again(self, place: Place, newest: Outcome) -> Entry | None:
        share = self._shares.get(place.partition)
        entry = share.again(place, newest) if share is not None else None
        if entry is not None:
            self._traffic.append(entry)
        return entry

    def _ended(self, entry: Entry) -> bool:
        """Whether the delivery of ``entry`` still counts."""
        if entry.stage is not Stage.RUNNING:
            return False
        entry.stage, entry.overdue = Stage.IDLE, False
        self.slots.give_back(entry)
        self._shares[entry.place.partition].in_flight -= 1
        return True
