"""How far each partition was carried through: what may be committed, and where records were left out.

Faust can take records from its buffers while it stops, rebalances or recovers, acknowledge them although no agent
ever saw them, and go on with later ones. So the projector keeps its own count, and what the group commits is that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any


class Progress:
    """The next offset of each partition, a Faust topic partition, in the current generation of the group."""

    def __init__(self) -> None:
        self._next: dict[Any, int] = {}
        self._generation: dict[Any, int] = {}

    def knows(self, place: Any, generation: int) -> bool:
        """Whether this generation of the group has begun on the partition."""
        return self._generation.get(place) == generation

    def begin(self, place: Any, generation: int, committed: int | None) -> None:
        """Begin a generation where the group stands: at the offset that it ``committed``, or at the beginning."""
        self._generation[place] = generation
        self._next[place] = committed or 0

    def following(self, place: Any) -> int:
        """The offset that comes next. Raises ``KeyError`` before the partition's first generation."""
        return self._next[place]

    def carried(self, place: Any, offset: int) -> None:
        """The record at ``offset`` is done with, and all before it are."""
        self._next[place] = max(offset + 1, self._next.get(place, 0))

    def decide_commits(self, consumer: Any) -> None:
        """Have ``consumer``, Faust's, commit what was carried through, whatever it holds to be acknowledged."""
        tidy: Callable[[Any], int | None] = consumer._new_offset

        def carried_through(place: Any) -> int | None:
            tidy(place)  # its own account is kept short, and not believed
            return self._next.get(place)

        consumer._new_offset = carried_through
        _commit_only_what_is_ours(consumer._thread)


def _commit_only_what_is_ours(thread: Any) -> None:
    """Have Faust's consumer thread commit nothing where all of it went to others while the commit was on its way.

    It leaves out what is not assigned any more, and stops the worker when aiokafka refuses to commit nothing.
    """
    commit: Callable[[Mapping[Any, int]], Awaitable[bool]] = thread._commit

    async def commit_ours(offsets: Mapping[Any, int]) -> bool:
        return await commit(offsets) if any(place in thread.assignment() for place in offsets) else False

    thread._commit = commit_ours
