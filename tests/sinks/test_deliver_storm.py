"""Many documents at once on lines that fail at random: each stands once in the end, whatever happened to it."""

from __future__ import annotations

import asyncio
import random
from decimal import Decimal
from typing import Any

import pytest

from schemas.outcome import Result
from sinks.deliver import Applied
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.sinks.account import Account, account_behind_a_bad_line
from tests.sinks.bad_line import drop, fail_after_commit, lose_answer, lose_location, page, says

TROUBLES = (
    drop,
    fail_after_commit,
    lose_answer,
    lose_location,
    page(502),
    says(429, "Concurrent request limit exceeded. Request blocked.", "CONCURRENCY_LIMIT_EXCEEDED"),
)


async def transactions(account: Account) -> list[str]:
    answer = await account.client.suiteql("SELECT id, externalid FROM transaction")
    assert isinstance(answer.body, dict)
    return sorted(row["externalid"] for row in answer.body["items"])


def any_documents(count: int) -> list[Any]:
    return [
        make(f"NUE-{kind}-{number}")
        for number in range(count)
        for kind, make in (("SO", orders.sales_order), ("RA", orders.return_authorization))
    ]


@pytest.mark.parametrize("seed", range(5))
async def test_a_storm_of_failures_leaves_every_document_once(seed: int) -> None:
    chance = random.Random(seed)
    documents = any_documents(15)
    with running_sandbox() as sandbox:
        async with account_behind_a_bad_line(sandbox) as account:
            for method in ("POST", "GET"):
                account.line.next(method, *chance.choices(TROUBLES, k=40))
            verdicts = await asyncio.gather(*map(account.deliver, documents))
            assert all(isinstance(verdict, Applied) for verdict in verdicts), verdicts
            assert await transactions(account) == sorted(document.external_id for document in documents)
            assert {verdict.result for verdict in verdicts} == {Result.CREATED, Result.FOUND}


async def test_an_account_with_fewer_places_than_the_sink_uses_gets_every_document_once() -> None:
    documents = any_documents(10)
    with running_sandbox(concurrency=2, latency=0.01) as sandbox:
        async with account_behind_a_bad_line(sandbox) as account:
            verdicts = await asyncio.gather(*map(account.deliver, documents))
            assert {verdict.result for verdict in verdicts} == {Result.CREATED}
            assert account.time.sleeps, "the account never said that it was busy"
            assert await transactions(account) == sorted(document.external_id for document in documents)


async def test_a_document_to_which_netsuite_added_tax_is_found_as_ours() -> None:
    with running_sandbox(tax_rate=Decimal("0.19")) as sandbox:
        async with account_behind_a_bad_line(sandbox) as account:
            account.line.next("POST", lose_answer, path="salesOrder")
            verdict = await account.deliver(orders.sales_order())
            assert isinstance(verdict, Applied)
            assert verdict.result is Result.FOUND
            record = await account.record("salesOrder", "NUE-SO-order-1")
            assert record is not None
            assert record["total"] == Decimal("142800.00")
