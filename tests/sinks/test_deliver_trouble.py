"""What fails for good: a command that NetSuite never takes, and a login that it refuses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from schemas.outcome import Result
from sinks.deliver import Applied, Refused, Unauthorized
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.sinks.account import REQUEST_LIMIT, Account, account_behind_a_bad_line
from tests.sinks.bad_line import (
    Forward,
    forwarded,
    lose_answer,
    page,
    says,
)


@pytest.fixture
def sandbox() -> Iterator[Any]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
async def account(sandbox: Any) -> AsyncIterator[Account]:
    async with account_behind_a_bad_line(sandbox) as made:
        yield made


async def test_netsuites_own_failure_on_one_document_becomes_a_refusal_once_others_go_through(account: Account) -> None:
    failure = says(500, "An unexpected error occurred. Error ID: 7", "UNEXPECTED_ERROR")
    account.line.next("POST", *[failure] * 1000, path="salesOrder")
    failing = asyncio.ensure_future(account.deliver(orders.sales_order()))
    await account.time.slept(6)  # twice the limit, and still no refusal: nothing else has been accepted
    assert isinstance(await account.deliver(orders.return_authorization()), Applied)
    verdict = await asyncio.wait_for(failing, 20)
    assert isinstance(verdict, Refused)
    assert verdict.reason == "NetSuite refuses it: An unexpected error occurred. Error ID: 7"
    assert verdict.status == 500


async def test_a_document_that_netsuite_fails_to_show_is_asked_for_by_query_once_others_go_through(
    account: Account,
) -> None:
    failure = says(500, "An unexpected error occurred. Error ID: 7", "UNEXPECTED_ERROR")
    account.line.next("POST", lose_answer, path="salesOrder")
    account.line.next("GET", *[failure] * 1000, path="salesOrder")
    failing = asyncio.ensure_future(account.deliver(orders.sales_order()))
    await account.time.slept(6)
    assert isinstance(await account.deliver(orders.return_authorization()), Applied)
    verdict = await asyncio.wait_for(failing, 20)
    assert isinstance(verdict, Refused)
    assert "could not be compared" in verdict.reason


@pytest.mark.parametrize("status", [413, 403, 404, 504])
async def test_an_answer_that_is_not_netsuites_becomes_a_refusal_once_others_go_through(
    account: Account, status: int
) -> None:
    account.line.next("POST", *[page(status)] * 1000, path="salesOrder")
    failing = asyncio.ensure_future(account.deliver(orders.sales_order()))
    await account.time.slept(6)
    assert not failing.done()
    assert isinstance(await account.deliver(orders.return_authorization()), Applied)
    verdict = await asyncio.wait_for(failing, 20)
    assert isinstance(verdict, Refused)
    assert verdict.reason == f"NetSuite refuses it: HTTP {status} without NetSuite's words"
    assert verdict.status == status
    assert len([each for each in account.time.sleeps if each > REQUEST_LIMIT / 2]) == 1


async def test_a_document_that_failed_all_through_an_outage_is_tried_again_after_it(account: Account) -> None:
    over = asyncio.Event()

    async def look_up_after_the_outage(_request: Any, forward: Forward) -> Any:
        await over.wait()
        return await forward()

    failure = says(500, "An unexpected error occurred. Error ID: 7", "UNEXPECTED_ERROR")
    account.line.next("POST", *[failure] * 5, path="salesOrder")
    account.line.next("GET", *[forwarded] * 4, look_up_after_the_outage, path="salesOrder")
    failing = asyncio.ensure_future(account.deliver(orders.sales_order()))
    await account.time.slept(5)
    assert isinstance(await account.deliver(orders.return_authorization()), Applied)
    over.set()
    assert isinstance(await asyncio.wait_for(failing, 20), Applied)


async def test_a_refused_login_is_attempted_once_however_many_commands_begin_at_once(sandbox: Any) -> None:
    async with account_behind_a_bad_line(sandbox, prepared=False, token_secret="not-the-secret") as account:
        items = [orders.item(f"NUE-ITEM-{number}") for number in range(5)]
        verdicts = await asyncio.gather(*map(account.deliver, items), return_exceptions=True)
        assert [type(verdict) for verdict in verdicts] == [Unauthorized] * 5
        assert len(account.line.calls) == 1


async def test_commands_go_side_by_side_once_the_login_has_worked(sandbox: Any) -> None:
    both = asyncio.Barrier(2)

    async def meet(_request: Any, forward: Forward) -> Any:
        await both.wait()
        return await forward()

    async with account_behind_a_bad_line(sandbox, prepared=False) as account:
        account.line.next("POST", forwarded, meet, meet)
        items = [orders.item(f"NUE-ITEM-{number}") for number in range(3)]
        verdicts = await asyncio.wait_for(asyncio.gather(*map(account.deliver, items)), 10)
        assert {verdict.result for verdict in verdicts} == {Result.CREATED}


async def test_a_refused_login_stops_the_sink_after_one_attempt(sandbox: Any) -> None:
    async with account_behind_a_bad_line(sandbox, prepared=False, token_secret="not-the-secret") as account:
        with pytest.raises(Unauthorized, match="Invalid login attempt") as caught:
            await account.deliver(orders.item())
        assert len(account.line.calls) == 1
    assert "not-the-secret" not in f"{caught.value!r}"
