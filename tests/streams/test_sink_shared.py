"""Two sinks of one group, and records that many activations share: whatever comes late, each ends at its newest."""

from __future__ import annotations

import asyncio
import random
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from projections.partitions import partition_of
from schemas.command import Command
from schemas.outcome import Outcome
from tests.environment import Kafka
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks import orders
from tests.sinks.orders import ACTIVATED
from tests.streams.sinking import Line, sales_order

PARTITIONS = 4
RESELLER = "NUE-CUST-reseller"
ITEMS = [f"NUE-ITEM-{number}" for number in range(6)]
CUSTOMERS = [f"c{number}" for number in range(8)]
NEWEST = 12
STALL_S = 100.0


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox() as running:
        yield running


def reseller(version: int) -> Command:
    at = ACTIVATED + timedelta(days=version)
    return orders.customer(RESELLER, f"order-{version:03d}", name=f"Reseller {version}", activated_at=at)


def activation(version: int) -> list[Command]:
    """An order of one of the customers, sold by the reseller, with all that it brings along."""
    at, order_id = ACTIVATED + timedelta(days=version), f"order-{version:03d}"
    items = [orders.item(name, order_id, name=f"{name} {version}", activated_at=at) for name in ITEMS]
    lines = tuple(orders.line(f"{version}-{name}", name) for name in ITEMS)
    customer = CUSTOMERS[version % len(CUSTOMERS)]
    return [reseller(version), *items, sales_order(customer, version, lines=lines, entity=RESELLER)]


def names(line: Line) -> dict[str, str]:
    """What NetSuite calls the reseller and the items."""
    held = line.held()
    called = {each["externalId"]: each["fields"]["displayName"] for each in held["items"]}
    return called | {each["externalId"]: each["fields"]["companyName"] for each in held["customers"]}


def owner(line: Line, key: str) -> str | None:
    """The sink that has the commands of `key`; nobody, while the group is being shared out."""
    admin = AdminClient({"bootstrap.servers": line.settings.kafka.bootstrap_servers})
    group = line.settings.groups.apply
    members = admin.describe_consumer_groups([group])[group].result(10).members
    wanted = partition_of(key.encode(), PARTITIONS)
    for member in members:
        if wanted in [place.partition for place in member.assignment.topic_partitions]:
            return str(member.group_instance_id)
    return None


def told(line: Line) -> list[Outcome]:
    return [each for each in line.outcomes() if each.external_id == RESELLER]


@asynccontextmanager
async def two_sinks(line: Line, folder: Path) -> AsyncIterator[dict[str, Process]]:
    running = {name: await line.start_process(folder / name, instance=name) for name in ("a", "b")}
    try:
        yield running
    finally:
        for process in running.values():
            if process.returncode is None:
                process.kill()
                await process.wait()


@pytest.mark.parametrize(
    ("fate", "request_limit"), [("continued", 600.0), pytest.param("killed", 20.0, marks=pytest.mark.soak)]
)
async def test_records_end_at_their_newest_though_a_stopped_sinks_write_comes_late_and_keep_what_finance_wrote(
    kafka: Kafka, topic_prefix: str, sandbox: RunningSandbox, tmp_path: Path, fate: str, request_limit: float
) -> None:
    netsuite = {"timeout": 300.0, "request_limit": request_limit}
    line = Line(kafka.bootstrap, topic_prefix, sandbox, netsuite=netsuite, apply={"session_timeout": 6.0})
    line.make_topics(PARTITIONS)
    line.ask_for(*activation(0))
    async with two_sinks(line, tmp_path) as sinks:
        await line.settled()
        await line.edit("customer", RESELLER, {"phone": "+41 44 000", "terms": {"id": "1"}})
        for name in ITEMS:
            await line.edit("nonInventorySaleItem", name, {"availableToPartners": True})
        await line.until(lambda: owners(line) == {"a", "b"})
        stall = {"fault": {"kind": "stall", "seconds": STALL_S}, "match": {"method": "PATCH", "record": "customer"}}
        sandbox.admin("PUT", "faults", {"requests": [stall]})
        line.ask_for(reseller(3))
        await line.until(lambda: sandbox.admin("GET", "clock")["waiting"] == 1)
        stopped = str(owner(line, RESELLER))
        sinks[stopped].send_signal(signal.SIGSTOP)

        rest = [command for version in range(1, NEWEST + 1) for command in activation(version)]
        random.Random(7).shuffle(rest)
        line.ask_for(*rest)
        await line.settled()
        assert names(line)[RESELLER] == f"Reseller {NEWEST}"
        if fate == "continued":
            sinks[stopped].send_signal(signal.SIGCONT)
            await line.until(lambda: "lost to another worker" in (tmp_path / stopped).read_text())
            await asyncio.sleep(4)  # it may join again: its partitions must not come back before its write is told
        else:  # nobody tells of its write, which was sent while it could still come
            sinks[stopped].kill()
        before = len(told(line))
        sandbox.admin("POST", "clock", {"advance": STALL_S})
        await line.until(lambda: len(told(line)) > before)
        await line.until(lambda: names(line) == {RESELLER: f"Reseller {NEWEST}", **newest_items()})
        await line.settled()
        if fate == "continued":
            assert [each.order_id for each in told(line)][-2:] == ["order-003", f"order-{NEWEST:03d}"]
        assert told(line)[-1].order_id == f"order-{NEWEST:03d}"
        for name, process in sinks.items():
            if (name, fate) != (stopped, "killed"):
                process.terminate()
                assert await asyncio.wait_for(process.wait(), 30) == 0, (tmp_path / name).read_text()
    held = line.held()
    assert len(held["documents"]) == NEWEST + 1
    assert [each["fields"]["phone"] for each in held["customers"]] == ["+41 44 000"]
    assert {each["fields"]["availableToPartners"] for each in held["items"]} == {True}
    assert sandbox.admin("GET", "report")["transactionsUpdated"] == 0
    assert line.letters() == []


def newest_items() -> dict[str, str]:
    return {name: f"{name} {NEWEST}" for name in ITEMS}


def owners(line: Line) -> set[str | None]:
    """Who has the partitions."""
    return {owner(line, key) for key in (RESELLER, *ITEMS, *CUSTOMERS)}
