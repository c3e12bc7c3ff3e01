"""The lanes, case by case: what waits, what is parked, what is not sent again."""

from schemas.outcome import LetterState
from sinks.entry import Place, Write, subject_of
from tests.sinks.lane_world import REQUEST_LIMIT, TIMEOUT, World, document, outcome_of, upsert

ORDER = document("c0", "1", "i0")


def test_a_document_takes_no_room_while_it_waits_and_nothing_behind_it_does() -> None:
    world = World(1, window=2)
    world.log[0] = [document(f"c{number}", "1", "i0") for number in range(5)]
    assert all(world.read(0) for _ in range(5))
    assert world.lanes.room == 2
    assert world.take() == []
    world.lanes.learn(outcome_of(upsert("i0", 1)), world.now)
    assert world.lanes.room == -3
    assert len(world.take()) == 2


def test_a_waiting_document_is_asked_about_when_it_is_overdue_and_then_dead_lettered() -> None:
    world = World(1)
    world.log[0] = [ORDER, document("c0", "2", "i0")]
    world.read(0)
    world.read(0)
    assert world.take() == []
    assert world.lanes.next_due() == TIMEOUT
    world.now = TIMEOUT
    (run,) = world.take()
    world.deliver(run, accept=True)
    world.settle_everything()
    assert [(letter.state, letter.waits_for) for letter in world.open_letters().values()] == [
        (LetterState.WAITING, "i0"),
        (LetterState.PARKED, ORDER.external_id),
    ]
    assert world.lanes.committable(0) == 2


def test_the_oldest_waiting_documents_are_asked_about_early_when_too_many_wait() -> None:
    world = World(1, waiting_limit=2)
    world.log[0] = [document(f"c{number}", "1", "i0") for number in range(4)]
    while world.read(0):
        pass
    assert [run.entry.subject.lane for run in world.take()] == ["c0", "c1"]


def test_a_document_whose_reference_was_refused_is_dead_lettered_at_once_with_that_reason() -> None:
    world = World(1)
    world.log[0] = [ORDER, upsert("i0", 1)]
    world.read(0)
    world.read(0)
    world.deliver(world.take()[0], accept=False)
    world.settle_everything(accept=False)
    waiting = world.open_letters()[Place(0, 0)]
    assert (waiting.state, waiting.waits_for) == (LetterState.WAITING, "i0")
    assert "NetSuite refuses it" in waiting.reason


def test_a_command_whose_letter_was_closed_is_done() -> None:
    world = World(1)
    world.log[0] = [ORDER]
    world.lanes.forget(0)
    world.lanes.assign(0, [], [ORDER.command_id], 0, 0.0)
    world.lanes.learn(outcome_of(upsert("i0", 1)), 0.0)
    world.read(0)
    assert world.take() == []
    assert world.lanes.committable(0) == 1


def test_commands_that_another_sink_may_have_sent_are_told_apart() -> None:
    world = World(1)
    world.log[0] = [upsert("i0", 1)]
    world.start_sink()
    world.log[0].append(upsert("i1", 1))
    world.read(0)
    world.read(0)
    assert [run.entry.inherited for run in world.take()] == [True, False]


def test_a_record_that_another_sink_brought_back_in_time_is_sent_again() -> None:
    world = World(1)
    world.log[0] = [upsert("i0", 2)]
    world.settle_everything()
    world.lanes.learn(outcome_of(upsert("i0", 1)), world.now)
    (run,) = world.take()
    assert run.entry.place == Place(0, 0)
    assert run.newest == outcome_of(upsert("i0", 1))
    world.deliver(run, accept=True)
    world.acknowledge()
    assert world.take() == []


def test_of_the_versions_that_were_read_the_newest_is_sent_and_makes_the_older_ones_needless() -> None:
    world = World(1)
    world.log[0] = [upsert("i0", version) for version in (2, 1, 4, 3)]
    while world.read(0):
        pass
    (run,) = world.take()
    assert run.entry.place == Place(0, 2)
    world.deliver(run, accept=True)
    world.acknowledge()
    assert world.take() == []
    assert world.lanes.committable(0) == 4


def test_the_older_versions_are_sent_where_the_newest_is_refused() -> None:
    world = World(1)
    world.log[0] = [upsert("i0", 1), upsert("i0", 2)]
    while world.read(0):
        pass
    world.deliver(world.take()[0], accept=False)
    world.settle_everything()
    assert world.netsuite["i0"].version == subject_of(upsert("i0", 1)).version
    assert world.open_letters().keys() == {Place(0, 1)}


def test_of_a_customer_with_very_many_documents_only_the_first_take_room() -> None:
    world = World(1, window=40, waiting_limit=10)
    world.log[0] = [upsert("i0", 1)]
    world.settle_everything()
    world.log[0] += [document("c0", str(number), "i0") for number in range(100)]
    for _ in range(12):  # of which two take room
        assert world.read(0)
    assert world.lanes.room == 38
    while world.read(0):
        pass
    assert world.position[0] == 1 + 50  # what is aside is bounded too


def test_the_newest_version_is_sent_again_once_no_older_one_that_another_sink_sent_can_land_on_it() -> None:
    world = World(1)
    world.log[0] = [upsert("i0", 1)]
    world.start_sink()
    world.read(0)
    world.settle_everything()
    assert world.lanes.next_due() is None
    world.log[0].append(upsert("i0", 2))
    world.read(0)
    world.deliver(world.take()[0], accept=True)
    world.acknowledge()
    assert (world.take(), world.lanes.next_due()) == ([], REQUEST_LIMIT)
    world.now = REQUEST_LIMIT
    (run,) = world.take()
    assert run.entry.place == Place(0, 1)
    world.deliver(run, accept=True)
    world.acknowledge()
    assert (world.take(), world.lanes.next_due()) == ([], None)


def test_a_retired_partition_starts_nothing_and_ends_what_runs() -> None:
    world = World(1)
    world.log[0] = [upsert("i0", 1), upsert("i0", 2)]
    world.read(0)
    (run,) = world.take()
    world.read(0)
    world.lanes.retire(0)
    world.deliver(run, accept=True)
    world.acknowledge()
    assert world.take() == []
    assert world.lanes.in_flight(0) == 0
    assert world.lanes.committable(0) == 1


def test_a_reference_that_netsuite_no_longer_has_is_a_refusal() -> None:
    world = World(1)
    world.log[0] = [ORDER]
    world.lanes.learn(outcome_of(upsert("i0", 1)), 0.0)
    world.read(0)
    (run,) = world.take()
    world.lanes.missing(run.entry, "i0", 0.0)
    (write,) = world.lanes.take(0.0)
    assert isinstance(write, Write)
    assert write.letter.state is LetterState.REFUSED


def test_a_command_whose_letter_is_open_is_not_parked_a_second_time() -> None:
    world = World(1)
    world.log[0] = [ORDER]
    world.settle_everything()
    world.log[0].append(ORDER)
    world.settle_everything()
    assert list(world.open_letters()) == [Place(0, 0)]
    assert world.lanes.committable(0) == 2


def test_a_letter_is_closed_when_a_newer_version_was_applied_while_it_was_written() -> None:
    world = World(1)
    world.log[0] = [upsert("i0", 1)]
    world.read(0)
    world.deliver(world.take()[0], accept=False)
    world.take()
    world.lanes.learn(outcome_of(upsert("i0", 2)), world.now)
    world.settle_everything()
    assert [letter.state for _, _, letter in world.letters] == [LetterState.REFUSED, LetterState.CLOSED]


def test_a_document_that_another_sink_made_while_it_waited_for_a_slot_is_not_sent() -> None:
    world = World(1, concurrency=1)
    world.log[0] = [upsert("i1", 1), ORDER]
    world.lanes.learn(outcome_of(upsert("i0", 1)), world.now)
    world.read(0)
    world.read(0)
    (run,) = world.take()
    world.lanes.learn(outcome_of(ORDER), world.now)
    world.deliver(run, accept=True)
    world.acknowledge()
    assert world.take() == []
    assert world.lanes.committable(0) == 2


def test_the_content_of_a_record_is_unknown_after_a_change_was_refused_also_for_the_next_sink() -> None:
    world = World(1)
    world.log[0] = [upsert("i0", 1), upsert("i0", 2), upsert("i0", 3)]
    world.read(0)
    world.deliver(world.take()[0], accept=True)
    world.acknowledge()
    world.commit()
    world.read(0)
    (run,) = world.take()
    assert run.newest == outcome_of(upsert("i0", 1))
    world.netsuite.clear()
    world.deliver(run, accept=False)
    world.read(0)
    world.take()
    world.write_letter()
    world.acknowledge()
    (run,) = world.take()
    assert run.newest is not None
    assert (run.newest.internal_id, run.newest.content_hash) == ("1", "")
    world.commit()
    world.start_sink()
    world.read(0)
    (run,) = world.take()
    assert run.entry.place == Place(0, 2)
    assert run.newest is not None
    assert run.newest.content_hash == ""


def test_a_delivery_that_only_waits_takes_no_slot_as_far_as_the_bound_on_these_allows() -> None:
    world = World(1, concurrency=1, quiet=1)
    world.log[0] = [upsert(f"i{number}", 1) for number in range(4)]
    while world.read(0):
        pass
    (first,) = world.take()
    assert world.take() == []
    world.lanes.slots.quiet(first.entry)
    (second,) = world.take()
    world.lanes.slots.quiet(second.entry)
    assert world.take() == []
    world.lanes.slots.loud(first.entry)
    world.deliver(second, accept=True)
    assert world.lanes.in_flight(0) == 2
    world.acknowledge()
    assert world.take() == []
    world.deliver(first, accept=True)
    world.acknowledge()
    assert [run.entry.place.offset for run in world.take()] == [2]


def test_a_delivery_that_waits_when_its_partition_goes_takes_no_slot_afterwards() -> None:
    world = World(1, concurrency=1, quiet=1)
    world.log[0] = [upsert("i0", 1)]
    world.read(0)
    (run,) = world.take()
    world.lanes.slots.quiet(run.entry)
    world.unassign(0)
    world.lanes.slots.loud(run.entry)
    world.assign(0)
    world.read(0)
    assert len(world.take()) == 1
