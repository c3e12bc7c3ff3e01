"""Access tokens, against the sandbox's token endpoint: one for everybody, renewed in time, never begged for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx
import pytest
from aiohttp import web

from sinks.access_token import TOKEN_PATH, AccessTokens
from sinks.answer import Answer, NotSent
from sinks.assertion import CertificateCredentials
from sinks.client import NetSuiteClient
from sinks.deliver import Applied, Unauthorized
from sinks.sandbox.show import documents_of
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks import certificates, orders
from tests.sinks.account import account_behind_a_bad_line
from tests.sinks.bad_line import BadLine, Forward, bad_line, drop, page, says

TOKEN = ("POST", TOKEN_PATH)
EXPIRED = says(401, "Invalid login attempt.", "INVALID_LOGIN")


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(credentials=certificates.known("P-256")) as running:
        yield running


@pytest.fixture
async def line(sandbox: RunningSandbox) -> AsyncIterator[BadLine]:
    async with bad_line(sandbox.url) as line:
        yield line


@asynccontextmanager
async def client_on(
    line: BadLine, credentials: CertificateCredentials | None = None, **settings: float
) -> AsyncIterator[NetSuiteClient]:
    given = credentials or certificates.credentials("P-256")
    async with NetSuiteClient(line.url, "123456_SB1", given, **settings) as client:  # type: ignore[arg-type]
        yield client


async def ask(client: NetSuiteClient, times: int = 1) -> list[int]:
    """The answers to so many look-ups at once; 404 is that of somebody who was let in."""
    answers = await asyncio.gather(*(client.get_by_eid("customer", f"NUE-CUST-{n}") for n in range(times)))
    return [answer.status for answer in answers]


@pytest.mark.parametrize("kind", ["RSA-3072", "P-256", "P-384", "P-521"])
async def test_a_certificate_of_every_kind_gets_in(kind: str) -> None:
    with running_sandbox(credentials=certificates.known(kind)) as sandbox:
        async with NetSuiteClient(sandbox.url, "123456_SB1", certificates.credentials(kind)) as client:
            assert await ask(client) == [404]


async def test_requests_that_begin_together_fetch_one_token_and_later_ones_none(line: BadLine) -> None:
    async with client_on(line, concurrency=10) as client:
        assert await ask(client, 10) == [404] * 10
        assert await ask(client, 10) == [404] * 10
    assert line.calls.count(TOKEN) == 1
    assert line.calls[0] == TOKEN


class Tokens:
    """Tokens whose clock, and that of the sandbox, is the test's."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0
        self.statuses: list[int] = []

    async def work(self, tokens: AccessTokens, http: httpx.AsyncClient) -> None:
        async def send(request: httpx.Request) -> Answer:
            response = await http.send(request)
            self.statuses.append(response.status_code)
            return Answer(response.status_code, response.headers)

        request = http.build_request("GET", "/services/rest/record/v1/customer/1")
        await tokens.sent(request, send)


@pytest.mark.parametrize(("after", "issued"), [(3230, 1), (3250, 2)])
async def test_a_token_is_replaced_before_it_runs_out(after: float, issued: int) -> None:
    time = Tokens()
    with running_sandbox(credentials=certificates.known("P-256"), clock=lambda: time.now) as sandbox:
        async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False) as http:
            tokens = AccessTokens(
                http, certificates.credentials("P-256"), timeout=5, clock=lambda: time.now, now=lambda: time.now
            )
            await time.work(tokens, http)
            time.now += after
            await asyncio.gather(*(time.work(tokens, http) for _ in range(5)))
        assert sandbox.verifier.tokens.issued == issued
    assert time.statuses == [404] * 6


async def test_a_token_that_is_no_longer_good_is_replaced_once_for_all_who_carried_it(
    sandbox: RunningSandbox, line: BadLine
) -> None:
    async with client_on(line, concurrency=8) as client:
        assert await ask(client) == [404]
        sandbox.verifier.tokens.revoke()
        assert await ask(client, 8) == [404] * 8
    assert line.calls.count(TOKEN) == 2


async def test_a_write_that_met_the_end_of_its_token_is_written_once(sandbox: RunningSandbox) -> None:
    async with account_behind_a_bad_line(sandbox, certificate=certificates.credentials("P-256")) as account:
        sandbox.verifier.tokens.revoke()
        verdict = await account.deliver(orders.sales_order())
        assert isinstance(verdict, Applied)
        assert verdict.attempts == 1
        assert account.line.calls.count(TOKEN) == 1
    assert [stored["externalId"] for stored in documents(sandbox)] == [orders.sales_order().external_id]


def documents(sandbox: RunningSandbox) -> list[dict[str, str]]:
    held: list[dict[str, str]] = documents_of(sandbox.store)["documents"]
    return held


async def test_a_new_token_that_is_refused_stops_everything_after_one_more_request(
    sandbox: RunningSandbox, line: BadLine
) -> None:
    async with client_on(line, concurrency=8) as client:
        assert await ask(client) == [404]
        sandbox.verifier.tokens.revoke()
        line.next("GET", *[EXPIRED] * 20)
        asked = [client.get_by_eid("customer", str(n)) for n in range(8)]
        ended = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, Unauthorized) for each in ended), ended
    assert len([call for call in line.calls if call[0] == "GET"]) == 1 + 8 + 1
    assert line.calls.count(TOKEN) == 2


async def test_a_first_token_that_is_refused_is_not_replaced(line: BadLine) -> None:
    line.next("GET", *[EXPIRED] * 20)
    async with client_on(line, concurrency=8) as client:
        asked = [client.get_by_eid("customer", str(n)) for n in range(8)]
        ended = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, Unauthorized) for each in ended)
    assert [call[0] for call in line.calls] == ["POST", "GET"]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"client_id": "another"}, r"\(invalid_client\): check the client id"),
        ({"certificate_id": "another"}, r"\(invalid_grant\): check the certificate id"),
        ({"which": 1}, r"\(invalid_grant\): .* the private key belongs to it, and this machine's clock"),
    ],
)
async def test_a_refusal_of_a_token_stops_every_command_after_one_attempt_and_says_what_to_check(
    sandbox: RunningSandbox, wrong: dict[str, str], told: str
) -> None:
    credentials = certificates.credentials("P-256", **wrong)  # type: ignore[arg-type]
    async with account_behind_a_bad_line(sandbox, prepared=False, certificate=credentials) as account:
        commands = [account.deliver(orders.customer(f"NUE-CUST-{n}")) for n in range(8)]
        ended = await asyncio.gather(*commands, return_exceptions=True)
        assert account.line.calls == [TOKEN]
        with pytest.raises(Unauthorized, match=told):
            await account.deliver(orders.item())
        assert account.line.calls == [TOKEN]
        assert account.time.sleeps == []
    assert all(isinstance(each, Unauthorized) for each in ended)


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_page_that_refuses_in_place_of_the_token_endpoint_stops_too(line: BadLine, status: int) -> None:
    line.next("POST", page(status), path=TOKEN_PATH)
    async with client_on(line) as client:
        with pytest.raises(Unauthorized, match=f"HTTP {status}.*check the account"):
            await ask(client)


async def test_a_token_endpoint_that_fails_is_asked_again_after_pauses_and_nothing_else_is_sent(
    sandbox: RunningSandbox,
) -> None:
    async with account_behind_a_bad_line(
        sandbox, prepared=False, certificate=certificates.credentials("P-256")
    ) as account:
        wait = says(429, "Too many requests", "CONCURRENCY_LIMIT_EXCEEDED", Retry_After="40")
        account.line.next("POST", page(503), drop, wait, page(200), path=TOKEN_PATH)
        assert isinstance(await account.deliver(orders.item()), Applied)
        assert account.line.calls[:5] == [TOKEN] * 5
        assert account.line.calls.count(TOKEN) == 5
        assert account.time.sleeps == [1.0, 2.0, 40.0, 8.0]


async def _stall(_request: web.BaseRequest, forward: Forward) -> web.Response:
    await asyncio.sleep(0.5)
    return await forward()


async def test_a_token_endpoint_that_does_not_answer_means_that_the_request_was_never_sent(line: BadLine) -> None:
    line.next("POST", _stall, path=TOKEN_PATH)
    async with client_on(line, timeout=0.1) as client:
        with pytest.raises(NotSent, match="no access token: TimeoutError"):
            await ask(client)
    assert line.calls == [TOKEN]


async def test_who_is_cancelled_while_a_token_is_fetched_takes_it_away_from_nobody(line: BadLine) -> None:
    line.next("POST", _stall, path=TOKEN_PATH)
    async with client_on(line) as client:
        first, second = (asyncio.create_task(ask(client)) for _ in "ab")
        await asyncio.sleep(0.2)
        first.cancel()
        assert await second == [404]
    assert line.calls.count(TOKEN) == 1


async def test_signatures_are_refused_once_and_never_tried_again(sandbox: RunningSandbox) -> None:
    async with account_behind_a_bad_line(sandbox, prepared=False, token_secret="another") as account:
        commands = [account.deliver(orders.customer(f"NUE-CUST-{n}")) for n in range(8)]
        ended = await asyncio.gather(*commands, return_exceptions=True)
        assert len(account.line.calls) == 1
    assert all(isinstance(each, Unauthorized) for each in ended)
    assert not sandbox.verifier.is_locked
