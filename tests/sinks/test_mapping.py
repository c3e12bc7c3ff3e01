"""The mapping against an account, over HTTP: names, the account's own fields, rates, currencies."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from sinks.defaults import Defaults
from sinks.deliver import Applied, Misconfigured, Refused
from sinks.sandbox.account_rules import AccountRules, Reference
from sinks.translate import Request
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.sinks.account import Account, account_behind_a_bad_line
from tests.sinks.bad_line import Forward, says
from tests.sinks.orders import CUSTOMER

PLACES = (Reference("4", "Berlin"), Reference("5", "Twice"), Reference("6", "Twice"))
RULES = AccountRules(references={"location": PLACES, "account": (Reference("54", "Sales"),)}, customer_currencies=True)
FOREIGN = {"currency": "EUR"}


@pytest.fixture
def sandbox() -> Iterator[Any]:
    with running_sandbox(rules=RULES) as running:
        yield running


@asynccontextmanager
async def account_with(sandbox: Any, **options: Any) -> AsyncIterator[Account]:
    async with account_behind_a_bad_line(sandbox, **options) as made:
        yield made


def queries(account: Account) -> int:
    return sum("suiteql" in path for _, path in account.line.calls)


async def test_a_subsidiary_and_a_location_given_by_name_are_looked_up_once(sandbox: Any) -> None:
    defaults = Defaults(subsidiary="Parent Company", location="Berlin")
    async with account_with(sandbox, defaults=defaults, prepared=False) as account:
        await account.deliverer.prepare()
        assert queries(account) == 2
        await account.prepare()
        for number in (1, 2):
            verdict = await account.deliver(orders.sales_order(f"NUE-SO-{number}"))
            assert isinstance(verdict, Applied), verdict
            record = await account.record("salesOrder", f"NUE-SO-{number}")
            assert record is not None
            assert record["location"]["id"] == "4"
        assert queries(account) == 0
        customer = await account.record("customer", CUSTOMER)
        assert customer is not None
        assert customer["subsidiary"]["id"] == "1"


async def test_an_internal_id_is_not_looked_up(sandbox: Any) -> None:
    async with account_with(sandbox, defaults=Defaults(location="4")) as account:
        await account.deliverer.prepare()
        assert queries(account) == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [("Atlantis", "there is none"), ("Twice", r"2 are called so \(internal ids 5, 6\)")],
)
async def test_a_name_that_says_no_one_place_stops_the_sink_and_names_its_setting(
    sandbox: Any, name: str, why: str
) -> None:
    async with account_with(sandbox, defaults=Defaults(location=name)) as account:
        with pytest.raises(Misconfigured, match=rf"netsuite\.mapping\.location: '{name}' .* {why}"):
            await account.deliverer.prepare()


async def test_an_account_that_lets_nobody_look_places_up_wants_their_ids(sandbox: Any) -> None:
    async with account_with(sandbox, defaults=Defaults(department="Sales")) as account:
        account.line.next("POST", says(400, "Invalid search query."), path="suiteql")
        with pytest.raises(Misconfigured, match=r"netsuite\.mapping\.department.*give its internal id"):
            await account.deliverer.prepare()


def described(**properties: Any) -> Any:
    """A record's description, as JSON Schema."""

    async def trouble(_request: web.BaseRequest, _forward: Forward) -> web.Response:
        return web.json_response({"type": "object", "properties": properties})

    return trouble


LINE_FIELDS = {name: {} for name in ("custcol_nue_transactionlineid", "custcol_nue_start_date", "custcol_nue_end_date")}


@pytest.mark.parametrize("elsewhere", [True, False], ids=["lines described elsewhere", "lines described in place"])
async def test_fields_that_the_account_describes_let_the_sink_start(sandbox: Any, elsewhere: bool) -> None:
    element = {"$ref": "/services/rest/record/v1/metadata-catalog/line"} if elsewhere else {"properties": LINE_FIELDS}
    item = {"type": "object", "properties": {"items": {"type": "array", "items": element}}}
    async with account_with(sandbox) as account:
        for record in ("salesOrder", "returnAuthorization"):
            account.line.next("GET", described(custbody_nue_original_orderid={}, item=item), path=f"catalog/{record}")
        account.line.next("GET", described(**LINE_FIELDS), described(**LINE_FIELDS), path="catalog/line")
        await account.deliverer.prepare()
        assert len(account.line.calls) == (4 if elsewhere else 2)


async def test_a_custom_field_that_is_not_applied_to_a_record_stops_the_sink_by_name(sandbox: Any) -> None:
    element = {"properties": {name: {} for name in list(LINE_FIELDS)[:2]}}
    item = {"properties": {"items": {"items": element}}}
    async with account_with(sandbox) as account:
        account.line.next("GET", described(custbody_nue_original_orderid={}, item=item), path="catalog/salesOrder")
        account.line.next("GET", described(memo={}), path="catalog/returnAuthorization")
        with pytest.raises(Misconfigured) as raised:
            await account.deliverer.prepare()
    assert "salesOrder.item has no field custcol_nue_end_date" in str(raised.value)
    assert "returnAuthorization has no field custbody_nue_original_orderid" in str(raised.value)


async def test_an_account_that_does_not_describe_its_records_is_warned_of_and_served(
    sandbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with account_with(sandbox) as account:
        for record in ("salesOrder", "returnAuthorization"):
            account.line.next("GET", says(404, "No such thing."), path=f"catalog/{record}")
        await account.deliverer.prepare()
        assert isinstance(await account.deliver(orders.sales_order()), Applied)
    assert "does not describe salesOrder," in caplog.text


async def opened_at(account: Account, rate: str) -> None:
    """A contract's first sales order in euros, at the rate that NetSuite had that day."""
    customer = orders.customer("NUE-CUST-euro", **FOREIGN)
    verdict = await account.deliver(customer)
    assert isinstance(verdict, Applied), verdict
    account.known[customer.external_id] = verdict.internal_id
    for number in (1, 2):
        made = await account.deliver(orders.sales_order(f"NUE-SO-{number}", entity=customer.external_id, **FOREIGN))
        assert isinstance(made, Applied), made
        body = {"exchangeRate": Decimal(rate) + number - 1}
        await account.client.write(
            Request(method="PATCH", record="salesOrder", path=f"salesOrder/{made.internal_id}", body=body)
        )


async def test_a_return_takes_the_exchange_rate_of_its_contracts_first_order(sandbox: Any) -> None:
    async with account_with(sandbox, defaults=Defaults(original_rate=True)) as account:
        await opened_at(account, "1.0837")
        verdict = await account.deliver(orders.return_authorization(entity="NUE-CUST-euro", **FOREIGN))
        assert isinstance(verdict, Applied), verdict
        assert verdict.warnings == ()
        record = await account.record("returnAuthorization", "NUE-RA-order-2")
        assert record is not None
        assert Decimal(record["exchangeRate"]) == Decimal("1.0837")


async def test_a_return_without_a_first_order_has_netsuites_rate_and_a_warning_says_so(sandbox: Any) -> None:
    async with account_with(sandbox, defaults=Defaults(original_rate=True)) as account:
        await opened_at(account, "1.0837")
        stray = orders.return_authorization(entity="NUE-CUST-euro", original_order_id="another", **FOREIGN)
        verdict = await account.deliver(stray)
        assert isinstance(verdict, Applied), verdict
        assert "the exchange rate is NetSuite's own" in verdict.warnings[0]


async def test_a_return_in_the_currency_of_the_books_asks_for_no_rate(sandbox: Any) -> None:
    async with account_with(sandbox, defaults=Defaults(original_rate=True)) as account:
        await account.deliver(orders.return_authorization("NUE-RA-1"))
        account.line.calls.clear()
        verdict = await account.deliver(orders.return_authorization("NUE-RA-2"))
        assert isinstance(verdict, Applied), verdict
        assert account.line.calls == [("POST", "returnAuthorization")]
        assert verdict.warnings == ()


async def test_a_customer_gets_the_currency_that_a_document_needs_and_nothing_else_is_touched(sandbox: Any) -> None:
    async with account_with(sandbox, defaults=Defaults(add_currencies=True)) as account:
        before = await account.record("customer", CUSTOMER)
        verdict = await account.deliver(orders.sales_order(**FOREIGN))
        assert isinstance(verdict, Applied), verdict
        assert verdict.warnings == ("the customer's currency list lacked EUR, which was added",)
        after = await account.record("customer", CUSTOMER)
        assert before is not None
        assert after is not None
        assert [line["currency"]["id"] for line in after.pop("currencyList")["items"]] == ["2"]
        assert {name: after[name] for name in before.keys() - {"currencyList"}} == {
            name: value for name, value in before.items() if name != "currencyList"
        }
        account.line.calls.clear()
        await account.deliver(orders.sales_order("NUE-SO-2", **FOREIGN))
        assert account.line.writes() == [("POST", "salesOrder")]


@pytest.mark.parametrize("adds", [True, False])
async def test_a_currency_is_added_for_want_of_it_alone(sandbox: Any, adds: bool) -> None:
    async with account_with(sandbox, defaults=Defaults(add_currencies=adds)) as account:
        account.line.next("POST", says(400, "Please enter value(s) for: Location"), path="salesOrder")
        verdict = await account.deliver(orders.sales_order())
        assert isinstance(verdict, Refused)
        assert account.line.writes() == [("POST", "salesOrder")]
        if not adds:
            refused = await account.deliver(orders.sales_order(**FOREIGN))
            assert isinstance(refused, Refused)
            assert "currency" in (refused.answer or "")
