"""Before go-live: what is in NetSuite already is listed, adopted, and never made again."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sinks.sandbox.show import documents_of
from streams import apply
from streams.adopt_command import run_check
from streams.errors import NuestreamError
from tests.environment import Kafka
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks import certificates
from tests.sinks.orders import ACTIVATED, CUSTOMER, SEAT, customer, item
from tests.streams.sinking import Line, sales_order

ACME = "NUE-CUST-acme"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


def line_on(kafka: Kafka, prefix: str, sandbox: RunningSandbox, **netsuite: Any) -> Line:
    return Line(kafka.bootstrap, prefix, sandbox, netsuite=netsuite)


def found(line: Line, capsys: pytest.CaptureFixture[str], layout: str = "json") -> Any:
    status = run_check(line.settings, layout)
    printed = capsys.readouterr().out
    told = json.loads(printed) if layout == "json" else list(csv.reader(io.StringIO(printed)))
    return status, told


def test_what_is_there_before_is_listed_adopted_and_changed_and_nothing_is_made_twice(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = line_on(kafka, topic_prefix, sandbox)
    line.make_topics()
    sandbox.store.create("customer", {"companyName": "ACME INC."}, [])
    sandbox.store.create("customer", {"isPerson": True, "firstName": "Eva", "lastName": "Li"}, [])
    sandbox.store.create("customer", {"companyName": "Somebody"}, [])
    sandbox.store.create("serviceSaleItem", {"itemId": "sku-1"}, [])
    line.ask_for(
        customer(ACME, name="Acme, once"),
        customer(ACME, name="Acme Inc.", activated_at=ACTIVATED + timedelta(days=1)),
        customer("NUE-CUST-eva", name="Eva Li", is_person=True),
        customer("NUE-CUST-new", name="New"),
        item(SEAT, sku="SKU-1"),
        sales_order("acme", 1),
    )
    status, told = found(line, capsys)
    assert (status, told["customers"], told["items"], told["adoptions"]) == (1, 3, 1, [])
    assert [(each["externalId"], each["netsuiteId"], each["netsuiteName"]) for each in told["collisions"]] == [
        (ACME, "1", "ACME INC."),
        ("NUE-CUST-eva", "2", "Eva Li"),
        (SEAT, "4", "sku-1"),
    ]
    _, lines = found(line, capsys, "csv")
    file = tmp_path / "adopt.csv"
    with file.open("w", encoding="utf-8") as out:
        csv.writer(out).writerows(lines)

    adopting = line_on(kafka, topic_prefix, sandbox, adopt=file)
    nothing: dict[str, Any] = {"collisions": [], "twins": [], "adoptions": []}
    assert found(adopting, capsys) == (0, {"customers": 3, "items": 1} | nothing)

    async def work() -> None:
        for _ in range(2):
            async with adopting.sink():
                await adopting.settled()

    asyncio.run(work())
    assert {outcome.external_id: outcome.internal_id for outcome in adopting.outcomes()} == {
        ACME: "1",
        "NUE-CUST-eva": "2",
        "NUE-CUST-new": "5",
        SEAT: "4",
        "NUE-SO-acme-1": "6",
    }
    held = documents_of(sandbox.store)
    assert {each["id"] for kind in held.values() for each in kind} == {"1", "2", "3", "4", "5", "6"}
    assert adopting.letters() == []
    # afterwards everything is ours, with the file or without it
    assert found(line, capsys)[0] == 0


def test_adoptions_that_cannot_be_carried_out_are_told_with_their_lines(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "adopt.csv"
    file.write_text("nue_id,record,netsuite_id\nacme,customer,1\nbolt,customer,99\ncore,vendor,1\n", encoding="utf-8")
    line = line_on(kafka, topic_prefix, sandbox, adopt=file)
    line.make_topics()
    sandbox.store.create("customer", {"companyName": "Acme", "externalId": "CRM-7"}, [])
    line.ask_for(customer(CUSTOMER))
    status, told = found(line, capsys)
    assert status == 1
    assert told["adoptions"] == [
        {"line": 4, "problem": "record is 'vendor', not customer or item"},
        {"line": 2, "problem": "customer 1 has the external id CRM-7 already"},
        {"line": 3, "problem": "customer 99 is not in NetSuite"},
    ]


async def test_a_sink_with_a_malformed_adoption_file_does_not_start(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    file = tmp_path / "adopt.csv"
    file.write_text("acme,1\n", encoding="utf-8")
    line = line_on(kafka, topic_prefix, sandbox, adopt=file)
    line.make_topics()
    with pytest.raises(NuestreamError, match=r"netsuite\.adopt .*line 1"):
        await apply.run(line.settings, stop=asyncio.Event())


async def test_a_sink_whose_mapping_is_not_in_the_account_stops_with_one_line_and_takes_nothing(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    line = line_on(kafka, topic_prefix, sandbox, mapping={"location": "Atlantis"})
    line.make_topics()
    line.ask_for(customer(ACME))
    async with line.sink(status=1) as task:
        await asyncio.wait_for(asyncio.shield(task), 30)
    assert "stopped: netsuite.mapping.location: 'Atlantis' is not known" in caplog.text
    assert line.outcomes() == []
    assert line.letters() == []


CERTIFICATE = {
    "auth": "oauth2",
    "client_id": certificates.CLIENT_ID,
    "certificate_id": certificates.CERTIFICATE_ID,
    "private_key": certificates.pem_of(certificates.key("P-256")),
}


async def test_by_oauth_what_is_there_before_is_listed_and_so_does_the_doctor(
    kafka: Kafka, topic_prefix: str, tmp_path: Path
) -> None:
    with running_sandbox(credentials=certificates.known("P-256")) as sandbox:
        line = line_on(kafka, topic_prefix, sandbox, **CERTIFICATE)
        line.make_topics()
        sandbox.store.create("customer", {"companyName": "Acme"}, [])
        for check in (("adopt", "check"), ("doctor", "--collisions")):
            told = await line.run(*check, status=2 if "adopt" in check else 1)
            assert "names no customer or item yet: publish orders, then run `nuestream project`" in told
        line.ask_for(customer(ACME, name="Acme"), item(SEAT, sku="S-1"), item("NUE-ITEM-2", sku="s-1"))
        told = await line.told("adopt", "check", status=1)
        assert [(each["externalId"], each["netsuiteId"]) for each in told["collisions"]] == [(ACME, "1")]
        assert told["twins"] == [{"record": "item", "name": "s-1", "externalIds": ["NUE-ITEM-2", SEAT]}]
        fixes = [line for line in (await line.run("doctor", "--collisions", status=1)).splitlines() if "fix " in line]
        assert fixes[0].startswith(f"fix         customer {ACME}: NetSuite has Acme already (internal id 1): adopt it")
        assert fixes[1].startswith(f"fix         item s-1: NUE-ITEM-2, {SEAT} have one SKU, s-1, which NetSuite")
        assert len(fixes) == 2
        assert "not checked records that are in NetSuite already: `nuestream adopt check`" in await line.run("doctor")
        file = tmp_path / "adopt.csv"
        file.write_text(f"nue_id,record,netsuite_id\n{ACME},customer,1\n{SEAT},item,9\n", encoding="utf-8")
        adopting = line_on(kafka, topic_prefix, sandbox, **CERTIFICATE, adopt=file)
        told = await adopting.run("doctor", "--collisions", status=1)
        assert "fix         netsuite.adopt, line 3: item 9 is not in NetSuite" in told
        assert told.count("fix  ") == 1
        file.write_text(f"nue_id,record,netsuite_id\n{ACME},customer,1\n", encoding="utf-8")
        line.ask_for(item(SEAT, sku="S-2", activated_at=ACTIVATED + timedelta(days=1)))
        told = await adopting.run("doctor", "--collisions")
        assert "1 customers and 2 items of the commands: none is there without being known" in told


async def test_a_refused_certificate_is_told_after_one_attempt(kafka: Kafka, topic_prefix: str) -> None:
    with running_sandbox(credentials=certificates.known("P-256")) as sandbox:
        line = line_on(kafka, topic_prefix, sandbox, **CERTIFICATE | {"certificate_id": "another"})
        line.make_topics()
        line.ask_for(customer(ACME), item(SEAT))
        told = await line.run("adopt", "check", status=2)
        assert "invalid_grant" in told
        assert told.count("nuestream: ") == 1
        told = await line.run("doctor", "--collisions", status=1)
        assert "fix         login: " in told
        assert "records that are in NetSuite already" not in told
        assert sandbox.admin("GET", "report")["requests"] == {"POST token 400": 2}


async def test_a_netsuite_that_does_not_answer_is_told_with_its_address(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.netsuite_reading.PATIENCE", 0.5)
    line = line_on(kafka, topic_prefix, sandbox, url="http://127.0.0.1:9")
    line.make_topics()
    line.ask_for(customer(ACME))
    told = await line.run("adopt", "check", status=2)
    assert told.splitlines()[-1].startswith("nuestream: NetSuite at http://127.0.0.1:9 gave no usable answer within ")
    assert "ConnectError" in told


def test_a_command_topic_that_is_not_there_is_told(kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox) -> None:
    line = line_on(kafka, topic_prefix, sandbox)
    with pytest.raises(NuestreamError, match="nuestream topics create"):
        run_check(line.settings, "table")
