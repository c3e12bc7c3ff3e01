"""Before a document is given up, NetSuite is asked whether it holds it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest

from schemas.outcome import Result
from sinks.answer import NoAnswer
from sinks.deliver import Absent, Applied, Refused
from sinks.translate import Defaults, References, request_for
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.sinks.account import Account, account_behind_a_bad_line
from tests.sinks.bad_line import Straggler, says


@pytest.fixture
def sandbox() -> Iterator[Any]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
async def account(sandbox: Any) -> AsyncIterator[Account]:
    async with account_behind_a_bad_line(sandbox) as made:
        yield made


async def search(account: Account, **changes: Any) -> Any:
    given = {name: changes.pop(name) for name in ("inherited_until", "on_quiet", "on_resumed") if name in changes}
    return await account.deliverer.search(orders.sales_order(**changes), account.known, **given)


async def test_what_nothing_stands_for_is_absent_and_nothing_is_written(account: Account) -> None:
    assert await search(account) == Absent()
    assert account.line.writes() == []
    assert account.time.sleeps == []


async def test_a_document_that_was_made_is_found(account: Account) -> None:
    made = await account.deliver(orders.sales_order())
    account.line.calls.clear()
    verdict = await search(account)
    assert isinstance(verdict, Applied)
    assert (verdict.result, verdict.internal_id) == (Result.FOUND, made.internal_id)
    assert account.line.writes() == []


async def test_a_different_document_is_not_ours_and_is_named(account: Account) -> None:
    made = await account.deliver(orders.sales_order())
    verdict = await search(account, lines=(orders.line(amount=Decimal("1.00")),))
    assert isinstance(verdict, Absent)
    assert made.internal_id in verdict.note


async def test_a_document_of_a_customer_that_is_not_there_is_not_what_stands_under_its_id(account: Account) -> None:
    await account.deliver(orders.sales_order())
    verdict = await search(account, entity="NUE-CUST-nobody")
    assert isinstance(verdict, Absent)
    assert verdict.note


async def test_a_document_that_an_earlier_sink_sent_and_that_commits_late_is_found(account: Account) -> None:
    straggler = Straggler()
    said: list[str] = []
    account.line.next("POST", straggler, path="salesOrder")
    currency = (await account.client.suiteql("SELECT id FROM currency WHERE symbol = ?", ["USD"])).body
    assert isinstance(currency, dict)
    references = References(ids=account.known, currency=str(currency["items"][0]["id"]))
    with pytest.raises(NoAnswer):  # the earlier sink gets no answer, and ends
        await account.client.write(request_for(orders.sales_order(), references, Defaults()))
    assert not straggler.finished
    account.time.meanwhile = straggler.finish
    verdict = await search(
        account,
        inherited_until=account.time.now + 900,
        on_quiet=lambda: said.append("quiet"),
        on_resumed=lambda: said.append("resumed"),
    )
    assert isinstance(verdict, Applied)
    assert verdict.result is Result.FOUND
    assert (account.time.sleeps, said) == ([900], ["quiet", "resumed"])


async def test_a_document_that_netsuite_does_not_show_is_neither_found_nor_absent(account: Account) -> None:
    await account.deliver(orders.sales_order())
    account.line.next("GET", says(400, "This record has been locked by a user defined workflow."))
    verdict = await search(account)
    assert isinstance(verdict, Refused)
    assert "could not be compared" in verdict.reason
