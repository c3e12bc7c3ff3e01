"""What the doctor says: one finding per check."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import ParamSpec

from msgspec import Struct

from sinks.answer import Answer, NoAnswer, NotSent
from sinks.attempts import Reply
from sinks.retry import Kind, kind_of, retry_after
from sinks.verdict import Unauthorized

_TRIES = 3
_PAUSE = 1.0
_PASSING = frozenset({Kind.BUSY, Kind.NOT_SENT, Kind.FAILED, Kind.SILENT})

P = ParamSpec("P")


class State(StrEnum):
    """How a check ended."""

    OK = "ok"
    FIX = "fix"
    UNCHECKED = "not checked"


class Finding(Struct, frozen=True, kw_only=True):
    """One check: what was looked at, how it ended, and what it means or what to do, in words."""

    check: str
    state: State
    words: str


def ok(check: str, words: str) -> Finding:
    """All is well."""
    return Finding(check=check, state=State.OK, words=words)


def fix(check: str, words: str) -> Finding:
    """Something is to be done: ``words`` say what."""
    return Finding(check=check, state=State.FIX, words=words)


def unchecked(check: str, words: str) -> Finding:
    """It could not be told: ``words`` say why."""
    return Finding(check=check, state=State.UNCHECKED, words=words)


class Calls:
    """Asks NetSuite, a few times where it is busy or fails. ``sleep`` takes seconds."""

    def __init__(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._sleep = sleep

    async def read(self, call: Callable[P, Awaitable[Answer]], *args: P.args, **kwargs: P.kwargs) -> Reply:
        """Make a request that changes nothing. Raises :class:`Unauthorized` where the login is refused."""
        for tried in range(1, _TRIES + 1):
            reply = await self.once(call, *args, **kwargs)
            if reply.kind not in _PASSING or tried == _TRIES:
                break
            await self._sleep(max(_PAUSE, retry_after(reply.said) or 0.0))
        return reply

    async def once(self, call: Callable[P, Awaitable[Answer]], *args: P.args, **kwargs: P.kwargs) -> Reply:
        """Make a request. Raises :class:`Unauthorized` where the login is refused."""
        said: Answer | NoAnswer | NotSent
        try:
            said = await call(*args, **kwargs)
        except (NoAnswer, NotSent) as error:
            said = error
        reply = Reply(kind_of(said), said)
        if reply.kind is Kind.UNAUTHORIZED:
            raise Unauthorized(f"NetSuite refuses the login: {reply.words}")
        return reply
