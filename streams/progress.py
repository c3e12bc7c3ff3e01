"""How far each partition was carried through: nothing is committed beyond it, and nothing before it is left out.

Faust can take records from its buffers while it stops, rebalances or recovers, acknowledge them although no agent
ever saw them, and go on with later ones. So the projector keeps its own count: it commits no further than it got,
and where a record comes too early it has the ones in between read again.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any


class Turn(Enum):
    """Whether it is a record's turn."""

    NOW = "carry it through"
    NOT_YET = "leave it; those before it have been asked for"
    ASK = "leave it, and ask for those before it"


class Progress:
    """The next offset of each partition, a Faust topic partition, in the current generation of the group."""

    def __init__(self) -> None:
        self._next: dict[Any, int] = {}
        self._generation: dict[Any, int] = {}
        self._early: dict[Any, int] = {}

    def knows(self, place: Any, generation: int) -> bool:
        """Whether this generation of the group has begun on the partition."""
        return self._generation.get(place) == generation

    def begin(self, place: Any, generation: int, committed: int | None) -> None:
        """Begin a generation where the group stands: at the offset that it ``committed``, or at the beginning."""
        self._generation[place] = generation
        self._next[place] = committed or 0
        self._early.pop(place, None)

    def turn(self, place: Any, offset: int) -> Turn:
        """Judge the record at ``offset``.

        Offsets may be missing from a log (transactions leave such gaps). So the first record that comes once those
        before an early one were asked for is in its turn, whatever its offset: there is none before it.
        """
        early = self._early.get(place)
        if early is not None:
            if offset > early:
                return Turn.NOT_YET
            del self._early[place]
            return Turn.NOW
        if offset > self._next[place]:
            self._early[place] = offset
            return Turn.ASK
        return Turn.NOW

    def carried(self, place: Any, offset: int) -> None:
        """The record at ``offset`` is done with."""
        self._next[place] = max(offset + 1, self._next.get(place, 0))

    def missing(self) -> dict[Any, int]:
        """Where records are waited for: from which offset on they were asked for."""
        return {place: self._next[place] for place in self._early}

    def committable(self, place: Any, acknowledged: int | None) -> int | None:
        """What may be committed where Faust would commit ``acknowledged``: nothing that was not carried through."""
        following = self._next.get(place)
        return None if acknowledged is None or following is None else min(acknowledged, following)

    def bound(self, consumer: Any) -> None:
        """Have ``consumer``, Faust's, commit no further than this."""
        acknowledged: Callable[[Any], int | None] = consumer._new_offset
        consumer._new_offset = lambda place: self.committable(place, acknowledged(place))
