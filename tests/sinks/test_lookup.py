"""What documents name is looked up in NetSuite over HTTP, where the outcomes do not tell it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from schemas.command import CreateReturnAuthorization, CreateSalesOrder
from sinks.deliver import Applied, Missing, Refused, Unauthorized
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.sinks.account import Account, account_behind_a_bad_line
from tests.sinks.bad_line import says
from tests.sinks.orders import CUSTOMER, SEAT, SETUP


@pytest.fixture
def sandbox() -> Iterator[Any]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
async def account(sandbox: Any) -> AsyncIterator[Account]:
    async with account_behind_a_bad_line(sandbox) as made:
        yield made


async def test_a_role_that_may_not_run_look_ups_stops_the_sink(account: Account) -> None:
    account.line.next("POST", says(403, "Your current role does not have permission."), path="suiteql")
    with pytest.raises(Unauthorized, match="does not have permission"):
        await account.deliver(orders.sales_order(currency="EUR"))


async def test_references_come_from_outcomes_else_from_one_query_and_are_remembered(account: Account) -> None:
    await account.deliver(orders.sales_order())  # so that the currency is known
    account.line.calls.clear()
    known, account.known = account.known, {}
    lines = (orders.line(), orders.line("line-2"))
    for number in (7, 8):
        verdict = await account.deliver(orders.sales_order(f"NUE-SO-{number}", lines=lines))
        assert isinstance(verdict, Applied)
    queries = [path for _, path in account.line.calls if "suiteql" in path]
    assert len(queries) == 2  # one for the customer, one for the items
    record = await account.record("salesOrder", "NUE-SO-8")
    assert record is not None
    assert record["entity"]["id"] == known[CUSTOMER]
    assert record["item"]["items"][1]["item"]["id"] == known[SEAT]


@pytest.mark.parametrize(
    ("document", "missing"),
    [
        (orders.sales_order(entity="NUE-CUST-nobody"), "NUE-CUST-nobody"),
        (orders.sales_order(lines=(orders.line(), orders.line("line-2", SETUP))), SETUP),
    ],
)
async def test_a_document_whose_customer_or_item_is_not_there_is_not_sent(
    account: Account, document: CreateSalesOrder | CreateReturnAuthorization, missing: str
) -> None:
    assert await account.deliver(document) == Missing(external_id=missing)
    assert account.line.writes() == []
    await account.deliver(orders.customer("NUE-CUST-nobody"))
    await account.deliver(orders.item(SETUP))
    assert isinstance(await account.deliver(document), Applied)  # asked again, not remembered as absent


async def test_an_unknown_currency_is_refused_by_name(account: Account) -> None:
    assert await account.deliver(orders.sales_order(currency="XTS")) == Refused(
        reason="currency XTS is not known in NetSuite"
    )


async def test_external_ids_are_found_in_whatever_case_netsuite_has_them(account: Account) -> None:
    account.known = {}
    shouted = orders.sales_order(entity=CUSTOMER.upper(), lines=(orders.line(item_id=SEAT.upper()),))
    assert isinstance(await account.deliver(shouted), Applied)


async def test_after_a_refusal_references_are_looked_up_again(account: Account) -> None:
    account.known = {}
    account.line.next("POST", says(400, "Invalid entity."), path="salesOrder")
    assert isinstance(await account.deliver(orders.sales_order()), Refused)
    account.line.calls.clear()
    assert isinstance(await account.deliver(orders.sales_order()), Applied)
    assert [path for _, path in account.line.calls if "suiteql" in path] != []


async def test_documents_that_need_the_same_currency_at_once_ask_for_it_once(account: Account) -> None:
    verdicts = await asyncio.gather(
        *(account.deliver(orders.sales_order(f"NUE-SO-{n}", currency="EUR")) for n in range(5))
    )
    assert not [each for each in verdicts if not isinstance(each, Applied)]
    assert len([path for _, path in account.line.calls if "suiteql" in path]) == 1
    nobody_knows = [account.deliver(orders.sales_order(f"NUE-SO-{n}", currency="XTS")) for n in range(5, 8)]
    assert {type(each) for each in await asyncio.gather(*nobody_knows)} == {Refused}
