"""What holds for the lanes however reads, deliveries, letters, crashes and rebalances interleave."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from schemas.command import Command, CreateSalesOrder
from schemas.outcome import LetterState
from schemas.requests import DiscardRequested, RedriveRequested
from sinks.entry import Kind, Place, Run, Subject, Version, subject_of
from tests.sinks.lane_world import REQUEST_LIMIT, TIMEOUT, World, child, document, outcome_of, upsert

CUSTOMERS = ("c0", "c1", "c2")
ITEMS = ("i0", "i1", "i2")
PARENTS = {"i1": "i0", "i2": "i1"}


class SinkMachine(RuleBasedStateMachine):
    """Reads, deliveries, letters, acknowledgements, crashes and rebalances in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(2)
        self.numbers = dict.fromkeys((*CUSTOMERS, *ITEMS), 0)
        self.known: set[str] = set()
        self.stragglers: list[tuple[Subject, float]] = []
        self.of_others: dict[str, set[Version | None]] = {name: set() for name in ITEMS}

    @initialize(refused=st.integers(0, 5))
    def some_documents_were_refused_before(self, refused: int) -> None:
        for name in ITEMS:
            self.another_worker_applies_an_item(name)
        for number in range(refused):
            self.a_document_is_decided(CUSTOMERS[number % 2], [ITEMS[number % 3]])
        self.the_sink_works_for_a_while(3 * refused, accept=False)

    @rule(customer=st.sampled_from(CUSTOMERS), items=st.lists(st.sampled_from(ITEMS), min_size=1, unique=True))
    def a_document_is_decided(self, customer: str, items: list[str]) -> None:
        self.numbers[customer] += 1
        self._log(customer).append(document(customer, str(self.numbers[customer]), *items))

    @rule(name=st.sampled_from(ITEMS))
    def an_item_is_decided(self, name: str) -> None:
        self.numbers[name] += 1
        self._log(name).append(self._version(name))

    @rule(partition=st.sampled_from((0, 1)), back=st.integers(1, 5))
    def a_command_is_published_again(self, partition: int, back: int) -> None:
        log = self.world.log[partition]
        if len(log) >= back and not isinstance(log[-back], str):
            log.append(log[-back])

    @rule()
    def rubbish_is_published(self) -> None:
        self.world.log[0].append("it is not Avro")

    @rule(partition=st.sampled_from((0, 1)), times=st.integers(1, 4))
    def commands_are_read(self, partition: int, times: int) -> None:
        for _ in range(times):
            self.world.read(partition)

    @rule()
    def what_may_start_starts(self) -> None:
        before = [run.entry.lane for run in self.world.running if not run.discards]
        writing = {entry.lane for entry, _ in self.world.unacknowledged if entry.stage.name == "RUNNING"}
        for run in self.world.take():
            assert run.entry.subject.command_id not in self.world.discarded()
            if run.discards:  # only looks
                continue
            assert run.entry.lane not in before
            assert run.entry.lane not in writing
            before.append(run.entry.lane)
            self._may_run(run)
        assert len(self.world.running) <= self.world.limits["concurrency"] + self.world.limits["quiet"]

    def _may_run(self, run: Run) -> None:
        subject, place = run.entry.subject, run.entry.place
        assert subject.kind is not Kind.UNREADABLE
        if subject.kind is not Kind.DOCUMENT:
            assert not self.world.lanes.knowledge.holds(subject)
            return
        assert subject.command_id not in self.known, "it was applied, and the sink knew"
        for offset in range(place.offset):
            earlier = self.world.subject(Place(place.partition, offset))
            if earlier.kind is not Kind.UPSERT and earlier.lane == subject.lane:
                assert earlier.external_id in self.world.netsuite or earlier.command_id in self.world.discarded()

    @precondition(lambda self: self.world.running)
    @rule(which=st.integers(0, 1), accept=st.sampled_from((True, True, True, False)))
    def a_delivery_ends(self, which: int, accept: bool) -> None:
        running = self.world.running
        self.world.deliver(running[which % len(running)], accept=accept)

    @rule(rounds=st.integers(1, 4), accept=st.booleans())
    def the_sink_works_for_a_while(self, rounds: int, accept: bool) -> None:
        for _ in range(rounds):
            for partition in self.world.log:
                self.world.read(partition)
            self.what_may_start_starts()
            if self.world.running:
                self.world.deliver(self.world.running[0], accept=accept)
            if self.world.unacknowledged:
                self.world.acknowledge()
            if self.world.unwritten:
                self.world.write_letter()

    @precondition(lambda self: self.world.running)
    @rule(which=st.integers(0, 1), waits=st.booleans())
    def a_delivery_waits_or_goes_on(self, which: int, waits: bool) -> None:
        entry = self.world.running[which % len(self.world.running)].entry
        (self.world.lanes.slots.quiet if waits else self.world.lanes.slots.loud)(entry)

    @precondition(lambda self: self.world.running)
    @rule(which=st.integers(0, 1))
    def netsuite_saves_a_document_and_its_answer_is_lost(self, which: int) -> None:
        run = self.world.running[which % len(self.world.running)]
        subject = run.entry.subject
        if subject.kind is Kind.DOCUMENT and not run.discards and set(subject.references) <= self.world.netsuite.keys():
            self.world.netsuite[subject.external_id] = subject

    @precondition(lambda self: self.world.letters)
    @rule(kind=st.sampled_from((RedriveRequested, DiscardRequested)), back=st.integers(1, 8))
    def somebody_asks_about_a_dead_letter(self, kind: Any, back: int) -> None:
        place, subject, _ = self.world.letters[-min(back, len(self.world.letters))]
        self.world.ask(kind, subject, place.partition)

    @precondition(lambda self: self.world.unwritten)
    @rule()
    def a_letter_is_written(self) -> None:
        self.world.write_letter()

    @precondition(lambda self: self.world.unacknowledged)
    @rule()
    def the_broker_acknowledges(self) -> None:
        self.world.acknowledge()

    @rule(name=st.sampled_from(ITEMS))
    def another_worker_applies_an_item(self, name: str) -> None:
        self.numbers[name] += 1
        outcome = outcome_of(self._version(name))
        self.world.netsuite[name] = self._subject(name)
        self.of_others[name].add(self._subject(name).version)
        self.world.outcomes.append(outcome)
        self.world.lanes.learn(outcome, self.world.now)

    @rule(seconds=st.sampled_from((1.0, TIMEOUT)))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @rule()
    def offsets_are_committed(self) -> None:
        self.world.commit()

    @rule(reset=st.booleans())
    def the_sink_is_killed_and_started(self, reset: bool) -> None:
        sent = [run.entry.subject for run in self.world.running if run.entry.subject.kind is Kind.UPSERT]
        self.stragglers = [(subject, self.world.now + REQUEST_LIMIT) for subject in sent]
        if reset:
            self.world.committed = dict.fromkeys(self.world.log, 0)
        self.world.start_sink()
        self.known = {outcome.command_id for outcome in self.world.outcomes}

    @precondition(lambda self: self.stragglers)
    @rule()
    def what_the_killed_sink_has_sent_is_written_late(self) -> None:
        subject, until = self.stragglers.pop()
        if self.world.now < until:
            self.world.netsuite[subject.external_id] = subject

    @rule(partition=st.sampled_from((0, 1)))
    def a_partition_is_taken_and_given_back(self, partition: int) -> None:
        self.stragglers.clear()
        self.world.lanes.retire(partition)
        assert not [run for run in self.world.take() if run.entry.place.partition == partition]
        self.world.unassign(partition)
        written = [outcome for outcome in self.world.outcomes if outcome.command_id not in self.known]
        for outcome in written:
            self.world.lanes.learn(outcome, self.world.now)
        self.world.assign(partition)

    @invariant()
    def nothing_unaccounted_is_committable(self) -> None:
        for partition in self.world.log:
            for offset in range(self.world.lanes.committable(partition) or 0):
                assert self.world.is_accounted_for(Place(partition, offset))

    @invariant()
    def nothing_that_was_discarded_is_in_netsuite(self) -> None:
        gone = self.world.discarded()
        assert not [
            each for each in self.world.netsuite.values() if each.kind is Kind.DOCUMENT and each.command_id in gone
        ]

    @invariant()
    def a_command_has_one_open_letter(self) -> None:
        names = [self.world.subject(place).command_id for place in self.world.open_letters()]
        assert len(names) == len(set(names))

    @invariant()
    def memory_is_bounded(self) -> None:
        assert self.world.lanes.room >= -self.world.limits["waiting_limit"] - 1

    def teardown(self) -> None:
        self.world.settle_everything()
        for name in ITEMS:
            self._is_at_its_newest(name)
            self.another_worker_applies_an_item(name)
        self.world.settle_everything()
        refused = {
            self.world.subject(place).lane
            for place, letter in self.world.open_letters().items()
            if letter.state is LetterState.REFUSED
        }
        for partition, log in self.world.log.items():
            assert self.world.lanes.committable(partition) in (None, len(log))
            assert self.world.lanes.in_flight(partition) == 0
            for offset, command in enumerate(log):
                assert self.world.is_accounted_for(Place(partition, offset))
                if isinstance(command, CreateSalesOrder) and command.origin.customer_id not in refused:
                    assert command.external_id in self.world.netsuite or command.command_id in self.world.discarded()
        assert not self.world.unanswered()
        applied = {outcome.command_id for outcome in self.world.outcomes}
        for place in self.world.open_letters():
            subject = self.world.subject(place)
            assert subject.command_id not in applied, "its letter should be closed"
            assert subject.kind is not Kind.UPSERT, "a newer version is in NetSuite"

    def _is_at_its_newest(self, name: str) -> None:
        """What another worker has applied last, that one keeps so."""
        applied = {(each.activated_at, each.order_id) for each in self.world.outcomes if each.external_id == name}
        if applied and max(applied) not in self.of_others[name]:
            assert self.world.netsuite[name].version == max(applied)

    def _log(self, name: str) -> list[Any]:
        return self.world.log[int(name[1:]) % 2]

    def _subject(self, name: str) -> Subject:
        return subject_of(self._version(name))

    def _version(self, name: str) -> Command:
        """The newest version; some are customers below another."""
        version = self.numbers[name]
        return child(name, version, PARENTS[name]) if name in PARENTS else upsert(name, version)


SinkMachine.TestCase.settings = settings(max_examples=250, stateful_step_count=60, deadline=None)
TestAnyInterleaving = SinkMachine.TestCase
