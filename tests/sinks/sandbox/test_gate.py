"""How many get in at once, how long it takes, what is counted, and what a fault of the server looks like."""

from __future__ import annotations

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest
import requests

from sinks.sandbox.errors import Refused
from sinks.sandbox.latency import LatencySettings, fixed, lognormal
from sinks.sandbox.slots import Limits, Slots
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks.sandbox.caller import Account, Caller, refusal


def test_requests_are_counted_by_method_record_and_status(sandbox: RunningSandbox) -> None:
    account = Account(sandbox)
    account.rows("SELECT id FROM item")
    account.send("GET", "SALESORDER/eid:X")
    account.send("GET", "nothing/1")
    requests.get(f"{sandbox.url}/services/rest/record/v1/customer/1", timeout=20)
    report = account.report()
    assert (report["peakConcurrency"], report["duplicatesRefused"]) == (1, 0)
    assert report["requests"] == {
        "GET customer 401": 1,
        "GET other 404": 1,
        "GET salesOrder 404": 1,
        "POST customer 204": 1,
        "POST nonInventorySaleItem 204": 1,
        "POST suiteql 200": 1,
    }


def test_what_was_made_updated_and_deleted_is_counted_by_type_and_from_nothing_again_on_demand(
    account: Account,
) -> None:
    account.created("salesOrder", account.document(externalId="SO-1"))
    account.send("PUT", "returnAuthorization/eid:RA-1", account.document())
    account.send("PUT", "returnAuthorization/eid:RA-1", account.document())
    account.send("PATCH", "customer/eid:NUE-CUST-1", {"email": "a@example.com"})
    account.send("DELETE", "salesOrder/eid:SO-1")
    account.send("POST", "salesOrder", account.document(entity={"id": "999"}))
    report = account.report()
    assert report["made"] == {"customer": 1, "nonInventorySaleItem": 1, "returnAuthorization": 1, "salesOrder": 1}
    assert (report["updated"], report["transactionsUpdated"]) == ({"customer": 1, "returnAuthorization": 1}, 1)
    assert report["deleted"] == {"salesOrder": 1}
    account.admin("DELETE", "report")
    report = account.report()
    assert (report["requests"], report["made"], report["transactionsUpdated"]) == ({}, {}, 0)


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


def test_the_limit_is_lenient_for_some_requests_above_it_and_never_for_more() -> None:
    slots = Slots(Limits(concurrency=5, lenience=2, seed=1))
    peaks = []
    for _ in range(50):
        with ExitStack() as running:
            for _ in range(20):
                with suppress(Refused):
                    running.enter_context(slots.taken())
            peaks.append(slots.running)
    assert (min(peaks), max(peaks)) == (7, 7)  # sooner or later one is let in
    outcomes = [_is_let_in_above_the_limit(Limits(concurrency=5, lenience=2, seed=seed)) for seed in range(40)]
    assert 5 < sum(outcomes) < 35
    assert outcomes == [_is_let_in_above_the_limit(Limits(concurrency=5, lenience=2, seed=seed)) for seed in range(40)]


def _is_let_in_above_the_limit(limits: Limits) -> bool:
    slots = Slots(limits)
    with ExitStack() as running:
        for _ in range(5):
            running.enter_context(slots.taken())
        try:
            running.enter_context(slots.taken())
        except Refused:
            return False
        return True


def test_slots_of_other_integrations_count_against_the_same_limit(sandbox: RunningSandbox) -> None:
    caller = Caller(sandbox)
    assert caller.admin("PUT", "limits", {"concurrency": 5, "others": 5}) == caller.admin("GET", "limits")
    assert caller.send("POST", "customer", {"companyName": "A"}).status_code == 429
    caller.admin("PUT", "limits", {"concurrency": 5, "others": 4})
    assert caller.send("POST", "customer", {"companyName": "A"}).status_code == 204


def test_the_report_tells_how_much_of_the_limit_was_used_and_when() -> None:
    now = [100.0]
    slots = Slots(Limits(concurrency=4), lambda: now[0])
    now[0] += 0.5
    with slots.taken():
        now[0] += 1.0
        with slots.taken():
            now[0] += 1.0
    now[0] += 1.5
    assert slots.report() == {
        "seconds": 4.0,
        "slotSeconds": 3.0,
        "limit": 4,
        "share": 0.1875,
        "secondsByInUse": {"0": 2.0, "1": 1.0, "2": 1.0},
        "timeline": [0.5, 1.5, 1.0, 0.0, 0.0],
    }
    slots.reset()
    assert (slots.peak, slots.report()["slotSeconds"]) == (0, 0)


def test_the_share_is_of_what_others_leave_and_what_is_let_in_above_the_limit_does_not_raise_it() -> None:
    now = [0.0]
    slots = Slots(Limits(concurrency=3, lenience=9, others=1), lambda: now[0])
    with ExitStack() as running:
        while slots.running < 4:
            with suppress(Refused):
                running.enter_context(slots.taken())
        now[0] += 3.0
    now[0] += 1.0
    assert (slots.report()["share"], slots.report()["slotSeconds"]) == (0.75, 12.0)


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


def test_latency_given_by_its_median_and_its_99th_percentile_has_both() -> None:
    draw = LatencySettings(median=1.2, p99=6.0, seed=3).latency()
    times = sorted(draw() for _ in range(20_000))
    assert times[10_000] == pytest.approx(1.2, rel=0.05)
    assert times[19_800] == pytest.approx(6.0, rel=0.1)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("latency", {"median": 1}),
        ("latency", {"median": 2, "p99": 1}),
        ("latency", {"seconds": -1}),
        ("latency", {"second": 1}),
        ("limits", {"concurrency": 0}),
        ("limits", {"concurrency": 1, "others": -1}),
        ("limits", []),
    ],
)
def test_settings_that_cannot_be_are_refused_with_the_reason(sandbox: RunningSandbox, path: str, body: object) -> None:
    answer = requests.put(f"{sandbox.url}/sandbox/{path}", json=body, timeout=20)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_latency_can_be_changed_while_it_runs(sandbox: RunningSandbox) -> None:
    caller = Caller(sandbox)
    caller.admin("PUT", "latency", {"seconds": 0.2})
    before = time.monotonic()
    caller.send("POST", "customer", {"companyName": "A"})
    assert time.monotonic() - before >= 0.2


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
