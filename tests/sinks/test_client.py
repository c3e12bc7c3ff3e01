"""The client over real sockets, against servers that behave and servers that do not."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from sinks.answer import NoAnswer, NotSent
from sinks.client import NetSuiteClient, query_string
from sinks.signing import Credentials
from sinks.translate import Request

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
CREDENTIALS = Credentials(
    consumer_key="key",
    consumer_secret=SecretStr("consumer-secret-that-must-not-show"),
    token_id="token-id-that-must-not-show",
    token_secret=SecretStr("token-secret-that-must-not-show"),
)
POST = Request(method="POST", record="customer", path="customer", body={"externalId": "x", "amount": Decimal("0.10")})


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def client_of(handler: Handler, **settings: Any) -> AsyncIterator[NetSuiteClient]:
    async with (
        serving(handler) as url,
        NetSuiteClient(url, "123456", CREDENTIALS, **settings) as client,
    ):
        yield client


async def test_a_write_is_sent_as_translated_and_its_answer_given_back() -> None:
    seen: list[tuple[str, str, str | None, bytes]] = []

    async def handler(request: web.BaseRequest) -> web.Response:
        strict = request.headers.get("X-NetSuite-PropertyNameValidation")
        seen.append((request.method, request.path, strict, await request.read()))
        return web.Response(status=204, headers={"Location": "http://x.example/services/rest/record/v1/customer/42"})

    async with client_of(handler) as client:
        answer = await client.write(POST)
    assert seen == [("POST", "/services/rest/record/v1/customer", "Error", b'{"amount":0.10,"externalId":"x"}')]
    assert (answer.status, answer.body) == (204, None)
    assert answer.headers["location"].endswith("/42")


async def test_a_record_is_asked_for_by_external_id_with_its_lines_and_read_with_exact_decimals() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        assert request.raw_path == "/services/rest/record/v1/salesOrder/eid:NUE-SO-1?expandSubResources=true"
        return web.Response(text='{"id": "1", "total": 0.10000000000000000001}', content_type="application/json")

    async with client_of(handler) as client:
        answer = await client.get_by_eid("salesOrder", "NUE-SO-1")
    assert answer.body == {"id": "1", "total": Decimal("0.10000000000000000001")}


async def test_suiteql_is_transient_and_binds_its_values() -> None:
    async def handler(request: web.BaseRequest) -> web.Response:
        assert request.headers["Prefer"] == "transient"
        return web.json_response({"items": [await request.json()]})

    async with client_of(handler) as client:
        answer = await client.suiteql("SELECT id FROM term WHERE name = ?", ["Net 30' OR 1=1"])
    assert answer.body == {"items": [{"q": "SELECT id FROM term WHERE name = ?", "params": ["Net 30' OR 1=1"]}]}


async def test_every_request_has_a_signature_of_its_own() -> None:
    signatures = []

    async def handler(request: web.BaseRequest) -> web.Response:
        signatures.append(request.headers.getall("Authorization"))
        return web.Response(status=503)

    async with client_of(handler) as client:
        for _ in range(3):
            await client.write(POST)
    assert all(len(header) == 1 for header in signatures)
    assert len({header[0] for header in signatures}) == 3


@pytest.mark.parametrize("status", [301, 400, 401, 404, 429, 500, 503])
async def test_every_status_is_an_answer_and_no_redirect_is_followed(status: int) -> None:
    calls = 0

    async def handler(request: web.BaseRequest) -> web.Response:
        nonlocal calls
        calls += 1
        return web.Response(status=status, text="<html>", headers={"Location": "/elsewhere"})

    async with client_of(handler) as client:
        answer = await client.write(POST)
    assert (answer.status, answer.body, calls) == (status, None, 1)


async def test_a_refused_connection_was_certainly_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else gets the port, and nobody answers
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        async with NetSuiteClient(url, "123456", CREDENTIALS) as client:
            with pytest.raises(NotSent, match="ConnectError"):
                await client.write(POST)


async def _cut(request: web.BaseRequest) -> web.Response:
    await request.read()
    assert request.transport
    request.transport.abort()
    return web.Response()


async def _hang(request: web.BaseRequest) -> web.Response:
    await asyncio.sleep(30)
    return web.Response()


async def _drip(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.05)


async def _promise_more(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "100"})
    await response.prepare(request)
    await response.write(b"{}")
    assert request.transport
    request.transport.close()
    return response


async def _garble(request: web.BaseRequest) -> web.Response:
    return web.Response(body=b"not gzip", headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize("handler", [_cut, _hang, _drip, _promise_more, _garble])
async def test_whatever_breaks_after_the_request_left_is_no_answer(handler: Handler) -> None:
    async with client_of(handler, timeout=0.3) as client:
        with pytest.raises(NoAnswer):
            await client.write(POST)


async def test_no_more_requests_run_at_once_than_the_account_allows_and_waiting_is_no_fault() -> None:
    running = most = 0

    async def handler(request: web.BaseRequest) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.4)
        running -= 1
        return web.json_response({"id": "1"})

    async with client_of(handler, timeout=2.0, concurrency=2) as client:
        answers = await asyncio.gather(*(client.get_by_eid("customer", str(number)) for number in range(12)))
    assert [answer.status for answer in answers] == [200] * 12
    assert most == 2


async def test_fewer_requests_run_at_once_after_the_account_turned_some_away() -> None:
    running = most = 0
    is_busy = True

    async def handler(request: web.BaseRequest) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.05)
        running -= 1
        return web.json_response({"id": "1"}, status=429 if is_busy else 200)

    async with client_of(handler, concurrency=8) as client:
        await asyncio.gather(*(client.get_by_eid("customer", str(number)) for number in range(8)))
        is_busy, most = False, 0
        await asyncio.gather(*(client.get_by_eid("customer", str(number)) for number in range(8)))
    assert most in (4, 5)  # the first of them raise it again


async def test_a_proxy_of_the_environment_is_not_used_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    async def handler(request: web.BaseRequest) -> web.Response:
        return web.json_response({"id": "1"})

    async with client_of(handler) as client:
        assert (await client.get_by_eid("customer", "1")).status == 200


async def test_a_proxy_of_the_environment_is_used_for_the_world_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    async def proxy(request: web.BaseRequest) -> web.Response:
        asked.append(f"{request.method} {request.headers['Host']}")
        return web.Response(status=403)

    async with serving(proxy) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        async with NetSuiteClient("https://123456.suitetalk.example", "123456", CREDENTIALS) as client:
            with pytest.raises(NotSent, match="ProxyError"):
                await client.write(POST)
    assert asked == ["CONNECT 123456.suitetalk.example:443"]


@pytest.mark.parametrize("handler", [_cut, _garble])
async def test_credentials_are_in_no_error_and_no_log(handler: Handler, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with client_of(handler) as client:
        with pytest.raises(NoAnswer) as caught:
            await client.write(POST)
    shown = f"{caught.value!r} {caught.value.__cause__!r} {client!r} {caplog.text}"
    assert "must-not-show" not in shown
    assert "oauth_signature" not in shown


def test_a_query_string_spells_spaces_and_plus_signs_out() -> None:
    assert query_string({"q": "a b+c&d"}) == "?q=a%20b%2Bc%26d"
    assert query_string({}) == ""
    assert json.loads(POST.content) == {"externalId": "x", "amount": 0.1}
