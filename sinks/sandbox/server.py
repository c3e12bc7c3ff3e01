"""The sandbox over HTTP: NetSuite's record service and SuiteQL, and pages of its own to look at what it holds."""

from __future__ import annotations

import time
from collections.abc import Callable

from aiohttp import web

from sinks.sandbox import suiteql
from sinks.sandbox.addresses import SUITEQL
from sinks.sandbox.admin import Admin
from sinks.sandbox.arrangements import RevenueArrangements
from sinks.sandbox.auth import SandboxCredentials, Verifier
from sinks.sandbox.catalog import Catalog
from sinks.sandbox.clock import MovableClock
from sinks.sandbox.faults import Plan
from sinks.sandbox.gate import Gate
from sinks.sandbox.jobs import Jobs
from sinks.sandbox.latency import Latency, fixed
from sinks.sandbox.mischief import Mischief
from sinks.sandbox.oauth import TOKEN_PATH
from sinks.sandbox.page import page_of
from sinks.sandbox.service import RecordService, content_of, json_response
from sinks.sandbox.show import documents_of
from sinks.sandbox.slots import Limits, Slots
from sinks.sandbox.store import Store
from sinks.sandbox.tally import Tally

__all__ = ["VERIFIER", "SandboxCredentials", "build_app", "serve"]

VERIFIER = web.AppKey("verifier", Verifier)
"""Who judges the logins of an application that ``build_app`` made."""

_LARGEST_REQUEST = 104 * 1024 * 1024


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


def build_app(
    store: Store,
    credentials: SandboxCredentials,
    *,
    latency: Latency | float = 0.0,
    limits: Limits = Limits(),  # noqa: B008  frozen, as is the next
    faults: Plan = Plan(),  # noqa: B008
    login_clock: Callable[[], float] = time.time,
) -> web.Application:
    """The sandbox as an application.

    ``latency`` is how long a request takes, in seconds, or a function that draws it; above the account's ``limits``
    requests are answered with 429. ``faults`` happen on purpose. ``login_clock`` (Unix seconds) is what logins go by.
    """
    tally, slots, movable = Tally(), Slots(limits), MovableClock()
    mischief = Mischief(movable, tally, faults)
    verifier = Verifier(credentials, login_clock)
    gate = Gate(verifier, latency if callable(latency) else fixed(latency), slots, mischief, tally)
    jobs = Jobs(RecordService(store, tally), lambda: gate.latency, tally)
    pages, admin = Pages(store), Admin(store, gate, slots, mischief, movable, tally)
    arrangements = RevenueArrangements(store, movable)

    async def query(request: web.Request) -> web.Response:
        content = await content_of(request)
        arrangements.update()
        href = f"{request.scheme}://{request.host}{request.path}"
        return json_response(suiteql.answer(store, content, request.query, request.headers.get("Prefer", ""), href))

    app = web.Application(middlewares=[verifier.dated, gate.as_netsuite], client_max_size=_LARGEST_REQUEST)
    app[VERIFIER] = verifier
    records = "/services/rest/record/v1/{record}"
    app.add_routes(
        [
            web.route("*", records, jobs.collection),
            *(method(records + "/{id}", jobs.single) for method in (web.get, web.patch, web.put, web.delete)),
            *jobs.routes(),
            web.post(SUITEQL, query),
            web.post(TOKEN_PATH, verifier.tokens.answer),
            *Catalog(store).routes(),
            web.get("/sandbox/documents", pages.documents),
            web.get("/health", pages.health),
            web.get("/", pages.page),
            *admin.routes(),
            *arrangements.routes(),
        ]
    )
    app.on_cleanup.append(jobs.close)
    return app


async def serve(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Listen; port 0 takes a free one. Returns the runner, whose ``cleanup`` ends it, and the port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    return runner, int(runner.addresses[0][1])
