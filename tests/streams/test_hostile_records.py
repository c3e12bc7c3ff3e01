"""Records that no ordinary client writes: a real worker carries each through, and what comes after it."""

import asyncio
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from projections.partitions import partition_of
from schemas.codec import Encoder
from schemas.contract import OrderOutcome
from tests.environment import Kafka
from tests.pipeline import TOPICS, Pipeline
from tests.projections.given import order, seats
from tests.sandbox_server import running_sandbox
from tests.streams.hostile import Hostile, Original, originals
from tests.streams.hostile_traffic import PARTITIONS, Memory, Traffic, decisions, held_back
from tests.streams.raw_headers import publish

MB = 1_000_000
ORIGINAL = originals(5)[0]


@pytest.fixture
def pipeline(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    with running_sandbox() as sandbox:
        made = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox, {"TOPICS__PARTITIONS": str(PARTITIONS)})
        try:
            made.run("topics", "create")
            made.start("project")
            yield made
        finally:
            made.close()


def compressing(pipeline: Pipeline) -> Traffic:
    """A producer whose records are as large as they like, as long as they are small when compressed."""
    return Traffic(pipeline, **{"compression.type": "gzip", "message.max.bytes": 100 * MB})


def carried(pipeline: Pipeline, timeout: float = 120) -> None:
    pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, timeout, "project")
    assert pipeline.stop("project") == 0


def test_records_larger_than_any_that_may_be_written_are_quarantined_without_what_is_too_large(
    pipeline: Pipeline,
) -> None:
    key, value = ORIGINAL.key, ORIGINAL.value
    large, larger = value + bytes(5 * MB), value + bytes(20 * MB)
    headers = (("a", b"1"), ("b", bytes(9 * MB)), ("c", b"2"))
    traffic = compressing(pipeline)
    for name, each in {
        "kept": Hostile("kept", key, large),
        "too large": Hostile("too large", key, larger),
        "headers": Hostile("headers", key, value[:-1], headers),
        "key": Hostile("key", bytes(4 * MB), value),
        "key and value": Hostile("key and value", bytes(9 * MB), larger),
        "good": Hostile("good", key, value, headers),
    }.items():
        traffic.send(each)
        traffic.flush()
        assert name == each.family
    carried(pipeline)

    place = {note.family: place for place, note in traffic.sent.items()}
    held = {name: found for found in held_back(pipeline)[0].items() for name in place if place[name] == found[0]}
    found = {name: each for name, (_, each) in held.items()}
    assert set(found) == set(place) - {"good"}
    assert (found["kept"].key, found["kept"].value) == (key, large)
    assert (found["too large"].key, found["too large"].value) == (key, None)
    assert hashlib.sha256(larger).hexdigest() in found["too large"].reasons[-1].detail
    assert (found["headers"].value, found["headers"].headers) == (value[:-1], {"a": b"1", "c": b"2"})
    assert (found["key"].key, found["key"].value) == (None, value)
    assert (found["key and value"].key, found["key and value"].value) == (None, None)
    assert decisions(pipeline) == {ORIGINAL.event.order.order_id: {OrderOutcome.POSTED}}


def test_header_names_that_are_not_utf_8_cost_a_record_its_headers_and_nothing_else(pipeline: Pipeline) -> None:
    topic, key = pipeline.prefix + TOPICS["orders"], ORIGINAL.key
    names = [(b"\xff\xfe", b"1"), (b"plain", b"2")]
    batch = [
        (key, ORIGINAL.value[:-1], [(b"plain", b"3")]),
        (key, ORIGINAL.value, names),
        (key, b"{}", names),
    ]
    partition = partition_of(key, PARTITIONS)
    first = asyncio.run(publish(pipeline.bootstrap, topic, partition, batch))
    carried(pipeline)

    found, _ = held_back(pipeline)
    assert set(found) == {(partition, first), (partition, first + 2)}
    assert found[partition, first].headers == {"plain": b"3"}
    assert (found[partition, first + 2].value, found[partition, first + 2].headers) == (b"{}", {})
    assert decisions(pipeline) == {ORIGINAL.event.order.order_id: {OrderOutcome.POSTED}}


@pytest.mark.soak
def test_an_order_of_as_many_lines_as_a_topic_takes_is_decided_within_the_workers_session(pipeline: Pipeline) -> None:
    crowd = order("O1", *(seats(f"S{number}", 1, "1.00") for number in range(9000)))
    traffic = Traffic(pipeline)
    traffic.send(Hostile("good", b"acme", Encoder().encode("orders", crowd)))
    traffic.send(Hostile("good", ORIGINAL.key, ORIGINAL.value))
    traffic.flush()
    carried(pipeline)
    posted = {OrderOutcome.POSTED}
    assert decisions(pipeline) == {"O1": posted, ORIGINAL.event.order.order_id: posted}


@pytest.mark.soak
def test_a_burst_of_giants_does_not_pile_up_in_memory(pipeline: Pipeline) -> None:
    memory = Memory(pipeline.process("project").pid)
    memory.start()
    giant = Original(replace(ORIGINAL.event, event_id="giant")).value + bytes(950_000)
    traffic = Traffic(pipeline)
    for number in range(300):
        traffic.send(Hostile("giant", f"{number}".encode(), giant))
        if number % 10 == 0:
            traffic.send(Hostile("good", ORIGINAL.key, ORIGINAL.value))
    traffic.flush()
    carried(pipeline)
    samples = memory.stop()
    print("resident memory in MB:", " ".join(f"{each:.0f}" for each in samples[:: max(1, len(samples) // 40)]))
    assert len(held_back(pipeline)[0]) == 300
    assert max(samples) < 300
