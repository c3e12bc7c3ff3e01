"""The sandbox over HTTP: NetSuite's record service and SuiteQL, and pages of its own to look at what it holds."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal

import msgspec
from aiohttp import web

from sinks.sandbox import suiteql
from sinks.sandbox.auth import SandboxCredentials, Verifier
from sinks.sandbox.errors import Refused, invalid_content, nonexistent, too_many_requests
from sinks.sandbox.page import page_of
from sinks.sandbox.records import CUSTOM_FIELDS, Checker, check_mandatory, complete, merged, total_of
from sinks.sandbox.show import documents_of, record_json
from sinks.sandbox.store import FAMILY, Body, Store, Stored

__all__ = ["SandboxCredentials", "build_app", "serve"]

_RECORDS = {name.lower(): name for name in FAMILY}
_EID = "eid:"
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class Sandbox:
    """The request handlers, and a count of what they did."""

    def __init__(
        self,
        store: Store,
        credentials: SandboxCredentials,
        latency: Callable[[], float],
        concurrency: int | None,
        custom_fields: Mapping[str, frozenset[str]],
    ) -> None:
        self._store = store
        self._verifier = Verifier(credentials)
        self._latency = latency
        self._concurrency = concurrency
        self._custom_fields = custom_fields
        self._requests: Counter[str] = Counter()
        self._running = 0
        self._peak = 0

    @web.middleware
    async def as_netsuite(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Authenticate, limit, delay, count, and answer refusals with their bodies."""
        if not request.path.startswith("/services/"):
            return await handler(request)
        self._running += 1
        self._peak = max(self._peak, self._running)
        try:
            url = f"{request.scheme}://{request.host}{request.raw_path}"
            self._verifier.verify(request.method, url, request.headers.get("Authorization"))
            if self._concurrency is not None and self._running > self._concurrency:
                raise too_many_requests()
            if delay := self._latency():
                await asyncio.sleep(delay)
            answer = await handler(request)
        except Refused as refused:
            answer = refused.response()
        finally:
            self._running -= 1
        kind = request.match_info.get("record", "suiteql").lower()
        self._requests[f"{request.method} {_RECORDS.get(kind, kind)} {answer.status}"] += 1
        return answer

    def _record(self, request: web.Request) -> str:
        record = _RECORDS.get(request.match_info["record"].lower())
        if record is None:
            raise Refused(f"Record type {request.match_info['record']!r} does not exist.", status=404)
        return record

    def _stored(self, request: web.Request) -> Stored:
        record, name = self._record(request), request.match_info["id"]
        if name.startswith(_EID):
            found = self._store.get_external(record, name.removeprefix(_EID))
        else:
            found = self._store.get(record, name)
        if found is None:
            raise nonexistent()
        return found

    async def create(self, request: web.Request) -> web.Response:
        """POST: a new record; 204 and where it is."""
        record = self._record(request)
        checker = self._checker(request, record)
        body, lines = checker.body(await _content(request))
        return self._created(request, checker, body, lines)

    def _created(self, request: web.Request, checker: Checker, body: Body, lines: list[Body] | None) -> web.Response:
        present = {name: value for name, value in body.items() if value is not None}
        kept = complete(lines or [])
        check_mandatory(checker.record, present, kept)
        is_transaction = FAMILY[checker.record] == "transaction"
        total = total_of(kept, self._store.tax_rate) if is_transaction else None
        internal_id = self._store.create(checker.record, present, kept, total)
        return _no_content(request, checker, internal_id)

    async def read(self, request: web.Request) -> web.Response:
        """GET: one record."""
        stored = self._stored(request)
        expand = request.query.get("expandSubResources") == "true"
        return _json(record_json(self._store, stored, _root(request), expand=expand))

    async def update(self, request: web.Request) -> web.Response:
        """PATCH: omitted fields stay, null empties one."""
        stored = self._stored(request)
        checker = self._checker(request, stored.type)
        body, lines = checker.body(await _content(request))
        return self._updated(request, checker, stored, body, lines)

    def _updated(
        self, request: web.Request, checker: Checker, stored: Stored, body: Body, lines: list[Body] | None
    ) -> web.Response:
        replaced = set(request.query.get("replace", "").split(","))
        changed = dict(stored.body)
        for name, value in body.items():
            if isinstance(value, dict) and isinstance(value.get("items"), list) and name not in replaced:
                earlier = stored.body.get(name, {}).get("items", [])
                changed[name] = {"items": [*earlier, *value["items"]]}
            else:
                changed[name] = value
        changed = {name: value for name, value in changed.items() if value is not None}
        numbered = list(stored.lines)
        if lines is not None:
            numbered = merged(stored, lines, replace="item" in replaced or not lines)
        kept = [line for _, line in numbered]
        check_mandatory(stored.type, changed, kept)
        is_transaction = FAMILY[stored.type] == "transaction"
        total = total_of(kept, self._store.tax_rate) if is_transaction else None
        self._store.replace(stored, changed, numbered, total)
        return _no_content(request, checker, stored.id)

    async def upsert(self, request: web.Request) -> web.Response:
        """PUT: only by external id; creates or updates, and does not say which."""
        record, name = self._record(request), request.match_info["id"]
        if not name.startswith(_EID):
            raise invalid_content("id", name, "id")
        external_id = name.removeprefix(_EID)
        checker = self._checker(request, record)
        body, lines = checker.body(await _content(request))
        stored = self._store.get_external(record, external_id)
        if stored is None:
            return self._created(request, checker, {**body, "externalId": external_id}, lines)
        return self._updated(request, checker, stored, body, lines)

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE: the record is gone."""
        self._store.delete(self._stored(request))
        return web.Response(status=204)

    async def suiteql(self, request: web.Request) -> web.Response:
        """SuiteQL: rows of a query."""
        content = await _content(request)
        prefer = request.headers.get("Prefer", "")
        return _json(suiteql.answer(self._store, content, request.query, prefer))

    async def report(self, _: web.Request) -> web.Response:
        """What was asked so far, and how much of it at once."""
        return _json({"requests": dict(sorted(self._requests.items())), "peakConcurrency": self._peak})

    async def documents(self, _: web.Request) -> web.Response:
        """Everything the sandbox holds, as JSON."""
        return _json(documents_of(self._store))

    async def page(self, _: web.Request) -> web.Response:
        """Everything the sandbox holds, as a page."""
        return web.Response(text=page_of(documents_of(self._store)), content_type="text/html")

    async def health(self, _: web.Request) -> web.Response:
        """The server answers."""
        return web.Response(text="ok\n")

    def _checker(self, request: web.Request, record: str) -> Checker:
        naming = request.headers.get("X-NetSuite-PropertyNameValidation", "Warning").capitalize()
        return Checker(self._store, record, self._custom_fields, naming)


async def _content(request: web.Request) -> object:
    try:
        return json.loads(await request.text(), parse_float=Decimal, parse_int=Decimal)
    except ValueError as error:
        raise Refused("Invalid content in the request body.", code="INVALID_CONTENT") from error


def _json(content: object) -> web.Response:
    return web.Response(body=_ENCODER.encode(content), content_type="application/json")


def _root(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}/services/rest/record/v1"


def _no_content(request: web.Request, checker: Checker, internal_id: int) -> web.Response:
    headers = {"Location": f"{_root(request)}/{checker.record.lower()}/{internal_id}"}
    if checker.warnings:
        headers["X-NetSuite-PropertyValidation"] = "Warning"
        headers["X-NetSuite-Warning"] = "; ".join(checker.warnings)
    return web.Response(status=204, headers=headers)


def build_app(
    store: Store,
    credentials: SandboxCredentials,
    *,
    latency: Callable[[], float] | float = 0.0,
    concurrency: int | None = None,
    custom_fields: Mapping[str, frozenset[str]] = CUSTOM_FIELDS,
) -> web.Application:
    """The sandbox as an application.

    ``latency`` is how long a request takes, in seconds, or a function that draws it; ``concurrency`` is the
    account's limit, above which requests are answered with 429.
    """
    drawn: Callable[[], float] = latency if callable(latency) else lambda: latency
    sandbox = Sandbox(store, credentials, drawn, concurrency, custom_fields)
    app = web.Application(middlewares=[sandbox.as_netsuite], client_max_size=104 * 1024 * 1024)
    records = "/services/rest/record/v1/{record}"
    app.add_routes(
        [
            web.post(records, sandbox.create),
            web.get(records + "/{id}", sandbox.read),
            web.patch(records + "/{id}", sandbox.update),
            web.put(records + "/{id}", sandbox.upsert),
            web.delete(records + "/{id}", sandbox.delete),
            web.post("/services/rest/query/v1/suiteql", sandbox.suiteql),
            web.get("/sandbox/report", sandbox.report),
            web.get("/sandbox/documents", sandbox.documents),
            web.get("/health", sandbox.health),
            web.get("/", sandbox.page),
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
