"""Customers and items that were in NetSuite before, over HTTP: changed, named, and never made again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from schemas.command import ItemType, Upsert
from schemas.outcome import Result
from sinks.deliver import Applied, Refused
from sinks.translate import Request
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.sinks.account import Account, account_behind_a_bad_line, outcome_of
from tests.sinks.bad_line import drop, lose_answer, says
from tests.sinks.orders import ACTIVATED, CUSTOMER, SEAT

ADOPTED = {CUSTOMER: "1", SEAT: "2"}
UPSERTS = [orders.customer(), orders.item()]


@pytest.fixture
def sandbox() -> Iterator[Any]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
async def account(sandbox: Any) -> AsyncIterator[Account]:
    async with account_behind_a_bad_line(sandbox, prepared=False, adopted=ADOPTED) as made:
        await write(made, "POST", "customer", {"companyName": "ACME", "comments": "finance's", "email": "old@acme"})
        await write(made, "POST", "serviceSaleItem", {"itemId": "OLD-SEAT", "displayName": "Old seat"})
        made.line.calls.clear()
        yield made


async def write(account: Account, method: str, path: str, body: dict[str, Any]) -> None:
    answer = await account.client.write(Request(method=method, record=path, path=path, body=body))
    assert answer.status == 204, answer


async def applied(account: Account, upsert: Upsert, *more: Any) -> Applied:
    verdict = await account.deliver(upsert, *more)
    assert isinstance(verdict, Applied), verdict
    return verdict


async def test_an_adopted_customer_is_changed_and_gets_our_external_id(account: Account) -> None:
    verdict = await applied(account, orders.customer())
    assert (verdict.result, verdict.internal_id, verdict.record_type) == (Result.UPDATED, "1", "customer")
    assert account.line.writes() == [("PATCH", "customer/1")]
    record = await account.record("customer", CUSTOMER)
    assert record is not None
    assert (record["companyName"], record["comments"]) == (f"Acme {CUSTOMER}", "finance's")


async def test_an_adopted_item_keeps_the_type_that_it_has(account: Account) -> None:
    verdict = await applied(account, orders.item(item_type=ItemType.NON_INVENTORY_SALE_ITEM))
    assert (verdict.record_type, verdict.internal_id) == ("serviceSaleItem", "2")
    assert "its type cannot be changed" in verdict.warnings[0]
    record = await account.record("serviceSaleItem", SEAT)
    assert record is not None
    assert (record["itemId"], record["displayName"]) == ("OLD-SEAT", "Seat")


@pytest.mark.parametrize("upsert", UPSERTS, ids=["customer", "item"])
async def test_an_adopted_record_is_known_afterwards_as_any_other(account: Account, upsert: Any) -> None:
    first = await applied(account, upsert)
    outcome = outcome_of(upsert, first)
    account.line.calls.clear()
    assert (await applied(account, upsert, outcome)).result is Result.UNCHANGED
    assert account.line.calls == []
    make = orders.customer if upsert.external_id == CUSTOMER else orders.item
    newer = make(name="Another", activated_at=ACTIVATED + timedelta(days=1))
    assert (await applied(account, newer, outcome)).internal_id == first.internal_id
    assert [method for method, _ in account.line.calls] == ["PATCH"]


@pytest.mark.parametrize("trouble", [lose_answer, drop])
async def test_an_adoption_that_nobody_answered_is_done_again_without_harm(account: Account, trouble: Any) -> None:
    account.line.next("PATCH", trouble)
    assert (await applied(account, orders.customer())).internal_id == "1"
    assert account.line.writes() == [("PATCH", "customer/1")] * 2


async def test_an_adoption_whose_outcome_was_lost_is_taken_up_again(account: Account) -> None:
    await applied(account, orders.customer())
    assert (await applied(account, orders.customer())).internal_id == "1"
    assert [method for method, _ in account.line.writes()] == ["PATCH", "PATCH"]


async def test_a_record_that_another_system_knows_by_its_external_id_is_left_alone(account: Account) -> None:
    await write(account, "PATCH", "customer/1", {"externalId": "CRM-77"})
    account.line.calls.clear()
    verdict = await account.deliver(orders.customer())
    assert isinstance(verdict, Refused)
    assert "internal id 1, which is to be adopted, has the external id CRM-77 already" in verdict.reason
    assert account.line.writes() == []


@pytest.mark.parametrize("upsert", UPSERTS, ids=["customer", "item"])
async def test_a_record_that_is_not_there_is_refused_and_not_made(sandbox: Any, upsert: Any) -> None:
    async with account_behind_a_bad_line(sandbox, prepared=False, adopted=dict.fromkeys(ADOPTED, "99")) as account:
        verdict = await account.deliver(upsert)
        assert isinstance(verdict, Refused)
        assert "with internal id 99, which is to be adopted, is not in NetSuite" in verdict.reason
        assert account.line.writes() == []


async def test_our_external_id_on_another_record_is_told_with_its_internal_id(account: Account) -> None:
    await write(account, "POST", "customer", {"companyName": "Twin", "externalId": CUSTOMER})
    verdict = await account.deliver(orders.customer())
    assert isinstance(verdict, Refused)
    assert "cannot get our external id, which internal id 3 has" in verdict.reason


async def test_an_adopted_record_that_netsuite_does_not_show_is_adopted_all_the_same(account: Account) -> None:
    account.line.next("GET", says(400, "This record has been locked by a user defined workflow."))
    assert (await applied(account, orders.customer())).internal_id == "1"


async def test_an_adopted_record_that_was_deleted_since_is_not_made_anew(account: Account, sandbox: Any) -> None:
    outcome = outcome_of(orders.customer(), await applied(account, orders.customer()))
    with sandbox.store.changing():
        sandbox.store.delete(sandbox.store.get("customer", "1"))
    newer = orders.customer(name="Another", activated_at=ACTIVATED + timedelta(days=1))
    verdict = await account.deliver(newer, outcome)
    assert isinstance(verdict, Refused)
    assert "is not in NetSuite" in verdict.reason
