"""A command topic, a NetSuite and what a sink writes, all in memory, for trying out the lanes."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from schemas.command import Command, CreateSalesOrder, DocumentLine, ItemType, Origin, UpsertCustomer, UpsertItem
from schemas.outcome import LetterState, Outcome, Result
from schemas.requests import DiscardRequested, RedriveRequested, Request
from sinks.entry import Decline, Entry, Kind, Original, Place, Recalled, Run, Subject, Write, subject_of, unreadable
from sinks.lanes import Lanes
from sinks.letters import Letter
from sinks.slots import Slots
from sinks.translate import content_hash

START = datetime(2026, 1, 1, tzinfo=UTC)
TIMEOUT = 100.0
REQUEST_LIMIT = 900.0


def document(customer: str, number: str, *references: str) -> CreateSalesOrder:
    """A sales order whose entity is the first reference and whose lines are the others."""
    return CreateSalesOrder(
        command_id=f"command-{customer}-{number}",
        external_id=f"NUE-SO-{customer}-{number}",
        origin=_origin(customer, number),
        entity=references[0],
        original_order_id=number,
        tran_on=START.date(),
        currency="USD",
        memo=number,
        lines=tuple(
            DocumentLine(line_id=item, item=item, quantity=Decimal(1), rate=Decimal(1), amount=Decimal(1))
            for item in references[1:]
        ),
        total=Decimal(1),
    )


def child(name: str, version: int, parent: str) -> UpsertCustomer:
    """One version of a customer below another."""
    return UpsertCustomer(
        command_id=f"command-{name}-{version}",
        external_id=name,
        activated_at=START + timedelta(days=version),
        origin=_origin("customer", f"order-{version}"),
        name=f"{name} {version}",
        parent=parent,
    )


def upsert(name: str, version: int) -> UpsertItem:
    """One version of a customer or item."""
    return UpsertItem(
        command_id=f"command-{name}-{version}",
        external_id=name,
        activated_at=START + timedelta(days=version),
        origin=_origin("customer", f"order-{version}"),
        item_type=ItemType.SERVICE_SALE_ITEM,
        sku=name,
        name=f"{name} {version}",
    )


def outcome_of(command: Command | Subject, internal_id: str = "1") -> Outcome:
    """The outcome of a command in success."""
    subject = command if isinstance(command, Subject) else subject_of(command)
    activated_at, order_id = subject.version or (None, "order")
    return Outcome(
        account="1",
        external_id=subject.external_id,
        record_type="any",
        internal_id=internal_id,
        command_id=subject.command_id,
        result=Result.CREATED,
        order_id=order_id,
        customer_id=subject.lane,
        content_hash=subject.command_id if isinstance(command, Subject) else content_hash(command),
        applied_at=START,
        activated_at=activated_at,
    )


def _origin(customer: str, order: str) -> Origin:
    return Origin(
        customer_id=customer, order_id=order, order_number=order, event_id=order, policy_id="policy", rules_version=1
    )


class World:
    """What outlives a sink: the command topic, NetSuite, outcomes, dead letters, committed offsets.

    ``lanes`` is the present sink. A step of it that is not acknowledged yet is in ``unacknowledged``. ``requests``
    are what people asked for, by partition; ``declined`` the words that some were answered with. No customer is made
    here without its parent.
    """

    def __init__(
        self, partitions: int, *, adopted: tuple[str, ...] = (), await_parents: bool = True, **limits: int
    ) -> None:
        self.parents = {"adopted": adopted, "await_parents": await_parents}
        self.limits = {"concurrency": 2, "quiet": 3, "window": 6, "waiting_limit": 8, **limits}
        self.log: dict[int, list[Command | str]] = {partition: [] for partition in range(partitions)}
        self.netsuite: dict[str, Subject] = {}
        self.outcomes: list[Outcome] = []
        self.letters: list[tuple[Place, Subject, Letter]] = []
        self.requests: list[tuple[int, Request]] = []
        self.declined: dict[str, str] = {}
        self.committed = dict.fromkeys(self.log, 0)
        self.now = 0.0
        self.start_sink()

    def start_sink(self) -> None:
        """A new sink, from what is durable."""
        self.lanes = Lanes(
            slots=Slots(self.limits["concurrency"], self.limits["quiet"]),
            window=self.limits["window"],
            waiting_limit=self.limits["waiting_limit"],
            reference_timeout=TIMEOUT,
            request_limit=REQUEST_LIMIT,
            **self.parents,
        )
        self.running: list[Run] = []
        self.unacknowledged: list[tuple[Entry, Callable[[], None]]] = []
        self.unwritten: list[Write | Decline] = []
        self.position = dict(self.committed)
        for outcome in self.outcomes:
            self.lanes.learn(outcome, self.now)
        for partition in self.log:
            self.assign(partition)

    def assign(self, partition: int) -> None:
        """Give the sink a partition with its letters, the newest per command counting."""
        newest = {
            place: (subject, letter, at)
            for at, (place, subject, letter) in enumerate(self.letters)
            if place.partition == partition
        }
        recalled = [
            Recalled(place=place, subject=subject, letter=letter, letter_offset=at)
            for place, (subject, letter, at) in sorted(newest.items())
            if letter.state.is_open
        ]
        gone = [subject.command_id for subject, letter, _ in newest.values() if letter.state is LetterState.DISCARDED]
        self.position[partition] = self.committed[partition]
        asked = [request for at, request in self.unanswered() if at == partition]
        self.lanes.assign(partition, recalled, gone, len(self.log[partition]), self.now, asked)

    def unassign(self, partition: int) -> None:
        """Take a partition away; what was in flight stays without effect on the lanes."""
        self.lanes.forget(partition)
        self.running = [run for run in self.running if run.entry.place.partition != partition]
        self.unwritten = [write for write in self.unwritten if write.partition != partition]

    def ask(self, kind: type[Request], subject: Subject, partition: int = 0, by: str = "kim") -> Request:
        """A person's request becomes durable, and the sink hears of it."""
        request = kind(
            request_id=f"request-{len(self.requests)}",
            command_id=subject.command_id,
            external_id=subject.external_id,
            lane=subject.lane,
            by=by,
            why="because",
            requested_at=START,
        )
        self.requests.append((partition, request))
        self.lanes.ask(partition, request, self.now)
        return request

    def redrive(self, command: Command, by: str = "kim") -> Request:
        """Ask that a refused command be sent again."""
        return self.ask(RedriveRequested, subject_of(command), by=by)

    def discard(self, command: Command, by: str = "kim") -> Request:
        """Ask that a command never be sent."""
        return self.ask(DiscardRequested, subject_of(command), by=by)

    def unanswered(self) -> list[tuple[int, Request]]:
        """The requests that neither a letter nor a refusal in words has answered."""
        told = {letter.request.request_id for _, _, letter in self.letters if letter.request}
        return [(at, each) for at, each in self.requests if each.request_id not in told | self.declined.keys()]

    def subject(self, place: Place) -> Subject:
        """What the command at a place is about."""
        command = self.log[place.partition][place.offset]
        return unreadable(place, Original(b"c0", b"?")) if isinstance(command, str) else subject_of(command)

    def read(self, partition: int) -> bool:
        """Offer the next command of a partition, if there is room and one is left."""
        offset = self.position[partition]
        if self.lanes.room <= 0 or offset >= len(self.log[partition]):
            return False
        self.position[partition] += 1
        original = Original(b"c0", b"?")
        self.lanes.offer(Place(partition, offset), original, self.log[partition][offset], self.now)
        return True

    def take(self) -> list[Run]:
        """Start what may start; returns it."""
        actions = self.lanes.take(self.now)
        self.unwritten += [action for action in actions if not isinstance(action, Run)]
        started = [action for action in actions if isinstance(action, Run)]
        self.running += started
        return started

    def write_letter(self) -> None:
        """The oldest letter or answer that is due becomes durable; the sink does not know yet."""
        write = self.unwritten.pop(0)
        if isinstance(write, Decline):
            self.declined[write.request.request_id] = write.reason
            return
        at = len(self.letters)
        self.letters.append((write.entry.place, write.entry.subject, write.letter))
        self.unacknowledged.append((write.entry, lambda: self.lanes.recorded(write.entry, at, self.now)))

    def deliver(self, run: Run, *, accept: bool) -> None:
        """End a delivery; its outcome becomes durable, and the sink does not know yet."""
        self.running.remove(run)
        entry, subject = run.entry, run.entry.subject
        if run.discards and subject.external_id not in self.netsuite:
            self.lanes.discarded(entry, "", self.now)
            return
        is_there = subject.kind is Kind.UPSERT and subject.external_id in self.netsuite
        absent = [
            name
            for name in subject.references
            if not is_there and name not in run.references and name not in self.netsuite
        ]
        if absent and not run.discards:
            self.lanes.missing(entry, absent[0], self.now)
        elif accept or subject.external_id in self.netsuite:
            self.netsuite[subject.external_id] = subject
            command = self.log[entry.place.partition][entry.place.offset]
            assert not isinstance(command, str)
            outcome = outcome_of(command)
            self.outcomes.append(outcome)
            self.unacknowledged.append((entry, lambda: self.lanes.applied(entry, outcome, self.now)))
        else:
            letter = Letter(state=LetterState.REFUSED, reason="NetSuite refuses it", status=400)
            self.lanes.refused(entry, letter, self.now)

    def acknowledge(self) -> None:
        """The sink hears of the oldest thing that became durable."""
        self.unacknowledged.pop(0)[1]()

    def commit(self) -> None:
        """Commit what may be committed."""
        for partition in self.log:
            self.committed[partition] = max(self.committed[partition], self.lanes.committable(partition) or 0)

    def open_letters(self) -> dict[Place, Letter]:
        """The newest letter per command, closed ones left out."""
        newest = {place: letter for place, _, letter in self.letters}
        return {place: letter for place, letter in newest.items() if letter.state.is_open}

    def discarded(self) -> set[str]:
        """The ids of the commands that were discarded."""
        return {subject.command_id for _, subject, letter in self.letters if letter.state is LetterState.DISCARDED}

    def is_accounted_for(self, place: Place) -> bool:
        """Whether a durable outcome or letter speaks for the command at ``place``."""
        subject = self.subject(place)
        if any(other.command_id == subject.command_id for _, other, _ in self.letters):
            return True
        return any(
            outcome.command_id == subject.command_id
            or (
                subject.kind is Kind.UPSERT
                and outcome.external_id == subject.external_id
                and outcome_of(subject).activated_at is not None
                and (outcome.activated_at, outcome.order_id) >= subject.version
            )
            for outcome in self.outcomes
        )

    def settle_everything(self, *, accept: bool = True) -> None:
        """Let the sink work until nothing moves any more, however long documents wait."""
        for _ in range(20_000):
            moved = [self.read(partition) for partition in self.log]
            moved.append(bool(self.take()))
            while self.running or self.unwritten or self.unacknowledged:
                moved.append(True)
                if self.running:
                    self.deliver(self.running[0], accept=accept)
                if self.unwritten:
                    self.write_letter()
                if self.unacknowledged:
                    self.acknowledge()
            if not any(moved):
                due = self.lanes.next_due()
                if due is None:
                    return
                self.now = max(self.now, due)
        raise AssertionError("the sink does not come to rest")
