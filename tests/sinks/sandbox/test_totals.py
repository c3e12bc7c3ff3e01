"""Amounts and totals: what was sent stays as it was sent, to the last digit, and the server adds up."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.sandbox_server import running_sandbox
from tests.sinks.sandbox.caller import Account, refusal

EXACT = '{"entity": {"id": %s}, "externalId": "SO-1", "item": {"items": [%s]}}'


def test_an_amount_is_kept_whatever_quantity_and_rate_say(account: Account) -> None:
    account.created("salesOrder", account.document(account.line(quantity=3, rate=7, amount=100), externalId="SO-1"))
    record = account.record("salesOrder/eid:SO-1")
    (line,) = record["item"]["items"]
    assert (line["quantity"], line["rate"], line["amount"], record["total"]) == (3, 7, 100, 100)


def test_digits_come_back_as_they_were_sent(account: Account) -> None:
    line = f'{{"item": {{"id": {account.item}}}, "quantity": 3, "rate": 0.33333333, "amount": 1234567890123.10}}'
    account.created("salesOrder", EXACT % (account.customer, line))
    text = account.send("GET", "salesOrder/eid:SO-1?expandSubResources=true").text
    assert '"amount":1234567890123.10' in text
    assert '"rate":0.33333333' in text
    assert '"total":1234567890123.10' in text


def test_tenths_add_up_exactly(account: Account) -> None:
    account.created("salesOrder", account.document(*[account.line(amount=0.1)] * 3, externalId="SO-1"))
    assert account.record("salesOrder/eid:SO-1")["total"] == Decimal("0.3")
    assert account.held()["documents"][0]["total"] == "0.30"


@pytest.mark.parametrize(
    ("currency", "amount"), [("USD", "0.67"), ("JPY", "1"), ("KWD", "0.667"), (None, "0.67")], ids=str
)
def test_an_amount_that_was_not_sent_is_computed_in_the_currencys_decimals(
    account: Account, currency: str | None, amount: str
) -> None:
    fields = {}
    if currency:
        (row,) = account.rows("SELECT id FROM currency WHERE symbol = ?", currency)
        fields["currency"] = {"id": row["id"]}
    line = {"item": {"id": account.item}, "quantity": 2, "rate": 0.3333}
    account.created("salesOrder", account.document(line, **fields))
    (document,) = account.held()["documents"]
    assert (document["lines"][0]["amount"], document["total"]) == (amount, amount)


@pytest.mark.parametrize(
    ("symbol", "total", "tax"), [("USD", "119.08", "19.01"), ("JPY", "119.07", "19"), ("KWD", "119.083", "19.013")]
)
def test_tax_is_added_to_the_total_in_the_currencys_decimals(symbol: str, total: str, tax: str) -> None:
    with running_sandbox(tax_rate=Decimal("0.19")) as sandbox:
        account = Account(sandbox)
        (currency,) = account.rows("SELECT id FROM currency WHERE symbol = ?", symbol)
        body = account.document(account.line(amount=100.07), externalId="SO-1", currency=currency)
        account.created("salesOrder", body)
        record = account.record("salesOrder/eid:SO-1")
        assert (record["subtotal"], record["taxTotal"], record["total"]) == (
            Decimal("100.07"),
            Decimal(tax),
            Decimal(total),
        )


@pytest.mark.parametrize("record", ["salesOrder", "returnAuthorization"])
def test_lines_may_be_negative_but_the_total_may_not(account: Account, record: str) -> None:
    answer = account.send("POST", record, account.document(account.line(amount=10), account.line(amount=-10.01)))
    assert answer.status_code == 400
    assert refusal(answer) == {
        "detail": "Error while accessing a resource. The total cannot be negative",
        "o:errorCode": "USER_ERROR",
    }
    account.created(record, account.document(account.line(amount=10), account.line(amount=-10)))


def test_an_update_that_would_make_the_total_negative_is_refused(account: Account) -> None:
    account.created("salesOrder", account.document(externalId="SO-1"))
    answer = account.send("PATCH", "salesOrder/eid:SO-1", {"item": {"items": [{"line": 1, "amount": -1}]}})
    assert refusal(answer)["detail"].endswith("The total cannot be negative")
