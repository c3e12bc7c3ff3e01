"""A new customer and the one above it: what waits for the parent, how long, and what becomes of it."""

import pytest

from schemas.outcome import LetterState
from sinks.advice import advice_on
from sinks.entry import Place
from tests.sinks.lane_world import TIMEOUT, World, child, document, outcome_of, upsert

CHILD = child("c1", 1, "c0")
PARENT = upsert("c0", 1)
ORDER = document("customer", "1", "c1")


def started(world: World) -> list[str]:
    """The names of what starts now."""
    while world.read(0):
        pass
    return [run.entry.subject.external_id for run in world.take()]


def test_a_new_customer_waits_for_its_parent_and_is_made_with_it() -> None:
    world = World(1)
    world.log[0] = [CHILD, ORDER, PARENT]
    assert started(world) == ["c0"]
    world.deliver(world.running[0], accept=True)
    world.acknowledge()
    (run,) = world.take()
    assert (run.entry.subject.external_id, run.references) == ("c1", {"c0": "1"})


def test_a_customer_that_waits_takes_no_room() -> None:
    world = World(1, window=1)
    world.log[0] = [CHILD, PARENT]
    assert world.read(0)
    assert world.lanes.room == 1


def test_a_customer_that_is_there_waits_for_no_parent() -> None:
    world = World(1)
    world.lanes.learn(outcome_of(child("c1", 1, "c0")), world.now)
    world.log[0] = [child("c1", 2, "c0")]
    assert started(world) == ["c1"]


@pytest.mark.parametrize("world", [World(1, adopted=("c0",)), World(1, await_parents=False)])
def test_an_adopted_parent_is_there_and_one_that_does_not_matter_is_not_waited_for(world: World) -> None:
    world.log[0] = [CHILD]
    assert started(world) == ["c1"]


def test_a_customer_waits_half_as_long_as_its_documents_so_that_they_still_find_it() -> None:
    world = World(1)
    world.log[0] = [CHILD, ORDER]
    assert started(world) == []
    assert world.lanes.next_due() == TIMEOUT / 2
    world.now = TIMEOUT / 2
    assert started(world) == ["c1"]


def test_a_refused_parent_is_not_waited_for() -> None:
    world = World(1)
    world.log[0] = [CHILD, PARENT]
    assert started(world) == ["c0"]
    world.deliver(world.running[0], accept=False)
    assert started(world) == ["c1"]


def without_parent() -> World:
    """A child and its document, dead-lettered for want of the parent."""
    world = World(1)
    world.log[0] = [CHILD, ORDER]
    world.settle_everything()
    return world


def test_a_customer_whose_parent_does_not_come_is_dead_lettered_and_its_documents_say_why() -> None:
    world = without_parent()
    of_child, of_order = (world.open_letters()[Place(0, offset)] for offset in (0, 1))
    assert (of_child.state, of_child.waits_for) == (LetterState.WAITING, "c0")
    assert (of_order.state, of_order.waits_for) == (LetterState.WAITING, "c1")
    for letter in (of_child, of_order):
        assert "its parent c0 is not in NetSuite" in letter.reason
        assert "netsuite.adopt" in (advice_on(letter.state, letter.reason) or "")
    assert world.lanes.committable(0) == 2


@pytest.mark.parametrize("restarted", [False, True])
def test_it_goes_out_by_itself_once_the_parent_is_there_and_its_documents_follow(restarted: bool) -> None:
    world = without_parent()
    if restarted:
        world.start_sink()
        world.settle_everything()
        assert len(world.open_letters()) == 2
    world.log[0].append(PARENT)
    world.settle_everything()
    assert world.open_letters() == {}
    assert world.netsuite.keys() == {"c0", "c1", ORDER.external_id}


def test_a_parent_that_was_adopted_meanwhile_lets_it_go_when_the_sink_starts() -> None:
    world = without_parent()
    world.parents["adopted"] = ("c0",)
    world.start_sink()
    assert [run.entry.subject.external_id for run in world.take()] == ["c1"]


def test_a_redrive_asks_again_at_once_and_a_discard_is_final() -> None:
    world = without_parent()
    world.redrive(CHILD)
    (run,) = world.take()
    world.deliver(run, accept=True)
    world.settle_everything()
    assert world.open_letters()[Place(0, 0)].state is LetterState.WAITING
    world.discard(CHILD)
    world.log[0].append(PARENT)
    world.settle_everything()
    assert "c1" not in world.netsuite
    assert world.open_letters().keys() == {Place(0, 1)}


def test_newer_versions_of_a_waiting_customer_follow_it_and_the_newest_is_left() -> None:
    world = without_parent()
    world.log[0] += [child("c1", 2, "c0"), PARENT]
    world.settle_everything()
    assert world.open_letters() == {}
    assert world.netsuite["c1"].command_id == "command-c1-2"


def test_customers_above_each_other_do_not_wait_for_ever() -> None:
    world = World(1)
    world.log[0] = [child("c0", 1, "c1"), CHILD]
    world.settle_everything()
    assert [letter.waits_for for letter in world.open_letters().values()] == ["c1", "c0"]
    assert world.lanes.committable(0) == 2
