"""The account's request slots: how many requests may run at once, and how much of that was used."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from sinks.sandbox.errors import too_many_requests


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many requests the account runs at once; None: any number.

    The limit is the account's, not the integration's: ``others`` are slots that other integrations have. It is
    lenient, as NetSuite's is: of the ``lenience`` requests above it every second one is let in, as ``seed`` has it.
    """

    concurrency: int | None = None
    lenience: int = 0
    others: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.concurrency is not None and self.concurrency < 1:
            raise ValueError("concurrency must be at least 1")
        if self.lenience < 0 or self.others < 0:
            raise ValueError("lenience and others must be 0 or more")


class Slots:
    """The slots, and a record of their use. ``clock`` tells seconds that only grow."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running = self._peak = 0
        self.limit(limits)
        self.reset()

    def limit(self, limits: Limits) -> None:
        """Go by other limits from now on; what runs may end."""
        self.limits = limits
        self._chance = random.Random(limits.seed)  # noqa: S311  nothing secret depends on it

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold one slot. Raises ``Refused`` with 429 where none is free."""
        if not self._is_free():
            raise too_many_requests()
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def _is_free(self) -> bool:
        limit, running = self.limits.concurrency, self._running + self.limits.others
        if limit is None or running < limit:
            return True
        return running < limit + self.limits.lenience and self._chance.random() < 0.5

    def _change(self, by: int) -> None:
        self._account()
        self._running += by
        self._peak = max(self._peak, self._running)

    def reset(self) -> None:
        """Begin the record anew."""
        self._since = self._last = self._clock()
        self._peak = self._running
        self._seconds: defaultdict[int, float] = defaultdict(float)  # by the number of slots in use
        self._timeline: list[float] = []

    def _account(self) -> None:
        now = self._clock()
        self._seconds[self._running] += now - self._last
        begun, ended = self._last - self._since, now - self._since
        self._timeline.extend([0.0] * (int(ended) + 1 - len(self._timeline)))
        for second in range(int(begun), int(ended) + 1) if self._running else ():
            self._timeline[second] += self._running * (min(ended, second + 1) - max(begun, second))
        self._last = now

    @property
    def running(self) -> int:
        """How many requests run now."""
        return self._running

    @property
    def peak(self) -> int:
        """The most requests that ran at once."""
        return self._peak

    def report(self) -> dict[str, Any]:
        """How much of the limit was used since the record began.

        ``share`` is of the whole time and of the slots that others leave, requests above the limit left out; None
        without a limit. ``timeline`` is the average number of slots in use in each second (the last one is not over
        yet), so that a reader can leave out begin and end.
        """
        self._account()
        seconds = self._last - self._since
        free = (self.limits.concurrency or 0) - self.limits.others
        within = sum(min(number, free) * spent for number, spent in self._seconds.items())
        return {
            "seconds": round(seconds, 3),
            "slotSeconds": round(sum(self._timeline), 3),
            "limit": self.limits.concurrency,
            "share": round(within / (free * seconds), 4) if free > 0 and seconds else None,
            "secondsByInUse": {str(number): round(spent, 3) for number, spent in sorted(self._seconds.items())},
            "timeline": [round(average, 3) for average in self._timeline],
        }
