"""A clock that runs as time does, and that a test can move on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_LONGEST = 30.0


class MovableClock:
    """Seconds since it was made, and those by which it was moved. For one event loop."""

    def __init__(self) -> None:
        self._zero = time.monotonic()
        self._moved = asyncio.Event()
        self._waiting: dict[asyncio.Event, float] = {}

    def now(self) -> float:
        """The time on the clock, in seconds."""
        return time.monotonic() - self._zero

    @property
    def waiting(self) -> int:
        """How many wait for a time that has not come."""
        now = self.now()
        return sum(due > now for due in self._waiting.values())

    @asynccontextmanager
    async def after(self, seconds: float) -> AsyncIterator[None]:
        """Go on when so many seconds have passed on the clock. What is done inside belongs to that moment."""
        done, due = asyncio.Event(), self.now() + seconds
        self._waiting[done] = due
        try:
            while (left := due - self.now()) > 0:
                moved = self._moved
                try:
                    await asyncio.wait_for(moved.wait(), left)
                except TimeoutError:
                    continue
            yield
        finally:
            del self._waiting[done]
            done.set()

    async def move(self, seconds: float) -> None:
        """Move on. Returns when everything whose time has come by it has been done."""
        self._zero -= seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
        now = self.now()
        due = [asyncio.ensure_future(done.wait()) for done, at in self._waiting.items() if at <= now]
        if due:
            await asyncio.wait(due, timeout=_LONGEST)
