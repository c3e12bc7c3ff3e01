"""One command's dealings with NetSuite: its attempts, its pauses, and what may still be running of it."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable

from msgspec import Struct

from sinks.answer import Answer, NoAnswer, NotSent
from sinks.client import NetSuiteClient
from sinks.readback import id_in_location
from sinks.retry import Kind, delay, kind_of, retry_after, words_of
from sinks.translate import Request
from sinks.verdict import Refused, Unauthorized

_log = logging.getLogger(__name__)


class Pace(Struct, frozen=True, kw_only=True):
    """How long things take, in seconds, and where time and chance come from.

    ``request_limit``: how long NetSuite may work on a request that nobody waits for any more. ``failures_limit``: how
    many failures of NetSuite's own on one command count as its refusal, while it does accept others.
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

    ``silent_until`` is the instant until which an unanswered write of this command may still be running.
    """

    def __init__(
        self, client: NetSuiteClient, pace: Pace, health: Health, *, name: str, inherited_until: float
    ) -> None:
        self.client = client
        self.writes = 0
        self._pace = pace
        self._health = health
        self._name = name
        self._pauses = 0
        self._failures = 0
        self._accepted_before_failure = 0
        self._inherited_until = inherited_until
        self.silent_until = -math.inf

    async def write(self, request: Request) -> Reply:
        """Try a create or change once. Raises :class:`Unauthorized`."""
        self.writes += 1
        reply = await self.read(self.client.write(request))
        if reply.kind is Kind.ACCEPTED and request.method == "POST" and not reply.created_id:
            reply = Reply(Kind.SILENT, reply.said)  # NetSuite names what it made: somebody else has answered
        if reply.kind is Kind.ACCEPTED:
            self._health.accepted += 1
        elif reply.kind is Kind.SILENT:
            self.silent_until = self._pace.clock() + self._pace.request_limit
        return reply

    async def read(self, request: Awaitable[Answer]) -> Reply:
        """Await one request. Raises :class:`Unauthorized`."""
        said: Answer | NoAnswer | NotSent
        try:
            said = await request
        except (NoAnswer, NotSent) as error:
            said = error
        kind = kind_of(said)
        if kind is Kind.UNAUTHORIZED:
            raise Unauthorized(f"NetSuite refuses the login: {words_of(said)}")
        if kind is Kind.FAILED:
            if self._failures == 0:
                self._accepted_before_failure = self._health.accepted
            self._failures += 1
        return Reply(kind, said)

    @property
    def running(self) -> bool:
        """Whether an attempt that nobody answered, here or in an earlier sink, may still take effect."""
        return self._pace.clock() < max(self._inherited_until, self.silent_until)

    @property
    def hopeless(self) -> bool:
        """Whether NetSuite keeps failing on this command while it accepts others: then the fault is not an outage."""
        return self._failures >= self._pace.failures_limit and self._health.accepted > self._accepted_before_failure

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
        while (seconds := instant - self._pace.clock()) > 0:
            _log.warning("%s: %s, but an unanswered request may still be running; in %.0f s", self._name, why, seconds)
            await self._pace.sleep(seconds)

    def refused(self, reason: str, reply: Reply | None = None) -> Refused:
        """The verdict that NetSuite will not hold the command."""
        if reply is None or not isinstance(reply.said, Answer):
            return Refused(reason=reason, attempts=self.writes)
        return Refused(reason=reason, status=reply.said.status, answer=reply.words, attempts=self.writes)
