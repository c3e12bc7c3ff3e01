"""What `nuestream reconcile` tells about an account in which everything is as it should be, or is explained."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.contract import OrderDecided
from schemas.opening import Opening
from schemas.outcome import LetterState
from streams import apply
from streams.reading import TopicReader
from tests.environment import Kafka
from tests.projections.given import History, discarded, more, order, seats
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.streams.reconcile.world import World

LINK = "custbody_nue_original_orderid"
STATES = (LetterState.REFUSED, LetterState.WAITING, LetterState.PARKED, LetterState.DISCARDED)


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(tax_rate=Decimal("0.19")) as running:
        yield running


def odd_orders() -> Iterator[tuple[Any, Any]]:
    """Orders of which one posts, one posts nothing, one waits, one is quarantined, one discarded, one a draft."""
    history = History()
    for content in (
        order("posted", seats("S1", 5, 1200)),
        order("noop", more("S1", 0, 0)),
        order("held", more("S1", 1, 100, subscription_version=9)),
        order("untied", more("S1", 1, 100), total_amount=Decimal(500)),
        order("given-up", more("S1", 1, 100), total_amount=Decimal(500)),
        order("draft", more("S1", 1, 100), status="Draft"),
        discarded("given-up"),
    ):
        yield content, history.when(content)


def test_what_is_explained_is_told_apart_and_all_else_ties_out(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox
) -> None:
    world = World(kafka.bootstrap, topic_prefix, sandbox, seed=5)
    for content, step in odd_orders():
        world.tell(content, step)
    *lettered, pending, late = sorted(world.documents)[: len(STATES) + 2]
    world.letters = dict(zip(lettered, STATES, strict=True))
    for name in (*lettered, pending, late):
        world.unmade.add(name)
        world.untold.add(name)
    opening = Opening(
        event_id="opening",
        customer_id="acme",
        contract_id="old-contract",
        currency="USD",
        billing_account_id="acme",
        opened_on=date(2024, 1, 1),
        posted=Decimal(100),
        subscriptions=(),
        by="kim",
        at=datetime(2024, 1, 1, tzinfo=UTC),
    )
    world.passed_over.append(opening)
    world.write()
    world.command([world.documents[pending], world.documents[late]])
    some = sandbox.store.all("transaction")[0]
    sandbox.store.create(some.type, {**some.body, "externalId": "OTHER-1", LINK: "old-contract"}, lines_of(some))
    sandbox.store.create(some.type, {**without(some.body, LINK), "externalId": "OTHER-2"}, lines_of(some))

    told = world.told("--period", "2023-01..2027-12")
    assert (told["tiesOut"], told["discrepancies"]) == (True, [])
    expected = {(state.lower(), name) for name, state in world.letters.items()}
    expected |= {("pending", pending), ("pending", late), ("before the cut-over", "OTHER-1")}
    assert {(each["state"], each["name"]) for each in told["explained"]} == expected
    assert {Decimal(each["difference"]) for each in told["sums"]} == {Decimal(0)}
    outcomes = {each["orderId"]: each["outcome"] for each in told["orders"]}
    wanted = {"posted": "posted", "noop": "NoOp", "held": "held", "untied": "quarantined", "given-up": "discarded"}
    assert {name: outcomes.get(name) for name in wanted} == wanted
    assert "draft" not in outcomes
    assert outcomes == {**by_a_plain_loop(world), **wanted}


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


def lines_of(stored: Any) -> list[dict[str, Any]]:
    return [line for _, line in stored.lines]


def by_a_plain_loop(world: World) -> dict[str, str]:
    """What became of each generated order, from the decisions and what was done to its documents."""
    found: dict[str, str] = {}
    for _, step in world.projection.steps:
        for decided in step.contract_events:
            if not isinstance(decided, OrderDecided) or decided.outcome == "IGNORED":
                continue
            states = []
            for each in decided.documents:
                if each.external_id in world.letters:
                    states.append(world.letters[each.external_id].lower())
                elif each.external_id in world.unmade:
                    states.append("pending")
            posted = ", ".join(dict.fromkeys(states)) or "posted"
            found[decided.order_id] = posted if decided.documents else "NoOp"
    return found


def test_an_order_is_in_the_period_by_the_day_of_its_documents(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox
) -> None:
    world = World(kafka.bootstrap, topic_prefix, sandbox, seed=6)
    world.write()
    months = {each.tran_on.strftime("%Y-%m") for each in world.documents.values()}
    month = sorted(months)[len(months) // 2]
    told = world.told("--period", month)
    wanted = {each.origin.order_id for each in world.documents.values() if each.tran_on.strftime("%Y-%m") == month}
    assert {each["orderId"] for each in told["orders"] if each["documents"]} == wanted
    assert all(each["dated"].startswith(month) for each in told["orders"])
    assert len({each["orderId"] for each in told["orders"]}) == len(told["orders"])
    documents = [each for row in told["orders"] for each in row["documents"]]
    assert {each["internalId"] for each in documents} == {world.internal_id(each["externalId"]) for each in documents}


def test_repair_puts_only_what_was_never_posted_on_the_topic_byte_by_byte_and_the_sink_posts_it(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox
) -> None:
    world = World(kafka.bootstrap, topic_prefix, sandbox, seed=7, orders=30)
    names = sorted(world.documents)
    missing, deleted, given_up = names[:3], names[3], names[4]
    payers = {each.entity for each in world.documents.values()}
    customer = next((name for name in world.upserts if name.startswith("NUE-CUST-") and name not in payers), None)
    if customer is not None:
        missing.append(customer)
    world.unmade |= {*missing, deleted, given_up}
    world.untold |= {*missing, given_up}
    world.letters = {given_up: LetterState.DISCARDED}
    world.write()
    before = commands_of(world)
    assert len(before) > len(names)

    declined = world.run("--repair", text="n\n")
    assert declined.exit_code == 1
    assert "only `nuestream rebuild` makes such records again" in declined.stderr
    assert commands_of(world) == before

    repaired = world.run("--repair", "--yes")
    assert (repaired.exit_code, f"{len(missing)} commands put on" in repaired.stderr) == (1, True)
    emitted = commands_of(world)
    assert len(emitted) == len(before) + len(missing)
    for record in before:
        emitted.remove(record)
    assert {ce_subject(record) for record in emitted} == set(missing)
    assert all(record in before for record in emitted)

    again = world.run("--repair", "--yes")  # they are on their way now
    assert "no command is missing" in again.stderr
    asyncio.run(sink_until_done(world))
    told = world.told(status=1)
    assert [(each["kind"], each["name"]) for each in told["discrepancies"]] == [("deleted", deleted)]
    assert [(each["state"], each["name"]) for each in told["explained"]] == [("discarded", given_up)]


def commands_of(world: World) -> list[tuple[Any, ...]]:
    """Partition, key, value and headers of every record of the command topic."""
    topic = world.settings.topics.commands
    with TopicReader(world.settings.kafka) as reader:
        found = list(reader.records(topic, reader.extents(topic)))
    return sorted((each.partition(), each.key(), each.value(), each.headers()) for each in found)


def ce_subject(record: tuple[Any, ...]) -> str:
    return dict(record[3])["ce_subject"].decode()


async def sink_until_done(world: World) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(apply.run(world.settings, stop=stop))
    wanted = [name for name in world.unmade & world.untold if name not in world.letters]
    store = world.sandbox.store
    types = ("salesOrder", "returnAuthorization", "customer")
    for _ in range(300):
        if all(any(store.get_external(each, name) for each in types) for name in wanted):
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1.0)  # its outcomes and offsets
    stop.set()
    assert await asyncio.wait_for(task, 30) == 0


def test_an_order_that_the_projector_passed_over_is_told_and_a_copy_of_one_is_not(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox
) -> None:
    world = World(kafka.bootstrap, topic_prefix, sandbox, seed=8, orders=10)
    event, _ = world.projection.steps[0]
    lost = order("lost", seats("S9", 1, 10))
    world.passed_over += [replace(event, event_id="again"), lost]
    world.write()
    told = world.told("--period", "2020-01..2030-12", status=1)
    assert [(each["kind"], each["name"]) for each in told["discrepancies"]] == [("undecided", "No. lost")]
    assert [each["outcome"] for each in told["orders"] if each["orderId"] == "lost"] == ["undecided"]
    copies = [each for each in told["orders"] if each["orderId"] == event.order.order_id]
    assert len(copies) == 1


def test_what_cannot_be_done_is_told_in_one_line(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    world = World(kafka.bootstrap, topic_prefix, sandbox, orders=5)
    nothing = world.run()
    assert (nothing.exit_code, "run `nuestream topics create`" in nothing.stderr) == (2, True)
    unwritable = world.run("--html", str(tmp_path / "no" / "folder.html"))
    assert (unwritable.exit_code, "cannot be written" in unwritable.stderr) == (2, True)
    assert "neither a month" in world.run("--period", "soon").stderr
    assert "--yes goes with --repair" in world.run("--yes").stderr
