"""`nuestream arrangements`: from a contract on Kafka to the tasks that merge its arrangements in NetSuite."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from click.testing import CliRunner

from schemas.codec import Encoder
from schemas.command import Document
from schemas.headers import headers_of
from schemas.outcome import DeadLetter, LetterState
from sinks.client import NetSuiteClient
from sinks.deliver import Applied, Deliverer
from sinks.signing import Credentials
from sinks.translate import Defaults
from streams.cli import cli
from streams.sending import Sender
from streams.topics import create_topics
from tests.environment import Kafka
from tests.projections.given import NOON, History, fewer, given, more, order, renewed, seats
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.streams.sinking import Line

JULY = {"start_on": date(2025, 7, 1), "end_on": date(2025, 12, 31)}
NEXT = {"start_on": date(2026, 1, 1), "end_on": date(2026, 12, 31)}
THREE_HOURS = 10_800
PENDING_APPROVAL, PENDING_FULFILMENT = "A", "B"


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


def history() -> History:
    """A contract with a change and a return, and its renewal with a change; and one whose change is discarded."""
    return given(
        order("O1", seats("S1", 100, "120000.00")),
        order("O2", more("S1", 10, "6000.00", **JULY)),
        order("O3", fewer("S1", 10, "6000.00", **JULY)),
        order("O4", renewed("S1", 100, "120000.00", **NEXT)),
        order("O5", more("S1", 5, "6000.00", **NEXT)),
        order("O6", seats("S9", 1, "12.00")),
        order("O7", more("S9", 1, "12.00")),
    )


def discarded(document: Document) -> DeadLetter:
    return DeadLetter(
        command_id=document.command_id,
        external_id=document.external_id,
        lane="acme",
        state=LetterState.DISCARDED,
        reason="the period is closed",
        topic="commands",
        partition=0,
        offset=0,
        key=None,
        value=None,
        recorded_at=NOON,
        why="entered by hand",
    )


class Contract:
    """The contract on Kafka, some of it in NetSuite."""

    def __init__(self, line: Line, told: History) -> None:
        self.line = line
        self.documents = {each.external_id: each for step in told.steps for each in step.documents}
        self._upserts = {each.external_id: each for step in told.steps for each in step.upserts}
        create_topics(line.settings, "tests")
        sender, encoder, topics = Sender(line.settings.kafka), Encoder(), line.settings.topics
        for step in (*told.steps, told.steps[1]):  # one was delivered twice
            for topic, records in ((topics.commands, step.documents), (topics.contracts, step.contract_events)):
                for record in records:
                    sender.send(topic, b"acme", encoder.encode(topic, record), headers_of(record))
        letter = discarded(self.documents["NUE-SO-O7"])
        sender.send(topics.dead_letters, b"acme", encoder.encode(topics.dead_letters, letter), headers_of(letter))
        sender.flush()

    async def deliver(self, *external_ids: str) -> None:
        """Have NetSuite hold these, and what they need."""
        given = self.line.sandbox.credentials
        credentials = Credentials(
            consumer_key=given.consumer_key,
            consumer_secret=given.consumer_secret,
            token_id=given.token_id,
            token_secret=given.token_secret,
        )
        async with NetSuiteClient(self.line.sandbox.url, given.account, credentials) as client:
            deliverer = Deliverer(client, account=given.account, defaults=Defaults())
            documents: list[Document] = [self.documents[name] for name in external_ids]
            for command in (*self._upserts.values(), *documents):
                assert isinstance(await deliverer.deliver(command, {}), Applied)
        self._upserts.clear()

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli, ["arrangements", *arguments], env=self.line.environment | environment)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return done.exit_code, done.stdout

    def states(self, *arguments: str, **environment: str) -> dict[str, str]:
        """The state of each family, by its documents."""
        _, told = self.run("--format", "json", *arguments, **environment)
        return {
            " ".join(each["document"].removeprefix("NUE-") for each in family["documents"]): family["state"]
            for family in json.loads(told)
        }

    def tasks(self, *arguments: str) -> list[dict[str, Any]]:
        _, told = self.run("--format", "tasks", *arguments)
        found: list[dict[str, Any]] = json.loads(told)
        return found


TERM, RENEWAL = "SO-O1 SO-O2 RA-O3", "SO-O4 SO-O5"


def test_what_is_to_be_merged_becomes_a_task_when_netsuite_has_its_arrangements_and_ends_merged(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox
) -> None:
    contract = Contract(Line(kafka.bootstrap, topic_prefix, sandbox), history())
    assert contract.states(NUESTREAM_NETSUITE__ACCOUNT="") == {TERM: "unknown", RENEWAL: "unknown"}
    asyncio.run(contract.deliver("NUE-SO-O1", "NUE-SO-O2", "NUE-RA-O3", "NUE-SO-O4"))
    # the account has no Advanced Revenue Management, or its role may not see it
    status, told = contract.run()
    assert status == 1
    assert "NetSuite does not show revenue elements: Invalid search query" in " ".join(told.split())

    sandbox.admin("PUT", "account", {"arrangementsAfter": THREE_HOURS})
    sandbox.store.edit("salesOrder", "NUE-SO-O2", {"orderStatus": {"id": PENDING_APPROVAL}})
    assert contract.states() == {TERM: "not_generated", RENEWAL: "missing"}
    sandbox.admin("POST", "clock", {"advance": THREE_HOURS})
    sandbox.store.edit("salesOrder", "NUE-SO-O2", {"orderStatus": {"id": PENDING_FULFILMENT}})
    assert contract.states() == {TERM: "not_generated", RENEWAL: "missing"}, "the time counts from the approval"
    sandbox.admin("POST", "clock", {"advance": THREE_HOURS})
    (task,) = contract.tasks("--date", "2026-02-01")
    assert (task["contract"], task["revenueArrangementDate"], len(task["arrangements"])) == ("root-S1", "2026-02-01", 3)
    sandbox.admin("POST", "merge", task)
    assert contract.states("--all") == {TERM: "merged", RENEWAL: "missing"}

    asyncio.run(contract.deliver("NUE-SO-O5"))
    assert contract.states() == {RENEWAL: "not_generated"}
    sandbox.admin("POST", "clock", {"advance": THREE_HOURS})
    (task,) = contract.tasks("--prospective")
    assert (task["contract"], task["mergeResidualRevenueAmounts"]) == ("root-S1 (2)", True)
    sandbox.admin("POST", "merge", task)
    assert contract.run("--format", "tasks") == (0, "[]\n")
    # by another rule there is one family, whose arrangements are two
    assert contract.states(NUESTREAM_ARRANGEMENTS__INCLUDE_RENEWALS="true") == {f"{TERM} {RENEWAL}": "to_merge"}


def test_what_speaks_against_a_merge_is_told_in_table_and_csv(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox
) -> None:
    contract = Contract(Line(kafka.bootstrap, topic_prefix, sandbox), history())
    asyncio.run(contract.deliver(*(name for name in contract.documents if name != "NUE-SO-O7")))
    sandbox.store.edit("returnAuthorization", "NUE-RA-O3", {"exchangeRate": 2})
    sandbox.store.edit("salesOrder", "NUE-SO-O1", {"exchangeRate": 1})
    sandbox.store.edit("salesOrder", "NUE-SO-O5", {"subsidiary": {"id": "2"}})
    # the contract was there before this system: finance entered its first order
    first = sandbox.store.get_external("salesOrder", "NUE-SO-O1")
    assert first is not None
    body = {name: value for name, value in first.body.items() if name != "externalId"} | {"tranDate": "2024-12-01"}
    earlier = sandbox.store.create("salesOrder", body, [line for _, line in first.lines])
    sandbox.admin("PUT", "account", {"arrangementsAfter": 0})
    status, told = contract.run()
    assert status == 1
    words = " ".join(told.split())
    assert "root-S1 · NUE-CUST-acme · USD · to be merged" in words
    assert "NUE-RA-O3 has the exchange rate 2, the first sales order of its family 1: a merge does not tie" in words
    assert "root-S1 (2) · NUE-CUST-acme · USD · cannot be merged" in words
    assert "its elements are of several subsidiaries (1, 2), which NetSuite does not merge" in words

    _, told = contract.run("--format", "csv", "--without-renewals", NUESTREAM_ARRANGEMENTS__INCLUDE_RENEWALS="true")
    rows = list(csv.DictReader(io.StringIO(told)))
    assert [(row["document"], row["type"], row["state"], row["amount"]) for row in rows] == [
        (f"Sales Order #{earlier}", "salesOrder", "to_merge", "120000"),
        ("NUE-SO-O1", "salesOrder", "to_merge", "120000.000000"),
        ("NUE-SO-O2", "salesOrder", "to_merge", "6000.000000"),
        ("NUE-RA-O3", "returnAuthorization", "to_merge", "6000.000000"),
        ("NUE-SO-O4", "salesOrder", "barred", "120000.000000"),
        ("NUE-SO-O5", "salesOrder", "barred", "6000.000000"),
    ]
    assert {row["note"] for row in rows[:3]} == {""}
    assert rows[3]["note"].startswith("NUE-RA-O3 has the exchange rate 2")
    assert len({row["arrangements"] for row in rows}) == 6
