"""Reading from NetSuite by a command that a person waits for: busy or failing, it is asked again, but not for ever."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Callable

from sinks.attempts import Attempts, Health, Pace
from sinks.client import NetSuiteClient
from sinks.login import Login
from streams.errors import NuestreamError

PATIENCE = 60.0
"""Seconds that all pauses of one look-up may take."""


def lookups(client: NetSuiteClient, command: str, patience: float = PATIENCE) -> Callable[[str], Attempts]:
    """Makes the attempts of each look-up, which is named for the log; all of them log in once.

    They raise :class:`NuestreamError` where NetSuite gives no usable answer in time.
    """
    health, login = Health(), Login()

    def nothing() -> None:
        """A look-up waits for no write."""

    def attempts(name: str) -> Attempts:
        waited = 0.0

        async def sleep(seconds: float) -> None:
            nonlocal waited
            waited += seconds
            if waited > patience:
                raise NuestreamError(f"NetSuite gave no usable answer within {patience:.0f} s; nothing was changed")
            await asyncio.sleep(seconds)

        pace = Pace(
            request_limit=0.0,
            retry_initial=1.0,
            retry_max=10.0,
            failures_limit=10,
            clock=time.monotonic,
            sleep=sleep,
            rand=random.random,
        )
        return Attempts(
            client,
            pace,
            health,
            login,
            name=f"{command}: {name}" if name else command,
            inherited_until=-math.inf,
            on_quiet=nothing,
            on_resumed=nothing,
        )

    return attempts
