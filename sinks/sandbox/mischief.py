"""Carries faults out, between the gate and the services."""

from __future__ import annotations

import asyncio
import socket
import struct
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

from aiohttp import web

from sinks.sandbox.account import FAMILY
from sinks.sandbox.addresses import asked_of
from sinks.sandbox.clock import MovableClock
from sinks.sandbox.errors import invalid_login, too_many_requests, unexpected
from sinks.sandbox.faults import Asked, Fault, Injector, Kind, Plan
from sinks.sandbox.tally import Tally

Process = Callable[[], Awaitable[web.StreamResponse]]
"""Does what a request asks, once per call, and answers; refusals are answers."""

BREAKS_OFF: ContextVar[bool] = ContextVar("breaks_off", default=False)
"""Whether the batch that is being taken breaks off after half of its records."""

_RESET_AT_ONCE = struct.pack("ii", 1, 0)
_FLUSHED = 0.02
_MAINTENANCE = """<!DOCTYPE html>
<html><head><title>NetSuite - Scheduled Maintenance</title></head>
<body><h1>Scheduled Maintenance</h1><p>NetSuite is currently unavailable. Please try again later.</p></body></html>
"""


class NoAnswer(web.Response):
    """Stands for an answer that nobody gets: the connection is closed."""


class Mischief:
    """Draws a fault for every request and carries it out. ``plan`` may be set at any time; it starts anew."""

    def __init__(self, clock: MovableClock, tally: Tally, plan: Plan) -> None:
        self._clock = clock
        self._tally = tally
        self._injector = Injector(plan)
        self._held: dict[tuple[str, str], asyncio.Event] = {}

    @property
    def plan(self) -> Plan:
        """The faults that are to happen."""
        return self._injector.plan

    @plan.setter
    def plan(self, plan: Plan) -> None:
        self._injector = Injector(plan)

    async def answer(self, request: web.Request, process: Process) -> web.StreamResponse:
        """Answer a request, with the fault that is due. Raises ``Refused``."""
        if not self.plan and not self._held:
            return await process()
        asked = await asked_of(request)
        fault = self._injector.fault_for(asked, self._clock.now()) if self.plan else None
        if fault is not None:
            self._tally.faults[fault.kind] += 1
            if refusal := _refusal(fault):
                return refusal
        async with self._waited_for(asked, holding=fault is not None and fault.kind is Kind.IN_FLIGHT):
            return await (process() if fault is None else self._faulty(request, asked, fault, process))

    async def _faulty(self, request: web.Request, asked: Asked, fault: Fault, process: Process) -> web.StreamResponse:
        match fault.kind:
            case Kind.NO_ANSWER_BEFORE:
                return await self._unanswered(request, fault)
            case Kind.NO_ANSWER_AFTER:
                await process()
                return await self._unanswered(request, fault)
            case Kind.ERROR_AFTER:
                answer = await process()
                return answer if answer.status >= 400 else _failed()
            case Kind.RESET:
                return await _reset(request, await process())
            case Kind.STALL | Kind.IN_FLIGHT:
                async with self._clock.after(fault.seconds):
                    return await process()
            case Kind.TWIN if asked.external_id:
                await process()
            case Kind.HALF_BATCH:
                token = BREAKS_OFF.set(True)
                try:
                    return await process()
                finally:
                    BREAKS_OFF.reset(token)
        return await process()

    async def _unanswered(self, request: web.Request, fault: Fault) -> web.Response:
        async with self._clock.after(fault.seconds):
            if request.transport is not None:
                request.transport.abort()
            return NoAnswer()

    @asynccontextmanager
    async def _waited_for(self, asked: Asked, *, holding: bool) -> AsyncIterator[None]:
        """Wait until nobody holds the external id that is to be written; hold it, if wanted."""
        if asked.external_id is None or asked.method not in ("POST", "PUT", "PATCH", "DELETE"):
            yield
            return
        key = (FAMILY.get(asked.record, ""), asked.external_id.lower())
        while holder := self._held.get(key):
            await holder.wait()
        if not holding:
            yield
            return
        held = self._held[key] = asyncio.Event()
        try:
            yield
        finally:
            del self._held[key]
            held.set()


def _refusal(fault: Fault) -> web.Response | None:
    match fault.kind:
        case Kind.TOO_MANY_REQUESTS:
            answer = too_many_requests().response()
        case Kind.MAINTENANCE:
            answer = web.Response(status=fault.status, text=_MAINTENANCE, content_type="text/html")
        case Kind.UNAUTHORIZED:
            return invalid_login().response()
        case Kind.ERROR_BEFORE:
            return _failed()
        case _:
            return None
    if fault.retry_after is not None:
        answer.headers["Retry-After"] = str(fault.retry_after)
    return answer


def _failed() -> web.Response:
    return unexpected(uuid.uuid4().hex).response()


async def _reset(request: web.Request, answer: web.StreamResponse) -> web.Response:
    """Send half of the answer, or half of its head where it has no body, and reset the connection."""
    transport = request.transport
    if transport is None:
        return NoAnswer()
    body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
    lines = [
        f"HTTP/1.1 {answer.status} {answer.reason}",
        *(f"{name}: {value}" for name, value in answer.headers.items()),
    ]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode()
    transport.write((head + body)[: len(head) + len(body) // 2] if body else head[: len(head) // 2])
    await asyncio.sleep(_FLUSHED)
    connection: socket.socket | None = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
    transport.abort()
    return NoAnswer()
