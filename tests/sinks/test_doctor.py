"""The doctor, over real HTTP: what it finds wrong in an account, and that it leaves nothing behind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web

from sinks.client import NetSuiteClient
from sinks.defaults import CustomField, Defaults
from sinks.doctor import Wishes, examine
from sinks.findings import Calls, State
from sinks.sandbox.account import DEFAULT_CUSTOM_FIELDS
from sinks.sandbox.account_rules import AccountRules
from sinks.sandbox.role import Role
from sinks.signing import Credentials
from tests.sandbox_server import CREDENTIALS, RunningSandbox, running_sandbox
from tests.sinks import certificates
from tests.sinks.bad_line import drop, forwarded, page, says
from tests.sinks.examination import DENIED, PLACES, TOKEN_BASED, Examination, examined, holds_nothing

UNPROVED = {"creating records", "opposite lines on one document"}
GONE = says(404, "Record type 'returnAuthorization' does not exist.", "INVALID_REQUEST")


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


@pytest.mark.parametrize("auth", ["tba", "oauth2"])
async def test_an_account_in_order_is_told_so_and_nothing_is_written(auth: str) -> None:
    credentials = certificates.credentials("P-256") if auth == "oauth2" else TOKEN_BASED
    with running_sandbox(credentials=certificates.known("P-256")) as sandbox:
        told = await examined(
            sandbox, credentials=credentials, defaults=Defaults(subsidiary="1"), currencies=("USD",), terms=("Net 30",)
        )
        assert holds_nothing(sandbox)
    assert told.those(State.FIX) == set()
    assert told.those(State.UNCHECKED) == UNPROVED
    assert {"address", "clock", "login", "currencies", "payment terms", "subsidiary 1"} <= told.those(State.OK)
    assert len([check for check in told.found if check.startswith("field ")]) == 8
    assert not [
        call for call in told.calls if call[0] != "GET" and "suiteql" not in call[1] and "oauth2" not in call[1]
    ]
    assert "split" in told.words("opposite lines on one document")


async def test_a_policy_that_splits_needs_no_proof_of_opposite_lines(sandbox: RunningSandbox) -> None:
    told = await examined(sandbox, mixes=False)
    assert told.those(State.UNCHECKED) == {"creating records"}


@contextmanager
def sandbox_that_is_off(seconds: float) -> Iterator[RunningSandbox]:
    with running_sandbox(clock=lambda: time.time() + seconds) as running:
        yield running


@pytest.mark.parametrize(("off", "side"), [(120.0, "behind"), (-120.0, "ahead of")])
async def test_a_clock_that_is_off_is_found_by_what_netsuite_says_the_time_is(off: float, side: str) -> None:
    with sandbox_that_is_off(off) as sandbox:
        told = await examined(sandbox)
    assert told.those(State.FIX) == {"clock"}
    assert f" s {side} NetSuite" in told.words("clock")
    assert 115 <= int(told.words("clock").split(" is ")[1].split()[0]) <= 125


async def test_a_clock_that_is_too_far_off_is_told_beside_the_login_that_fails_for_it() -> None:
    with sandbox_that_is_off(400) as sandbox:
        told = await examined(sandbox)
    assert told.those(State.FIX) == {"clock", "login"}


@pytest.mark.parametrize(
    ("credentials", "words"),
    [
        ("token", "NetSuite refuses the login: Invalid login attempt"),
        ("certificate", "NetSuite refuses an access token (invalid_grant): check the certificate id"),
    ],
)
async def test_a_refused_login_is_tried_once_and_ends_the_examination(credentials: str, words: str) -> None:
    wrong: dict[str, Any] = {
        "token": Credentials(
            consumer_key=TOKEN_BASED.consumer_key,
            consumer_secret=TOKEN_BASED.consumer_secret,
            token_id=TOKEN_BASED.token_id,
            token_secret=TOKEN_BASED.consumer_secret,
        ),
        "certificate": certificates.credentials("P-256", certificate_id="another"),
    }
    with running_sandbox(credentials=certificates.known("P-256")) as sandbox:
        told = await examined(sandbox, credentials=wrong[credentials], try_writing=True)
    assert told.those(State.FIX) == {"login"}
    assert told.words("login").startswith(words)
    assert told.those(State.UNCHECKED) == {"everything else"}
    assert [call[0] for call in told.calls] == ["GET", "POST"]


async def test_an_address_where_nobody_answers_is_told_and_nothing_else_is_tried() -> None:
    async with NetSuiteClient("http://127.0.0.1:9", CREDENTIALS.account, TOKEN_BASED, timeout=2) as client:
        made = Examination()
        found = [finding async for finding in examine(client, Wishes(), Calls(made.pause))]
    assert [(finding.check, finding.state) for finding in found] == [
        ("address", State.FIX),
        ("everything else", State.UNCHECKED),
    ]
    assert "check netsuite.account" in found[0].words


@pytest.mark.parametrize(
    ("lacking", "checks", "permission"),
    [
        ("salesOrder", {"permission to open salesOrder"}, "Transactions > Sales Order"),
        ("returnAuthorization", {"permission to open returnAuthorization"}, "Transactions > Return Authorization"),
        ("customer", {"permission to open customer"}, "Lists > Customers"),
        ("nonInventorySaleItem", {"permission to open nonInventorySaleItem"}, "Lists > Items"),
        (
            "suiteql",
            {f"permission to query {name}" for name in ("transactions", "customers", "items")}
            | {"currencies", "payment terms"},
            "SuiteAnalytics Workbook",
        ),
    ],
)
async def test_a_permission_that_the_role_lacks_is_named(
    sandbox: RunningSandbox, lacking: str, checks: set[str], permission: str
) -> None:
    sandbox.verifier.role = Role(frozenset({lacking}))
    told = await examined(sandbox)
    assert told.those(State.FIX) == checks
    assert permission in told.words(min(checks, key=lambda check: not check.startswith("permission")))
    assert "does not have permission" in told.words(min(checks))


@pytest.mark.parametrize("record", ["serviceSaleItem", "inventoryItem"])
async def test_an_item_type_that_nobody_may_sell_is_no_fault(sandbox: RunningSandbox, record: str) -> None:
    sandbox.verifier.role = Role(frozenset({record}))
    told = await examined(sandbox)
    assert told.those(State.FIX) == set()
    assert f"permission to open {record}" in told.those(State.UNCHECKED)


async def test_a_record_type_that_the_account_does_not_have_is_not_taken_for_one_without_our_record(
    sandbox: RunningSandbox,
) -> None:
    told = await examined(sandbox, ("GET", "returnAuthorization", GONE))
    assert told.those(State.FIX) == {"permission to open returnAuthorization"}


FIELDS = [(place, name) for place, names in DEFAULT_CUSTOM_FIELDS.items() for name in sorted(names)]


@pytest.mark.parametrize(("place", "name"), FIELDS)
async def test_a_custom_field_that_a_record_lacks_is_named_with_what_to_make(place: str, name: str) -> None:
    fields = dict(DEFAULT_CUSTOM_FIELDS) | {place: DEFAULT_CUSTOM_FIELDS[place] - {name}}
    with running_sandbox(custom_fields=fields) as sandbox:
        told = await examined(sandbox)
    check = f"field {name} on {place.removesuffix('.item')}"
    assert told.those(State.FIX) == {check}
    words = told.words(check)
    assert ("Transaction Line Fields" if name.startswith("custcol") else "Transaction Body Fields") in words
    assert ("of type Date" if name.endswith("_date") else "of type Free-Form Text") in words
    assert ("sales orders" if place.startswith("sales") else "return authorizations") in words


async def test_the_fields_that_the_mapping_fills_are_looked_for_as_well(sandbox: RunningSandbox) -> None:
    defaults = Defaults(
        order_custom={"Cost_Centre__c": CustomField(field="custbody_cost_centre", type="list", values={"a": "1"})},
        line_custom={"Share__c": CustomField(field="custcol_share", type="number")},
        root_field="custcol_root",
    )
    told = await examined(sandbox, defaults=defaults)
    records = ("salesOrder", "returnAuthorization")
    names = ("custbody_cost_centre", "custcol_share", "custcol_root")
    assert told.those(State.FIX) == {f"field {name} on {record}" for record in records for name in names}
    assert "Transaction Body Fields, of type List/Record" in told.words("field custbody_cost_centre on salesOrder")
    assert "Transaction Line Fields, of type Decimal Number" in told.words("field custcol_share on salesOrder")
    silent = await examined(sandbox, *[("GET", "metadata-catalog", GONE)] * 2, defaults=defaults)
    assert silent.those(State.FIX) == told.those(State.FIX)


async def no_fields(*_: Any) -> web.Response:
    return web.json_response({"components": {"schemas": {"salesOrder": {"properties": {}}}}})


@pytest.mark.parametrize("silence", [DENIED, GONE, says(200, "no OpenAPI at all"), no_fields])
async def test_where_the_catalog_does_not_answer_suiteql_says_which_fields_there_are(silence: Any) -> None:
    gone = {"custcol_nue_end_date"}
    fields = {place: names - gone for place, names in DEFAULT_CUSTOM_FIELDS.items()}
    with running_sandbox(custom_fields=fields) as sandbox:
        told = await examined(sandbox, *[("GET", "metadata-catalog", silence)] * 2)
    lacking = {f"field custcol_nue_end_date on {record}" for record in ("salesOrder", "returnAuthorization")}
    assert told.those(State.FIX) == lacking
    assert "SuiteQL knows it" in told.words("field custbody_nue_original_orderid on returnAuthorization")


async def test_currencies_and_terms_that_netsuite_does_not_know_are_named(sandbox: RunningSandbox) -> None:
    told = await examined(sandbox, currencies=("USD", "XAU"), terms=("Net 30", "Net 31"))
    assert told.those(State.FIX) == {"currencies", "payment terms"}
    assert "not known in NetSuite: XAU;" in told.words("currencies")
    assert "not known in NetSuite: Net 31;" in told.words("payment terms")


@pytest.mark.parametrize("segment", ["subsidiary", "location", "department", "classification"])
async def test_places_of_the_settings_are_looked_up_by_name_or_id_as_the_sink_does(segment: str) -> None:
    rules = AccountRules(references={segment: PLACES})
    with running_sandbox(rules=rules) as sandbox:
        for value, words in (("Berlin", "it has internal id 4"), ("4", "Berlin")):
            told = await examined(sandbox, defaults=Defaults(**{segment: value}))
            assert told.those(State.FIX) == set()
            assert told.found[f"{segment} {value}"] == (State.OK, words)
        for value, why in (("Atlantis", "there is none"), ("Twice", "internal ids 5, 6"), ("77", "there is none of")):
            told = await examined(sandbox, defaults=Defaults(**{segment: value}), try_writing=True)
            assert told.those(State.FIX) == {f"{segment} {value}"}
            assert told.words(f"{segment} {value}").startswith(f"netsuite.mapping.{segment}: ")
            assert why in told.words(f"{segment} {value}")
            assert "creating records" in told.those(State.UNCHECKED)


@pytest.mark.parametrize(("value", "state"), [("Berlin", State.FIX), ("4", State.UNCHECKED)])
async def test_a_place_that_nobody_may_look_up_has_to_be_given_by_its_id(value: str, state: State) -> None:
    with running_sandbox(rules=AccountRules(references={"location": PLACES})) as sandbox:
        # transactions, customers, items, currencies and terms are asked for before
        troubles = [("POST", "suiteql", forwarded)] * 5 + [("POST", "suiteql", DENIED)]
        told = await examined(sandbox, *troubles, defaults=Defaults(location=value))
    assert told.found[f"location {value}"][0] is state
    assert "Lists > Locations (View)" in told.words(f"location {value}")


async def test_a_busy_or_failing_netsuite_is_asked_again_and_then_left_unjudged(sandbox: RunningSandbox) -> None:
    busy = says(429, "Concurrent request limit exceeded.", "CONCURRENCY_LIMIT_EXCEEDED", Retry_After="7")
    told = await examined(sandbox, *[("GET", "salesOrder", trouble) for trouble in (busy, drop)])
    assert told.pauses == [7.0, 1.0]
    assert told.those(State.UNCHECKED) == UNPROVED
    told = await examined(sandbox, *[("GET", "salesOrder", page(503))] * 3)
    assert told.those(State.UNCHECKED) == UNPROVED | {"permission to open salesOrder"}
    assert told.those(State.FIX) == set()


@pytest.mark.parametrize("path", ["suiteql", "oauth2"])
async def test_an_account_that_cannot_say_whether_a_login_works_is_not_ready(path: str) -> None:
    with running_sandbox(credentials=certificates.known("P-256")) as sandbox:
        troubles = [("POST", path, page(503))] * 3
        told = await examined(sandbox, *troubles, credentials=certificates.credentials("P-256"))
    assert told.those(State.FIX) == {"login"}
    assert "HTTP 503" in told.words("login")
    assert told.those(State.UNCHECKED) == {"everything else"}
