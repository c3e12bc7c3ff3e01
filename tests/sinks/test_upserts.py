"""Customers and items, delivered over HTTP to the sandbox, on lines that work and lines that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest

from schemas.command import ItemType, Upsert
from schemas.order import Address
from schemas.outcome import Result
from sinks.deliver import Applied, Refused
from sinks.knowledge import Knowledge
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.sinks.account import REQUEST_LIMIT, Account, account_behind_a_bad_line, outcome_of
from tests.sinks.bad_line import Forward, Straggler, Trouble, drop, fail_after_commit, lose_answer, page, said, says
from tests.sinks.orders import ACTIVATED, CUSTOMER, SEAT

LATER = ACTIVATED + timedelta(days=1)
EXISTS = says(400, "Error while accessing a resource. This entity already exists.")


@pytest.fixture
def sandbox() -> Iterator[Any]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
async def account(sandbox: Any) -> AsyncIterator[Account]:
    async with account_behind_a_bad_line(sandbox, prepared=False) as made:
        yield made


async def applied(account: Account, command: Upsert, *more: Any, **named: Any) -> Applied:
    verdict = await account.deliver(command, *more, **named)
    assert isinstance(verdict, Applied), verdict
    return verdict


async def test_a_customer_is_created_with_currency_terms_and_address(account: Account) -> None:
    address = Address(street="1 Market St", city="San Francisco", state="CA", postal_code="94105", country="US")
    verdict = await applied(account, orders.customer(name="Acme", billing_address=address))
    record = await account.record("customer", CUSTOMER)
    assert record is not None
    assert (verdict.result, verdict.warnings, verdict.internal_id) == (Result.CREATED, (), record["id"])
    assert record["companyName"] == "Acme"
    assert record["currency"]["refName"] == "USD"
    assert record["terms"]["refName"] == "Net 30"
    assert record["addressBook"]["items"][0]["addressBookAddress"]["city"] == "San Francisco"


@pytest.mark.parametrize(
    ("item_type", "record"),
    [(ItemType.SERVICE_SALE_ITEM, "serviceSaleItem"), (ItemType.INVENTORY_ITEM, "inventoryItem")],
)
async def test_an_item_is_created_as_the_type_it_is(account: Account, item_type: ItemType, record: str) -> None:
    verdict = await applied(account, orders.item(item_type=item_type))
    assert (verdict.record_type, verdict.result) == (record, Result.CREATED)
    assert await account.record(record, SEAT)


async def test_a_payment_term_that_netsuite_does_not_know_is_left_out_and_said_so(account: Account) -> None:
    verdict = await applied(account, orders.customer(payment_term="Net 33"))
    assert verdict.warnings == ("payment term 'Net 33' is not known in NetSuite and was left out",)
    record = await account.record("customer", CUSTOMER)
    assert record is not None
    assert not record.get("terms")


async def test_a_currency_that_netsuite_does_not_know_is_refused_by_name(account: Account) -> None:
    verdict = await account.deliver(orders.customer(currency="XTS"))
    assert verdict == Refused(reason="currency XTS is not known in NetSuite")


async def test_a_newer_version_changes_the_record_and_appends_nothing(account: Account) -> None:
    address = Address(city="Bern", country="CH")
    first = orders.customer(name="Acme", billing_address=address)
    newest = outcome_of(first, await applied(account, first))
    second = orders.customer(name="Acme Inc.", order_id="order-2", activated_at=LATER, billing_address=address)
    verdict = await applied(account, second, newest)
    assert (verdict.result, verdict.internal_id) == (Result.UPDATED, newest.internal_id)
    record = await account.record("customer", CUSTOMER)
    assert record is not None
    assert record["companyName"] == "Acme Inc."
    assert len(record["addressBook"]["items"]) == 1
    assert account.line.writes()[-1] == ("PATCH", f"customer/{newest.internal_id}")


@pytest.mark.parametrize(
    "command",
    [
        orders.customer(name="Acme 2", order_id="order-2", activated_at=ACTIVATED - timedelta(seconds=1)),
        orders.customer(name="Acme 2", order_id="order-0"),
        orders.customer(name="Acme 2", order_id="order-1"),
        orders.customer(name="Acme", order_id="order-2", activated_at=LATER),
    ],
    ids=["older", "same instant, lower order", "the same version", "newer, same content"],
)
async def test_nothing_is_sent_for_an_older_version_or_the_same_content(account: Account, command: Upsert) -> None:
    first = orders.customer(name="Acme")
    newest = outcome_of(first, await applied(account, first))
    account.line.calls.clear()
    verdict = await applied(account, command, newest)
    assert (verdict.result, verdict.internal_id, verdict.attempts) == (Result.UNCHANGED, newest.internal_id, 0)
    assert verdict.content_hash == newest.content_hash
    assert account.line.calls == []


async def test_a_record_that_was_deleted_in_netsuite_is_created_anew(account: Account) -> None:
    first = orders.item()
    verdict = await applied(account, first)
    gone = outcome_of(first, verdict, internal_id="999999", external_id="NUE-ITEM-gone")
    verdict = await applied(account, orders.item("NUE-ITEM-gone", activated_at=LATER, name="New"), gone)
    assert verdict.result is Result.CREATED
    assert verdict.internal_id != "999999"


async def test_a_record_that_stands_already_is_brought_to_the_command(account: Account) -> None:
    first = await applied(account, orders.item(name="Seat"))
    verdict = await applied(account, orders.item(name="Chair"))  # nothing is known of the first
    assert (verdict.result, verdict.internal_id) == (Result.UPDATED, first.internal_id)
    record = await account.record("nonInventorySaleItem", SEAT)
    assert record is not None
    assert record["displayName"] == "Chair"


async def test_an_item_that_stands_as_another_type_keeps_it_and_a_warning_says_so(account: Account) -> None:
    first = await applied(account, orders.item(name="Seat"))
    verdict = await applied(account, orders.item(name="Chair", item_type=ItemType.SERVICE_SALE_ITEM))
    assert (verdict.result, verdict.record_type, verdict.internal_id) == (
        Result.UPDATED,
        "nonInventorySaleItem",
        first.internal_id,
    )
    assert "not as a serviceSaleItem" in verdict.warnings[0]


async def test_an_item_of_an_unknown_type_is_refused_without_a_call(account: Account) -> None:
    verdict = await account.deliver(orders.item(item_type=ItemType.UNKNOWN))
    assert isinstance(verdict, Refused)
    assert account.line.calls == []


async def test_a_name_that_another_record_has_is_refused_in_netsuites_words(account: Account) -> None:
    account.line.next("POST", EXISTS, path="customer")
    verdict = await account.deliver(orders.customer())
    assert isinstance(verdict, Refused)
    assert verdict.reason == "NetSuite refuses it: Error while accessing a resource. This entity already exists."
    assert (verdict.status, verdict.attempts) == (400, 1)


@pytest.mark.parametrize(
    ("trouble", "result", "writes"),
    [
        (lose_answer, Result.UPDATED, ["POST", "PATCH"]),
        (fail_after_commit, Result.UPDATED, ["POST", "PATCH"]),
        (drop, Result.CREATED, ["POST", "POST"]),
        (page(503), Result.CREATED, ["POST", "POST"]),
        (says(429, "Blocked."), Result.CREATED, ["POST", "POST"]),
    ],
)
async def test_whatever_becomes_of_the_first_attempt_one_customer_stands(
    account: Account, trouble: Trouble, result: Result, writes: list[str]
) -> None:
    account.line.next("POST", trouble, path="customer")
    verdict = await applied(account, orders.customer())
    record = await account.record("customer", CUSTOMER)
    assert record is not None
    assert (verdict.result, verdict.internal_id, verdict.attempts) == (result, record["id"], len(writes))
    assert [method for method, _ in account.line.writes()] == writes


@pytest.mark.parametrize(
    "trouble",
    [
        drop,
        lose_answer,
        fail_after_commit,
        page(502),
        says(429, "Blocked."),
        says(400, "Record has been changed"),
    ],
)
async def test_a_change_is_sent_until_it_is_answered(account: Account, trouble: Trouble) -> None:
    first = orders.item()
    newest = outcome_of(first, await applied(account, first))
    account.line.next("PATCH", trouble)
    verdict = await applied(account, orders.item(name="Chair", activated_at=LATER), newest)
    assert (verdict.result, verdict.attempts) == (Result.UPDATED, 2)
    record = await account.record("nonInventorySaleItem", SEAT)
    assert record is not None
    assert record["displayName"] == "Chair"


async def test_a_refused_change_is_final_when_nothing_else_was_tried(account: Account) -> None:
    first = orders.item()
    newest = outcome_of(first, await applied(account, first))
    account.line.next("PATCH", says(400, "Invalid displayName."))
    verdict = await account.deliver(orders.item(name="Chair", activated_at=LATER), newest)
    assert verdict == Refused(
        reason="NetSuite refuses to change it: Invalid displayName.",
        status=400,
        answer="Invalid displayName.",
        attempts=1,
    )


async def test_a_change_refused_after_silence_is_tried_once_more_when_nothing_can_run(
    account: Account,
) -> None:
    first = orders.item()
    newest = outcome_of(first, await applied(account, first))
    account.time.sleeps.clear()
    account.line.next("PATCH", drop, says(400, "Locked."), says(400, "Locked."))
    verdict = await account.deliver(orders.item(name="Chair", activated_at=LATER), newest)
    assert isinstance(verdict, Refused)
    assert verdict.attempts == 3
    assert sum(account.time.sleeps) == REQUEST_LIMIT


@pytest.mark.parametrize("known", [False, True], ids=["created", "changed"])
async def test_an_upsert_that_something_before_netsuite_turns_away_is_refused_once_others_go_through(
    account: Account, known: bool
) -> None:
    first = orders.item()
    newest = outcome_of(first, await applied(account, first)) if known else None
    account.time.sleeps.clear()
    account.line.next("PATCH" if known else "POST", *[page(413)] * 1000, path="SaleItem")
    failing = asyncio.ensure_future(account.deliver(orders.item(name="Chair", activated_at=LATER), newest))
    await account.time.slept(6)
    assert isinstance(await account.deliver(orders.customer()), Applied)
    verdict = await asyncio.wait_for(failing, 20)
    assert isinstance(verdict, Refused)
    assert verdict.status == 413
    assert len([each for each in account.time.sleeps if each > REQUEST_LIMIT / 2]) == 1


async def test_a_refused_change_that_was_saved_all_the_same_is_taken_back_by_a_later_version(account: Account) -> None:
    async def save_and_refuse(_request: Any, forward: Forward) -> Any:
        await forward()
        return said(400, "An error occurred in a user event script.", "USER_ERROR")

    knowledge = Knowledge()
    first = orders.item(name="Seat")
    knowledge.learn(outcome_of(first, await applied(account, first)))
    account.line.next("PATCH", save_and_refuse)
    second = orders.item(name="Chair", order_id="order-2", activated_at=LATER)
    verdict = await account.deliver(second, knowledge.newest(SEAT))
    assert isinstance(verdict, Refused)
    knowledge.refuse(SEAT, verdict.reason)
    third = orders.item(name="Seat", order_id="order-3", activated_at=LATER + timedelta(days=1))
    assert (await applied(account, third, knowledge.newest(SEAT))).result is Result.UPDATED
    record = await account.record("nonInventorySaleItem", SEAT)
    assert record is not None
    assert record["displayName"] == "Seat"


async def test_a_customer_refused_after_silence_waits_for_the_straggler(account: Account) -> None:
    straggler = Straggler()
    account.line.next("POST", straggler, EXISTS, path="customer")
    account.time.meanwhile = straggler.finish
    verdict = await applied(account, orders.customer())
    assert verdict.result is Result.UPDATED
    assert sum(account.time.sleeps) == REQUEST_LIMIT
    assert account.line.writes() == [
        ("POST", "customer"),
        ("POST", "customer"),
        ("PATCH", f"customer/{verdict.internal_id}"),
    ]


async def test_an_older_version_that_nobody_answered_cannot_land_on_a_newer_one(account: Account) -> None:
    first = orders.item(name="Seat")
    newest = outcome_of(first, await applied(account, first))
    straggler = Straggler()
    account.line.next("PATCH", straggler)
    second = orders.item(name="Chair", activated_at=LATER)
    newest = outcome_of(second, await applied(account, second, newest))
    account.time.meanwhile = straggler.finish
    await applied(account, orders.item(name="Sofa", activated_at=LATER + timedelta(days=1)), newest)
    assert straggler.finished
    record = await account.record("nonInventorySaleItem", SEAT)
    assert record is not None
    assert record["displayName"] == "Sofa"


async def test_a_locked_item_is_found_by_query(account: Account) -> None:
    first = await applied(account, orders.item())
    account.line.next("GET", says(403, "Your current role does not have permission."))
    verdict = await applied(account, orders.item(name="Chair"))
    assert (verdict.result, verdict.internal_id) == (Result.UPDATED, first.internal_id)
