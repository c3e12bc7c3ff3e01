"""The state folded again from the log: compared with the changelog, and written anew."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from msgspec.structs import replace

from projections.forms import Record
from projections.pages import dump, load
from projections.state import SubscriptionEntry
from streams.reading import TopicReader
from streams.refold import Stored, read_stored
from streams.settings import Settings
from streams.state_rebuild import Plan, plan_of, write
from streams.state_table import what_counts
from streams.verify import customers_of
from tests.environment import Kafka
from tests.generator import activations
from tests.pipeline import TOPICS, Pipeline
from tests.sandbox_server import running_sandbox

PARTITIONS = 4


@pytest.fixture(params=[pytest.param("memory", marks=pytest.mark.soak), "rocksdb"])
def pipeline(request: pytest.FixtureRequest, kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    own = {
        "PROJECT__STORE": request.param,
        "PROJECT__DATA_DIR": str(tmp_path / "state"),
        "PROJECT__INSTANCE_ID": "",
        "PROJECT__SESSION_TIMEOUT": "6",
    }
    with running_sandbox() as sandbox:
        made = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox, own)
        try:
            made.run("topics", "create")
            yield made
        finally:
            made.close()


def settings_of(pipeline: Pipeline, kafka: Kafka) -> Settings:
    return Settings(
        kafka={"bootstrap_servers": kafka.bootstrap},
        topics={"orders": pipeline.prefix + TOPICS["orders"]},
        groups={"project": f"{pipeline.prefix}project"},
    )


def stored_in(settings: Settings) -> list[Stored]:
    with TopicReader(settings.kafka) as reader:
        return [read_stored(settings, reader, partition, lambda _: None) for partition in range(PARTITIONS)]


def decide(pipeline: Pipeline, seed: int) -> None:
    pipeline.start("project")
    pipeline.bus().publish(list(activations(seed=seed, orders=120, customers=5)))
    pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 60, "project")


def alive(stored: Stored) -> dict[bytes, bytes]:
    return {key: value for key, value in stored.counts.items() if value is not None}


def plant(settings: Settings, stored: list[Stored], kafka: Kafka) -> str:
    """Give one subscription another quantity, at a higher position than it has; returns its customer."""
    for partition, state in enumerate(stored):
        for customer in sorted(customers_of(state)):
            loaded = load(customer, state.read)
            for key, entry in loaded.entries():
                if isinstance(entry, SubscriptionEntry):
                    position = loaded.position + 1
                    wrong = replace(entry, position=position, quantity=entry.quantity + Decimal(1))
                    writes = dump(loaded.with_changes(position, {key: wrong}), state.read)
                    producer = Producer({"bootstrap.servers": kafka.bootstrap})
                    for name, value in (*writes.before, writes.head):
                        producer.produce(settings.changelog, value, name, partition)
                    assert producer.flush(10) == 0
                    return customer
    raise AssertionError("no subscription")


def test_state_that_is_wrong_or_gone_is_named_and_rebuilt(pipeline: Pipeline, kafka: Kafka) -> None:
    settings = settings_of(pipeline, kafka)
    decide(pipeline, 1)
    assert "is what the log says" in pipeline.run("verify-state").stdout
    used = pipeline.run("project", "--rebuild-state", status=2)
    assert "has members" in used.stderr
    assert pipeline.stop("project") == 0

    right = stored_in(settings)
    customer = plant(settings, right, kafka)
    wrong = pipeline.run("verify-state", status=1).stdout
    named = [line for line in wrong.splitlines() if f"customer {customer}: s/" in line]
    assert len(named) == 1
    assert "quantity=" in named[0]
    told = pipeline.run("project", "--rebuild-state").stdout
    assert told.count(" 0 records written") == PARTITIONS - 1
    assert list(map(alive, stored_in(settings))) == list(map(alive, right))
    pipeline.run("verify-state")
    assert pipeline.run("project", "--rebuild-state").stdout.count(" 0 records written") == PARTITIONS
    decide(pipeline, 2)
    assert pipeline.stop("project") == 0
    pipeline.run("verify-state")

    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.delete_topics([settings.changelog])[settings.changelog].result(10)
    pipeline.run("topics", "create")
    if pipeline.settings["PROJECT__STORE"] == "memory":
        assert "--rebuild-state" in pipeline.run("project", status=2).stderr
    else:
        assert "delete the folder" in pipeline.run("project", status=2).stderr
    assert "has no state" in pipeline.run("verify-state", status=1).stdout
    pipeline.run("project", "--rebuild-state")
    pipeline.run("verify-state")
    decide(pipeline, 3)
    pipeline.run("verify-state")


@pytest.mark.parametrize("pipeline", ["memory"], indirect=True)
def test_a_rebuild_that_was_interrupted_keeps_workers_away_and_is_completed(pipeline: Pipeline, kafka: Kafka) -> None:
    settings = settings_of(pipeline, kafka)
    decide(pipeline, 1)
    assert pipeline.stop("project") == 0
    plant(settings, stored_in(settings), kafka)
    for partition, stored in enumerate(stored_in(settings)):
        plan = plan_of(partition, stored, {})
        write(settings, partition, Plan(plan.records[: len(plan.records) // 2], 0, 0))
    assert "--rebuild-state" in pipeline.run("project", status=2).stderr
    pipeline.run("project", "--rebuild-state")
    pipeline.run("verify-state")
    decide(pipeline, 2)


def at(position: int, content: str = "") -> bytes:
    return b"\x02" + position.to_bytes(8, "big", signed=True) + content.encode()


POLICY = b"policy\x000"


def after(changelog: list[Record]) -> dict[bytes, bytes]:
    return {key: value for key, value in what_counts(changelog, lambda _: None).items() if value is not None}


@pytest.mark.parametrize(
    "changelog",
    [
        [],
        [(POLICY, at(0)), (b"c\x00a", at(5))],
        [(POLICY, at(0)), (b"c\x00a", at(9))],
        [(POLICY, at(0)), (b"c\x00a", at(5)), (b"c\x00a", at(4))],
        [(POLICY, at(3)), (b"c\x00b", at(1)), (b"c\x00a", b"damaged")],
        [(b"c\x00a", at(5)), (POLICY, None)],
    ],
)
def test_what_is_written_makes_the_changelog_say_what_was_folded_whatever_it_said(changelog: list[Record]) -> None:
    folded = {POLICY: at(0), b"c\x00a": at(5, "as folded")}
    stored = Stored(what_counts(changelog, lambda _: None), dict(changelog))
    plan = plan_of(0, stored, folded)
    assert after([*changelog, *plan.records]) == folded
    assert dict([*changelog, *plan.records]).items() >= folded.items()
    for cut in range(1, len(plan.records)):
        part = [*changelog, *plan.records[:cut]]
        assert POLICY not in after(part), "a worker would start"
        again = plan_of(0, Stored(what_counts(part, lambda _: None), dict(part)), folded)
        assert after([*part, *again.records]) == folded
    done = [*changelog, *plan.records]
    assert plan_of(0, Stored(what_counts(done, lambda _: None), dict(done)), folded).records == []
