"""What stands before the services: who may come in, how many at once, how long it takes. Counts what happened."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from sinks.sandbox.addresses import kind_of
from sinks.sandbox.auth import Verifier
from sinks.sandbox.errors import Duplicate, Refused, not_json, unexpected, unsupported
from sinks.sandbox.latency import Latency
from sinks.sandbox.mischief import Mischief, NoAnswer
from sinks.sandbox.slots import Slots
from sinks.sandbox.tally import Tally

_LOG = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """Stands before the services as NetSuite's does. ``latency`` may be set to another draw while it runs."""

    def __init__(self, verifier: Verifier, latency: Latency, slots: Slots, mischief: Mischief, tally: Tally) -> None:
        self.latency = latency
        self._verifier = verifier
        self._slots = slots
        self._mischief = mischief
        self._tally = tally

    @web.middleware
    async def as_netsuite(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request to the services; whatever is wrong has NetSuite's shape. Other pages are let through."""
        if not request.path.startswith("/services/"):
            return await handler(request)
        answer = await self._answered(request, self._admitted(request, handler))
        status = "none" if isinstance(answer, NoAnswer) else answer.status
        self._tally.requests[f"{request.method} {kind_of(request)} {status}"] += 1
        return answer

    async def _answered(self, request: web.Request, doing: Awaitable[web.StreamResponse]) -> web.StreamResponse:
        try:
            return await doing
        except Refused as refused:
            self._tally.duplicates += isinstance(refused, Duplicate)
            return refused.response()
        except web.RequestPayloadError:  # not in the encoding that its headers name: what follows is lost too
            answer = not_json().response()
            answer.force_close()
            return answer
        except web.HTTPException as error:
            return unsupported(error.status).response()
        except Exception:
            error_id = uuid.uuid4().hex
            _LOG.exception("the sandbox failed at %s %s, error %s", request.method, request.path, error_id)
            return unexpected(error_id).response()

    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        url = f"{request.scheme}://{request.host}{request.raw_path}"
        self._verifier.verify(request.method, url, request.headers.get("Authorization"))
        with self._slots.taken():
            await request.read()  # once all of it is here it is processed, also when the caller goes away
            return await self._mischief.answer(request, lambda: self._answered(request, self._done(request, handler)))

    async def _done(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if delay := self.latency():
            await asyncio.sleep(delay)
        return await handler(request)
