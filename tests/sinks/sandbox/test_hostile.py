"""What careless and hostile callers send: the answer is NetSuite's refusal, and the next caller is served."""

from __future__ import annotations

import gzip
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import requests

from tests.sandbox_server import RunningSandbox
from tests.sinks.sandbox.caller import Account, Caller, refusal


def post(caller: Caller, data: bytes, **headers: str) -> requests.Response:
    address = f"{caller.url}/services/rest/record/v1/customer"
    return caller.session.post(address, data=data, headers=headers, auth=caller.auth(), timeout=60)


@pytest.mark.parametrize(
    "text",
    [r'{"companyName": "\ud800"}', r'{"companyName": "A", "\udfff": 1}', r'{"companyName": "A", "x": ["\ud83d"]}'],
)
def test_half_a_character_is_no_json(sandbox: RunningSandbox, text: str) -> None:
    caller = Caller(sandbox)
    answer = caller.send("POST", "customer", text)
    assert (answer.status_code, refusal(answer)["o:errorCode"]) == (400, "INVALID_CONTENT")
    assert caller.held()["customers"] == []


def test_a_whole_character_may_be_spelt_in_two_escapes(sandbox: RunningSandbox) -> None:
    caller = Caller(sandbox)
    assert caller.send("POST", "customer", r'{"companyName": "\ud83d\ude80"}').status_code == 204
    assert caller.held()["customers"][0]["name"] == "\N{ROCKET}"


def test_half_a_character_is_no_parameter_of_a_query(account: Account) -> None:
    address = f"{account.url}/services/rest/query/v1/suiteql"
    body = r'{"q": "SELECT id FROM item WHERE itemid = ?", "params": ["\ud800"]}'
    assert account.send("POST", address, body, {"Prefer": "transient"}).status_code == 400


def test_a_body_in_another_encoding_than_it_says_is_refused(sandbox: RunningSandbox) -> None:
    caller = Caller(sandbox)
    encoding = {"Content-Encoding": "gzip"}
    answer = post(caller, b"this is no gzip", **encoding)
    assert (answer.status_code, refusal(answer)["o:errorCode"]) == (400, "INVALID_CONTENT")
    assert post(caller, gzip.compress(b'{"companyName": "A"}'), **encoding).status_code == 204
    assert [each["name"] for each in caller.held()["customers"]] == ["A"]


def test_a_request_of_more_than_104_megabytes_is_refused(sandbox: RunningSandbox) -> None:
    answer = post(Caller(sandbox), b" " * (104 * 1024 * 1024 + 1))
    assert (answer.status_code, refusal(answer)["o:errorCode"]) == (413, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "salesOrder"), ("PUT", "salesOrder"), ("OPTIONS", "salesOrder"), ("POST", "salesOrder/1")],
)
def test_a_method_that_an_address_does_not_take_is_refused(sandbox: RunningSandbox, method: str, path: str) -> None:
    answer = Caller(sandbox).send(method, path)
    assert (answer.status_code, refusal(answer)["o:errorCode"]) == (405, "INVALID_REQUEST")


def test_head_is_a_get_without_its_body(account: Account) -> None:
    for internal_id, status in ((account.customer, 200), ("999", 404)):
        answer = account.send("HEAD", f"customer/{internal_id}")
        assert (answer.status_code, answer.text) == (status, "")


@pytest.mark.parametrize("line", [{"amount": "-0.0"}, {"quantity": "-0", "rate": "5"}, {"quantity": "-1", "rate": "0"}])
def test_there_is_no_negative_zero(account: Account, line: dict[str, str]) -> None:
    given = ", ".join(f'"{name}": {number}' for name, number in line.items())
    line_text = f'{{"item": {{"id": {account.item}}}, {given}}}'
    text = f'{{"entity": {{"id": {account.customer}}}, "item": {{"items": [{line_text}]}}}}'
    answer = account.send("POST", "salesOrder", text)
    assert answer.status_code == 204
    record = account.record("salesOrder/" + answer.headers["Location"].rsplit("/", 1)[-1])
    (stored,) = record["item"]["items"]
    zeros = [number for number in (*stored.values(), record["total"]) if isinstance(number, Decimal) and not number]
    assert zeros
    assert not any(number.is_signed() for number in zeros)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT randomblob(1000000000) AS r FROM item",
        "SELECT zeroblob(1000000000) AS z FROM item",
        "SELECT printf('%.*c', 1000000000, 'x') AS p FROM item",
        "SELECT load_extension('nothing') AS l FROM item",
        "SELECT readfile('/etc/hostname') AS f FROM item",
    ],
    ids=lambda query: query[7:22],
)
def test_functions_of_the_database_behind_it_are_refused(account: Account, query: str) -> None:
    started = time.monotonic()
    answer = account.query(query)
    assert (answer.status_code, refusal(answer)["o:errorQueryParam"]) == (400, "q")
    assert time.monotonic() - started < 5


def test_a_query_that_would_never_end_is_given_up_and_the_next_one_runs(account: Account) -> None:
    tables = ", ".join(f"currency c{number}" for number in range(8))
    answer = account.query(f"SELECT COUNT(*) AS n FROM {tables}")
    assert (answer.status_code, refusal(answer)["o:errorQueryParam"]) == (400, "q")
    assert account.rows("SELECT itemid FROM item") == [{"itemid": "Seat"}]


def test_of_twenty_posts_at_once_with_one_external_id_one_is_created_and_the_rest_are_told(account: Account) -> None:
    together = threading.Barrier(20)

    def create(_: int) -> requests.Response:
        caller = Caller(account.sandbox)
        together.wait(20)
        return caller.send("POST", "salesOrder", account.document(externalId="NUE-SO-1"))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(create, range(20)))
    assert sorted(answer.status_code for answer in answers) == [204] + [400] * 19
    texts = {refusal(answer)["detail"] for answer in answers if answer.status_code == 400}
    assert texts == {"Error while accessing a resource. This record already exists"}
    assert account.report()["duplicatesRefused"] == 19
