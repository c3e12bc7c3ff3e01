"""One command's dealings with NetSuite: its attempts, its pauses, and what may still be running of it."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from typing import ParamSpec

from msgspec import Struct

from sinks.answer import Answer, NoAnswer, NotSent
from sinks.client import NetSuiteClient
from sinks.login import Login
from sinks.readback import id_in_location
from sinks.retry import Kind, delay, kind_of, retry_after, words_of
from sinks.translate import Request
from sinks.verdict import Refused

_log = logging.getLogger(__name__)

P = ParamSpec("P")


class Pace(Struct, frozen=True, kw_only=True):
    """How long things take, in seconds, and where time and chance come from.

    ``request_limit``: how long NetSuite may work on a request that nobody waits for any more. ``failures_limit``: how
    many answers to one command that are no verdict count as its refusal, while other writes are accepted.
    """

    request_limit: float
    retry_initial: float
    retry_max: float
    failures_limit: int
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    rand: Callable[[], float]


class Health:
    """Writes that the account has accepted since this worker started: the sign that a failure is a command's own."""

    def __init__(self) -> None:
        self.accepted = 0


class Reply(Struct, frozen=True):
    """One attempt's outcome: what it tells, and what was said."""

    kind: Kind
    said: Answer | NoAnswer | NotSent

    @property
    def body(self) -> object:
        """The JSON of the answer, where there is one."""
        return self.said.body if isinstance(self.said, Answer) else None

    @property
    def created_id(self) -> str | None:
        """The internal id that the answer to a create names."""
        return id_in_location(self.said.headers.get("location")) if isinstance(self.said, Answer) else None

    @property
    def words(self) -> str:
        """What was said, for people."""
        return words_of(self.said)


class Attempts:
    """The attempts of one command. Every pause is logged, and may be cancelled.

    ``silent_until`` is the instant until which an unanswered write of this command may still be running. ``hopeless``:
    NetSuite, or what stands before it, keeps failing on this command while other writes are accepted, so that the
    fault is not an outage.
    """

    def __init__(
        self,
        client: NetSuiteClient,
        pace: Pace,
        health: Health,
        login: Login,
        *,
        name: str,
        inherited_until: float,
        on_quiet: Callable[[], None],
        on_resumed: Callable[[], None],
    ) -> None:
        self.client = client
        self.writes = 0
        self._pace = pace
        self._health = health
        self._login = login
        self._on_quiet = on_quiet
        self._on_resumed = on_resumed
        self._name = name
        self._pauses = 0
        self._failures = 0
        self._accepted_before_limit = 0
        self.hopeless = False
        self._inherited_until = inherited_until
        self.silent_until = -math.inf

    async def write(self, request: Request) -> Reply:
        """Try a create or change once. Raises :class:`Unauthorized`."""
        self.writes += 1
        reply = await self.read(self.client.write, request)
        if reply.kind is Kind.ACCEPTED and request.method == "POST" and not reply.created_id:
            reply = Reply(Kind.SILENT, reply.said)  # NetSuite names what it made: somebody else has answered
            self._count_failure()
        if reply.kind is Kind.ACCEPTED:
            self._health.accepted += 1
        elif reply.kind is Kind.SILENT:
            self.silent_until = self._pace.clock() + self._pace.request_limit
        return reply

    async def read(self, ask: Callable[P, Awaitable[Answer]], *args: P.args, **kwargs: P.kwargs) -> Reply:
        """Make one request. Raises :class:`Unauthorized`."""
        said: Answer | NoAnswer | NotSent
        async with self._login.turn():
            try:
                said = await ask(*args, **kwargs)
            except (NoAnswer, NotSent) as error:
                said = error
            kind = kind_of(said)
            self._login.learn(kind, words_of(said))
        if kind is Kind.FAILED or (kind is Kind.SILENT and isinstance(said, Answer)):
            self._count_failure()
        return Reply(kind, said)

    def _count_failure(self) -> None:
        self._failures += 1
        if self._failures <= self._pace.failures_limit:
            self._accepted_before_limit = self._health.accepted
        elif self._health.accepted > self._accepted_before_limit:
            self.hopeless = True  # decided when it fails: after an outage everything gets one more attempt

    @property
    def running(self) -> bool:
        """Whether an attempt that nobody answered, here or in an earlier sink, may still take effect."""
        return self._pace.clock() < max(self._inherited_until, self.silent_until)

    async def pause(self, reply: Reply) -> None:
        """Wait before the next attempt, longer each time, as long as NetSuite asks for at least."""
        seconds = delay(
            self._pauses,
            initial=self._pace.retry_initial,
            longest=self._pace.retry_max,
            draw=self._pace.rand(),
            asked=retry_after(reply.said),
        )
        self._pauses += 1
        _log.warning("%s: %s (%s); trying again in %.1f s", self._name, reply.kind, reply.words, seconds)
        await self._pace.sleep(seconds)

    async def wait_until_quiet(self, why: str) -> None:
        """Wait until no unanswered attempt can still take effect."""
        await self.wait_until(max(self._inherited_until, self.silent_until), why)

    async def wait_until(self, instant: float, why: str) -> None:
        """Wait for an instant at which an unanswered request can no longer be running."""
        if instant <= self._pace.clock():
            return
        self._on_quiet()
        try:
            while (seconds := instant - self._pace.clock()) > 0:
                _log.warning(
                    "%s: %s, but an unanswered request may still be running; in %.0f s", self._name, why, seconds
                )
                await self._pace.sleep(seconds)
        finally:
            self._on_resumed()

    def refused(self, reason: str, reply: Reply | None = None) -> Refused:
        """The verdict that NetSuite will not hold the command."""
        if reply is None or not isinstance(reply.said, Answer):
            return Refused(reason=reason, attempts=self.writes)
        return Refused(reason=reason, status=reply.said.status, answer=reply.words, attempts=self.writes)
