"""Dead letters and what people decide about them, on a real Kafka and over real HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from schemas.outcome import DeadLetter, LetterState
from schemas.requests import DiscardRequested
from sinks.sandbox.account_rules import AccountRules, Period
from streams.dead_letter_acts import sinks_at_work
from tests.environment import Kafka
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks.orders import customer, item
from tests.streams.sinking import Line, negative, sales_order

CUSTOMERS = ("acme", "bolt", "core", "dune", "echo", "flux")
REFERENCES = (item(), *(customer(f"NUE-CUST-{name}") for name in CUSTOMERS))


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


@pytest.fixture
def line(kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox) -> Line:
    made = Line(kafka.bootstrap, topic_prefix, sandbox)
    made.make_topics()
    return made


def close_the_period(sandbox: RunningSandbox) -> None:
    """No transaction can be dated in the month of the orders."""
    january = Period(start=date(2025, 1, 1), end=date(2025, 1, 31))
    sandbox.store.apply(AccountRules(closed_periods=(january,)))


def open_the_period(sandbox: RunningSandbox) -> None:
    sandbox.store.apply(AccountRules())


def late_request(letter: DeadLetter) -> DiscardRequested:
    return DiscardRequested(
        request_id="late",
        command_id=letter.command_id,
        external_id=letter.external_id,
        lane=letter.lane,
        by="lee",
        why="?",
        requested_at=letter.recorded_at,
    )


async def test_a_discarded_document_is_never_made_also_when_it_is_written_again_for_other_workers(line: Line) -> None:
    line.ask_for(*REFERENCES, negative("acme", 1), sales_order("acme", 2), sales_order("bolt", 1))
    async with line.sink():
        await line.settled()
    async with line.sink():
        told = await line.run("deadletters", "discard", "NUE-SO-acme-1", "--why", "a test", "--by", "kim", "--yes")
        assert "NUE-SO-acme-1: discarded" in told
        again = sales_order("acme", 1)  # its command id, and a content that NetSuite would take
        line.ask_for(again, sales_order("acme", 3))
        await line.settled()
        await line.until(lambda: "NUE-SO-acme-3" in line.documents())
    (gone,) = [letter for letter in line.letters() if letter.state is LetterState.DISCARDED]
    assert (gone.external_id, gone.by, gone.why) == ("NUE-SO-acme-1", "kim", "a test")
    line.ask_for(again, sales_order("acme", 4))
    async with line.sink(settings=line.rewound()):
        await line.settled(line.rewound())
    assert [each for each in line.documents() if "acme" in each] == [f"NUE-SO-acme-{number}" for number in (2, 3, 4)]
    assert line.states()["NUE-SO-acme-1"] is LetterState.DISCARDED


async def test_a_redriven_document_is_made_and_what_was_parked_follows_in_order(
    line: Line, sandbox: RunningSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    close_the_period(sandbox)
    line.ask_for(*REFERENCES, *(sales_order("acme", number) for number in range(4)))
    with caplog.at_level(logging.WARNING, "nuestream.apply"):
        async with line.sink():
            await line.settled()
    assert any("Open the accounting period" in record.getMessage() for record in caplog.records)
    (told,) = await line.told("deadletters", "list")
    assert (told["externalId"], told["state"], told["parkedBehind"]) == ("NUE-SO-acme-0", "refused", 3)
    assert "Accounting Periods" in told["reason"]
    assert "Open the accounting period" in told["advice"]
    redrive = ("deadletters", "redrive", "NUE-SO-acme-0", "--why", "open again", "--by", "kim", "--yes")
    async with line.sink():
        assert "refused again" in await line.run(*redrive, status=1)
        assert line.documents() == []
        open_the_period(sandbox)
        assert "NUE-SO-acme-0: applied" in await line.run(*redrive)
        await line.until(lambda: set(line.states().values()) == {LetterState.CLOSED})
    assert line.documents() == [f"NUE-SO-acme-{number}" for number in range(4)]
    shown = await line.told("deadletters", "show", "NUE-SO-acme-0")
    assert [(each["what"].partition(":")[0], each["by"]) for each in shown["history"]] == [
        ("refused", None),
        ("redrive asked for by kim", "kim"),
        ("refused", "kim"),
        ("redrive asked for by kim", "kim"),
        ("closed", "kim"),
    ]
    assert shown["attempts"] >= 2
    assert await line.told("deadletters", "list") == []


async def test_what_is_asked_for_while_no_sink_runs_is_carried_out_by_the_next(
    line: Line, sandbox: RunningSandbox
) -> None:
    close_the_period(sandbox)
    line.ask_for(*REFERENCES, sales_order("acme", 0), sales_order("acme", 1))
    async with line.sink():
        await line.settled()
        assert await asyncio.to_thread(sinks_at_work, line.settings) == 1
    open_the_period(sandbox)
    redrive = ("deadletters", "redrive", "NUE-SO-acme-0", "--why", "open again", "--yes", "--timeout", "1")
    assert "No sink runs" in await line.run(*redrive)
    (listed,) = await line.told("deadletters", "list")
    assert [each["what"] for each in listed["asked"]] == ["redrive"]
    twice = await line.run("deadletters", "redrive", "NUE-SO-acme-0", "--why", "?", "--yes", status=1)
    assert "already" in twice
    async with line.sink():
        await line.until(lambda: line.documents() == ["NUE-SO-acme-0", "NUE-SO-acme-1"])


async def test_a_request_outlives_a_rebalance_between_it_and_its_answer(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox
) -> None:
    line = Line(kafka.bootstrap, topic_prefix, sandbox, netsuite={"request_limit": 3.0})
    line.make_topics()
    line.ask_for(*REFERENCES, *(negative(name, 1) for name in CUSTOMERS))
    line.ask_for(*(sales_order(name, number) for name in CUSTOMERS for number in (2, 3)))
    async with line.sink():
        await line.settled()
        await line.until(lambda: len(line.states()) == 18)
    async with line.sink():
        # a parked document may have been sent before: its discard waits, and meanwhile another sink comes
        parked = [f"NUE-SO-{name}-2" for name in CUSTOMERS]
        asked = asyncio.create_task(line.run("deadletters", "discard", *parked, "--why", "test", "--yes"))
        await asyncio.sleep(1.5)
        async with line.sink():
            await asked
            heads = [f"NUE-SO-{name}-1" for name in CUSTOMERS]
            await line.run("deadletters", "discard", *heads, "--why", "test", "--yes")
            await line.until(lambda: len(line.documents()) == len(CUSTOMERS))
    assert sorted(line.documents()) == [f"NUE-SO-{name}-3" for name in CUSTOMERS]
    gone = [letter.external_id for letter in line.letters() if letter.state is LetterState.DISCARDED]
    assert sorted(gone) == sorted([*parked, *heads])
    assert line.declined() == []


async def test_a_discard_of_what_netsuite_turns_out_to_hold_is_told_to_be_too_late(line: Line) -> None:
    line.ask_for(*REFERENCES, negative("acme", 1), sales_order("acme", 2), sales_order("acme", 3))
    async with line.sink():
        await line.settled()
    await line.send_unnoticed(sales_order("acme", 2))
    async with line.sink():
        told = await line.run("deadletters", "discard", "NUE-SO-acme-2", "--why", "test", "--yes", status=1)
        assert "too late" in told
    (outcome,) = [each for each in line.outcomes() if each.external_id == "NUE-SO-acme-2"]
    assert outcome.result.value == "FOUND"
    assert line.states()["NUE-SO-acme-2"] is LetterState.CLOSED


async def test_all_of_one_reason_are_redriven_at_once_and_names_are_told_apart(
    line: Line, sandbox: RunningSandbox
) -> None:
    close_the_period(sandbox)
    line.ask_for(*REFERENCES, *(sales_order(name, 1) for name in CUSTOMERS), sales_order("acme", 2))
    async with line.sink():
        await line.settled()
        for name, words in (
            ("NUE-SO-nothing", "no command called NUE-SO-nothing"),
            ("NUE-SO-acme-2", "is parked"),
            ("O-00000300", "are called O-00000300"),
        ):
            told = await line.run("deadletters", "redrive", name, "--why", "?", "--yes", status=1)
            assert words in told
        open_the_period(sandbox)
        all_of_it = ("deadletters", "redrive", "--all-of-reason", "accounting periods", "--why", "open", "--yes")
        told = await line.run(*all_of_it)
        assert told.count(": applied") == len(CUSTOMERS)
        assert "needs a person" in await line.run(*all_of_it, status=1)
        await line.until(lambda: len(line.documents()) == len(CUSTOMERS) + 1)
        told = await line.run("deadletters", "discard", "NUE-SO-acme-1", "--why", "?", "--yes", status=1)
        assert "no open dead letter: it was closed" in told
        closed = next(letter for letter in line.letters() if letter.external_id == "NUE-SO-acme-1")
        line.say(closed.partition, late_request(closed))  # as from somebody who has not seen the answer yet
        await line.until(lambda: bool(line.declined()))
        assert line.declined()[0].reason.startswith("NetSuite holds it already")


async def test_what_cannot_be_looked_at_is_told_in_one_sentence_and_is_not_taken_for_nothing(
    kafka: Kafka, topic_prefix: str, line: Line, sandbox: RunningSandbox
) -> None:
    decide = ("deadletters", "discard", "--why")
    assert "'--why': it is empty" in await line.run(*decide, " ", "NUE-SO-acme-1", status=2)
    assert "'--all-of-reason': it is empty" in await line.run(*decide, "?", "--all-of-reason", "", status=2)
    assert "and not both" in await line.run(*decide, "?", "--all-of-reason", "period", "NUE-SO-acme-1", status=2)
    assert "no command called '' is or was a dead letter" in await line.run("deadletters", "show", "", status=1)
    assert await line.run("deadletters", "list") == "there is no open dead letter\n"
    async with line.sink():
        line.ask_in_bytes(b"nobody", b"this is not Avro")
        await line.until(lambda: bool(line.letters()))
    own = line.settings.topics
    other = Line(kafka.bootstrap, topic_prefix, sandbox, topics={"commands": f"{topic_prefix}others"})
    told = await other.run("deadletters", "list")
    assert f"{own.dead_letters} holds 1 records about commands of {own.commands}, and topics.commands" in told
    nowhere = Line(kafka.bootstrap, f"{topic_prefix}nowhere-", sandbox)
    for command in (("list",), ("show", "x"), ("redrive", "x", "--why", "?")):
        told = await nowhere.run("deadletters", *command, status=2)
        assert f"the topic {nowhere.settings.topics.dead_letters} is not there, or not ours to read" in told
        assert len(told.splitlines()) == 1


async def test_an_unreadable_command_is_shown_by_its_bytes_and_discarded(line: Line, tmp_path: Path) -> None:
    line.ask_in_bytes(b"nobody", b"this is not Avro\x00")
    line.ask_for(*REFERENCES, sales_order("nobody", 1))
    async with line.sink():
        await line.settled()
        (told,) = await line.told("deadletters", "list", "--customer", "nobody")
        name = told["commandId"]
        shown = await line.told("deadletters", "show", name, "--raw", str(tmp_path / "raw"))
        assert "this is not Avro" in shown["original"]["bytes"]
        assert (tmp_path / "raw").read_bytes() == b"this is not Avro\x00"
        assert len(shown["waysOut"]) == 1
        told = await line.run("deadletters", "redrive", name, "--why", "?", "--yes", status=1)
        assert "cannot be sent" in told
        assert f"{name}: discarded" in await line.run("deadletters", "discard", name, "--why", "rubbish", "--yes")
    (letter,) = [each for each in line.letters() if each.state is LetterState.DISCARDED]
    assert letter.command_id == name


async def test_people_read_the_reason_the_advice_and_the_command(line: Line) -> None:
    line.ask_for(*REFERENCES, negative("acme", 1), sales_order("acme", 2), sales_order("acme", 3))
    async with line.sink():
        await line.settled()
    listed = await line.run("deadletters", "list")
    assert "NUE-SO-acme-1" in listed
    assert "2 documents of this customer are parked behind" in listed
    assert "policy.mixed_orders" in listed
    assert "NUE-SO-acme-2" not in listed
    parked = await line.run("deadletters", "list", "--state", "parked")
    assert "NUE-SO-acme-2" in parked
    assert "NUE-SO-acme-1" in parked  # what it is behind
    assert "no such dead letter" in await line.run("deadletters", "list", "--reason", "nothing of the kind")
    shown = await line.run("deadletters", "show", "NUE-SO-acme-1")
    assert "What happened" in shown
    assert "nuestream deadletters redrive" in shown
    assert '"external_id": "NUE-SO-acme-1"' in shown
    assert "Send it again?" in await line.run("deadletters", "redrive", "NUE-SO-acme-1", "--why", "?", status=1)
    (told,) = await line.told("deadletters", "list")
    assert told["asked"] == []
