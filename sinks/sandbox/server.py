"""The sandbox over HTTP: NetSuite's record service and SuiteQL, and pages of its own to look at what it holds."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from sinks.sandbox import suiteql
from sinks.sandbox.auth import SandboxCredentials, Verifier
from sinks.sandbox.errors import Duplicate, Refused, not_json, too_many_requests, unexpected, unsupported
from sinks.sandbox.latency import Latency, fixed
from sinks.sandbox.page import page_of
from sinks.sandbox.service import RECORDS, RecordService, content_of, json_response
from sinks.sandbox.show import documents_of
from sinks.sandbox.store import Store

__all__ = ["SandboxCredentials", "build_app", "serve"]

_LARGEST_REQUEST = 104 * 1024 * 1024
_SUITEQL = "/services/rest/query/v1/suiteql"
_LOG = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Gate:
    """Stands before the services as NetSuite's does: who may come in, how many at once. Counts what happened."""

    def __init__(self, verifier: Verifier, latency: Latency, concurrency: int | None) -> None:
        self._verifier = verifier
        self._latency = latency
        self._concurrency = concurrency
        self._requests: Counter[str] = Counter()
        self._duplicates = 0
        self._running = 0
        self._peak = 0

    @web.middleware
    async def as_netsuite(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a request to the services; whatever is wrong has NetSuite's shape. Other pages are let through."""
        if not request.path.startswith("/services/"):
            return await handler(request)
        try:
            answer = await self._admitted(request, handler)
        except Refused as refused:
            self._duplicates += isinstance(refused, Duplicate)
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
        self._requests[f"{request.method} {_kind(request)} {answer.status}"] += 1
        return answer

    async def _admitted(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        url = f"{request.scheme}://{request.host}{request.raw_path}"
        self._verifier.verify(request.method, url, request.headers.get("Authorization"))
        if self._concurrency is not None and self._running >= self._concurrency:
            raise too_many_requests()
        self._running += 1
        self._peak = max(self._peak, self._running)
        try:
            await request.read()  # once all of it is here it is processed, also when the caller goes away
            if delay := self._latency():
                await asyncio.sleep(delay)
            return await handler(request)
        finally:
            self._running -= 1

    async def report(self, _: web.Request) -> web.Response:
        """What was asked so far, how much of it at once, and how often something was there already."""
        return json_response(
            {
                "requests": dict(sorted(self._requests.items())),
                "peakConcurrency": self._peak,
                "duplicatesRefused": self._duplicates,
            }
        )


class Pages:
    """What the sandbox shows of itself, without a login; NetSuite has nothing of it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def documents(self, _: web.Request) -> web.Response:
        """Everything the sandbox holds, as JSON."""
        return json_response(documents_of(self._store))

    async def page(self, _: web.Request) -> web.Response:
        """Everything the sandbox holds, as a page."""
        return web.Response(text=page_of(documents_of(self._store)), content_type="text/html")

    async def health(self, _: web.Request) -> web.Response:
        """The server answers."""
        return web.Response(text="ok\n")


def _kind(request: web.Request) -> str:
    if request.path == _SUITEQL:
        return "suiteql"
    return RECORDS.get(request.match_info.get("record", "").lower(), "other")


def build_app(
    store: Store,
    credentials: SandboxCredentials,
    *,
    latency: Latency | float = 0.0,
    concurrency: int | None = None,
) -> web.Application:
    """The sandbox as an application.

    ``latency`` is how long a request takes, in seconds, or a function that draws it; ``concurrency`` is the
    account's limit, above which requests are answered with 429.
    """
    gate = Gate(Verifier(credentials), latency if callable(latency) else fixed(latency), concurrency)
    service, pages = RecordService(store), Pages(store)

    async def query(request: web.Request) -> web.Response:
        content = await content_of(request)
        href = f"{request.scheme}://{request.host}{request.path}"
        return json_response(suiteql.answer(store, content, request.query, request.headers.get("Prefer", ""), href))

    app = web.Application(middlewares=[gate.as_netsuite], client_max_size=_LARGEST_REQUEST)
    records = "/services/rest/record/v1/{record}"
    app.add_routes(
        [
            web.post(records, service.create),
            web.get(records + "/{id}", service.read),
            web.patch(records + "/{id}", service.update),
            web.put(records + "/{id}", service.upsert),
            web.delete(records + "/{id}", service.delete),
            web.post(_SUITEQL, query),
            web.get("/sandbox/report", gate.report),
            web.get("/sandbox/documents", pages.documents),
            web.get("/health", pages.health),
            web.get("/", pages.page),
        ]
    )
    return app


async def serve(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Listen; port 0 takes a free one. Returns the runner, whose ``cleanup`` ends it, and the port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    return runner, int(runner.addresses[0][1])
