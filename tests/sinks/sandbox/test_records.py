"""The record service: create, read, update, upsert, delete."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest

from sinks.sandbox.store import Store
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks.sandbox.caller import LINK, STRICT, Account, Caller, refusal

ITEM_TAKEN = "Uniqueness error - there is already an item with that name or name/parent combination."


@pytest.mark.parametrize("spelt", ["salesOrder", "salesorder", "SALESORDER"])
def test_a_new_record_is_answered_without_a_body_and_with_its_address(account: Account, spelt: str) -> None:
    answer = account.send("POST", spelt, account.document(externalId="SO-1"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Location"].startswith(f"{account.url}/services/rest/record/v1/salesorder/")
    assert account.send("GET", answer.headers["Location"]).json()["externalId"] == "SO-1"


def test_a_record_is_read_by_internal_id_and_by_external_id_in_any_case(account: Account) -> None:
    internal_id = account.created("customer", {"externalId": "NUE-Émile", "companyName": "É"})
    for name in (internal_id, "eid:NUE-Émile", "eid:nue-éMILE"):
        assert account.record(f"customer/{name}")["id"] == internal_id


def test_references_come_back_with_id_name_and_link_and_sublists_only_on_demand(account: Account) -> None:
    account.created("salesOrder", account.document(externalId="SO-1", currency={"id": 2}))
    record = account.send("GET", "salesOrder/eid:SO-1").json()
    assert record["entity"] == {
        "links": [{"rel": "self", "href": f"{account.url}/services/rest/record/v1/customer/{account.customer}"}],
        "id": account.customer,
        "refName": "Halvorsen Research",
    }
    assert (record["currency"]["id"], record["currency"]["refName"]) == ("2", "EUR")
    assert record["item"].keys() == {"links"}
    (line,) = account.record("salesOrder/eid:SO-1")["item"]["items"]
    assert (line["line"], line["item"]["refName"]) == (1, "Seat")


@pytest.mark.parametrize("name", ["999999", "eid:NOBODY", "%C2%B2", "99999999999999999999"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_what_is_not_there_is_a_nonexistent_id(account: Account, method: str, name: str) -> None:
    answer = account.send(method, f"salesOrder/{name}", {} if method == "PATCH" else None)
    assert answer.status_code == 404
    assert refusal(answer) == {"detail": "Record does not exist.", "o:errorCode": "NONEXISTENT_ID"}


def test_a_record_is_not_found_as_another_type(account: Account) -> None:
    internal_id = account.created("salesOrder", account.document(externalId="SO-1"))
    assert account.send("GET", f"returnAuthorization/{internal_id}").status_code == 404
    assert account.send("GET", "returnAuthorization/eid:SO-1").status_code == 404


def test_patch_keeps_what_it_does_not_name_and_empties_what_it_names_null(account: Account) -> None:
    account.send("PATCH", "customer/eid:NUE-CUST-1", {"email": "a@example.com", "comments": "new"})
    answer = account.send("PATCH", "customer/eid:NUE-CUST-1", {"comments": None})
    assert answer.status_code == 204
    assert answer.headers["Location"].endswith(f"/customer/{account.customer}")
    record = account.record(f"customer/{account.customer}")
    assert (record["companyName"], record["email"], "comments" in record) == (
        "Halvorsen Research",
        "a@example.com",
        False,
    )


def test_put_creates_and_updates_by_external_id_and_does_not_say_which(account: Account) -> None:
    answers = [account.send("PUT", "customer/eid:C-9", {"companyName": name}) for name in ("Once", "Twice")]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert answers[0].headers["Location"] == answers[1].headers["Location"]
    record = account.record("customer/eid:c-9")
    assert (record["companyName"], record["externalId"]) == ("Twice", "C-9")


def test_put_is_not_for_internal_ids_and_cannot_rename(account: Account) -> None:
    assert account.send("PUT", f"customer/{account.customer}", {"companyName": "A"}).status_code == 400
    answer = account.send("PUT", "customer/eid:NUE-CUST-1", {"externalId": "OTHER"})
    assert refusal(answer)["o:errorPath"] == "externalId"


def test_a_repeated_put_doubles_the_lines_of_an_order(account: Account) -> None:
    body = account.document(account.line(amount=10), account.line(amount=20))
    for _ in range(2):
        assert account.send("PUT", "salesOrder/eid:SO-1", body).status_code == 204
    record = account.record("salesOrder/eid:SO-1")
    assert [(line["line"], line["amount"]) for line in record["item"]["items"]] == [(1, 10), (2, 20), (3, 10), (4, 20)]
    assert record["total"] == 60


def test_put_with_replace_gives_the_order_these_lines_and_no_others(account: Account) -> None:
    account.created("salesOrder", account.document(account.line(), account.line(), externalId="SO-1"))
    body = account.document(account.line(amount=7), {"line": 2, "amount": 3})
    assert account.send("PUT", "salesOrder/eid:SO-1?replace=item", body).status_code == 204
    lines = account.record("salesOrder/eid:SO-1")["item"]["items"]
    assert [(line["line"], line["amount"], line["quantity"]) for line in lines] == [(2, 3, 1), (3, 7, 1)]


def test_a_line_that_names_its_number_is_changed_in_place(account: Account) -> None:
    account.created("salesOrder", account.document(account.line(), account.line(), externalId="SO-1"))
    assert account.send("PATCH", "salesOrder/eid:SO-1", {"item": {"items": [{"line": 2, "amount": 5}]}}).ok
    assert account.record("salesOrder/eid:SO-1")["total"] == Decimal("125.5")


def test_an_empty_list_adds_nothing_while_null_would_empty_the_order(account: Account) -> None:
    account.created("salesOrder", account.document(externalId="SO-1"))
    assert account.send("PATCH", "salesOrder/eid:SO-1", {"item": {"items": []}}).status_code == 204
    for nothing in (None, {"items": None}):
        assert account.send("PATCH", "salesOrder/eid:SO-1", {"item": nothing}).status_code == 400
    assert account.record("salesOrder/eid:SO-1")["item"]["count"] == 1


def test_sublists_of_customers_are_appended_to_replaced_or_emptied(account: Account) -> None:
    entry = {"label": "HQ", "addressBookAddress": {"city": "Oslo", "country": {"id": "NO"}}}
    path = "customer/eid:NUE-CUST-1"
    for suffix, count in (("", 1), ("", 2), ("?replace=addressBook", 1)):
        assert account.send("PATCH", path + suffix, {"addressBook": {"items": [entry]}}, STRICT).status_code == 204
        assert account.record(path)["addressBook"]["count"] == count
    assert account.send("PATCH", path, {"addressBook": None}).status_code == 204
    assert "addressBook" not in account.record(path)


def test_a_deleted_record_is_gone_and_its_id_is_not_used_again(account: Account) -> None:
    first = account.created("salesOrder", account.document(externalId="SO-1"))
    assert account.send("DELETE", "salesOrder/eid:SO-1").status_code == 204
    assert account.send("GET", f"salesOrder/{first}").status_code == 404
    assert int(account.created("salesOrder", account.document(externalId="SO-1"))) > int(first)


def test_what_stands_on_a_document_cannot_be_deleted(account: Account) -> None:
    account.created("salesOrder", account.document(entity={"id": "0" + account.customer}))
    for path in ("customer/eid:NUE-CUST-1", "nonInventorySaleItem/eid:NUE-ITEM-1"):
        assert "dependent records" in refusal(account.send("DELETE", path))["detail"]


@pytest.mark.parametrize("second", ["salesOrder", "returnAuthorization"])
def test_sales_orders_and_returns_share_their_external_ids_whatever_the_case(account: Account, second: str) -> None:
    account.created("salesOrder", account.document(externalId="NUE-Ä-1"))
    answer = account.send("POST", second, account.document(externalId="nue-ä-1"))
    assert answer.status_code == 400
    assert refusal(answer) == {
        "detail": "Error while accessing a resource. This record already exists",
        "o:errorCode": "USER_ERROR",
    }
    assert account.report()["duplicatesRefused"] == 1


def test_a_taken_external_id_is_told_in_the_words_of_its_group(account: Account) -> None:
    customer = account.send("POST", "customer", {"externalId": "nue-cust-1", "companyName": "Other"})
    assert refusal(customer)["detail"] == "Error while accessing a resource. This entity already exists."
    item = account.send("POST", "serviceSaleItem", {"externalId": "NUE-ITEM-1", "itemId": "Other"})
    assert refusal(item)["detail"].endswith(ITEM_TAKEN)
    account.created("salesOrder", account.document(externalId="NUE-CUST-1"))


def test_a_record_cannot_be_given_the_external_id_of_another(account: Account) -> None:
    account.created("customer", {"externalId": "C-2", "companyName": "Other"})
    assert account.send("PATCH", "customer/eid:C-2", {"externalId": "NUE-CUST-1"}).status_code == 400
    assert account.record("customer/eid:C-2")["companyName"] == "Other"


def test_items_are_unique_by_name_and_customers_are_not(account: Account) -> None:
    answer = account.send("POST", "serviceSaleItem", {"externalId": "NUE-ITEM-2", "itemId": "SEAT"})
    assert refusal(answer)["detail"].endswith(ITEM_TAKEN)
    account.created("customer", {"externalId": "C-2", "companyName": "Halvorsen Research"})


def test_an_account_can_refuse_customers_of_one_name_and_take_items_of_one_name() -> None:
    with running_sandbox(unique_entity_names=True, unique_item_names=False) as sandbox:
        account = Account(sandbox)
        answer = account.send("POST", "customer", {"companyName": "halvorsen research"})
        assert refusal(answer)["detail"].endswith("This entity already exists.")
        account.created("serviceSaleItem", {"itemId": "Seat"})


@pytest.mark.parametrize("external_id", ["a b", "a:b", "a/b", "a|b", "", "a.b", "a²", "x" * 256])
def test_external_ids_that_addresses_cannot_carry_are_refused(account: Account, external_id: str) -> None:
    answer = account.send("POST", "customer", {"companyName": "A", "externalId": external_id})
    assert (answer.status_code, refusal(answer)["o:errorPath"]) == (400, "externalId")


def test_of_many_at_once_exactly_one_gets_the_external_id(account: Account) -> None:
    def post(number: int) -> int:
        record = ("salesOrder", "returnAuthorization")[number % 2]
        return Caller(account.sandbox).send("POST", record, account.document(externalId="Race")).status_code

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(post, range(24)))
    assert sorted(answers) == [204] + [400] * 23
    assert len(account.held()["documents"]) == 1
    assert account.report()["duplicatesRefused"] == 23


def test_of_many_updates_at_once_none_is_lost(account: Account) -> None:
    account.created("salesOrder", account.document(account.line(amount=1), externalId="SO-1"))

    def append(_: int) -> int:
        body = {"item": {"items": [account.line(amount=1)]}}
        return Caller(account.sandbox).send("PATCH", "salesOrder/eid:SO-1", body).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(append, range(24))) == {204}
    assert account.record("salesOrder/eid:SO-1")["total"] == 25


def test_a_change_that_is_refused_leaves_nothing_behind(account: Account) -> None:
    account.created("salesOrder", account.document(externalId="SO-1"))
    before = account.held()
    for line in ({"amount": 1}, account.line(amount=-999)):
        answer = account.send("PATCH", "salesOrder/eid:SO-1", {"memo": "x", "item": {"items": [line]}})
        assert answer.status_code == 400
    assert account.held() == before


def test_what_fails_in_the_middle_of_a_change_takes_back_all_of_it(sandbox: RunningSandbox) -> None:
    def fail() -> None:
        with sandbox.store.changing():
            sandbox.store.create("customer", {"companyName": "A"}, [])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert sandbox.store.all("entity") == []
    sandbox.store.create("customer", {"companyName": "B"}, [])
    assert [each.body["companyName"] for each in sandbox.store.all("entity")] == ["B"]


def test_a_file_keeps_records_ids_and_uniqueness_over_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "sandbox.sqlite")
    with running_sandbox(path=path) as sandbox:
        account = Account(sandbox)
        first = account.created("salesOrder", account.document(externalId="SO-1", **{LINK: "contract"}))
        held = account.held()
    with running_sandbox(path=path) as sandbox:
        account.sandbox, account.url = sandbox, sandbox.url
        assert account.held() == held
        assert account.send("POST", "salesOrder", account.document(externalId="so-1")).status_code == 400
        assert int(account.created("salesOrder", account.document())) > int(first)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "other.sqlite")
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE record (id)")
    with pytest.raises(ValueError, match="not written by this version"):
        Store(path)


def test_a_person_edits_a_record_without_the_services_checks(sandbox: RunningSandbox, account: Account) -> None:
    lines = [account.line(amount=1), account.line(amount=2), account.line(amount=3)]
    account.created("salesOrder", account.document(*lines, externalId="SO-1", memo="ours"))
    sandbox.store.edit("salesOrder", "so-1", {"memo": None, LINK: "moved"}, {2: None, 3: {"amount": Decimal("30.25")}})
    record = account.record("salesOrder/eid:SO-1")
    assert ("memo" in record, record[LINK], record["total"]) == (False, "moved", Decimal("31.25"))
    assert [line["line"] for line in record["item"]["items"]] == [1, 3]
    with pytest.raises(KeyError):
        sandbox.store.edit("salesOrder", "nothing", {})


def test_an_edit_beside_requests_loses_nothing(sandbox: RunningSandbox, account: Account) -> None:
    account.created("salesOrder", account.document(account.line(amount=1), externalId="SO-1"))

    def edit() -> None:
        for _ in range(20):
            sandbox.store.edit("salesOrder", "SO-1", {}, {0: {"item": {"id": account.item}, "amount": Decimal(1)}})

    thread = threading.Thread(target=edit)
    thread.start()
    for _ in range(20):
        assert account.send("PATCH", "salesOrder/eid:SO-1", {"item": {"items": [account.line(amount=1)]}}).ok
    thread.join()
    assert account.record("salesOrder/eid:SO-1")["total"] == 41
