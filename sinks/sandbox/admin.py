"""What a test says to the sandbox, and asks of it, without a login; NetSuite has nothing of it."""

from __future__ import annotations

import math
from typing import TypeVar

import msgspec
from aiohttp import web

from sinks.sandbox.account_rules import AccountRules
from sinks.sandbox.clock import MovableClock
from sinks.sandbox.faults import Plan
from sinks.sandbox.gate import Gate
from sinks.sandbox.latency import LatencySettings
from sinks.sandbox.mischief import Mischief
from sinks.sandbox.service import json_response
from sinks.sandbox.slots import Limits, Slots
from sinks.sandbox.store import Store
from sinks.sandbox.tally import Tally

_Settings = TypeVar("_Settings", bound=msgspec.Struct)


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By how many seconds the clock is moved on."""

    advance: float

    def __post_init__(self) -> None:
        if not 0 <= self.advance < math.inf:
            raise ValueError("advance must be 0 or more")


class Admin:
    """Settings that are given whole, each under its own address, and the report of what happened."""

    def __init__(
        self, store: Store, gate: Gate, slots: Slots, mischief: Mischief, clock: MovableClock, tally: Tally
    ) -> None:
        self._store = store
        self._gate = gate
        self._slots = slots
        self._mischief = mischief
        self._clock = clock
        self._tally = tally

    def routes(self) -> list[web.RouteDef]:
        """Where it answers."""
        return [
            web.get("/sandbox/report", self.report),
            web.delete("/sandbox/report", self.reset),
            web.get("/sandbox/limits", self.limits),
            web.put("/sandbox/limits", self.set_limits),
            web.put("/sandbox/latency", self.set_latency),
            web.get("/sandbox/account", self.rules),
            web.put("/sandbox/account", self.set_rules),
            web.get("/sandbox/faults", self.faults),
            web.put("/sandbox/faults", self.set_faults),
            web.delete("/sandbox/faults", self.clear_faults),
            web.get("/sandbox/clock", self.clock),
            web.post("/sandbox/clock", self.move_clock),
        ]

    async def report(self, _: web.Request) -> web.Response:
        """What was asked so far, how much of it at once, what was made of it."""
        used = {"peakConcurrency": self._slots.peak, "slots": self._slots.report(), "clock": self._time()}
        return json_response(self._tally.report() | used)

    async def reset(self, _: web.Request) -> web.Response:
        """Count from nothing again."""
        self._tally.reset()
        self._slots.reset()
        return web.Response(status=204)

    async def limits(self, _: web.Request) -> web.Response:
        """The limits that count."""
        return json_response(self._slots.limits)

    async def set_limits(self, request: web.Request) -> web.Response:
        """Other limits from now on."""
        self._slots.limit(await _given(request, Limits))
        return json_response(self._slots.limits)

    async def set_latency(self, request: web.Request) -> web.Response:
        """Another latency from now on."""
        settings = await _given(request, LatencySettings)
        self._gate.latency = settings.latency()
        return json_response(settings)

    async def rules(self, _: web.Request) -> web.Response:
        """The account's rules."""
        return json_response(self._store.rules)

    async def set_rules(self, request: web.Request) -> web.Response:
        """Other rules from now on."""
        self._store.apply(await _given(request, AccountRules))
        return json_response(self._store.rules)

    async def faults(self, _: web.Request) -> web.Response:
        """The plan of faults that counts."""
        return json_response(self._mischief.plan)

    async def set_faults(self, request: web.Request) -> web.Response:
        """Another plan from now on, from its beginning."""
        self._mischief.plan = await _given(request, Plan)
        return json_response(self._mischief.plan)

    async def clear_faults(self, _: web.Request) -> web.Response:
        """No more faults; what is stalled stays so."""
        self._mischief.plan = Plan()
        return web.Response(status=204)

    async def clock(self, _: web.Request) -> web.Response:
        """The clock of stalls and outages, and how many requests wait for it."""
        return json_response(self._time())

    def _time(self) -> dict[str, float]:
        return {"now": round(self._clock.now(), 3), "waiting": self._clock.waiting}

    async def move_clock(self, request: web.Request) -> web.Response:
        """Move the clock on; answered when what was due by then is done."""
        await self._clock.move((await _given(request, Move)).advance)
        return await self.clock(request)


async def _given(request: web.Request, settings: type[_Settings]) -> _Settings:
    try:
        return msgspec.json.decode(await request.read(), type=settings)
    except msgspec.DecodeError as error:
        text = msgspec.json.encode({"error": str(error)}).decode()
        raise web.HTTPBadRequest(text=text, content_type="application/json") from None
