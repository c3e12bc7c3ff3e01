"""A whole history is delivered again to an account that holds it: a few look-ups instead of two calls per command."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.command import Command, UpsertItem
from schemas.outcome import Result
from sinks.census import Census
from sinks.deliver import Applied, Refused
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.sinks.account import Account, account_behind_a_bad_line
from tests.sinks.bad_line import says

MANY = 120


@pytest.fixture
def sandbox() -> Iterator[Any]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
async def account(sandbox: Any) -> AsyncIterator[Account]:
    async with account_behind_a_bad_line(sandbox, prepared=False) as made:
        yield made


def customers() -> list[Command]:
    return [
        orders.customer(f"NUE-CUST-{n}", f"order-{n}", phone=f"+1 555 {n}", customer_since=date(2024, 1, 1 + n % 28))
        for n in range(MANY)
    ]


def sold(number: int, **changes: Any) -> Command:
    lines = (
        orders.line(f"{number}-1", quantity=Decimal(number + 1), amount=Decimal("12.50") * (number + 1)),
        orders.line(f"{number}-2"),
    )
    made = orders.sales_order if number % 3 else orders.return_authorization
    name = f"NUE-{'SO' if number % 3 else 'RA'}-{number}"
    return made(name, **{"lines": lines, "entity": f"NUE-CUST-{number}", **changes})


async def history(account: Account) -> list[Command]:
    """What is in the account, and the commands that brought it there."""
    upserts = [orders.item(), *customers()]
    documents = [sold(number) for number in range(MANY)]
    for command in [*upserts, *documents]:
        verdict = await account.deliverer.deliver(command, account.known)
        assert isinstance(verdict, Applied), verdict
        account.known[command.external_id] = verdict.internal_id
    account.line.calls.clear()
    return [*upserts, *documents]


async def again(account: Account, commands: list[Command]) -> list[Any]:
    """The verdicts of a sink that knows no outcome of ``commands``."""
    account.deliverer.expect(commands)
    return [await account.deliverer.deliver(command, account.known) for command in commands]


async def test_what_is_there_already_costs_a_few_look_ups(account: Account) -> None:
    commands = await history(account)
    verdicts = await again(account, commands)
    assert {each.result for each in verdicts} == {Result.UNCHANGED, Result.FOUND}
    assert [each.internal_id for each in verdicts] == [account.known[command.external_id] for command in commands]
    assert len(account.line.calls) <= 5  # customers, items, transactions and their lines
    assert {path.partition("?")[0] for _, path in account.line.calls} == {"/services/rest/query/v1/suiteql"}


async def test_what_stands_there_with_other_content_is_found_out_as_ever(account: Account) -> None:
    commands = await history(account)
    other = replace(commands[-1], lines=(orders.line("119-1"), orders.line("119-2")))
    renamed = replace(commands[1], name="Acme, renamed")
    verdicts = await again(account, [renamed, *commands[2:-1], other])
    assert isinstance(verdicts[-1], Refused)
    assert "a different document stands under our external id" in verdicts[-1].reason
    assert verdicts[0].result is Result.UPDATED
    assert (await account.record("customer", renamed.external_id) or {})["companyName"] == "Acme, renamed"
    writes = [(method, path) for method, path in account.line.calls if "suiteql" not in path]
    assert [method for method, _ in writes[:3]] == ["PATCH", "POST", "GET"]


async def test_what_is_not_there_is_made(account: Account) -> None:
    commands = await history(account)
    new = [sold(number, entity="NUE-CUST-0") for number in range(MANY, MANY + 5)]
    assert [each.result for each in (await again(account, [*commands, *new]))[-5:]] == [Result.CREATED] * 5


async def test_few_commands_are_not_looked_up_together(account: Account) -> None:
    commands = await history(account)
    await again(account, commands[-3:])
    assert [method for method, path in account.line.calls if "suiteql" not in path] == ["POST", "GET"] * 3


async def test_an_account_that_refuses_such_look_ups_is_asked_one_by_one(account: Account) -> None:
    commands = await history(account)
    account.line.next("POST", says(400, "Invalid search query."), path="suiteql")
    verdicts = await again(account, commands)
    assert {each.result for each in verdicts[-3:]} == {Result.FOUND}


async def test_an_outage_during_the_look_up_is_waited_for(account: Account) -> None:
    commands = await history(account)
    account.line.next("POST", says(503, "maintenance"), path="suiteql")
    verdicts = await again(account, commands)
    assert {each.result for each in verdicts} == {Result.UNCHANGED, Result.FOUND}


async def test_what_was_expected_and_does_not_come_is_forgotten(account: Account) -> None:
    commands = await history(account)
    account.deliverer.expect(commands)
    account.deliverer.forget()
    verdict = await account.deliverer.deliver(commands[-1], account.known)
    assert isinstance(verdict, Applied)
    assert verdict.result is Result.FOUND


async def test_after_a_portion_that_stood_there_a_small_one_is_looked_up_together_too(account: Account) -> None:
    commands = await history(account)
    await again(account, commands[:-10])
    account.line.calls.clear()
    await again(account, commands[-10:])
    assert {path.partition("?")[0] for _, path in account.line.calls} == {"/services/rest/query/v1/suiteql"}


async def test_answers_that_nobody_asks_for_are_dropped_oldest_first(account: Account) -> None:
    commands = [command for command in await history(account) if not isinstance(command, UpsertItem)]
    census = Census(account.deliverer._dealings, kept=MANY)
    census.expect(commands)  # the customers, then the documents
    assert await census.standing(commands[0].external_id) is None
    assert await census.standing(commands[-1].external_id) is not None
    assert await census.standing(commands[-1].external_id) is None  # it was told
