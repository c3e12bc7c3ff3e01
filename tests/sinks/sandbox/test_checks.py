"""What the record service takes and what it refuses: names, values, references, mandatory fields."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from sinks import fields
from sinks.sandbox.account import CURRENCIES, DEFAULT_CUSTOM_FIELDS, FAMILY
from sinks.sandbox.store import Store
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks.sandbox.caller import LINK, STRICT, Account, Caller, refusal

NAMING = "X-NetSuite-PropertyNameValidation"


def test_the_field_tables_describe_every_record_that_can_be_written() -> None:
    assert fields.record_types() == FAMILY.keys()
    for record in FAMILY:
        assert "externalId" in fields.body_fields(record)
    assert fields.section_fields("salesOrder", "item")["amount"]["type"] == "number"
    assert "addressBook" in fields.sections("customer")
    with pytest.raises(KeyError):
        fields.body_fields("invoice")


@pytest.mark.parametrize("name", ["terms", "startDate", "endDate", "billingSchedule"])
def test_a_return_authorization_lacks_fields_that_a_sales_order_has(name: str) -> None:
    assert name in fields.body_fields("salesOrder")
    assert name not in fields.body_fields("returnAuthorization")


def test_by_default_unknown_fields_are_dropped_and_only_a_header_says_so(account: Account) -> None:
    body = account.document(account.line(custcol_typo="x"), externalId="RA-1", terms={"id": "1"}, custbody_typo="y")
    answer = account.send("POST", "returnAuthorization", body)
    assert answer.status_code == 204
    said = answer.headers["X-NetSuite-PropertyValidation"]
    assert all(name in said for name in ("terms", "custbody_typo", "item.items[0].custcol_typo"))
    record = account.record("returnAuthorization/eid:RA-1")
    assert not {"terms", "custbody_typo"} & record.keys()
    assert "custcol_typo" not in record["item"]["items"][0]


def test_ignoring_unknown_fields_drops_them_silently(account: Account) -> None:
    answer = account.send("POST", "salesOrder", account.document(custbody_typo="y"), {NAMING: "Ignore"})
    assert (answer.status_code, "X-NetSuite-PropertyValidation" in answer.headers) == (204, False)


@pytest.mark.parametrize(
    ("record", "line", "body", "path"),
    [
        ("salesOrder", {}, {"custbody_typo": "y"}, "custbody_typo"),
        ("salesOrder", {"custcol_typo": "y"}, {}, "item.items[0].custcol_typo"),
        ("returnAuthorization", {}, {"startDate": "2025-01-01"}, "startDate"),
        ("returnAuthorization", {}, {"terms": {"id": "1"}}, "terms"),
    ],
)
def test_where_the_caller_asks_for_errors_an_unknown_field_is_refused_by_name(
    account: Account, record: str, line: dict[str, Any], body: dict[str, Any], path: str
) -> None:
    answer = account.send("POST", record, account.document(account.line(**line), **body), {NAMING: "error"})
    assert answer.status_code == 400
    assert refusal(answer)["o:errorPath"] == path
    assert account.held()["documents"] == []


def test_another_word_for_naming_is_refused(account: Account) -> None:
    answer = account.send("POST", "salesOrder", account.document(), {NAMING: "Strict"})
    assert refusal(answer)["o:errorHeader"] == NAMING


def test_a_name_that_no_header_can_carry_is_told_escaped(account: Account) -> None:
    answer = account.send("POST", "customer", {"companyName": "A", "x\r\ny\u20ac": 1, "z" * 9000: 1})
    assert answer.status_code == 204
    said = answer.headers["X-NetSuite-PropertyValidation"]
    assert "x\\r\\ny\\u20ac" in said
    assert len(said) < 8190, "longer than HTTP clients take"


def test_the_projects_custom_fields_are_declared_on_both_documents(account: Account) -> None:
    columns = {
        "custcol_nue_transactionlineid": "line",
        "custcol_nue_start_date": "2025-01-01",
        "custcol_nue_end_date": "2025-12-31",
    }
    for record in ("salesOrder", "returnAuthorization"):
        body = account.document(account.line(**columns), externalId=record, **{LINK: "contract"})
        assert account.send("POST", record, body, STRICT).status_code == 204
        stored = account.record(f"{record}/eid:{record}")
        assert stored[LINK] == "contract"
        assert columns.items() <= stored["item"]["items"][0].items()


def test_custom_fields_are_the_accounts_own_and_suiteql_knows_them() -> None:
    own = dict(DEFAULT_CUSTOM_FIELDS) | {
        "customer": frozenset({"custentity_region"}),
        "returnAuthorization": frozenset(),
    }
    with running_sandbox(custom_fields=own) as sandbox:
        account = Account(sandbox)
        body = {"companyName": "A", "custentity_region": "north"}
        assert account.send("POST", "customer", body, STRICT).status_code == 204
        assert account.rows("SELECT companyname FROM customer WHERE custentity_region = 'north'") == [
            {"companyname": "A"}
        ]
        account.created("returnAuthorization", account.document(**{LINK: "lost"}))
        (document,) = account.held()["documents"]
        assert LINK not in document


def test_a_custom_field_of_a_kind_that_is_not_known_may_be_a_number_a_checkbox_or_a_list() -> None:
    own = dict(DEFAULT_CUSTOM_FIELDS) | {"customer": frozenset({"custentity_kind", "custentity_nue_text"})}
    with running_sandbox(custom_fields=own) as sandbox:
        account = Account(sandbox)
        for value in ("a", 1.5, True, {"id": "3"}):
            account.created("customer", {"companyName": "A", "custentity_kind": value})
        for name, value in (("custentity_kind", ["a"]), ("custentity_kind", {}), ("custentity_nue_text", 1)):
            assert account.send("POST", "customer", {"companyName": "A", name: value}).status_code == 400


def test_a_customers_parent_is_a_customer_that_is_there_and_shown_by_its_name() -> None:
    with running_sandbox() as sandbox:
        account = Account(sandbox)
        child = account.created("customer", {"companyName": "Child", "parent": {"id": account.customer}})
        parent = account.record(f"customer/{child}")["parent"]
        assert (parent["id"], parent["links"][0]["href"].rpartition("/")[2]) == (account.customer, account.customer)
        assert account.rows(f"SELECT parent FROM customer WHERE id = {child}") == [{"parent": account.customer}]
        (held,) = [each for each in account.held()["customers"] if each["id"] == child]
        assert held["fields"]["parent"] == "NUE-CUST-1"
        assert account.send("POST", "customer", {"companyName": "B", "parent": {"id": "9999"}}).status_code == 400


@pytest.mark.parametrize("wrong", [{"salesOrder": {"custbody') --"}}, {"invoice": set()}, {"customer.item": set()}])
def test_custom_fields_that_cannot_be_are_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ValueError, match="custom field"):
        Store(custom_fields=wrong)


@pytest.mark.parametrize("internal_id", [str, int])
def test_a_reference_is_an_id_as_text_or_number(account: Account, internal_id: Any) -> None:
    body = account.document(entity={"id": internal_id(account.customer)}, terms={"id": internal_id(2)})
    assert account.send("POST", "salesOrder", body).status_code == 204
    (document,) = account.held()["documents"]
    assert (document["entity"], document["fields"]["terms"]) == ("NUE-CUST-1", "Net 30")


@pytest.mark.parametrize(
    "reference",
    [{"id": "9999"}, {"id": "x"}, {"id": True}, {"id": None}, {}, "1", 1, {"externalId": "NUE-CUST-1"}, []],
    ids=str,
)
@pytest.mark.parametrize("name", ["entity", "currency", "subsidiary", "terms"])
def test_a_reference_to_what_is_not_there_is_refused_with_its_place(
    account: Account, name: str, reference: object
) -> None:
    answer = account.send("POST", "salesOrder", account.document(**{name: reference}))
    assert answer.status_code == 400
    detail = refusal(answer)
    assert (detail["o:errorCode"], detail["o:errorPath"]) == ("INVALID_CONTENT", name)


def test_a_wrong_item_is_refused_with_its_line(account: Account) -> None:
    body = account.document(account.line(), account.line(item={"id": "9999"}))
    assert refusal(account.send("POST", "salesOrder", body)) == {
        "detail": "Error while accessing a resource. "
        "You have entered an Invalid Field Value 9999 for the following field: item",
        "o:errorCode": "INVALID_CONTENT",
        "o:errorPath": "item.items[1].item",
    }


def test_an_external_id_beside_an_id_is_refused_too(account: Account) -> None:
    both = {"id": account.customer, "externalId": "NUE-CUST-1"}
    assert account.send("POST", "salesOrder", account.document(entity=both)).status_code == 400


def test_a_customer_is_no_item_and_an_item_no_customer(account: Account) -> None:
    for body in (
        account.document(entity={"id": account.item}),
        account.document(account.line(item={"id": account.customer})),
    ):
        assert account.send("POST", "salesOrder", body).status_code == 400


@pytest.mark.parametrize("path", ["customer/eid:NUE-CUST-1", "nonInventorySaleItem/eid:NUE-ITEM-1"])
def test_inactive_customers_and_items_take_no_new_documents(account: Account, path: str) -> None:
    assert account.send("POST", "salesOrder", account.document()).status_code == 204
    account.send("PATCH", path, {"isInactive": True})
    assert refusal(account.send("POST", "salesOrder", account.document()))["o:errorCode"] == "INVALID_CONTENT"
    account.send("PATCH", path, {"isInactive": False})
    assert account.send("POST", "salesOrder", account.document()).status_code == 204


@pytest.mark.parametrize(
    ("record", "body", "label"),
    [
        ("salesOrder", {}, "Customer"),
        ("returnAuthorization", {"entity": None}, "Customer"),
        ("customer", {"externalId": "C"}, "Company Name"),
        ("customer", {"companyName": ""}, "Company Name"),
        ("customer", {"isPerson": True, "firstName": "A"}, "Name"),
        ("serviceSaleItem", {}, "Item Name/Number"),
    ],
)
def test_a_mandatory_field_is_asked_for_by_the_label_on_its_form(
    sandbox: RunningSandbox, record: str, body: object, label: str
) -> None:
    answer = Caller(sandbox).send("POST", record, body)
    assert answer.status_code == 400
    assert refusal(answer) == {
        "detail": f"Error while accessing a resource. Please enter value(s) for: {label}",
        "o:errorCode": "USER_ERROR",
    }


@pytest.mark.parametrize("lines", [{}, {"item": None}, {"item": {"items": []}}], ids=str)
def test_a_document_needs_lines(account: Account, lines: dict[str, Any]) -> None:
    answer = account.send("POST", "salesOrder", {"entity": {"id": account.customer}} | lines)
    assert refusal(answer)["o:errorCode"] == "USER_ERROR"


def test_a_line_needs_an_item(account: Account) -> None:
    answer = account.send("POST", "salesOrder", account.document({"amount": 1}))
    assert refusal(answer)["detail"].endswith("Please enter value(s) for: Item")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("memo", 1),
        ("tranDate", "01/31/2025"),
        ("tranDate", "20250131"),
        ("tranDate", "2025-02-30"),
        ("shipComplete", "yes"),
        ("exchangeRate", "1.5"),
        ("orderStatus", {"id": "Z"}),
        ("orderStatus", "A"),
        ("item", [{"amount": 1}]),
        (LINK, 7),
    ],
)
def test_values_of_the_wrong_kind_are_refused_by_name(account: Account, name: str, value: object) -> None:
    answer = account.send("POST", "salesOrder", account.document() | {name: value})
    assert (answer.status_code, refusal(answer)["o:errorPath"]) == (400, name)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '{"companyName": NaN}', '{"companyName": "A", "creditLimit": 1e999999999}', "[" * 100_000],
    ids=lambda text: text[:20],
)
def test_what_is_no_json_object_is_refused(sandbox: RunningSandbox, text: str) -> None:
    answer = Caller(sandbox).send("POST", "customer", text)
    assert (answer.status_code, refusal(answer)["o:errorCode"]) == (400, "INVALID_CONTENT")


def test_text_that_cannot_be_decoded_is_refused(sandbox: RunningSandbox) -> None:
    answer = Caller(sandbox).send("POST", "customer", "{}", {"Content-Type": "application/json; charset=none"})
    assert refusal(answer)["o:errorCode"] == "INVALID_CONTENT"


def test_a_number_beyond_what_netsuite_keeps_is_refused(account: Account) -> None:
    answer = account.send("POST", "salesOrder", account.document(account.line(amount=10**15)))
    assert refusal(answer)["o:errorPath"] == "item.items[0].amount"


@pytest.mark.parametrize("path", ["invoice", "invoice/1", "salesOrder/1/item"])
def test_addresses_that_are_not_served_are_not_found(sandbox: RunningSandbox, path: str) -> None:
    caller = Caller(sandbox)
    answer = caller.send("GET" if "/" in path else "POST", path, "{}")
    assert (answer.status_code, refusal(answer)["o:errorCode"]) == (404, "INVALID_REQUEST")


def test_currencies_terms_and_the_subsidiary_are_there_from_the_start(account: Account) -> None:
    assert {row["symbol"] for row in account.rows("SELECT symbol FROM currency")} == set(CURRENCIES)
    assert "Net 45" in {row["name"] for row in account.rows("SELECT name FROM term")}
    assert account.rows("SELECT id FROM subsidiary") == [{"id": "1"}]


def test_a_sent_total_counts_for_nothing(account: Account) -> None:
    account.created("salesOrder", account.document(externalId="SO-1", total=1, subtotal=2))
    assert account.record("salesOrder/eid:SO-1")["total"] == Decimal("120.5")
