"""SuiteQL: the look-ups that a client needs, and the refusals that it must expect."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox_server import running_sandbox
from tests.sinks.sandbox.caller import LINK, Account, Caller, refusal


@pytest.fixture
def posted(account: Account) -> Account:
    """An account with a sales order over 240 and a return over 9 of one contract."""
    columns = {"custcol_nue_transactionlineid": "L-1"}
    account.created(
        "salesOrder",
        account.document(account.line(amount=240, quantity=2, **columns), externalId="NUE-SO-1", memo="it's")
        | {LINK: "contract", "currency": {"id": "2"}, "tranDate": "2025-01-01"},
    )
    account.created(
        "returnAuthorization", account.document(account.line(amount=9), externalId="NUE-RA-1", **{LINK: "contract"})
    )
    return account


def test_keys_are_lower_case_and_values_are_text(posted: Account) -> None:
    query = f"SELECT externalId AS EID, Type, entity, currency, TranDate, {LINK.upper()}, memo FROM Transaction"
    assert posted.rows(query + " WHERE type = 'SalesOrd'") == [
        {
            "eid": "NUE-SO-1",
            "type": "SalesOrd",
            "entity": posted.customer,
            "currency": "2",
            "trandate": "2025-01-01",
            LINK: "contract",
            "memo": "it's",
        }
    ]


def test_external_ids_are_found_by_bound_parameters_in_any_case(posted: Account) -> None:
    for ids in (["nue-so-1"], ["NUE-SO-1", "x"], ["x", "nue-SO-1", "NUE-RA-1"]):
        marks = ", ".join("?" * len(ids))
        rows = posted.rows(f"SELECT id, externalid FROM transaction WHERE externalid IN ({marks}) ORDER BY id", *ids)
        assert [row["externalid"] for row in rows] == [each.upper() for each in ids if each != "x"]


def test_a_parameter_is_a_value_and_never_a_part_of_the_query(posted: Account) -> None:
    assert posted.rows("SELECT id FROM transaction WHERE externalid = ?", "x' OR '1' = '1") == []
    assert posted.rows("SELECT externalid FROM transaction WHERE memo = ?", "it's") == [{"externalid": "NUE-SO-1"}]


def test_amounts_compare_as_numbers_and_sum_up(posted: Account) -> None:
    assert posted.rows("SELECT externalid FROM transaction WHERE foreigntotal > 9") == [{"externalid": "NUE-SO-1"}]
    assert posted.rows("SELECT SUM(total) AS s, COUNT(*) AS n FROM transaction") == [{"s": "249", "n": "2"}]


def test_documents_join_their_lines_items_and_customers(posted: Account) -> None:
    rows = posted.rows(
        "SELECT t.externalid AS document, c.companyname, i.itemid, l.quantity, l.foreignamount, "
        "l.custcol_nue_transactionlineid AS line FROM transaction t "
        "INNER JOIN transactionline l ON l.transaction = t.id INNER JOIN item i ON i.id = l.item "
        "INNER JOIN customer c ON c.id = t.entity WHERE t.type = ? ORDER BY t.id",
        "SalesOrd",
    )
    assert rows == [
        {
            "document": "NUE-SO-1",
            "companyname": "Halvorsen Research",
            "itemid": "Seat",
            "quantity": "2",
            "foreignamount": "240",
            "line": "L-1",
        }
    ]


def test_an_account_may_tell_the_lines_of_sales_orders_as_the_books_have_them() -> None:
    with running_sandbox(signs_of_books=True) as sandbox:
        account = Account(sandbox)
        account.created("salesOrder", account.document(account.line(amount=240, quantity=2)))
        account.created("returnAuthorization", account.document(account.line(amount=9)))
        rows = account.rows("SELECT quantity, foreignamount FROM transactionline ORDER BY transaction")
    assert rows == [{"quantity": "-2", "foreignamount": "-240"}, {"quantity": "1", "foreignamount": "9"}]


def test_currencies_are_found_by_symbol_and_terms_by_name(account: Account) -> None:
    assert account.rows("SELECT id FROM currency WHERE symbol = ?", "JPY") == [{"id": "3"}]
    assert account.rows("SELECT id FROM term WHERE name = ?", "Net 30") == [{"id": "2"}]


def test_what_is_null_is_left_out_of_its_row(posted: Account) -> None:
    assert posted.rows("SELECT memo, externalid FROM transaction WHERE memo IS NULL") == [{"externalid": "NUE-RA-1"}]
    assert posted.rows("SELECT id FROM transaction WHERE memo = ?", None) == []


def test_pages_say_where_they_are(account: Account) -> None:
    pages: list[dict[str, Any]] = []
    for offset in (0, 20, 40):
        answer = account.query("SELECT symbol FROM currency ORDER BY id", page=f"?limit=20&offset={offset}")
        pages.append(answer.json())
    total = len({row["symbol"] for page in pages for row in page["items"]})
    assert [page["count"] for page in pages] == [20, 20, total - 40]
    assert [page["hasMore"] for page in pages] == [True, True, False]
    assert {page["totalResults"] for page in pages} == {total}
    rels = {link["rel"]: link["href"] for link in pages[1]["links"]}
    assert rels.keys() == {"self", "first", "previous", "next", "last"}
    assert rels["next"].endswith("/services/rest/query/v1/suiteql?limit=20&offset=40")
    assert Caller.send(account, "POST", rels["next"], {"q": "SELECT id FROM currency"}, {"Prefer": "transient"}).ok


@pytest.mark.parametrize(
    ("page", "parameter"),
    [
        ("?limit=0", "limit"),
        ("?limit=1001", "limit"),
        ("?limit=ten", "limit"),
        ("?limit=10&offset=5", "offset"),
        ("?limit=10&offset=-10", "offset"),
    ],
)
def test_pages_that_cannot_be_are_refused(account: Account, page: str, parameter: str) -> None:
    answer = account.query("SELECT id FROM item", page=page)
    assert answer.status_code == 400
    assert refusal(answer)["o:errorQueryParam"] == parameter


@pytest.mark.parametrize("prefer", [None, "respond-async"])
def test_without_the_preference_for_transient_nothing_is_run(account: Account, prefer: str | None) -> None:
    answer = account.query("SELECT id FROM item", prefer=prefer)
    assert (answer.status_code, refusal(answer)["o:errorHeader"]) == (400, "Prefer")


@pytest.mark.parametrize(
    "query",
    [
        "",
        "SELEC id FROM item",
        "SELECT id FROM",
        "SELECT id FROM invoice",
        "SELECT id FROM record",
        "SELECT id FROM main.item",
        "SELECT name FROM sqlite_master",
        "SELECT name FROM pragma_table_info('record')",
        "SELECT id FROM suiteql_item",
        "SELECT nosuchcolumn FROM item",
        "SELECT id FROM item WHERE nosuchcolumn = 'nosuchcolumn'",
        "SELECT i.nosuchcolumn FROM item i",
        "SELECT id FROM item; SELECT id FROM item",
        "SELECT id FROM item UNION SELECT id FROM customer",
        "DELETE FROM item",
        "UPDATE item SET itemid = 'x'",
        "DROP TABLE item",
        "PRAGMA query_only = OFF",
        "WITH record AS (SELECT 1 AS id) SELECT id FROM record",
        "SELECT id FROM item WHERE externalid = ? AND id = ?",
        "SELECT " + "(" * 5000 + "1",
    ],
    ids=lambda query: query[:40],
)
def test_what_is_no_query_over_the_known_tables_is_refused(account: Account, query: str) -> None:
    answer = account.query(query, *["one"] * (query.count("?") - 1))  # one too few, where it has any
    assert answer.status_code == 400
    assert refusal(answer) == {
        "detail": "Invalid search query. Provide a valid search query.",
        "o:errorCode": "INVALID_PARAMETER",
        "o:errorQueryParam": "q",
    }
    assert account.rows("SELECT itemid FROM item") == [{"itemid": "Seat"}]


@pytest.mark.parametrize(
    "body",
    [[], {}, {"q": 1}, {"q": "SELECT id FROM item", "params": "x"}, {"q": "SELECT id FROM item", "params": [{}]}],
    ids=str,
)
def test_a_body_that_is_no_query_is_refused(account: Account, body: object) -> None:
    address = f"{account.url}/services/rest/query/v1/suiteql"
    assert refusal(account.send("POST", address, body, {"Prefer": "transient"}))["o:errorQueryParam"] == "q"
