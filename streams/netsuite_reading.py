"""Reading from NetSuite by a command that a person waits for: busy or failing, it is asked again, but not for ever."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable

from sinks.attempts import Attempts, Health, Pace, Reply
from sinks.client import NetSuiteClient
from sinks.login import Login
from streams.errors import NuestreamError

PATIENCE = 60.0
"""Seconds that one look-up, all its attempts and pauses together, may take."""


def lookups(client: NetSuiteClient, command: str) -> Callable[[str], Attempts]:
    """Makes the attempts of each look-up, which is named for the log; all of them log in once.

    They raise :class:`NuestreamError` where NetSuite gives no usable answer in time.
    """
    health, login = Health(), Login()
    return lambda name: _Impatient(client, health, login, f"{command}: {name}" if name else command)


class _Impatient(Attempts):
    """Attempts that do not last as long as an outage does."""

    def __init__(self, client: NetSuiteClient, health: Health, login: Login, name: str) -> None:
        pace = Pace(
            request_limit=0.0,
            retry_initial=1.0,
            retry_max=10.0,
            failures_limit=10,
            clock=time.monotonic,
            sleep=asyncio.sleep,
            rand=random.random,
        )
        super().__init__(
            client,
            pace,
            health,
            login,
            name=name,
            inherited_until=-math.inf,
            on_quiet=_nothing,
            on_resumed=_nothing,
        )
        self._until = time.monotonic() + PATIENCE

    async def pause(self, reply: Reply) -> None:
        """Wait before the next attempt. Raises :class:`NuestreamError` once nobody waits any longer."""
        if time.monotonic() > self._until:
            where = f"NetSuite at {self.client.url}"
            raise NuestreamError(f"{where} gave no usable answer within {PATIENCE:.0f} s: {reply.words}")
        await super().pause(reply)


def _nothing() -> None:
    """A look-up waits for no write."""
