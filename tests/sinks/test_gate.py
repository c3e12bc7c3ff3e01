"""How many requests are under way: the account's limit at most, and fewer while it turns requests away."""

import asyncio
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.gate import Gate


async def under_way(gate, number):
    """So many requests that are let out; each ends when its event is set."""
    ends, tasks = [asyncio.Event() for _ in range(number)], []

    async def request(end, busy):
        async with gate.turn() as turn:
            await end.wait()
            turn.turned_away = busy.is_set()

    busy = [asyncio.Event() for _ in range(number)]
    tasks = [asyncio.create_task(request(end, each)) for end, each in zip(ends, busy, strict=True)]
    await asyncio.sleep(0)
    return ends, busy, tasks


async def end(ends, tasks):
    for each in ends:
        each.set()
    await asyncio.gather(*tasks)


async def let_in(gate, number, *, busy=False):
    """Requests one by one, each with the same answer."""
    for _ in range(number):
        async with gate.turn() as turn:
            turn.turned_away = busy


async def test_no_more_requests_are_under_way_than_the_limit_and_the_others_follow_in_their_order():
    gate = Gate(2)
    ends, _, tasks = await under_way(gate, 4)
    assert gate.running == 2
    ends[1].set()
    await tasks[1]
    await asyncio.sleep(0)
    assert gate.running == 2
    await end(ends, tasks)
    assert gate.running == 0


async def test_requests_that_are_turned_away_together_halve_the_number_once():
    told = []
    gate = Gate(16, told.append)
    ends, busy, tasks = await under_way(gate, 16)
    for each in busy[:10]:
        each.set()
    await end(ends[:10], tasks[:10])
    assert (gate.allowed, told) == (8, [8])
    await end(ends, tasks)
    assert gate.allowed == 8  # the six that were let in raise it by less than one


async def test_as_many_requests_as_may_be_under_way_raise_it_by_one_up_to_the_limit():
    gate = Gate(4)
    await let_in(gate, 1, busy=True)
    await let_in(gate, 2)
    assert gate.allowed == 3
    await let_in(gate, 100)
    assert gate.allowed == 4


async def test_one_request_at_least_goes_out_however_often_it_is_turned_away():
    gate = Gate(3)
    await let_in(gate, 50, busy=True)
    assert gate.allowed == 1
    await asyncio.wait_for(let_in(gate, 1), 1)


async def test_a_request_that_fails_or_is_given_up_makes_room_for_the_next():
    gate = Gate(1)
    ends, _, tasks = await under_way(gate, 3)
    tasks[1].cancel()
    tasks[0].cancel()
    await asyncio.sleep(0.01)
    assert gate.running == 1
    await end(ends[2:], tasks[2:])
    with suppress(RuntimeError):
        async with gate.turn():
            raise RuntimeError
    assert gate.running == 0


@given(
    most=st.integers(1, 6),
    script=st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 3)), max_size=40),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_answered_or_given_up_the_limit_holds_and_everybody_gets_a_turn(most, script):
    async def run():
        gate, peak, ended = Gate(most), 0, 0

        async def request(busy, rounds):
            nonlocal peak, ended
            async with gate.turn() as turn:
                peak = max(peak, gate.running)
                for _ in range(rounds):
                    await asyncio.sleep(0)
                turn.turned_away = busy
            ended += 1

        tasks = []
        for busy, given_up, rounds in script:
            tasks.append((asyncio.create_task(request(busy, rounds)), given_up))
            await asyncio.sleep(0)
        for task, given_up in tasks:
            if given_up:
                task.cancel()
        results = await asyncio.wait_for(asyncio.gather(*(task for task, _ in tasks), return_exceptions=True), 5)
        assert peak <= most
        assert gate.running == 0
        assert ended == sum(result is None for result in results)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results)

    asyncio.run(run())
