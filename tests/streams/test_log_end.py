"""Whether the log has been read to its end: judged by where it ended at the look before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from streams.log_end import LogEnds


class Place(NamedTuple):
    topic: str
    partition: int


ONE, TWO = Place("orders", 1), Place("orders", 2)


@dataclass
class Log:
    ends: dict[Place, int] = field(default_factory=lambda: {ONE: 5, TWO: 5})
    carried: dict[Place, int] = field(default_factory=lambda: {ONE: 0, TWO: 0})

    async def end(self, places: Collection[Place]) -> Mapping[Place, int]:
        return {place: self.ends[place] for place in places}

    async def carried_to(self, place: Place, end: int) -> int:
        return self.carried[place]


async def test_a_partition_is_read_to_its_end_once_all_that_it_held_is_carried() -> None:
    log = Log()
    ends = LogEnds(log.end, log.carried_to)
    await ends.look({ONE, TWO})
    await ends.look({ONE, TWO})
    assert ends.read_to() == {}
    log.carried[ONE] = 5
    await ends.look({ONE, TWO})
    assert ends.read_to().keys() == {1}


async def test_a_worker_that_keeps_up_with_steady_traffic_is_at_the_end_throughout() -> None:
    log = Log()
    ends = LogEnds(log.end, log.carried_to)
    through = []
    for second in range(1, 5):
        log.ends[ONE], log.carried[ONE] = 5 * second + 1, 5 * second  # always one behind, never more
        await ends.look({ONE})
        through += [ends.read_to()[1].through] if ends.read_to() else []
        log.carried[ONE] += 1
    assert len(set(through)) == 3
    assert sorted(through) == through


async def test_a_worker_that_falls_behind_stands_still_and_keeps_its_first_instant() -> None:
    log = Log(carried={ONE: 5, TWO: 0})
    ends = LogEnds(log.end, log.carried_to)
    await ends.look({ONE})
    await ends.look({ONE})
    before = ends.read_to()[1]
    log.ends[ONE] = 50
    await ends.look({ONE})  # of what it held at the look before, all is carried
    at = ends.read_to()[1]
    await ends.look({ONE})
    assert ends.read_to()[1] == at
    assert at.since == before.since
    assert at.through > before.through


async def test_a_partition_that_another_worker_took_is_forgotten() -> None:
    log = Log(carried={ONE: 5, TWO: 5})
    ends = LogEnds(log.end, log.carried_to)
    await ends.look({ONE, TWO})
    await ends.look({ONE, TWO})
    await ends.look({TWO})
    assert ends.read_to().keys() == {2}
    await ends.look({ONE, TWO})
    assert ends.read_to().keys() == {2}
