"""Whether NetSuite lets this integration in: asked by one request alone, since failed logins lock its user."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from sinks.retry import Kind
from sinks.verdict import Unauthorized

# Answers by NetSuite itself about a request whose signature it had accepted.
_LET_IN = frozenset({Kind.ACCEPTED, Kind.ABSENT, Kind.REFUSED, Kind.FAILED})


class Login:
    """Requests go out one at a time until NetSuite has let one in; after a refused login none does."""

    def __init__(self) -> None:
        self._works = False
        self._refusal: str | None = None
        self._alone = asyncio.Lock()

    @property
    def works(self) -> bool:
        """Whether NetSuite has let a request in."""
        return self._works

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until a request may go out. Raises :class:`Unauthorized` where another's login was refused.

        That the request itself ends in ``Unauthorized`` is remembered for those behind it.
        """
        async with AsyncExitStack() as held:
            if not self._works:
                await held.enter_async_context(self._alone)
            if self._works:
                await held.aclose()  # from now on side by side
            if self._refusal is not None:
                raise Unauthorized(self._refusal)
            try:
                yield
            except Unauthorized as refused:
                self._refusal = self._refusal or str(refused)
                raise

    def learn(self, kind: Kind, words: str) -> None:
        """What a request was told. Raises :class:`Unauthorized` where its login was refused."""
        if kind is Kind.UNAUTHORIZED:
            self._refusal = f"NetSuite refuses the login: {words}"
            raise Unauthorized(self._refusal)
        self._works = self._works or kind in _LET_IN
