"""`nuestream history`: from the topics to the chain of a contract, read from a broker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from projections.fold import LogRecord, Step, fold
from projections.partitions import partition_of
from projections.state import CustomerState
from schemas.codec import Encoder
from schemas.command import Document
from schemas.headers import headers_of
from schemas.nue import parse_json, read_activation
from schemas.order import OrderEvent, Source
from schemas.outcome import DeadLetter, LetterState, Outcome, Result
from schemas.policy import Policy
from streams.broker import embedded_broker, touch_topics
from streams.history import run_history
from streams.reading import TopicReader
from streams.sending import Sender
from streams.settings import KafkaSettings, Settings, load_settings

EXAMPLES = Path(__file__).parents[1] / "examples" / "activations.ndjson"
CUSTOMER = "5624a2c2-dbc2-5f8c-bda8-566ce2affb0e"
CONTRACT = "46e37874-b2f2-5260-86f4-bac065c9b5e3"
AT = datetime(2026, 11, 1, tzinfo=UTC)


def activation(line: int) -> OrderEvent:
    text = EXAMPLES.read_text().splitlines()[line]
    return read_activation(
        parse_json(text), published_at=AT, event_id=f"event-{line}", source=Source.MANUAL, tenant_id=None
    )


@dataclass
class Told:
    """Topics that a test fills as the processes would."""

    settings: Settings
    sender: Sender
    steps: list[Step]

    def write(self, topic: str, key: str, record: Struct) -> None:
        self.sender.send(topic, key.encode(), Encoder().encode(topic, record), headers_of(record))
        self.sender.flush()

    def write_decisions(self) -> None:
        """The contract events and quarantined records of every example, in order."""
        states: dict[str, CustomerState] = {}
        self.steps.clear()
        for offset in range(len(EXAMPLES.read_text().splitlines())):
            self.decide(offset, states, activation(offset))

    def decide(self, offset: int, states: dict[str, CustomerState], event: OrderEvent) -> None:
        customer = event.order.customer_id
        record = LogRecord("nue.orders.v1", 0, offset, AT, customer.encode(), b"value")
        step = fold(states.get(customer, CustomerState(customer_id=customer)), record, event, Policy())
        states[customer] = step.state
        self.steps.append(step)
        for told in step.contract_events:
            self.write(self.settings.topics.contracts, customer, told)
        for held in step.quarantined:
            self.write(self.settings.topics.quarantine, customer, held)

    def documents(self) -> list[Document]:
        return [document for step in self.steps for document in step.documents]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Told]:
    monkeypatch.chdir(tmp_path)
    with embedded_broker() as bootstrap:
        settings = load_settings().model_copy(update={"kafka": KafkaSettings(bootstrap_servers=bootstrap)})
        names = settings.topics
        touch_topics(
            settings.kafka, (names.contracts, names.quarantine, names.outcomes, names.dead_letters, names.orders)
        )
        yield Told(settings, Sender(settings.kafka), [])


def history(told: Told, name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run_history(told.settings, name, as_json=True) == 0
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def applied(document: Document, internal_id: str) -> Outcome:
    return Outcome(
        account="ACCOUNT",
        external_id=document.external_id,
        record_type="salesOrder",
        internal_id=internal_id,
        command_id=document.command_id,
        result=Result.CREATED,
        order_id=document.origin.order_id,
        customer_id=document.origin.customer_id,
        content_hash="",
        applied_at=AT,
    )


def refused(document: Document, state: LetterState) -> DeadLetter:
    return DeadLetter(
        command_id=document.command_id,
        external_id=document.external_id,
        lane=document.origin.customer_id,
        state=state,
        reason="the period is closed",
        topic="netsuite.commands.v1",
        partition=0,
        offset=0,
        key=None,
        value=None,
        recorded_at=AT,
        status=400,
    )


@pytest.mark.parametrize("name", ["O-00000322", "e5a0d88e-9cc5-52c7-a974-022db97a4f02", CONTRACT])
def test_an_order_by_number_or_id_and_a_contract_lead_to_the_whole_chain(
    told: Told, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told.write_decisions()
    content = history(told, name, capsys)
    (contract,) = content["contracts"]
    assert contract["contract"] == CONTRACT
    assert contract["customer"] == CUSTOMER
    assert [(order["step"], order["orderNumber"]) for order in contract["orders"]] == [
        ("order", "O-00000300"),
        ("change", "O-00000310"),
        ("change", "O-00000322"),
        ("renewal", "O-00000340"),
        ("change", "O-00000351"),
    ]
    assert [order["contractValue"] for order in contract["orders"]][-1] == "182100.00"
    assert contract["orders"][1]["amount"] == "-30000.00"
    assert {document["problem"] for order in contract["orders"] for document in order["documents"]} == {
        "not yet applied"
    }


def test_a_customer_is_told_with_the_orders_that_are_in_no_contract(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    told.write_decisions()
    content = history(told, CUSTOMER, capsys)
    assert len(content["contracts"]) == 1
    assert [(each["orderNumber"], each["outcome"]) for each in content["notPosted"]] == [("O-00000360", "ignored")]


def test_outcomes_give_the_internal_ids_and_the_newest_one_counts(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    told.write_decisions()
    first = next(document for document in told.documents() if document.external_id.startswith("NUE-SO-ecbdb50f"))
    for internal_id in ("7", "8"):
        told.write(told.settings.topics.outcomes, f"ACCOUNT|{first.external_id}", applied(first, internal_id))
    content = history(told, CONTRACT, capsys)
    (document,) = content["contracts"][0]["orders"][0]["documents"]
    assert (document["internalId"], document["problem"]) == ("8", None)
    assert document["custbody_nue_original_orderid"] == CONTRACT


def test_a_dead_letter_says_why_a_document_is_missing_until_it_is_closed(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    told.write_decisions()
    first = next(document for document in told.documents() if document.origin.customer_id == CUSTOMER)
    told.write(told.settings.topics.dead_letters, CUSTOMER, refused(first, LetterState.REFUSED))
    (document,) = history(told, CONTRACT, capsys)["contracts"][0]["orders"][0]["documents"]
    assert document["problem"] == "refused: the period is closed (HTTP 400)"
    told.write(told.settings.topics.dead_letters, CUSTOMER, refused(first, LetterState.CLOSED))
    (document,) = history(told, CONTRACT, capsys)["contracts"][0]["orders"][0]["documents"]
    assert document["problem"] == "not yet applied"
    gone = replace(refused(first, LetterState.DISCARDED), by="kim", why="entered by hand")
    told.write(told.settings.topics.dead_letters, CUSTOMER, gone)
    (document,) = history(told, CONTRACT, capsys)["contracts"][0]["orders"][0]["documents"]
    assert document["problem"] == "discarded by kim: entered by hand"


def test_records_that_were_written_twice_count_once(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    told.write_decisions()
    once = history(told, CUSTOMER, capsys)
    told.write_decisions()
    assert history(told, CUSTOMER, capsys) == once


def test_a_conflicting_copy_is_told_beside_its_order_s_contract(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    states: dict[str, CustomerState] = {}
    original = activation(0)
    assert original.order.customer_id == CUSTOMER
    told.decide(0, states, original)
    told.decide(1, states, replace(original, event_id="copy", order=replace(original.order, po_number="other")))
    content = history(told, original.order.order_number, capsys)
    assert [order["outcome"] for order in content["contracts"][0]["orders"]] == ["POSTED"]
    (copy,) = content["notPosted"]
    assert copy["outcome"] == "quarantined"
    assert copy["why"].startswith("conflict: ")


def test_a_record_that_is_none_of_ours_is_left_out(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    told.sender.send(told.settings.topics.contracts, CUSTOMER.encode(), b"not ours", [])
    told.write_decisions()
    assert len(history(told, CUSTOMER, capsys)["contracts"]) == 1


def test_a_name_that_nothing_is_known_of_is_one_line_and_status_1(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    told.write_decisions()
    assert run_history(told.settings, "O-unknown", as_json=False) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "no customer, contract or order O-unknown" in printed.err


def test_the_table_says_everything_in_a_hundred_columns(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    told.write_decisions()
    assert run_history(told.settings, CUSTOMER, as_json=False) == 0
    printed = capsys.readouterr().out
    assert max(len(line.rstrip()) for line in printed.splitlines()) <= 100
    for text in (CONTRACT, "NUE-RA-342fa49d-7a9f-555f-9036-db10c3c3c166", "renewal", "182,100.00", "ignored"):
        assert text in printed


def test_a_key_is_looked_for_where_the_producer_put_it(told: Told) -> None:
    topic = told.settings.topics.contracts
    for number in range(20):
        told.sender.send(topic, f"customer-{number}".encode(), b"value", [])
    told.sender.flush()
    with TopicReader(told.settings.kafka) as reader:
        places = {record.key().decode(): record.partition() for record in reader.records(topic, reader.extents(topic))}
    assert len(set(places.values())) == 4
    assert {key: partition_of(key.encode(), 4) for key in places} == places
