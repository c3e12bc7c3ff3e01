"""Accounts stricter than the plain one: periods, inactive and locked records, forms, currencies, subsidiaries."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.sandbox_server import RunningSandbox
from tests.sinks.sandbox.caller import Account, Caller, refusal

PREFIX = "Error while accessing a resource. "


def rules(account: Caller, **given: Any) -> Any:
    return account.admin("PUT", "account", given)


def order(account: Account, **fields: Any) -> requests.Response:
    return account.send("POST", "salesOrder", account.document(**fields))


def words(answer: requests.Response) -> str:
    """What a refusal by the umbrella error says."""
    assert answer.status_code == 400
    detail = refusal(answer)
    assert detail["o:errorCode"] == "USER_ERROR"
    return str(detail["detail"])


@pytest.mark.parametrize("record", ["salesOrder", "returnAuthorization"])
def test_a_closed_period_takes_no_document_and_no_change_of_one(account: Account, record: str) -> None:
    account.created(record, account.document(externalId="X", tranDate="2025-01-31"))
    rules(account, closedPeriods=[{"start": "2025-01-01", "end": "2025-01-31"}])
    closed = PREFIX + "There are no Accounting Periods that cover this transaction date."
    for day in ("2025-01-01", "2025-01-31"):
        assert words(account.send("POST", record, account.document(tranDate=day))) == closed
    assert words(account.send("PATCH", f"{record}/eid:X", {"memo": "late"})) == closed
    for day in ("2024-12-31", "2025-02-01"):
        assert account.send("POST", record, account.document(tranDate=day)).status_code == 204
    rules(account)
    assert account.send("PATCH", f"{record}/eid:X", {"memo": "late"}).status_code == 204


def test_a_document_without_a_date_is_of_today(account: Account) -> None:
    rules(account, closedPeriods=[{"start": "2000-01-01", "end": "2999-12-31"}])
    assert "Accounting Periods" in words(order(account))


@pytest.mark.parametrize(
    ("external_id", "table", "path"),
    [("nue-cust-1", "customer", "entity"), ("NUE-ITEM-1", "item", "item.items[0].item")],
)
def test_what_the_account_has_made_inactive_takes_no_new_documents(
    account: Account, external_id: str, table: str, path: str
) -> None:
    rules(account, inactive=[external_id])
    answer = order(account)
    assert (answer.status_code, refusal(answer)["o:errorCode"], refusal(answer)["o:errorPath"]) == (
        400,
        "INVALID_CONTENT",
        path,
    )
    assert account.rows(f"SELECT isinactive FROM {table}") == [{"isinactive": "T"}]
    kind = "customer" if table == "customer" else "nonInventorySaleItem"
    assert account.record(f"{kind}/eid:{external_id}")["isInactive"] is True
    rules(account)
    assert order(account).status_code == 204
    assert account.rows(f"SELECT isinactive FROM {table}") == [{"isinactive": "F"}]


def test_a_locked_record_can_be_neither_read_nor_changed_but_suiteql_finds_it(account: Account) -> None:
    rules(account, locked=["nue-so-*"])
    assert order(account, externalId="NUE-SO-1").status_code == 204
    (found,) = account.rows("SELECT id FROM transaction WHERE externalid = 'NUE-SO-1'")
    for method, path, body in (
        ("GET", "salesOrder/eid:NUE-SO-1", None),
        ("GET", f"salesOrder/{found['id']}", None),
        ("PATCH", "salesOrder/eid:NUE-SO-1", {"memo": "x"}),
        ("PUT", "salesOrder/eid:NUE-SO-1", account.document()),
        ("DELETE", "salesOrder/eid:NUE-SO-1", None),
    ):
        answer = account.send(method, path, body)
        assert words(answer) == PREFIX + "This record has been locked by a user defined workflow."
    assert account.send("GET", "salesOrder/eid:NUE-SO-2").status_code == 404
    assert account.report()["transactionsUpdated"] == 0


def test_a_form_asks_for_what_it_demands_by_label_and_one_at_a_time(account: Account) -> None:
    rules(
        account,
        references={"location": [{"id": "7", "name": "Oslo"}], "classification": [{"id": "8", "name": "Services"}]},
        mandatory={"salesOrder": {"memo": "Memo", "location": "Location"}, "salesOrder.item": {"class": "Class"}},
    )
    asked = []
    fields: dict[str, Any] = {}
    line: dict[str, Any] = {}
    for place, name, value in (
        (fields, "memo", "new"),
        (fields, "location", {"id": "7"}),
        (line, "class", {"id": "8"}),
    ):
        asked.append(words(order(account, item={"items": [account.line(**line)]}, **fields)))
        place[name] = value
    assert asked == [f"{PREFIX}Please enter value(s) for: {label}" for label in ("Memo", "Location", "Class")]
    account.created("salesOrder", account.document(account.line(**line), externalId="SO-1", **fields))
    record = account.record("salesOrder/eid:SO-1")
    assert record["location"]["refName"] == "Oslo"
    assert record["item"]["items"][0]["class"]["refName"] == "Services"
    assert account.rows("SELECT id FROM location WHERE name = 'Oslo'") == [{"id": "7"}]


def test_what_another_account_has_is_not_there_without_it(account: Account) -> None:
    answer = order(account, location={"id": "7"})
    assert (refusal(answer)["o:errorCode"], refusal(answer)["o:errorPath"]) == ("INVALID_CONTENT", "location")


def test_a_document_must_be_in_a_currency_of_its_customer(account: Account) -> None:
    rules(account, customerCurrencies=True)
    euro, yen, dollar = (
        account.rows(f"SELECT id FROM currency WHERE symbol = '{code}'")[0] for code in ("EUR", "JPY", "USD")
    )
    mismatch = PREFIX + "The transaction currency does not match the names currency"
    assert words(order(account, currency=euro)) == mismatch
    assert order(account, currency=dollar).status_code == 204
    account.send("PATCH", "customer/eid:NUE-CUST-1", {"currencyList": {"items": [{"currency": euro}]}})
    assert order(account, currency=euro).status_code == 204
    account.send("PATCH", "customer/eid:NUE-CUST-1", {"currency": yen})
    assert [order(account, currency=each).status_code for each in (yen, euro)] == [204, 204]
    assert words(order(account, currency=dollar)) == mismatch
    assert order(account).status_code == 204  # the customer's own


def test_a_document_must_be_of_its_customers_subsidiary_and_its_items_be_sold_there(account: Account) -> None:
    rules(account, subsidiariesMatter=True, references={"subsidiary": [{"id": "2", "name": "Halvorsen AS"}]})
    assert words(order(account, subsidiary={"id": "2"})) == (
        f"{PREFIX}Transaction subsidiary Halvorsen AS is not valid for entity Halvorsen Research. "
        "Please choose a different entity."
    )
    assert order(account, subsidiary={"id": "1"}).status_code == 204
    account.send("PATCH", "customer/eid:NUE-CUST-1", {"subsidiary": {"id": "2"}})
    for given in ({"subsidiary": {"id": "2"}}, {}):
        assert words(order(account, **given)) == (
            f"{PREFIX}Transaction subsidiary Halvorsen AS is not valid for item Seat. Please choose a different item."
        )
    account.send("PATCH", "nonInventorySaleItem/eid:NUE-ITEM-1", {"subsidiary": {"items": [{"id": "1"}, {"id": "2"}]}})
    assert order(account).status_code == 204


def test_an_item_of_the_parent_and_its_children_is_sold_everywhere(account: Account) -> None:
    rules(account, subsidiariesMatter=True, references={"subsidiary": [{"id": "2", "name": "Halvorsen AS"}]})
    account.send("PATCH", "customer/eid:NUE-CUST-1", {"subsidiary": {"id": "2"}})
    account.send("PATCH", "nonInventorySaleItem/eid:NUE-ITEM-1", {"includeChildren": True})
    assert order(account).status_code == 204


@pytest.mark.parametrize("name", ["quantity", "amount"])
def test_lines_can_have_to_be_positive_by_record_type(account: Account, name: str) -> None:
    items = {"items": [account.line(), account.line(quantity=1, amount=1) | {name: -1}]}
    rules(account, positiveLines=["returnAuthorization"])
    assert order(account, item=items).status_code == 204
    rules(account, positiveLines=["salesOrder"])
    assert words(order(account, item=items)) == PREFIX + "Line quantities and amounts must not be negative."
    assert order(account).status_code == 204


def test_without_rules_currencies_and_subsidiaries_do_not_matter(account: Account) -> None:
    assert order(account, currency={"id": "2"}, subsidiary={"id": "1"}).status_code == 204
    assert account.admin("GET", "account") == {}


def test_rules_are_told_as_they_were_given(account: Account) -> None:
    given = {
        "closedPeriods": [{"start": "2025-01-01", "end": "2025-03-31"}],
        "mandatory": {"customer": {"email": "Email"}},
        "customerCurrencies": True,
    }
    assert rules(account, **given) == given == account.admin("GET", "account")


@pytest.mark.parametrize(
    "given",
    [
        {"closedPeriods": [{"start": "yesterday", "end": "2025-01-31"}]},
        {"mandatory": {"invoice": {"memo": "Memo"}}},
        {"positiveLines": ["invoice"]},
        {"references": {"planet": [{"id": "1", "name": "Mars"}]}},
        {"closed": True},
    ],
    ids=str,
)
def test_rules_that_no_account_can_have_are_refused(sandbox: RunningSandbox, given: object) -> None:
    answer = requests.put(f"{sandbox.url}/sandbox/account", json=given, timeout=20)
    assert answer.status_code == 400
    assert answer.json()["error"]
