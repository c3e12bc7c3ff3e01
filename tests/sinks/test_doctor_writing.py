"""What the doctor finds by writing, over real HTTP, and that it leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sinks.client import NetSuiteClient
from sinks.defaults import Defaults
from sinks.findings import State
from sinks.sandbox.account_rules import AccountRules
from sinks.sandbox.role import Role
from sinks.sandbox.show import documents_of
from tests.sandbox_server import CREDENTIALS, RunningSandbox, running_sandbox
from tests.sinks.bad_line import forwarded, lose_answer, says
from tests.sinks.examination import DENIED, PLACES, TOKEN_BASED, examined, holds_nothing


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


WRITTEN = {
    "creating customer",
    "creating nonInventorySaleItem",
    "creating salesOrder",
    "creating returnAuthorization",
    "opposite lines on one salesOrder",
    "opposite lines on one returnAuthorization",
}


async def test_writing_proves_what_reading_cannot_and_leaves_nothing_behind(sandbox: RunningSandbox) -> None:
    told = await examined(sandbox, try_writing=True)
    assert told.those(State.OK) >= WRITTEN
    assert told.those(State.FIX) | told.those(State.UNCHECKED) == set()
    assert [call[1].split("/")[0] for call in told.calls if call[0] == "DELETE"] == [
        *["salesOrder"] * 2,
        *["returnAuthorization"] * 2,
        "nonInventorySaleItem",
        "customer",
    ]
    assert all("eid:NUE-DOCTOR-" in call[1] for call in told.calls if call[0] == "DELETE")
    assert holds_nothing(sandbox)


async def test_what_the_settings_add_to_new_records_is_tried_too() -> None:
    rules = AccountRules(
        references={"location": PLACES},
        mandatory={"salesOrder": {"location": "Location"}, "customer": {"comments": "Comments"}},
    )
    with running_sandbox(rules=rules) as sandbox:
        assert "creating customer" in (await examined(sandbox, try_writing=True)).those(State.FIX)
        defaults = Defaults(location="Berlin", fields={"customer": {"comments": "new"}})
        told = await examined(sandbox, try_writing=True, defaults=defaults)
        assert holds_nothing(sandbox)
    assert told.those(State.FIX) | told.those(State.UNCHECKED) == set()


@pytest.mark.parametrize("record", ["salesOrder", "returnAuthorization"])
async def test_opposite_lines_are_judged_per_record_type(record: str) -> None:
    check = f"opposite lines on one {record}"
    with running_sandbox(rules=AccountRules(positive_lines=frozenset({record}))) as sandbox:
        told = await examined(sandbox, try_writing=True)
        assert told.those(State.FIX) == {check}
        assert "amounts must not be negative" in told.words(check)
        assert "set policy.mixed_orders to split" in told.words(check)
        split = await examined(sandbox, try_writing=True, mixes=False)
        assert split.those(State.FIX) == set()
        assert "and the policy makes none" in split.words(check)
        assert holds_nothing(sandbox)


async def test_opposite_lines_that_were_to_be_proved_and_are_not_are_no_pass(sandbox: RunningSandbox) -> None:
    check = "opposite lines on one returnAuthorization"
    troubles = [("POST", "returnAuthorization", trouble) for trouble in (forwarded, lose_answer)]
    told = await examined(sandbox, *troubles, try_writing=True)
    assert told.those(State.FIX) == {check}
    assert told.words(check).startswith("not proved: NetSuite does not say")
    assert "set policy.mixed_orders to split" in told.words(check)
    split = await examined(sandbox, *troubles, try_writing=True, mixes=False)
    assert split.those(State.UNCHECKED) == {check}
    assert holds_nothing(sandbox)


async def test_a_document_that_is_refused_altogether_says_nothing_of_opposite_lines(sandbox: RunningSandbox) -> None:
    sandbox.verifier.role = Role(frozenset({"POST salesOrder"}))
    told = await examined(sandbox, try_writing=True)
    assert told.those(State.FIX) == {"creating salesOrder", "opposite lines on one salesOrder"}
    assert "not even one without them" in told.words("opposite lines on one salesOrder")
    assert holds_nothing(sandbox)


async def test_without_a_customer_no_document_is_tried(sandbox: RunningSandbox) -> None:
    demanding = says(400, "Please enter value(s) for: Tax Reg.")
    told = await examined(sandbox, ("POST", "customer", demanding), try_writing=True)
    mixed = {f"opposite lines on one {record}" for record in ("salesOrder", "returnAuthorization")}
    assert told.those(State.FIX) == {"creating customer", *mixed}
    assert told.those(State.UNCHECKED) == WRITTEN - {"creating customer", "creating nonInventorySaleItem", *mixed}
    assert holds_nothing(sandbox)


async def test_what_was_made_without_an_answer_is_deleted_too(sandbox: RunningSandbox) -> None:
    told = await examined(sandbox, ("POST", "salesOrder", lose_answer), try_writing=True)
    assert "should NUE-DOCTOR-SO-" in told.words("creating salesOrder")
    assert told.those(State.UNCHECKED) == {"creating salesOrder"}
    assert told.those(State.FIX) == {"opposite lines on one salesOrder"}
    assert holds_nothing(sandbox)


async def test_what_cannot_be_deleted_is_named_for_a_person_to_delete(sandbox: RunningSandbox) -> None:
    told = await examined(sandbox, ("DELETE", "salesOrder", DENIED), try_writing=True)
    # the customer and the item stay too, since the sales order names them
    assert told.those(State.FIX) == {f"deleting {left}" for left in ("salesOrder", "nonInventorySaleItem", "customer")}
    (left,) = documents_of(sandbox.store)["documents"]
    assert f"NetSuite does not delete {left['externalId']}" in told.words("deleting salesOrder")


async def test_nothing_but_what_was_made_to_try_things_can_be_deleted(sandbox: RunningSandbox) -> None:
    async with NetSuiteClient(sandbox.url, CREDENTIALS.account, TOKEN_BASED) as client:
        with pytest.raises(ValueError, match="NUE-SO-order-1 was not made to try things"):
            await client.delete_trial("salesOrder", "NUE-SO-order-1")
