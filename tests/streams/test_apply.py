"""The sink, on a real Kafka and over real HTTP: every command once, in order, and nothing lost."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.outcome import LetterState, Result
from streams import apply
from streams.broker import embedded_broker, touch_topics
from streams.errors import NuestreamError
from tests.environment import Kafka
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks.orders import SEAT, customer, item
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


def stops(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the sink logged as errors."""
    return [record.getMessage() for record in caplog.records if record.name == "nuestream.apply"]


async def test_every_command_is_applied_and_told_and_each_customers_documents_come_in_order(line: Line) -> None:
    wanted = [sales_order(name, number) for number in range(5) for name in CUSTOMERS]
    line.ask_for(*wanted, *REFERENCES)  # the references last: documents wait for them
    async with line.sink():
        await line.settled()
    documents = line.documents()
    for name in CUSTOMERS:
        assert [each for each in documents if f"-{name}-" in each] == [f"NUE-SO-{name}-{n}" for n in range(5)]
    outcomes = {outcome.external_id: outcome for outcome in line.outcomes()}
    assert outcomes.keys() == {command.external_id for command in (*wanted, *REFERENCES)}
    internal_ids = {each["externalId"]: each["id"] for kind in line.held().values() for each in kind}
    assert {name: outcome.internal_id for name, outcome in outcomes.items()} == internal_ids
    assert line.letters() == []


async def test_beginning_again_at_offset_zero_asks_netsuite_nothing(line: Line, sandbox: RunningSandbox) -> None:
    line.ask_for(*REFERENCES, *(sales_order(name, number) for number in range(3) for name in CUSTOMERS))
    async with line.sink():
        await line.settled()
    before, outcomes = line.held(), len(line.outcomes())
    async with line.sink(settings=line.rewound()):
        await line.settled(line.rewound())
    assert line.held() == before
    assert len(line.outcomes()) == outcomes


async def test_a_command_that_is_published_twice_is_applied_once(line: Line) -> None:
    line.ask_for(*REFERENCES, sales_order("acme", 1), sales_order("acme", 1), sales_order("acme", 2))
    async with line.sink():
        await line.settled()
    assert line.documents() == ["NUE-SO-acme-1", "NUE-SO-acme-2"]
    assert Counter(outcome.external_id for outcome in line.outcomes())["NUE-SO-acme-1"] == 1


async def test_a_refused_document_holds_up_its_customer_and_nobody_else_also_after_a_restart(line: Line) -> None:
    line.ask_for(*REFERENCES, sales_order("acme", 1), negative("acme", 2), sales_order("acme", 3))
    line.ask_for(sales_order("bolt", 1), sales_order("bolt", 2))
    async with line.sink():
        await line.settled()
    assert set(line.documents()) == {"NUE-SO-acme-1", "NUE-SO-bolt-1", "NUE-SO-bolt-2"}
    refused, parked = line.letters()
    assert (refused.external_id, refused.state, refused.status) == ("NUE-SO-acme-2", LetterState.REFUSED, 400)
    assert refused.lane == "acme"
    assert (parked.external_id, parked.state, parked.waits_for) == (
        "NUE-SO-acme-3",
        LetterState.PARKED,
        "NUE-SO-acme-2",
    )
    line.ask_for(sales_order("acme", 4), sales_order("bolt", 3))
    async with line.sink():
        await line.settled()
    async with line.sink(settings=line.rewound()):
        await line.settled(line.rewound())
    assert "NUE-SO-bolt-3" in line.documents()
    assert not {"NUE-SO-acme-2", "NUE-SO-acme-3", "NUE-SO-acme-4"} & set(line.documents())
    assert [letter.state for letter in line.letters()] == [LetterState.REFUSED, LetterState.PARKED, LetterState.PARKED]


async def test_documents_resume_in_order_when_a_missing_item_arrives_after_all(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox
) -> None:
    line = Line(kafka.bootstrap, topic_prefix, sandbox, netsuite={"reference_timeout": 1.0})
    line.make_topics()
    line.ask_for(customer("NUE-CUST-acme"), sales_order("acme", 1), sales_order("acme", 2))
    async with line.sink():
        await line.settled()
        first, second = line.letters()
        assert (first.state, first.waits_for) == (LetterState.WAITING, SEAT)
        assert (second.state, second.waits_for) == (LetterState.PARKED, "NUE-SO-acme-1")
    assert line.documents() == []
    line.ask_for(item(), sales_order("acme", 3))
    async with line.sink():
        await line.settled()
        await line.until(lambda: set(line.states().values()) == {LetterState.CLOSED})
    assert line.documents() == ["NUE-SO-acme-1", "NUE-SO-acme-2", "NUE-SO-acme-3"]


async def test_a_newer_version_of_a_refused_customer_is_tried_and_closes_its_letter(line: Line) -> None:
    unknown = customer("NUE-CUST-acme", currency="XXX", activated_at=customer().activated_at.replace(year=2024))
    line.ask_for(item(), unknown, sales_order("acme", 1))
    async with line.sink():
        await line.settled()
        assert line.states() == {"NUE-CUST-acme": LetterState.REFUSED, "NUE-SO-acme-1": LetterState.WAITING}
        line.ask_for(customer("NUE-CUST-acme", "order-9"))
        await line.until(lambda: set(line.states().values()) == {LetterState.CLOSED})
    assert line.documents() == ["NUE-SO-acme-1"]


async def test_a_record_that_cannot_be_read_is_kept_with_its_bytes_and_passed(line: Line) -> None:
    line.ask_in_bytes(b"nobody", b"this is not Avro")
    line.ask_for(*REFERENCES, sales_order("acme", 1))
    async with line.sink():
        await line.settled()
    async with line.sink(settings=line.rewound()):
        await line.settled(line.rewound())
    (letter,) = line.letters()
    assert (letter.state, letter.lane, letter.key) == (LetterState.REFUSED, "nobody", b"nobody")
    assert letter.value == b"this is not Avro"
    assert line.documents() == ["NUE-SO-acme-1"]


async def test_two_sinks_share_the_partitions_and_hand_them_over_without_doing_anything_twice(line: Line) -> None:
    commands = [sales_order(name, number) for number in range(20) for name in CUSTOMERS]
    line.ask_for(*REFERENCES, *commands[:60])
    async with line.sink():
        await line.until(lambda: len(line.documents()) > 10)
        async with line.sink():
            line.ask_for(*commands[60:])
            await line.until(lambda: len(line.documents()) > 80)
        await line.settled()
    documents = line.documents()
    assert len(documents) == len(commands)
    for name in CUSTOMERS:
        assert [each for each in documents if f"-{name}-" in each] == [f"NUE-SO-{name}-{n}" for n in range(20)]
    told = [outcome for outcome in line.outcomes() if outcome.external_id.startswith("NUE-SO")]
    assert Counter(outcome.external_id for outcome in told).most_common(1)[0][1] == 1
    assert {outcome.result for outcome in told} == {Result.CREATED}


async def test_more_commands_than_the_window_holds_flow_through_it(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox
) -> None:
    line = Line(kafka.bootstrap, topic_prefix, sandbox, apply={"window": 3})
    line.make_topics()
    line.ask_for(*(sales_order(name, number) for number in range(10) for name in CUSTOMERS), *REFERENCES)
    async with line.sink():
        await line.settled()
        await line.until(lambda: len(line.documents()) == 60)  # of some, a dead letter may have told first


async def test_a_refused_login_stops_the_sink_with_one_line(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    wrong = line.settings.netsuite.model_copy(update={"token_id": "unknown"})
    line.ask_for(item())
    with caplog.at_level(logging.ERROR, "nuestream.apply"):
        async with line.sink(status=1, settings=line.settings.model_copy(update={"netsuite": wrong})) as sink:
            await asyncio.wait_for(asyncio.shield(sink), 20)
    (told,) = stops(caplog)
    assert told.startswith("stopped: ")
    async with line.sink():
        await line.settled()
    assert [each["externalId"] for each in line.held()["items"]] == [SEAT]


async def test_a_command_that_waits_for_what_an_earlier_sink_may_have_sent_holds_up_no_other_customer(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox
) -> None:
    over = {"netsuite": {"concurrency": 1, "request_limit": 600.0}, "apply": {"shutdown_timeout": 1.0}}
    line = Line(kafka.bootstrap, topic_prefix, sandbox, **over)
    line.make_topics()
    line.ask_for(*REFERENCES)
    async with line.sink():
        await line.settled()
    line.ask_for(*(negative(name, 1) for name in CUSTOMERS[:-1]))
    line.ask_for(*(sales_order("flux", number) for number in range(3)))
    async with line.sink():
        await line.until(lambda: len(line.documents()) == 3)
    assert line.letters() == []


async def test_another_number_of_partitions_than_the_settings_say_is_refused_by_name(line: Line) -> None:
    topics = line.settings.topics.model_copy(update={"partitions": 8})
    with pytest.raises(NuestreamError) as caught:
        await apply.run(line.settings.model_copy(update={"topics": topics}), stop=asyncio.Event())
    told = str(caught.value)
    assert "topics.partitions (NUESTREAM_TOPICS__PARTITIONS) is 8" in told
    assert f"{topics.commands} has 4 partitions" in told


@pytest.mark.parametrize("topic", ["outcomes", "dead_letters"])
async def test_a_refused_send_stops_the_sink_and_nothing_is_skipped_or_done_twice(
    line: Line, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    name = getattr(line.settings.topics, topic)
    line.limit(name, 100)
    line.ask_for(*REFERENCES, sales_order("acme", 1), negative("acme", 2))
    if topic == "dead_letters":
        line.ask_in_bytes(b"nobody", b"this is not Avro")
    with caplog.at_level(logging.ERROR, "nuestream.apply"):
        async with line.sink(status=1) as sink:
            await asyncio.wait_for(asyncio.shield(sink), 20)
    (told,) = stops(caplog)
    assert f"{name}[" in told
    line.limit(name, 1_000_000)
    async with line.sink():
        await line.settled()
    assert line.documents() == ["NUE-SO-acme-1"]
    assert line.states()["NUE-SO-acme-2"] is LetterState.REFUSED
    assert len(line.held()["customers"]) == len(CUSTOMERS)


async def test_a_sink_that_is_asked_to_end_ends_what_is_in_flight_first(
    kafka: Kafka, topic_prefix: str, tmp_path: Path
) -> None:
    with running_sandbox(latency=0.4) as slow:
        line = Line(kafka.bootstrap, topic_prefix, slow)
        line.make_topics()
        line.ask_for(*REFERENCES, *(sales_order(name, number) for number in range(5) for name in CUSTOMERS))
        process = await line.start_process(tmp_path / "log")
        await line.until(lambda: len(line.documents()) >= 3)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0, (tmp_path / "log").read_text()
        assert len(line.documents()) < 30
        told = {outcome.external_id for outcome in line.outcomes()}
        assert set(line.documents()) <= told
        async with line.sink():
            await line.settled()
        assert {outcome.result for outcome in line.outcomes()} == {Result.CREATED}


async def test_the_sink_runs_on_the_embedded_broker(sandbox: RunningSandbox) -> None:
    with embedded_broker() as bootstrap:
        line = Line(bootstrap, "", sandbox, netsuite={"reference_timeout": 1.0}, apply={"session_timeout": 6.0})
        topics = line.settings.topics
        touch_topics(line.settings.kafka, [topics.commands, topics.outcomes, topics.dead_letters])
        line.ask_for(customer("NUE-CUST-acme"), sales_order("acme", 1), sales_order("acme", 2))
        async with line.sink():
            await line.settled()
            line.ask_for(item(), sales_order("acme", 3))
            await line.until(lambda: len(line.documents()) == 3)
            await line.until(lambda: set(line.states().values()) == {LetterState.CLOSED})
        async with line.sink():
            line.ask_for(sales_order("acme", 4))
            await line.settled()
        assert line.documents() == [f"NUE-SO-acme-{number}" for number in (1, 2, 3, 4)]
