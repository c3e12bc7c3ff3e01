"""A worker's right to write: it ran without a gap, and its group has not moved on."""

from __future__ import annotations

import time

from streams.errors import NuestreamError

# The clock that goes on while the machine sleeps, where there is one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class LeaseLost(NuestreamError):
    """The worker did not run for longer than its group waits, so another may own its partitions."""


class Superseded(Exception):
    """The consumer group moved on while a record was carried through."""


class Lease:
    """Looks at the clock often enough to notice that the process stood still."""

    def __init__(self, timeout: float) -> None:
        """``timeout`` is how many seconds the group waits for a member that it does not hear of."""
        self._timeout = timeout
        self._ran_at = time.clock_gettime(_CLOCK)
        self._lost: LeaseLost | None = None

    def check(self) -> None:
        """Look at the clock.

        Raises:
            LeaseLost: the process once stood still for longer than its group waits for it.
        """
        # A process that is continued runs its overdue timers first: whoever looks first has to remember.
        now = time.clock_gettime(_CLOCK)
        stood_still, self._ran_at = now - self._ran_at, now
        if stood_still > self._timeout and self._lost is None:
            self._lost = LeaseLost(
                f"this worker stood still for {stood_still:.0f} s, longer than project.session_timeout "
                f"({self._timeout:.0f} s); another may own its partitions: start it again"
            )
        if self._lost is not None:
            raise self._lost
