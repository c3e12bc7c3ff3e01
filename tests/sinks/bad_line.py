"""A line to NetSuite that fails on demand: an HTTP server in front of the sandbox, with real sockets on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

import httpx
from aiohttp import web
from multidict import CIMultiDict

Forward = Callable[[], Awaitable[web.Response]]
Trouble = Callable[[web.BaseRequest, Forward], Awaitable[web.StreamResponse]]
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length"}


async def lose_answer(request: web.BaseRequest, forward: Forward) -> web.Response:
    """NetSuite does it; the connection breaks before its answer arrives."""
    await forward()
    return await drop(request, forward)


async def drop(request: web.BaseRequest, _forward: Forward) -> web.Response:
    """The connection breaks before NetSuite sees anything."""
    assert request.transport
    request.transport.abort()
    return web.Response()


async def fail_after_commit(_request: web.BaseRequest, forward: Forward) -> web.Response:
    """NetSuite does it, and then one of the account's own scripts fails."""
    await forward()
    return said(500, "An unexpected error occurred. Error ID: 1", "UNEXPECTED_ERROR")


async def lose_location(_request: web.BaseRequest, forward: Forward) -> web.Response:
    """NetSuite does it; something in between takes the header away that says where."""
    await forward()
    return web.Response(status=204)


async def forwarded(_request: web.BaseRequest, forward: Forward) -> web.Response:
    """Nothing is wrong."""
    return await forward()


def says(status: int, detail: str, code: str = "USER_ERROR", **headers: str) -> Trouble:
    """NetSuite refuses without doing anything."""

    async def trouble(_request: web.BaseRequest, _forward: Forward) -> web.Response:
        response = said(status, detail, code)
        response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return response

    return trouble


def page(status: int) -> Trouble:
    """Something in between answers with a page of its own."""

    async def trouble(_request: web.BaseRequest, _forward: Forward) -> web.Response:
        return web.Response(status=status, text="<html>maintenance</html>", content_type="text/html")

    return trouble


def said(status: int, detail: str, code: str) -> web.Response:
    error = {"detail": detail, "o:errorCode": code}
    return web.json_response({"title": "Error", "status": status, "o:errorDetails": [error]}, status=status)


class Straggler:
    """A request that nobody waits for any more, and that NetSuite finishes when the test says so."""

    def __init__(self) -> None:
        self._go = asyncio.Event()
        self._done = asyncio.Event()

    async def __call__(self, request: web.BaseRequest, forward: Forward) -> web.Response:
        running = asyncio.ensure_future(self._finish(forward))
        response = await drop(request, forward)
        self._running = running
        return response

    async def _finish(self, forward: Forward) -> None:
        await self._go.wait()
        await forward()
        self._done.set()

    @property
    def finished(self) -> bool:
        """Whether NetSuite has done it."""
        return self._done.is_set()

    async def finish(self) -> None:
        """Let NetSuite finish the request."""
        self._go.set()
        await self._done.wait()


class BadLine:
    """The server in front.

    ``calls`` are the requests as (method, path below the service), in order, ``signatures`` and ``forms`` what they
    logged in with.
    """

    def __init__(self, sandbox_url: str) -> None:
        self.calls: list[tuple[str, str]] = []
        self.signatures: list[str] = []
        self.forms: list[str] = []
        self.url = ""
        self._upstream = httpx.AsyncClient(base_url=sandbox_url, trust_env=False, timeout=30)
        self._troubles: list[tuple[str, str, Trouble]] = []

    def next(self, method: str, *troubles: Trouble, path: str = "") -> Self:
        """What the next requests of this method, with ``path`` in their path, meet, one after the other."""
        self._troubles += [(method, path, trouble) for trouble in troubles]
        return self

    def writes(self) -> list[tuple[str, str]]:
        """The requests that would change something."""
        return [(method, path) for method, path in self.calls if method != "GET" and "suiteql" not in path]

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.calls.append((request.method, request.path.removeprefix("/services/rest/record/v1/")))
        self.signatures.append(request.headers.get("Authorization", ""))
        if request.content_type == "application/x-www-form-urlencoded":
            self.forms.append(body.decode())

        async def forward() -> web.Response:
            answer = await self._upstream.request(
                request.method, request.raw_path, headers=list(request.headers.items()), content=body
            )
            kept = CIMultiDict(
                (name, value) for name, value in answer.headers.multi_items() if name.lower() not in _HOP_BY_HOP
            )
            return web.Response(status=answer.status_code, headers=kept, body=answer.content)

        for number, (method, path, trouble) in enumerate(self._troubles):
            if method == request.method and path in request.path:
                del self._troubles[number]
                return await trouble(request, forward)
        return await forward()

    async def close(self) -> None:
        await self._upstream.aclose()


@asynccontextmanager
async def bad_line(sandbox_url: str) -> AsyncIterator[BadLine]:
    """A line to ``sandbox_url`` that behaves until told otherwise."""
    line = BadLine(sandbox_url)
    runner = web.ServerRunner(web.Server(line.serve), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    line.url = f"http://{host}:{port}"
    try:
        yield line
    finally:
        await runner.cleanup()
        await line.close()
