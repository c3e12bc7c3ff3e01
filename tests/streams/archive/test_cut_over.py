"""A log without personal data takes the place of the one that named people, as decision 15 has it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.codec import Encoder
from schemas.headers import headers_of
from schemas.nue import parse_json, read_activation
from schemas.order import OrderEvent, Source
from tests.environment import Kafka
from tests.generator import activations, to_json
from tests.pipeline import Pipeline
from tests.streams.archive.bus import held
from tests.streams.own_topics import settings_on

ORDERS = 240


@pytest.mark.soak
def test_the_new_log_goes_on_as_the_old_one_would_have(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> None:
    old, new = (pipeline(kafka, tmp_path / name, f"{topic_prefix}{name}.") for name in ("old", "new"))
    url = str(tmp_path / "archive")
    try:
        events = list(made_up())
        old.run("topics", "create")
        publish(old, events[: len(events) // 2])
        decide(old)
        before = {role: ends(old, role) for role in ("commands", "contracts")}
        assert sum(before["commands"]) > 100

        old.run("archive", "export", "--to", url, "--without-personal-data")
        old.run("archive", "verify", "--from", url, "--against-topic")
        new.run("archive", "import", "--from", url)
        new.run("topics", "create")
        reset_to_end(new)
        new.run("project", "--rebuild-state")
        assert {role: ends(new, role) for role in before} == before

        for each in (old, new):
            publish(each, events[len(events) // 2 :])
            decide(each)
        for role, places in before.items():
            assert sum(ends(old, role)) > sum(places) + 100
            assert said_after(new, role, places) == said_after(old, role, places)
    finally:
        old.close()
        new.close()


def pipeline(kafka: Kafka, folder: Path, prefix: str) -> Pipeline:
    folder.mkdir()
    return Pipeline(
        folder, kafka.bootstrap, prefix, settings={"PROJECT__INSTANCE_ID": "", "PROJECT__SESSION_TIMEOUT": "6"}
    )


def made_up() -> Iterable[OrderEvent]:
    for number, envelope in enumerate(activations(seed=11, orders=ORDERS, customers=12)):
        yield read_activation(
            parse_json(to_json(envelope)),
            published_at=datetime(2026, 1, 1, tzinfo=UTC),
            event_id=f"event-{number}",
            source=Source.MANUAL,
        )


def publish(to: Pipeline, events: Iterable[OrderEvent]) -> None:
    producer, encoder = Producer({"bootstrap.servers": to.bootstrap, "partitioner": "murmur2_random"}), Encoder(None)
    topic = to.topic("orders")
    for event in events:
        key = event.order.customer_id.encode()
        producer.produce(topic, encoder.encode(topic, event), key, headers=headers_of(event))
    assert producer.flush(30) == 0


def decide(on: Pipeline) -> None:
    on.start("project")
    on.wait_for(lambda: on.lag("project", "orders") == 0, 120, "project")
    on.stop("project")


def ends(of: Pipeline, role: str) -> list[int]:
    return [end for _, end in sorted(of.ends(role).items())]


def reset_to_end(of: Pipeline) -> None:
    """What `kafka-consumer-groups --reset-offsets --to-latest` does."""
    consumer = Consumer({"bootstrap.servers": of.bootstrap, "group.id": f"{of.prefix}project", "log_level": 0})
    topic = of.topic("orders")
    places = [TopicPartition(topic, number, end) for number, end in enumerate(ends(of, "orders"))]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()


def said_after(by: Pipeline, role: str, places: list[int]) -> dict[bytes, list[tuple[object, ...]]]:
    """What was said by key, in order; an item's upserts come from several partitions, in no order."""
    records = held(settings_on(by.bootstrap, ""), by.topic(role))
    said: dict[bytes, list[tuple[object, ...]]] = {}
    for partition, place in enumerate(places):
        for each in records[partition][place:]:
            said.setdefault(each.key or b"", []).append((each.value, each.headers))
    return {key: sorted(each, key=repr) if key.startswith(b"NUE-ITEM-") else each for key, each in said.items()}
