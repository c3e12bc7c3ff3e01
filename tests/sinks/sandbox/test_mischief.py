"""Faults over HTTP: what the caller sees, and what is in the account afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import requests

from sinks.sandbox.faults import Kind
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks.sandbox.caller import Account, Caller, refusal

DUPLICATE = {"detail": "Error while accessing a resource. This record already exists", "o:errorCode": "USER_ERROR"}


def scripted(account: Caller, *faults: dict[str, Any] | None, **match: str) -> None:
    account.admin("PUT", "faults", {"scripts": [{"faults": faults, "match": match}]})


def post(account: Account, external_id: str = "NUE-SO-1") -> requests.Response:
    caller = Caller(account.sandbox)  # a connection of its own
    return caller.send("POST", "salesOrder", account.document(externalId=external_id))


def ids(account: Caller) -> list[str]:
    return [each["externalId"] for each in account.held()["documents"]]


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def in_background(call: Callable[[], requests.Response]) -> Future[requests.Response]:
    answer: Future[requests.Response] = Future()

    def run() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return answer


@pytest.mark.parametrize(
    ("kind", "is_written"), [("no-answer-before", False), ("no-answer-after", True), ("reset", True)]
)
def test_a_caller_that_gets_no_whole_answer_cannot_tell_whether_its_document_is_there(
    account: Account, kind: str, is_written: bool
) -> None:
    scripted(account, {"kind": kind}, method="POST", record="salesOrder")
    with pytest.raises(requests.ConnectionError):
        post(account)
    assert ids(account) == (["NUE-SO-1"] if is_written else [])
    report = account.report()
    assert (report["faults"], report["requests"]["POST salesOrder none"]) == ({kind: 1}, 1)
    assert post(account).status_code == (400 if is_written else 204)


@pytest.mark.parametrize(("kind", "is_written"), [("error-before", False), ("error-after", True)])
def test_after_a_500_the_document_may_be_there_or_not(account: Account, kind: str, is_written: bool) -> None:
    scripted(account, {"kind": kind})
    answer = post(account)
    assert (answer.status_code, refusal(answer)["o:errorCode"]) == (500, "UNEXPECTED_ERROR")
    assert ids(account) == (["NUE-SO-1"] if is_written else [])


def test_a_script_that_fails_afterwards_does_not_hide_a_refusal(account: Account) -> None:
    scripted(account, {"kind": "error-after"})
    assert account.send("POST", "salesOrder", account.document(entity={"id": "999"})).status_code == 400


def test_a_reset_comes_in_the_middle_of_the_body(account: Account) -> None:
    scripted(account, {"kind": "reset"}, method="GET")
    with account.session.get(
        f"{account.url}/services/rest/record/v1/customer/eid:NUE-CUST-1", auth=account.auth(), stream=True, timeout=20
    ) as answer:
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
        received = []
        with pytest.raises(requests.RequestException):
            received.extend(answer.iter_content(1))
    assert 0 < len(received) < int(answer.headers["Content-Length"])


def test_a_burst_of_429_meets_everybody_and_processes_nothing(account: Account) -> None:
    scripted(account, {"kind": "too-many-requests", "requests": 3, "retryAfter": 2}, method="POST")
    answers = [post(account), account.send("GET", "customer/eid:NUE-CUST-1"), post(account), post(account)]
    assert [answer.status_code for answer in answers] == [429, 429, 429, 204]
    assert refusal(answers[0])["o:errorCode"] == "CONCURRENCY_LIMIT_EXCEEDED"
    assert answers[0].headers["Retry-After"] == "2"
    assert account.report()["faults"] == {"too-many-requests": 3}


def test_during_maintenance_there_is_a_page_for_people_until_the_clock_says_it_is_over(account: Account) -> None:
    scripted(account, {"kind": "maintenance", "seconds": 3600})
    answer = post(account)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert "<h1>" in answer.text
    account.admin("POST", "clock", {"advance": 3000})
    assert post(account).status_code == 503
    account.admin("POST", "clock", {"advance": 601})
    assert post(account).status_code == 204


def test_a_login_may_be_refused_although_it_is_right(account: Account) -> None:
    scripted(account, {"kind": "unauthorized"})
    assert [post(account).status_code for _ in range(2)] == [401, 204]


def test_a_stalled_document_is_written_at_the_end_of_the_stall_also_when_its_caller_has_gone(account: Account) -> None:
    scripted(account, {"kind": "stall", "seconds": 840})
    with pytest.raises(requests.Timeout):
        account.session.post(
            f"{account.url}/services/rest/record/v1/salesOrder",
            json=account.document(externalId="NUE-SO-1"),
            auth=account.auth(),
            timeout=0.2,
        )
    assert account.admin("GET", "clock")["waiting"] == 1
    account.admin("POST", "clock", {"advance": 800})
    assert ids(account) == []
    assert account.admin("POST", "clock", {"advance": 41})["waiting"] == 0
    assert ids(account) == ["NUE-SO-1"]


def test_what_is_stalled_holds_its_slot(account: Account) -> None:
    account.admin("PUT", "limits", {"concurrency": 1})
    scripted(account, {"kind": "stall", "seconds": 600})
    first = in_background(lambda: post(account))
    eventually(lambda: account.admin("GET", "clock")["waiting"] == 1)
    assert post(account, "NUE-SO-2").status_code == 429
    account.admin("POST", "clock", {"advance": 600})
    assert (first.result(10).status_code, post(account, "NUE-SO-2").status_code) == (204, 204)


def test_a_stall_also_ends_by_itself(account: Account) -> None:
    scripted(account, {"kind": "stall", "seconds": 0.2})
    before = time.monotonic()
    assert post(account).status_code == 204
    assert time.monotonic() - before >= 0.2


def test_a_stalled_document_is_overtaken_and_then_refused(account: Account) -> None:
    scripted(account, {"kind": "stall", "seconds": 600})
    first = in_background(lambda: post(account))
    eventually(lambda: account.admin("GET", "clock")["waiting"] == 1)
    assert post(account).status_code == 204
    account.admin("POST", "clock", {"advance": 600})
    assert refusal(first.result(10)) == DUPLICATE
    assert ids(account) == ["NUE-SO-1"]


def test_a_duplicate_in_flight_waits_for_the_first_and_is_then_refused(account: Account) -> None:
    scripted(account, {"kind": "in-flight", "seconds": 600})
    first = in_background(lambda: post(account))
    eventually(lambda: account.admin("GET", "clock")["waiting"] == 1)
    second = in_background(lambda: post(account, "nue-so-1"))
    assert post(account, "NUE-SO-2").status_code == 204  # another id is not held
    assert not second.done()
    account.admin("POST", "clock", {"advance": 600})
    assert (first.result(10).status_code, refusal(second.result(10))) == (204, DUPLICATE)
    assert ids(account) == ["NUE-SO-2", "NUE-SO-1"]


def test_a_create_that_arrives_twice_is_there_once_and_answered_as_a_duplicate(account: Account) -> None:
    scripted(account, {"kind": "twin"})
    assert refusal(post(account)) == DUPLICATE
    assert ids(account) == ["NUE-SO-1"]
    assert account.report()["duplicatesRefused"] == 1


def test_without_an_external_id_nothing_arrives_twice(account: Account) -> None:
    scripted(account, {"kind": "twin"})
    assert account.send("POST", "salesOrder", account.document()).status_code == 204
    assert len(account.held()["documents"]) == 1


def test_faults_can_be_seen_and_cleared(account: Account) -> None:
    scripted(account, {"kind": "error-before"}, externalId="NUE-SO-*")
    assert account.admin("GET", "faults") == {
        "scripts": [{"faults": [{"kind": "error-before"}], "match": {"externalId": "NUE-SO-*"}}]
    }
    account.admin("DELETE", "faults")
    assert account.admin("GET", "faults") == {}
    assert post(account).status_code == 204


def test_a_seeded_storm_makes_the_same_documents_and_the_same_faults_again() -> None:
    plan = {
        "seed": 11,
        "rates": [
            {"fault": {"kind": kind}, "rate": 0.1}
            for kind in ("error-before", "error-after", "no-answer-before", "no-answer-after", "twin", "reset")
        ],
    }

    def storm(sandbox: RunningSandbox) -> tuple[list[str], dict[str, int]]:
        account = Account(sandbox)
        account.admin("PUT", "faults", plan)

        def deliver(number: int) -> None:
            for _ in range(20):
                try:
                    if post(account, f"NUE-SO-{number}").status_code in (204, 400):
                        return
                except requests.RequestException:
                    continue

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(deliver, range(40)))
        return sorted(ids(account)), account.report()["faults"]

    with running_sandbox() as one, running_sandbox() as two:
        first = storm(one)
        assert first == storm(two)
        assert first[0] == sorted(f"NUE-SO-{number}" for number in range(40))
        assert len(first[1]) == 6


def test_after_a_storm_of_every_fault_nothing_is_held_and_every_document_is_there_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seconds = {"stall": 800, "in-flight": 600, "no-answer-before": 30, "no-answer-after": 30, "maintenance": 5}
    kinds = [kind.value for kind in Kind]
    rates = [{"fault": {"kind": kind, "seconds": seconds.get(kind, 0)}, "rate": 0.04} for kind in kinds]
    with running_sandbox(concurrency=8, lenience=2) as sandbox:
        account = Account(sandbox)
        account.admin("PUT", "faults", {"seed": 3, "rates": rates})
        storm_is_over = threading.Event()

        def move() -> None:
            while not storm_is_over.wait(0.02):
                account.admin("POST", "clock", {"advance": 200})

        def deliver(number: int) -> None:
            for _ in range(100):
                try:
                    answer = post(account, f"NUE-SO-{number // 2}")  # each of them by two at once
                except requests.RequestException:
                    continue
                if answer.status_code in (204, 400):
                    return
            raise AssertionError(f"NUE-SO-{number // 2} was never taken")

        mover = threading.Thread(target=move)
        mover.start()
        try:
            with ThreadPoolExecutor(12) as pool:
                list(pool.map(deliver, range(200)))
        finally:
            storm_is_over.set()
            mover.join()
        account.admin("DELETE", "faults")
        account.admin("POST", "clock", {"advance": 900})
        assert sorted(ids(account)) == sorted(f"NUE-SO-{number}" for number in range(100))
        report = account.report()
        assert report["faults"].keys() == set(kinds)
        assert (report["clock"]["waiting"], report["made"]["salesOrder"]) == (0, 100)
        assert report["peakConcurrency"] <= 10
        assert post(account, "NUE-SO-X").status_code == 204
    assert "failed" not in caplog.text
