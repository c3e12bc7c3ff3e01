"""The metadata-catalog, and roles that may not do everything."""

from __future__ import annotations

import pytest

from sinks.sandbox.role import Role
from tests.sandbox_server import RunningSandbox
from tests.sinks.sandbox.caller import LINK, Account, Caller, refusal

OPENAPI = {"Accept": "application/swagger+json"}


@pytest.mark.parametrize("path", ["metadata-catalog?select=salesOrder", "metadata-catalog/salesorder"])
def test_a_record_is_described_with_the_account_s_own_fields(sandbox: RunningSandbox, path: str) -> None:
    answer = Caller(sandbox).send("GET", path, headers=OPENAPI)
    assert answer.headers["Content-Type"].startswith("application/swagger+json")
    schemas = answer.json()["components"]["schemas"]
    header = schemas["salesOrder"]["properties"]
    assert header["tranDate"] == {"type": "string", "format": "date"}
    assert LINK in header
    assert header["item"] == {"$ref": "#/components/schemas/salesOrder-itemCollection"}
    lines = schemas["salesOrder-itemCollection"]["properties"]["items"]["items"]["$ref"].rsplit("/", 1)[1]
    assert {"amount", "custcol_nue_transactionlineid"} <= schemas[lines]["properties"].keys()
    assert "custcol_nue_transactionlineid" not in header
    assert "customer" not in schemas


def test_several_records_are_described_at_once_and_all_are_listed(sandbox: RunningSandbox) -> None:
    caller = Caller(sandbox)
    both = caller.send("GET", "metadata-catalog?select=customer,%20returnAuthorization", headers=OPENAPI).json()
    assert {"customer", "returnAuthorization"} <= both["components"]["schemas"].keys()
    assert "startDate" not in both["components"]["schemas"]["returnAuthorization"]["properties"]
    listed = caller.send("GET", "metadata-catalog").json()["items"]
    assert {"salesOrder", "customer", "inventoryItem"} <= {each["name"] for each in listed}


def test_a_record_that_is_not_there_is_not_described(sandbox: RunningSandbox) -> None:
    answer = Caller(sandbox).send("GET", "metadata-catalog?select=revenueArrangement", headers=OPENAPI)
    assert answer.status_code == 404
    assert "revenueArrangement" in refusal(answer)["detail"]


def test_a_role_that_lacks_a_permission_is_refused_for_that_alone(account: Account) -> None:
    account.sandbox.verifier.role = Role(frozenset({"POST salesOrder", "customer", "suiteql", "metadata-catalog"}))
    refused = [
        account.send("POST", "salesorder", account.document()),
        account.send("GET", "customer/1"),
        account.query("SELECT id FROM item"),
        account.send("GET", "metadata-catalog"),
    ]
    for answer in refused:
        assert answer.status_code == 400
        assert "does not have permission" in refusal(answer)["detail"]
    assert account.send("GET", "salesOrder/eid:NUE-SO-1").status_code == 404
    assert account.send("POST", "returnAuthorization", account.document()).status_code == 204
