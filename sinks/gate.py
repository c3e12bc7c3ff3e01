"""How many requests may be under way: never more than the account's limit, fewer while it turns requests away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import Struct


class Turn(Struct):
    """A request that may go out. ``turned_away`` is to be set where the account answered that it is too busy."""

    cut: int
    turned_away: bool = False


class Gate:
    """Lets requests out in the order in which they came: additive increase, multiplicative decrease (TCP's rule).

    NetSuite counts the requests of all integrations of an account, so what is left for this one changes. Each time it
    turns requests away the number is halved, once for all that were under way together; as many requests as may be
    under way, let in, raise it by one, up to ``most``. ``on_cut`` is told the new number.
    """

    def __init__(self, most: int, on_cut: Callable[[int], None] = lambda _: None) -> None:
        self._most = most
        self._on_cut = on_cut
        self._allowed = float(most)
        self._running = 0
        self._cuts = 0
        self._line: deque[asyncio.Future[None]] = deque()

    @property
    def allowed(self) -> int:
        """How many requests may be under way now; at least one."""
        return int(self._allowed)

    @property
    def running(self) -> int:
        """How many are."""
        return self._running

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Turn]:
        """Wait until a request may go out; it is under way while the context lasts."""
        await self._enter()
        turn = Turn(self._cuts)
        try:
            yield turn
            self._learn(turn)
        finally:
            self._running -= 1
            self._let_in()

    async def _enter(self) -> None:
        if self._running < self.allowed and not self._line:
            self._running += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it was let in at the same moment
                self._running -= 1
                self._let_in()
            raise

    def _let_in(self) -> None:
        while self._line and self._running < self.allowed:
            place = self._line.popleft()
            if not place.done():
                self._running += 1
                place.set_result(None)

    def _learn(self, turn: Turn) -> None:
        if not turn.turned_away:
            self._allowed = min(float(self._most), self._allowed + 1 / self.allowed)
        elif turn.cut == self._cuts:  # else it went out before the last cut, which was for it too
            self._cuts += 1
            self._allowed = max(1.0, self._allowed / 2)
            self._on_cut(self.allowed)
