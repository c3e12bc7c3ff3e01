"""Names and internal ids are looked up many at a time, over HTTP."""

from __future__ import annotations

from typing import Any

from sinks.prior import called, with_ids
from tests.sandbox_server import running_sandbox
from tests.sinks.account import Account, account_behind_a_bad_line


def dealings(account: Account) -> Any:
    return account.deliverer._dealings("a look-up")


async def test_two_thousand_names_cost_a_few_queries_and_find_every_record() -> None:
    with running_sandbox() as sandbox:
        for number in range(1200):
            sandbox.store.create("customer", {"companyName": f"Company {number}", "externalId": f"X-{number}"}, [])
            sandbox.store.create("serviceSaleItem", {"itemId": f"sku {number}"}, [])
        async with account_behind_a_bad_line(sandbox, prepared=False) as account:
            attempts = dealings(account)
            customers = await called(attempts, "customer", [f"company {number}" for number in range(2000)])
            assert len(customers) == 1200
            assert customers["company 7"][0].external_id == "X-7"
            assert len(account.line.calls) == 7
            items = await called(attempts, "item", [f"SKU {number}" for number in range(2000)])
            assert len(items) == 1200
            assert len(await with_ids(attempts, "customer", map(str, range(1, 5000)))) == 1200


async def test_every_record_of_one_name_is_found_also_beyond_the_first_page() -> None:
    with running_sandbox() as sandbox:
        for _ in range(1001):
            sandbox.store.create("customer", {"companyName": "Same"}, [])
        async with account_behind_a_bad_line(sandbox, prepared=False) as account:
            assert len((await called(dealings(account), "customer", ["SAME"]))["same"]) == 1001
