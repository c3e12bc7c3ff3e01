"""What stands before the services: who may come in, how many at once, how long it takes. Counts what happened."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from sinks.sandbox.auth import Verifier
from sinks.sandbox.errors import Duplicate, Refused, not_json, unexpected, unsupported
from sinks.sandbox.latency import Latency
from sinks.sandbox.service import RECORDS
from sinks.sandbox.slots import Slots
from sinks.sandbox.tally import Tally

SUITEQL = "/services/rest/query/v1/suiteql"
_LOG = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """Stands before the services as NetSuite's does. ``latency`` may be set to another draw while it runs."""

    def __init__(self, verifier: Verifier, latency: Latency, slots: Slots, tally: Tally) -> None:
        self.latency = latency
        self._verifier = verifier
        self._slots = slots
        self._tally = tally

    @web.middleware
    async def as_netsuite(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request to the services; whatever is wrong has NetSuite's shape. Other pages are let through."""
        if not request.path.startswith("/services/"):
            return await handler(request)
        try:
            answer = await self._admitted(request, handler)
        except Refused as refused:
            self._tally.duplicates += isinstance(refused, Duplicate)
            answer = refused.response()
        except web.RequestPayloadError:  # not in the encoding that its headers name: what follows is lost too
            answer = not_json().response()
            answer.force_close()
        except web.HTTPException as error:
            answer = unsupported(error.status).response()
        except Exception:
            error_id = uuid.uuid4().hex
            _LOG.exception("the sandbox failed at %s %s, error %s", request.method, request.path, error_id)
            answer = unexpected(error_id).response()
        self._tally.requests[f"{request.method} {kind_of(request)} {answer.status}"] += 1
        return answer

    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        url = f"{request.scheme}://{request.host}{request.raw_path}"
        self._verifier.verify(request.method, url, request.headers.get("Authorization"))
        with self._slots.taken():
            await request.read()  # once all of it is here it is processed, also when the caller goes away
            if delay := self.latency():
                await asyncio.sleep(delay)
            return await handler(request)


def kind_of(request: web.Request) -> str:
    """What a request is about: a record type, ``suiteql``, or ``other``."""
    if request.path == SUITEQL:
        return "suiteql"
    return RECORDS.get(request.match_info.get("record", "").lower(), "other")
