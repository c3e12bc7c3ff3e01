"""Asynchronous requests, idempotency keys and batches."""

from __future__ import annotations

import json
import time
import uuid
from decimal import Decimal
from typing import Any

import pytest
import requests

from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks.sandbox.caller import Account, Caller, refusal

ASYNC = {"Prefer": "respond-async"}
BATCH = ASYNC | {"Content-Type": "application/vnd.oracle.resource+json; type=collection"}


def address(caller: Caller, answer: requests.Response) -> str:
    """Where the job is that was taken."""
    assert answer.status_code == 202, answer.text
    assert (answer.content, answer.headers["Preference-Applied"]) == (b"", "respond-async")
    location = answer.headers["Location"]
    return location if location.startswith("http") else caller.url + location


def finished(caller: Caller, job: str) -> Any:
    deadline = time.monotonic() + 10
    while not (state := caller.send("GET", job).json())["completed"]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return state


def result(caller: Caller, job: str, task: int = 1) -> requests.Response:
    return caller.send("GET", f"{job}/task/{task}/result")


def customers(caller: Caller) -> list[str]:
    return [each["externalId"] for each in caller.held()["customers"]]


def test_a_request_that_need_not_wait_is_taken_and_its_job_tells_what_became_of_it(account: Account) -> None:
    answer = account.send("POST", "salesOrder", account.document(externalId="SO-1"), ASYNC)
    assert answer.headers["Location"] == "/services/rest/async/v1/job/1"
    job = address(account, answer)
    assert finished(account, job) == {
        "links": [{"rel": "self", "href": job}],
        "completed": True,
        "id": "1",
        "progress": "succeeded",
        "task": {"links": [{"rel": "self", "href": f"{job}/task"}]},
    }
    for path in ("task", "task/"):
        (item,) = account.send("GET", f"{job}/{path}").json()["items"]
        assert item["links"] == [{"rel": "self", "href": f"{job}/task/1"}]
    task = account.send("GET", f"{job}/task/1").json()
    assert {"rel": "related", "href": f"{job}/task/1/result"} in task["links"]
    assert (task["completed"], task["progress"], task["id"]) == (True, "succeeded", "1")
    assert task["startTime"] <= task["endTime"]
    replayed = result(account, job)
    assert replayed.status_code == 204
    assert account.send("GET", replayed.headers["Location"]).json()["externalId"] == "SO-1"
    assert account.report()["made"]["salesOrder"] == 1


def test_a_job_is_pending_until_it_is_done() -> None:
    with running_sandbox(latency=0.3) as sandbox:
        caller = Caller(sandbox)
        job = address(caller, caller.send("POST", "customer", {"companyName": "A"}, ASYNC))
        caller.admin("PUT", "latency", {"seconds": 0})
        state = caller.send("GET", job).json()
        assert (state["completed"], state["progress"]) == (False, "pending")
        early = result(caller, job)
        assert (early.status_code, refusal(early)["o:errorCode"]) == (400, "USER_ERROR")
        assert caller.held()["customers"] == []
        finished(caller, job)
        assert len(caller.held()["customers"]) == 1


def test_a_refusal_of_a_job_is_its_result(account: Account) -> None:
    account.created("salesOrder", account.document(externalId="SO-1"))
    job = address(account, account.send("POST", "salesOrder", account.document(externalId="SO-1"), ASYNC))
    assert finished(account, job)["progress"] == "failed"
    answer = result(account, job)
    assert (answer.status_code, refusal(answer)["detail"].endswith("already exists")) == (400, True)
    assert account.report()["duplicatesRefused"] == 1


def test_reading_updating_and_deleting_need_not_wait_either(account: Account) -> None:
    job = address(account, account.send("PATCH", "customer/eid:NUE-CUST-1", {"email": "a@example.com"}, ASYNC))
    finished(account, job)
    job = address(account, account.send("GET", "customer/eid:NUE-CUST-1", headers=ASYNC))
    finished(account, job)
    assert result(account, job).json()["email"] == "a@example.com"
    finished(account, address(account, account.send("DELETE", "customer/eid:NUE-CUST-1", headers=ASYNC)))
    assert customers(account) == []


def test_a_key_that_was_used_leads_to_its_job_and_nothing_is_done_again(sandbox: RunningSandbox) -> None:
    caller = Caller(sandbox)
    key = {"X-NetSuite-Idempotency-Key": str(uuid.uuid4())}
    first = caller.send("POST", "customer", {"externalId": "A", "companyName": "A"}, ASYNC | key)
    again = caller.send("POST", "customer", {"externalId": "B", "companyName": "B"}, ASYNC | key)
    assert (again.status_code, again.headers["Location"]) == (400, first.headers["Location"])
    body = again.json()
    assert (body["title"], body["status"], body["type"][-11:]) == ("Conflict", 400, "#sec10.4.10")
    assert body["o:errorDetails"][0]["o:errorCode"] == "IDEMPOTENCY_ERROR"
    finished(caller, address(caller, first))
    assert customers(caller) == ["A"]


def test_a_key_counts_for_nothing_where_the_caller_waits_for_the_answer(sandbox: RunningSandbox) -> None:
    caller = Caller(sandbox)
    key = {"X-NetSuite-Idempotency-Key": str(uuid.uuid4())}
    answers = [caller.send("POST", "customer", {"companyName": name}, key) for name in ("A", "B")]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert caller.send("POST", "customer", {"companyName": "C"}, ASYNC | key).status_code == 202


def test_a_batch_is_one_job_with_a_task_for_each_record_and_each_fails_alone(sandbox: RunningSandbox) -> None:
    caller = Caller(sandbox)
    items = [{"externalId": "A", "companyName": "A"}, {"externalId": "B"}, {"externalId": "C", "companyName": "C"}]
    answer = caller.send("POST", "customer", {"items": items}, BATCH)
    assert answer.headers["Location"].startswith(f"{sandbox.url}/services/rest/async/v1/job/")
    job = address(caller, answer)
    assert finished(caller, job)["progress"] == "failed"
    (item,) = caller.send("GET", f"{job}/task").json()["items"]
    assert [link["href"] for link in item["links"]] == [f"{job}/task/{number}" for number in (1, 2, 3)]
    assert [result(caller, job, number).status_code for number in (1, 2, 3)] == [204, 400, 204]
    assert "Company Name" in refusal(result(caller, job, 2))["detail"]
    assert customers(caller) == ["A", "C"]


def test_a_later_record_of_a_batch_may_need_an_earlier_one_and_a_batch_may_be_parallel(account: Account) -> None:
    items = [account.document(externalId="SO-1"), account.document(externalId="so-1")]
    for preference in ("respond-async", 'respond-async, batch-processing="parallel"'):
        job = address(account, account.send("POST", "salesOrder", {"items": items}, BATCH | {"Prefer": preference}))
        finished(account, job)
    assert [each["externalId"] for each in account.held()["documents"]] == ["SO-1"]
    assert account.report()["duplicatesRefused"] == 3


def test_a_batch_updates_by_either_id_and_upserts_by_external_id_alone(account: Account) -> None:
    items = [
        {"id": account.customer, "externalId": "OTHER", "email": "a@example.com"},
        {"externalId": "X", "email": "x"},
    ]
    job = address(account, account.send("PATCH", "customer", {"items": items}, BATCH))
    finished(account, job)
    assert [result(account, job, number).status_code for number in (1, 2)] == [204, 404]
    assert account.record(f"customer/{account.customer}")["email"] == "a@example.com"
    items = [{"externalId": "X", "companyName": "X"}, {"id": account.customer, "companyName": "Y"}]
    job = address(account, account.send("PUT", "customer", {"items": items}, BATCH))
    finished(account, job)
    assert [result(account, job, number).status_code for number in (1, 2)] == [204, 400]


def test_a_batch_reads_and_deletes_by_a_list_of_ids(account: Account) -> None:
    account.created("customer", {"externalId": "X", "companyName": "X"})
    path = f"customer?ids={account.customer},eid:X,eid:'Y'"
    job = address(account, account.send("GET", path + "&expandRecords=true", headers=ASYNC))
    finished(account, job)
    read = [result(account, job, number) for number in (1, 2, 3)]
    assert [answer.status_code for answer in read] == [200, 200, 404]
    assert json.loads(read[1].text, parse_float=Decimal)["companyName"] == "X"
    finished(account, address(account, account.send("DELETE", path, headers=ASYNC)))
    assert customers(account) == []


@pytest.mark.parametrize("count", [0, 101])
def test_a_batch_has_at_most_a_hundred_records_and_at_least_one(sandbox: RunningSandbox, count: int) -> None:
    caller = Caller(sandbox)
    answer = caller.send("POST", "customer", {"items": [{"companyName": str(n)} for n in range(count)]}, BATCH)
    assert (answer.status_code, refusal(answer)["o:errorCode"]) == (400, "USER_ERROR")
    assert caller.held()["customers"] == []


def test_a_batch_is_never_waited_for(sandbox: RunningSandbox) -> None:
    answer = Caller(sandbox).send("POST", "customer", {"items": [{}]}, BATCH | {"Prefer": "transient"})
    assert refusal(answer)["o:errorHeader"] == "Prefer"


@pytest.mark.parametrize("content", [[], {}, {"items": 7}], ids=str)
def test_a_batch_without_items_is_refused(sandbox: RunningSandbox, content: object) -> None:
    assert Caller(sandbox).send("POST", "customer", content, BATCH).status_code == 400


def test_a_batch_that_breaks_off_has_written_its_first_half(sandbox: RunningSandbox) -> None:
    caller = Caller(sandbox)
    caller.admin("PUT", "faults", {"scripts": [{"faults": [{"kind": "half-batch"}]}]})
    items = [{"externalId": name, "companyName": name} for name in "ABCD"]
    job = address(caller, caller.send("POST", "customer", {"items": items}, BATCH))
    assert finished(caller, job)["progress"] == "failed"
    assert [result(caller, job, number).status_code for number in (1, 2, 3, 4)] == [204, 204, 500, 500]
    assert customers(caller) == ["A", "B"]


@pytest.mark.parametrize("path", ["7", "x", "1/task/2", "1/task/0", "1/task/²/result"])
def test_jobs_and_tasks_that_never_were_are_nonexistent(account: Account, path: str) -> None:
    finished(account, address(account, account.send("GET", "customer/eid:NUE-CUST-1", headers=ASYNC)))
    answer = account.send("GET", f"{account.url}/services/rest/async/v1/job/{path}")
    assert (answer.status_code, refusal(answer)["o:errorCode"]) == (404, "NONEXISTENT_ID")
