"""What people ask for about dead letters, case by case."""

from schemas.outcome import LetterState
from schemas.requests import DiscardRequested, RedriveRequested
from sinks.entry import Original, Place, Recalled
from sinks.letters import Letter
from tests.sinks.lane_world import World, document, outcome_of, upsert

FIRST, SECOND, THIRD = (document("c0", number, "i0") for number in "123")


def refused_world(*commands: object) -> World:
    """A world in which the first document is refused and the others are parked behind it."""
    world = World(1)
    world.log[0] = list(commands or (FIRST, SECOND, THIRD))  # type: ignore[arg-type]
    world.lanes.learn(outcome_of(upsert("i0", 1)), world.now)
    world.outcomes.append(outcome_of(upsert("i0", 1)))
    world.read(0)
    (run,) = world.take()
    world.deliver(run, accept=False)
    while world.read(0):
        pass
    for _ in range(2):  # what is parked behind it becomes due when its own letter is there
        world.take()
        while world.unwritten:
            world.write_letter()
            world.acknowledge()
    return world


def states(world: World) -> list[LetterState]:
    """The newest letter of each command, in the order of the commands."""
    newest = {place: letter.state for place, _, letter in world.letters}
    return [state for _, state in sorted(newest.items())]


def last_letter(world: World) -> Letter:
    return world.letters[-1][2]


def test_a_redriven_document_goes_again_and_what_is_parked_behind_it_follows_in_order() -> None:
    world = refused_world()
    assert world.take() == []
    request = world.redrive(FIRST)
    order = []
    for _ in range(3):
        (run,) = world.take()
        order.append(run.entry.subject.external_id)
        world.deliver(run, accept=True)
        world.acknowledge()
        world.take()
        world.write_letter()
        world.acknowledge()
    assert order == [FIRST.external_id, SECOND.external_id, THIRD.external_id]
    assert states(world) == [LetterState.CLOSED] * 3
    assert [letter.request for _, _, letter in world.letters if letter.state is LetterState.CLOSED] == [
        request,
        None,
        None,
    ]


def test_a_redrive_that_is_refused_again_stays_a_dead_letter_with_its_attempts_added_up() -> None:
    world = refused_world()
    request = world.redrive(FIRST)
    (run,) = world.take()
    world.lanes.refused(run.entry, Letter(state=LetterState.REFUSED, reason="no", status=400, attempts=2), 0.0)
    world.settle_everything()
    world.redrive(FIRST)
    (run,) = world.take()
    world.lanes.refused(run.entry, Letter(state=LetterState.REFUSED, reason="no", status=400, attempts=3), 0.0)
    world.settle_everything()
    assert states(world) == [LetterState.REFUSED, LetterState.PARKED, LetterState.PARKED]
    assert last_letter(world).attempts == 5
    assert request.request_id not in world.declined
    assert world.unanswered() == []


def test_a_discarded_head_is_gone_for_good_and_what_is_behind_it_goes_on() -> None:
    world = refused_world()
    world.discard(FIRST)
    (run,) = world.take()
    assert run.discards
    world.settle_everything()
    assert states(world) == [LetterState.DISCARDED, LetterState.CLOSED, LetterState.CLOSED]
    assert FIRST.external_id not in world.netsuite


def test_a_copy_of_a_discarded_command_is_never_sent_also_by_the_next_sink() -> None:
    world = refused_world(FIRST)
    world.discard(FIRST)
    world.settle_everything()
    world.log[0].append(FIRST)
    world.settle_everything()
    world.commit()
    assert world.committed == {0: 2}
    world.log[0].append(FIRST)
    world.start_sink()
    world.settle_everything()
    assert FIRST.external_id not in world.netsuite
    assert states(world) == [LetterState.DISCARDED]
    assert world.lanes.committable(0) == 3


def test_a_discard_that_comes_when_netsuite_holds_the_document_is_told_to_be_too_late() -> None:
    world = refused_world(FIRST, SECOND)
    world.netsuite[FIRST.external_id] = world.subject(Place(0, 0))
    request = world.discard(FIRST)
    world.settle_everything()
    closing = next(letter for place, _, letter in world.letters[2:] if place.offset == 0)
    assert (closing.state, closing.request) == (LetterState.CLOSED, request)
    assert "too late" in closing.reason
    assert SECOND.external_id in world.netsuite


def test_a_discard_of_a_parked_command_closes_that_one_alone() -> None:
    world = refused_world()
    world.discard(SECOND)
    world.settle_everything()
    assert states(world) == [LetterState.REFUSED, LetterState.DISCARDED, LetterState.PARKED]
    world.redrive(FIRST)
    world.settle_everything()
    assert list(world.netsuite) == [FIRST.external_id, THIRD.external_id]


def test_a_redrive_of_a_parked_command_is_declined_with_the_name_of_the_one_in_front() -> None:
    world = refused_world()
    request = world.redrive(SECOND)
    world.settle_everything()
    assert FIRST.external_id in world.declined[request.request_id]
    assert states(world) == [LetterState.REFUSED, LetterState.PARKED, LetterState.PARKED]


def test_asking_twice_about_a_closed_letter_or_an_unknown_command_is_answered_in_words() -> None:
    world = refused_world()
    first, again = world.redrive(FIRST), world.redrive(FIRST, by="lee")
    discard, second = world.discard(THIRD), world.discard(THIRD, by="lee")
    late = world.redrive(THIRD, by="max")
    world.settle_everything()
    closed, gone, unknown = world.redrive(FIRST), world.redrive(THIRD), world.discard(document("c9", "1", "i0"))
    world.settle_everything()
    assert world.declined.keys() == {each.request_id for each in (again, second, late, closed, gone, unknown)}
    assert "kim has asked for its redrive" in world.declined[again.request_id]
    assert "kim has asked for its discard" in world.declined[second.request_id]
    assert "kim has asked for its discard" in world.declined[late.request_id]
    assert "NetSuite holds it already" in world.declined[closed.request_id]
    assert "discarded before" in world.declined[gone.request_id]
    assert "no open dead letter" in world.declined[unknown.request_id]
    assert {first.request_id, discard.request_id} == {
        letter.request.request_id for _, _, letter in world.letters if letter.request
    }


def test_a_discard_asked_for_while_a_redrive_runs_comes_after_it() -> None:
    world = refused_world(FIRST)
    world.redrive(FIRST)
    (run,) = world.take()
    world.discard(FIRST)
    assert world.take() == []
    world.deliver(run, accept=False)
    world.settle_everything()
    assert states(world) == [LetterState.DISCARDED]


def test_a_discard_asked_for_while_a_redrive_succeeds_is_declined_as_too_late() -> None:
    world = refused_world(FIRST)
    world.redrive(FIRST)
    (run,) = world.take()
    request = world.discard(FIRST)
    world.deliver(run, accept=True)
    world.settle_everything()
    assert "too late" in world.declined[request.request_id]
    assert states(world) == [LetterState.CLOSED]


def test_what_nobody_answered_is_carried_out_by_the_next_sink_before_it_sends_anything() -> None:
    world = refused_world()
    world.redrive(FIRST)
    world.discard(SECOND)
    world.unassign(0)
    world.start_sink()
    runs = world.take()
    assert {(run.entry.subject.external_id, run.discards) for run in runs} == {
        (FIRST.external_id, False),
        (SECOND.external_id, True),
    }
    world.settle_everything()
    assert list(world.netsuite) == [FIRST.external_id, THIRD.external_id]
    assert world.unanswered() == []


def test_a_parked_command_that_would_go_on_by_itself_is_not_sent_when_its_discard_was_asked_for_first() -> None:
    world = refused_world(FIRST, SECOND)
    world.redrive(FIRST)
    (run,) = world.take()
    world.deliver(run, accept=True)
    world.acknowledge()
    world.take()
    world.write_letter()
    world.acknowledge()
    world.discard(SECOND)
    (run,) = world.take()
    assert (run.entry.subject.external_id, run.discards) == (SECOND.external_id, True)
    world.settle_everything()
    assert list(world.netsuite) == [FIRST.external_id]


def test_a_refused_item_is_redriven_and_the_documents_that_wait_for_it_go_on() -> None:
    world = World(1)
    item = upsert("i0", 1)
    world.log[0] = [item, FIRST]
    world.settle_everything(accept=False)
    assert states(world) == [LetterState.REFUSED, LetterState.WAITING]
    world.redrive(item)
    world.settle_everything(accept=False)
    assert states(world) == [LetterState.REFUSED, LetterState.WAITING]
    world.redrive(item)
    world.settle_everything()
    assert states(world) == [LetterState.CLOSED, LetterState.CLOSED]
    assert FIRST.external_id in world.netsuite


def test_a_discarded_version_of_an_item_is_not_sent_again_and_a_newer_one_is() -> None:
    world = World(1)
    item = upsert("i0", 1)
    world.log[0] = [item]
    world.settle_everything(accept=False)
    world.discard(item)
    world.settle_everything()
    world.log[0] += [item, upsert("i0", 2)]
    (run,) = [run for _ in range(2) if world.read(0) for run in world.take()]
    assert run.entry.subject.command_id == upsert("i0", 2).command_id
    assert states(world) == [LetterState.DISCARDED]


def test_a_document_that_waits_for_a_refused_customer_is_asked_about_when_it_is_redriven() -> None:
    world = World(1)
    world.log[0] = [upsert("i0", 1), FIRST]
    world.settle_everything(accept=False)
    assert states(world) == [LetterState.REFUSED, LetterState.WAITING]
    world.netsuite["i0"] = world.subject(Place(0, 0))  # somebody has made it by hand
    world.redrive(FIRST)
    world.settle_everything(accept=True)
    assert states(world) == [LetterState.REFUSED, LetterState.CLOSED]


def test_an_unreadable_command_cannot_be_redriven_and_can_be_discarded() -> None:
    world = World(1)
    world.log[0] = ["it is not Avro"]
    world.settle_everything()
    subject = world.subject(Place(0, 0))
    request = world.ask(RedriveRequested, subject)
    world.ask(DiscardRequested, subject)
    world.settle_everything()
    assert "cannot be read" in world.declined[request.request_id]
    assert states(world) == [LetterState.DISCARDED]


def test_a_discard_that_netsuite_does_not_let_be_made_sure_of_is_declined_and_the_letter_stays() -> None:
    world = refused_world(FIRST)
    request = world.discard(FIRST)
    (run,) = world.take()
    world.lanes.kept(run.entry, "it could not be compared", 0.0)
    world.settle_everything()
    assert world.declined == {request.request_id: "it could not be compared"}
    assert states(world) == [LetterState.REFUSED]
    world.redrive(FIRST)
    world.settle_everything()
    assert states(world) == [LetterState.CLOSED]


def test_a_request_in_a_partition_that_is_being_given_up_is_left_to_the_next_sink() -> None:
    world = refused_world(FIRST)
    world.lanes.retire(0)
    request = world.redrive(FIRST)
    assert world.take() == []
    assert world.unanswered() == [(0, request)]


def test_what_netsuite_refused_in_words_is_no_longer_waited_for_and_anything_else_is() -> None:
    world = refused_world(FIRST)
    for quiet in (True, False):
        letter = Letter(state=LetterState.REFUSED, reason="no", status=400)
        world.lanes.forget(0)
        subject = world.subject(Place(0, 0))
        found = Recalled(place=Place(0, 0), subject=subject, letter=letter, letter_offset=0, quiet=quiet)
        world.lanes.assign(0, [found], [], 0, 0.0)
        world.redrive(FIRST)
        (run,) = world.take()
        assert run.entry.inherited is not quiet
        world.lanes.forget(0)


def test_a_record_that_is_read_again_while_its_letter_is_discarded_is_settled() -> None:
    world = refused_world(FIRST)
    world.discard(FIRST)
    (run,) = world.take()
    world.log[0].append(FIRST)
    world.lanes.offer(Place(0, 1), Original(b"c0", b"?"), FIRST, 0.0)
    world.deliver(run, accept=True)
    world.take()
    world.write_letter()
    world.acknowledge()
    assert world.take() == []
    assert world.lanes.committable(0) == 2
