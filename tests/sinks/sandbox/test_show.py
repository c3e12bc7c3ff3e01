"""What the sandbox shows of itself: everything as JSON, and a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from tests.sandbox_server import RunningSandbox
from tests.sinks.sandbox.caller import LINK, Account, Caller

EVIL = "<script>alert('x')</script>&\""


def page(caller: Caller) -> str:
    answer = caller.session.get(f"{caller.url}/", timeout=20)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return answer.text


def words(html: str) -> str:
    """The text of a page as a reader sees it."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

    Reader().feed(re.sub("<style>.*?</style>", "", html, flags=re.DOTALL))
    return " ".join(found)


def test_every_stored_value_is_shown_with_references_as_external_ids(account: Account) -> None:
    line = account.line(
        quantity=2,
        rate=60.25,
        price={"id": "-1"},
        description="A seat",
        custcol_nue_transactionlineid="L-1",
        custcol_nue_start_date="2025-01-01",
    )
    body = account.document(line, externalId="NUE-SO-1", memo="O-1", tranDate="2025-01-01", startDate="2025-01-01")
    internal_id = account.created(
        "salesOrder", body | {LINK: "contract", "currency": {"id": "1"}, "terms": {"id": "2"}, "otherRefNum": "PO"}
    )
    assert account.held()["documents"] == [
        {
            "recordType": "salesOrder",
            "id": internal_id,
            "externalId": "NUE-SO-1",
            "entity": "NUE-CUST-1",
            "entityName": "Halvorsen Research",
            LINK: "contract",
            "tranDate": "2025-01-01",
            "currency": "USD",
            "otherRefNum": "PO",
            "memo": "O-1",
            "startDate": "2025-01-01",
            "endDate": None,
            "lines": [
                {
                    "line": 1,
                    "item": "NUE-ITEM-1",
                    "quantity": "2",
                    "rate": "60.25",
                    "amount": "120.5",
                    "custcol_nue_transactionlineid": "L-1",
                    "custcol_nue_start_date": "2025-01-01",
                    "custcol_nue_end_date": None,
                    "fields": {"price": {"id": "-1"}, "description": "A seat"},
                }
            ],
            "total": "120.50",
            "fields": {"terms": "Net 30"},
        }
    ]


def test_customers_and_items_are_shown_in_the_order_of_their_ids(account: Account) -> None:
    account.created("customer", {"externalId": "A", "companyName": "B", "currency": {"id": 2}, "creditLimit": 5.50})
    account.created("serviceSaleItem", {"externalId": "A", "itemId": "A"})
    held = account.held()
    assert [each["externalId"] for each in held["customers"]] == ["NUE-CUST-1", "A"]
    assert held["customers"][1]["fields"] == {"companyName": "B", "currency": "EUR", "creditLimit": "5.5"}
    assert [(each["recordType"], each["name"]) for each in held["items"]] == [
        ("nonInventorySaleItem", "Seat"),
        ("serviceSaleItem", "A"),
    ]


def test_an_empty_sandbox_has_a_page_that_says_so(sandbox: RunningSandbox) -> None:
    assert "Nothing has been posted yet" in words(page(Caller(sandbox)))


def test_the_page_groups_documents_by_contract_with_sales_returns_and_net(account: Account) -> None:
    for number, (record, amount, contract) in enumerate(
        [
            ("salesOrder", 120000, "first"),
            ("salesOrder", 50, "second"),
            ("returnAuthorization", 30000, "first"),
        ]
    ):
        body = account.document(account.line(amount=amount), externalId=f"D-{number}", currency={"id": 1})
        account.created(record, body | {LINK: contract, "tranDate": "2025-01-01"})
    account.created("salesOrder", account.document())
    sections = [words(each) for each in page(account).split("<section>")[1:]]
    assert len(sections) == 3
    assert f"{LINK} = first" in sections[0]
    assert "D-0" in sections[0]
    assert "D-2" in sections[0]
    assert "sales orders 120,000.00 USD − return authorizations 30,000.00 USD" in sections[0]
    assert "90,000.00 USD" in sections[0]
    assert "D-1" in sections[1]
    assert f"without  {LINK}" in sections[2]


def test_amounts_of_two_currencies_are_never_added(account: Account) -> None:
    for currency in ("1", "2"):
        account.created("salesOrder", account.document(account.line(amount=70), currency={"id": currency}))
    (section,) = page(account).split("<section>")[1:]
    assert "sales orders 70.00 USD" in words(section)
    assert "sales orders 70.00 EUR" in words(section)
    assert "140" not in words(section)


def test_every_value_on_the_page_is_escaped(account: Account) -> None:
    account.send("PATCH", "customer/eid:NUE-CUST-1", {"companyName": EVIL})
    account.send("PATCH", "nonInventorySaleItem/eid:NUE-ITEM-1", {"itemId": EVIL})
    line = account.line(custcol_nue_start_date="2025-01-01")
    account.created("salesOrder", account.document(line, memo=EVIL, **{LINK: EVIL}))
    html = page(account)
    assert "<script" not in html
    assert words(html).count(EVIL) == 6  # heading, link, customer, memo, customer's row, item's row


def test_the_page_needs_nothing_from_elsewhere(account: Account) -> None:
    account.created("salesOrder", account.document())
    assert re.search(r"src=|href=|url\(|@import|<script", page(account)) is None
