"""Documents, delivered over HTTP to the sandbox, on lines that work and lines that fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest

from schemas.outcome import Result
from sinks.deliver import Applied, Refused
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.sinks.account import REQUEST_LIMIT, Account, account_behind_a_bad_line, outcome_of
from tests.sinks.bad_line import (
    Straggler,
    Trouble,
    drop,
    fail_after_commit,
    lose_answer,
    lose_location,
    page,
    says,
)

ORDER = "NUE-SO-order-1"
RETURN = "NUE-RA-order-2"
EXISTS = says(400, "Error while accessing a resource. This record already exists.")


@pytest.fixture
def sandbox() -> Iterator[Any]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
async def account(sandbox: Any) -> AsyncIterator[Account]:
    async with account_behind_a_bad_line(sandbox) as made:
        yield made


async def test_a_sales_order_is_created_once_with_its_link_and_exact_amounts(account: Account) -> None:
    odd = orders.line(quantity=Decimal(3), rate=Decimal("33.33333333"), amount=Decimal("100.10"))
    verdict = await account.deliver(orders.sales_order(lines=(odd,), po_number="PO-1"))
    assert isinstance(verdict, Applied)
    assert (verdict.record_type, verdict.result, verdict.attempts) == ("salesOrder", Result.CREATED, 1)
    record = await account.record("salesOrder", ORDER)
    assert record is not None
    assert record["id"] == verdict.internal_id
    assert record["custbody_nue_original_orderid"] == "root-subscription"
    line = record["item"]["items"][0]
    assert [Decimal(line[name]) for name in ("quantity", "rate", "amount")] == [odd.quantity, odd.rate, odd.amount]


async def test_a_return_authorization_is_created_as_one(account: Account) -> None:
    verdict = await account.deliver(orders.return_authorization())
    assert isinstance(verdict, Applied)
    assert verdict.record_type == "returnAuthorization"
    assert await account.record("returnAuthorization", RETURN)


async def test_a_document_that_was_made_already_is_found_and_not_made_twice(account: Account) -> None:
    first = await account.deliver(orders.sales_order())
    second = await account.deliver(orders.sales_order())
    assert isinstance(first, Applied)
    assert isinstance(second, Applied)
    assert (second.result, second.internal_id) == (Result.FOUND, first.internal_id)


@pytest.mark.parametrize(
    ("trouble", "result", "posts"),
    [
        (lose_answer, Result.FOUND, 1),
        (fail_after_commit, Result.FOUND, 1),
        (lose_location, Result.FOUND, 1),
        (drop, Result.CREATED, 2),
        (page(502), Result.CREATED, 2),
        (page(403), Result.CREATED, 2),
        (page(200), Result.CREATED, 2),
        (says(500, "An unexpected error occurred.", "UNEXPECTED_ERROR"), Result.CREATED, 2),
        (says(429, "Concurrent request limit exceeded.", "CONCURRENCY_LIMIT_EXCEEDED"), Result.CREATED, 2),
        (EXISTS, None, 1),
    ],
    ids=[
        "answer lost",
        "failed after it was written",
        "answer without its place",
        "dropped",
        "gateway page",
        "forbidden page",
        "login page",
        "failed before it was written",
        "busy",
        "refused",
    ],
)
async def test_whatever_becomes_of_the_first_attempt_one_document_stands(
    account: Account, trouble: Trouble, result: Result | None, posts: int
) -> None:
    account.line.next("POST", trouble, path="salesOrder")
    verdict = await account.deliver(orders.sales_order())
    assert account.line.writes() == [("POST", "salesOrder")] * posts
    if result is None:
        assert isinstance(verdict, Refused)
        assert await account.record("salesOrder", ORDER) is None
    else:
        assert isinstance(verdict, Applied)
        record = await account.record("salesOrder", ORDER)
        assert record is not None
        assert (verdict.result, verdict.internal_id, verdict.attempts) == (result, record["id"], posts)


async def test_a_long_outage_of_every_kind_ends_in_one_document_and_warns_meanwhile(
    account: Account, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    account.line.next("POST", drop, page(503), says(429, "Blocked."), lose_answer, path="salesOrder")
    account.line.next("GET", drop, page(503), says(429, "Blocked."))
    verdict = await account.deliver(orders.sales_order())
    assert isinstance(verdict, Applied)
    assert verdict.result is Result.FOUND
    assert account.line.writes() == [("POST", "salesOrder")] * 4
    assert account.time.sleeps == [1, 2, 4, 8, 16, 32, 60]
    assert all(ORDER in warning.message for warning in caplog.records if warning.name == "sinks.attempts")
    assert len(set(account.line.signatures)) == len(account.line.signatures)


async def test_the_pause_that_netsuite_asks_for_is_kept(account: Account) -> None:
    account.line.next("POST", says(429, "Blocked.", Retry_After="17"), path="salesOrder")
    await account.deliver(orders.sales_order())
    assert account.time.sleeps == [17]


async def test_a_refusal_in_netsuites_words_is_final_when_nothing_else_was_tried(account: Account) -> None:
    account.line.next("POST", says(400, "Please enter value(s) for: Location"), path="salesOrder")
    verdict = await account.deliver(orders.sales_order())
    assert verdict == Refused(
        reason="NetSuite refuses it: Please enter value(s) for: Location",
        status=400,
        answer="Please enter value(s) for: Location",
        attempts=1,
    )
    assert account.time.sleeps == []


async def test_a_refusal_after_silence_waits_for_the_straggler_and_finds_its_document(account: Account) -> None:
    straggler = Straggler()
    account.line.next("POST", straggler, EXISTS, path="salesOrder")
    account.time.meanwhile = straggler.finish
    verdict = await account.deliver(orders.sales_order())
    assert isinstance(verdict, Applied)
    assert (verdict.result, verdict.attempts) == (Result.FOUND, 2)
    assert sum(account.time.sleeps) == REQUEST_LIMIT


async def test_a_refusal_after_silence_that_nothing_contradicts_ends_after_one_more_attempt(
    account: Account,
) -> None:
    account.line.next("POST", drop, EXISTS, EXISTS, path="salesOrder")
    verdict = await account.deliver(orders.sales_order())
    assert isinstance(verdict, Refused)
    assert verdict.attempts == 3
    assert sum(account.time.sleeps) == REQUEST_LIMIT


async def test_a_refusal_of_an_inherited_command_waits_for_what_the_earlier_sink_sent(
    account: Account,
) -> None:
    account.line.next("POST", EXISTS, EXISTS, path="salesOrder")
    verdict = await account.deliver(orders.sales_order(), inherited_until=account.time.now + 300)
    assert isinstance(verdict, Refused)
    assert account.time.sleeps == [300]


async def test_a_delivery_says_when_it_only_waits_and_when_it_goes_on(account: Account) -> None:
    said: list[str] = []
    account.line.next("POST", EXISTS, EXISTS, path="salesOrder")

    async def waits() -> None:
        said.append("waits")

    account.time.meanwhile = waits
    await account.deliver(
        orders.sales_order(),
        inherited_until=account.time.now + 300,
        on_quiet=lambda: said.append("quiet"),
        on_resumed=lambda: said.append("resumed"),
    )
    assert said == ["quiet", "waits", "resumed"]


async def test_waiting_can_be_cancelled(account: Account) -> None:
    async def forever() -> None:
        await asyncio.sleep(3600)

    account.time.meanwhile = forever
    account.line.next("POST", EXISTS, path="salesOrder")
    waiting = asyncio.ensure_future(account.deliver(orders.sales_order(), inherited_until=account.time.now + 300))
    await account.time.slept(1)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_a_different_document_under_our_id_is_reported_and_left_alone(account: Account) -> None:
    await account.deliver(orders.sales_order())
    other = orders.sales_order(lines=(orders.line(amount=Decimal("1.00")),))
    verdict = await account.deliver(other)
    assert isinstance(verdict, Refused)
    assert "a different document stands under our external id" in verdict.reason
    assert "amount 1.00" in verdict.reason
    record = await account.record("salesOrder", ORDER)
    assert record is not None
    assert Decimal(record["item"]["items"][0]["amount"]) == Decimal("120000.00")


async def test_the_other_type_of_document_under_our_id_is_a_clash(account: Account) -> None:
    await account.deliver(orders.sales_order())
    verdict = await account.deliver(orders.return_authorization(external_id=ORDER))
    assert isinstance(verdict, Refused)
    assert "a different document stands under our external id: a salesOrder" in verdict.reason


async def test_a_locked_document_is_found_by_query_and_not_taken_for_absent(account: Account) -> None:
    account.line.next("POST", lose_answer, path="salesOrder")
    account.line.next("GET", says(400, "This record has been locked by a user defined workflow."))
    verdict = await account.deliver(orders.sales_order())
    assert isinstance(verdict, Refused)
    assert "could not be compared" in verdict.reason
    assert "locked by a user defined workflow" in verdict.reason
    assert account.line.writes() == [("POST", "salesOrder")]


async def test_a_locked_look_up_that_finds_nothing_by_query_sends_again(account: Account) -> None:
    account.line.next("POST", drop, path="salesOrder")
    account.line.next("GET", says(403, "Your current role does not have permission."))
    verdict = await account.deliver(orders.sales_order())
    assert isinstance(verdict, Applied)
    assert verdict.result is Result.CREATED


async def test_a_document_with_a_recorded_success_is_not_sent_again(account: Account) -> None:
    document = orders.sales_order()
    verdict = await account.deliver(document)
    assert isinstance(verdict, Applied)
    account.line.calls.clear()
    newest = outcome_of(document, verdict)
    again = await account.deliver(document, newest)
    assert isinstance(again, Applied)
    assert (again.result, again.internal_id, again.attempts) == (Result.UNCHANGED, verdict.internal_id, 0)
    assert account.line.calls == []


async def test_a_recorded_success_of_other_fields_is_compared_and_never_posted(account: Account) -> None:
    document = orders.sales_order()
    verdict = await account.deliver(document)
    assert isinstance(verdict, Applied)
    account.line.calls.clear()
    older_rules = outcome_of(document, verdict, content_hash="of an earlier version's fields")
    again = await account.deliver(document, older_rules)
    assert isinstance(again, Applied)
    assert again.result is Result.UNCHANGED
    other = orders.sales_order(original_order_id="another-contract")
    assert isinstance(await account.deliver(other, older_rules), Refused)
    gone = orders.sales_order("NUE-SO-deleted")
    verdict = await account.deliver(gone, older_rules)
    assert isinstance(verdict, Refused)
    assert "deleted in NetSuite" in verdict.reason
    assert account.line.writes() == []
