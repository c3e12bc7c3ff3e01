"""Whether partitions of the log have been read to their end, and since when."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ReadTo:
    """How far a partition has been read, in seconds of the monotonic clock.

    ``since`` is when it was first found read to its end, in this assignment. ``through`` is the latest instant known
    at which everything that the log then held had been carried through; it follows the clock as long as this worker
    keeps up, and stands still while it is behind.
    """

    since: float
    through: float


class LogEnds:
    """Compares, look by look, how far partitions are carried through with where they ended at the look before."""

    def __init__(
        self,
        ends: Callable[[Collection[Any]], Awaitable[Mapping[Any, int]]],
        carried_to: Callable[[Any, int], Awaitable[int]],
    ) -> None:
        """``ends`` asks the broker where partitions end. ``carried_to`` says how far one is carried through, given
        the end that is to be reached: the next offset to come, offsets without a record passed over."""
        self._ends = ends
        self._carried_to = carried_to
        self._asked: dict[Any, tuple[float, int]] = {}
        self._read: dict[Any, ReadTo] = {}

    async def look(self, places: Collection[Any]) -> None:
        """Look at ``places``, the partitions that are assigned now; others are forgotten."""
        for gone in [place for place in self._asked if place not in places]:
            del self._asked[gone]
            self._read.pop(gone, None)
        for place, (at, end) in self._asked.items():
            if await self._carried_to(place, end) >= end:
                before = self._read.get(place)
                self._read[place] = ReadTo(before.since if before else time.monotonic(), at)
        at = time.monotonic()
        self._asked = {place: (at, end) for place, end in (await self._ends(places)).items()}

    def read_to(self) -> dict[int, ReadTo]:
        """Per partition, by its number; one that was not yet found read to its end is left out."""
        return {place.partition: read for place, read in self._read.items()}
