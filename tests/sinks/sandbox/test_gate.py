"""How many get in at once, how long it takes, what is counted, and what a fault of the server looks like."""

from __future__ import annotations

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from sinks.sandbox.latency import fixed, lognormal
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks.sandbox.caller import Account, Caller, refusal


def test_requests_are_counted_by_method_record_and_status(sandbox: RunningSandbox) -> None:
    account = Account(sandbox)
    account.rows("SELECT id FROM item")
    account.send("GET", "SALESORDER/eid:X")
    account.send("GET", "nothing/1")
    requests.get(f"{sandbox.url}/services/rest/record/v1/customer/1", timeout=20)
    assert account.report() == {
        "requests": {
            "GET customer 401": 1,
            "GET other 404": 1,
            "GET salesOrder 404": 1,
            "POST customer 204": 1,
            "POST nonInventorySaleItem 204": 1,
            "POST suiteql 200": 1,
        },
        "peakConcurrency": 1,
        "duplicatesRefused": 0,
    }


def test_over_the_limit_requests_are_refused_at_once_and_not_processed() -> None:
    gate = threading.Barrier(6)
    with running_sandbox(concurrency=2, latency=1.0) as sandbox:

        def post(number: int) -> requests.Response:
            caller = Caller(sandbox)
            gate.wait(10)
            return caller.send("POST", "customer", {"companyName": str(number)})

        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(post, range(6)))
        refused = [answer for answer in answers if answer.status_code == 429]
        assert sorted(answer.status_code for answer in answers) == [204, 204, 429, 429, 429, 429]
        for answer in refused:
            assert refusal(answer) == {
                "detail": "Concurrent request limit exceeded. Request blocked.",
                "o:errorCode": "CONCURRENCY_LIMIT_EXCEEDED",
            }
            assert (answer.json()["title"], answer.json()["o:errorCode"]) == ("Bad Request", "USER_ERROR")
            assert "Retry-After" not in answer.headers
        assert len(Caller(sandbox).held()["customers"]) == 2
        assert Caller(sandbox).report()["peakConcurrency"] == 2


def test_a_request_takes_as_long_as_it_is_told_to() -> None:
    with running_sandbox(latency=fixed(0.2)) as sandbox:
        before = time.monotonic()
        Caller(sandbox).send("POST", "customer", {"companyName": "A"})
        assert time.monotonic() - before >= 0.2


def test_lognormal_latency_has_its_median_and_comes_again_from_its_seed() -> None:
    draw, again = lognormal(1.2, seed=7), lognormal(1.2, seed=7)
    times = [draw() for _ in range(2000)]
    assert times == [again() for _ in range(2000)]
    assert min(times) > 0
    assert statistics.median(times) == pytest.approx(1.2, rel=0.1)
    assert max(times) > 3


def test_a_request_whose_caller_went_away_is_processed_all_the_same() -> None:
    with running_sandbox(latency=0.5) as sandbox:
        caller = Caller(sandbox)
        address = f"{sandbox.url}/services/rest/record/v1/customer"
        with pytest.raises(requests.Timeout):
            caller.session.post(address, json={"companyName": "A"}, auth=caller.auth(), timeout=0.1)
        deadline = time.monotonic() + 10
        while not caller.held()["customers"] and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [each["name"] for each in caller.held()["customers"]] == ["A"]


def test_a_fault_of_the_server_has_the_shape_of_an_error(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> float:
        raise RuntimeError("the draw failed")

    with running_sandbox(latency=broken) as sandbox:
        answer = Caller(sandbox).send("POST", "customer", {"companyName": "A"})
        assert answer.status_code == 500
        detail = refusal(answer)
        assert detail["o:errorCode"] == "UNEXPECTED_ERROR"
        assert detail["detail"].rsplit(" ", 1)[-1] in caplog.text
        assert "the draw failed" not in answer.text


def test_health_report_and_documents_need_no_login(sandbox: RunningSandbox) -> None:
    for path in ("health", "sandbox/report", "sandbox/documents", ""):
        assert requests.get(f"{sandbox.url}/{path}", timeout=20).status_code == 200
