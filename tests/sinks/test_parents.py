"""Customers below others, delivered over HTTP to the sandbox: the parent is named when they are made."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from schemas.outcome import Result
from sinks.defaults import Defaults
from sinks.deliver import Applied, Missing
from sinks.translate import content_hash, patch_for
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.sinks.account import Account, account_behind_a_bad_line, outcome_of
from tests.sinks.orders import ACTIVATED

HOLDING = orders.customer("NUE-CUST-holding")
CHILD = orders.customer("NUE-CUST-child", parent=HOLDING.external_id)
LEFT_OUT = "its parent NUE-CUST-holding is not in NetSuite and was left out"


@pytest.fixture
def sandbox() -> Iterator[Any]:
    with running_sandbox() as running:
        yield running


@asynccontextmanager
async def account_with(sandbox: Any, **options: Any) -> AsyncIterator[Account]:
    async with account_behind_a_bad_line(sandbox, prepared=False, **options) as made:
        yield made


async def parent_of_child(account: Account) -> Any:
    record = await account.record("customer", CHILD.external_id)
    assert record is not None
    return (record.get("parent") or {}).get("id")


async def test_a_new_customer_is_made_below_its_parent_without_a_call_more(sandbox: Any) -> None:
    async with account_with(sandbox) as account:
        holding = await account.deliver(HOLDING)
        account.known[HOLDING.external_id] = holding.internal_id
        account.line.calls.clear()
        verdict = await account.deliver(CHILD)
        assert isinstance(verdict, Applied), verdict
        assert verdict.warnings == ()
        assert account.line.calls == [("POST", "customer")]
        assert await parent_of_child(account) == holding.internal_id


async def test_a_parent_that_no_outcome_tells_of_is_looked_up(sandbox: Any) -> None:
    async with account_with(sandbox) as account:
        holding = await account.deliver(HOLDING)
        await account.deliver(CHILD)
        assert await parent_of_child(account) == holding.internal_id


async def test_an_adopted_parent_is_known_by_its_internal_id(sandbox: Any) -> None:
    async with account_with(sandbox) as account:
        theirs = await account.deliver(orders.customer("their-own-id"))
    async with account_with(sandbox, adopted={HOLDING.external_id: theirs.internal_id}) as account:
        await account.deliver(CHILD)
        assert await parent_of_child(account) == theirs.internal_id


async def test_where_the_parent_is_not_there_the_mapping_says_what_becomes_of_the_customer(sandbox: Any) -> None:
    async with account_with(sandbox, defaults=Defaults(parents="required")) as account:
        assert await account.deliver(CHILD) == Missing(external_id=HOLDING.external_id)
        assert account.line.writes() == []
    async with account_with(sandbox) as account:
        verdict = await account.deliver(CHILD)
        assert isinstance(verdict, Applied), verdict
        assert verdict.warnings == (LEFT_OUT,)
        assert await parent_of_child(account) is None


async def test_parents_that_are_ignored_are_neither_asked_for_nor_sent(sandbox: Any) -> None:
    async with account_with(sandbox, defaults=Defaults(parents="ignored")) as account:
        account.known[HOLDING.external_id] = (await account.deliver(HOLDING)).internal_id
        account.line.calls.clear()
        await account.deliver(CHILD)
        assert account.line.calls == [("POST", "customer")]
        assert await parent_of_child(account) is None


async def test_a_customer_that_is_there_keeps_the_parent_that_finance_gave_it(sandbox: Any) -> None:
    assert content_hash(CHILD) == content_hash(orders.customer(CHILD.external_id))
    assert "parent" not in patch_for(CHILD, "42").body
    async with account_with(sandbox) as account:
        first = await account.deliver(orders.customer(CHILD.external_id))
        account.known[HOLDING.external_id] = (await account.deliver(HOLDING)).internal_id
        later = orders.customer(
            CHILD.external_id, parent=HOLDING.external_id, name="Anew", activated_at=ACTIVATED + timedelta(days=1)
        )
        verdict = await account.deliver(later, outcome_of(CHILD, first))
        assert isinstance(verdict, Applied), verdict
        assert verdict.result is Result.UPDATED
        assert await parent_of_child(account) is None
