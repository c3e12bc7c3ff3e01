"""Records whose schemas are in a registry, where anybody may register anything: a worker judges each by its schema."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import httpx
import msgspec
import pytest

from schemas.catalog import schema_text
from schemas.codec import Decoder
from schemas.contract import OrderDecided
from schemas.order import OrderEvent
from schemas.quarantine import Quarantined
from schemas.registry import Registry
from tests.environment import Kafka, SchemaRegistry
from tests.pipeline import TOPICS, Pipeline
from tests.sandbox_server import running_sandbox
from tests.streams.hostile import PREFIX, Hostile, originals
from tests.streams.hostile_traffic import PARTITIONS, Place, Traffic, records

ORIGINAL, SECOND = originals(9)[:2]
PLAIN = msgspec.to_builtins(ORIGINAL.event, builtin_types=(Decimal, date, datetime, bytes))


@pytest.fixture
def pipeline(kafka: Kafka, schema_registry: SchemaRegistry, topic_prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    settings = {"TOPICS__PARTITIONS": str(PARTITIONS), "REGISTRY__URL": schema_registry.url}
    with running_sandbox() as sandbox:
        made = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox, settings)
        try:
            made.run("topics", "create")
            yield made
        finally:
            made.close()


def registered(registry: SchemaRegistry, subject: str, schema: dict[str, Any]) -> bytes:
    """The marker and id that a record with this schema begins with."""
    answer = httpx.post(f"{registry.url}/subjects/{subject}/versions", json={"schema": json.dumps(schema)})
    answer.raise_for_status()
    return b"\x00" + int(answer.json()["id"]).to_bytes(4, "big")


def allow_anything(registry: SchemaRegistry, subject: str) -> None:
    """From now on the subject takes schemas that its earlier ones cannot read."""
    httpx.put(f"{registry.url}/config/{subject}", json={"compatibility": "NONE"}).raise_for_status()


def ours(**fields: Any) -> dict[str, Any]:
    """The schema of orders, some of its fields of other types, and some added."""
    schema: dict[str, Any] = json.loads(schema_text(OrderEvent))
    known = {field["name"]: field for field in schema["fields"]}
    for name, type_ in fields.items():
        if name in known:
            known[name]["type"] = type_
            known[name].pop("default", None)
        else:
            schema["fields"].append({"name": name, "type": type_})
    return schema


def written(schema: Any, value: Any) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def hostile(registry: SchemaRegistry, subject: str) -> Iterator[tuple[str, str, bytes]]:
    """What each is, what its reason says, and its bytes."""
    body = ORIGINAL.value[PREFIX:]

    def foreign(name: str, schema: dict[str, Any]) -> bytes:
        return registered(registry, f"{subject}-{name}", schema)

    yield "unknown id", "no schema with the id", b"\x00" + (2_000_000_000).to_bytes(4, "big") + body
    yield "no id at all", "is not a schema id", b"\x00" + b"\xff" * 4 + body
    yield "cut within the id", "ends within its schema id", b"\x00\x00\x00"
    invoice = {"type": "record", "name": "com.example.Invoice", "fields": [{"name": "number", "type": "string"}]}
    yield (
        "another's record",
        "no record of this project",
        foreign("invoice", invoice) + written(invoice, {"number": "7"}),
    )
    yield "no record", "not of an Avro record", foreign("text", {"type": "string"}) + b"\x02a"
    incompatible = ours(event_id="int")
    foreign("incompatible", ours())
    allow_anything(registry, f"{subject}-incompatible")
    yield (
        "incompatible",
        "nuestream.orders.OrderEvent",
        foreign("incompatible", incompatible) + b"\x0e" + body[1 + len(ORIGINAL.event.event_id) :],
    )
    lacking = ours()
    lacking["fields"] = [field for field in lacking["fields"] if field["name"] != "order"]
    yield "lacking the order", "nuestream.orders.OrderEvent", foreign("lacking", lacking) + written(lacking, PLAIN)
    bomb = ours(bomb={"type": "array", "items": "null"})
    yield "zero-size items", "take no bytes", foreign("bomb", bomb) + body + b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"
    nested = ours(nested={"type": "record", "name": "Tree", "fields": [{"name": "more", "type": ["null", "Tree"]}]})
    yield "deeply nested", "records within records", foreign("nested", nested) + body + b"\x02" * 100_000
    yield "our schema, other bytes", "bytes end", foreign("ours", ours()) + body[:-1]


def test_every_record_with_a_schema_that_is_not_ours_is_quarantined_and_orders_go_on(
    pipeline: Pipeline, schema_registry: SchemaRegistry
) -> None:
    subject = pipeline.prefix + TOPICS["orders"]
    bad = {name: (why, value) for name, why, value in hostile(schema_registry, f"{subject}-bad")}
    prefix = registered(schema_registry, f"{subject}-{'nuestream.orders.OrderEvent'}", ours())
    newer = registered(schema_registry, f"{subject}-newer", ours(region=["null", "string"]))
    traffic = Traffic(pipeline)
    traffic.send(Hostile("good", ORIGINAL.key, prefix + ORIGINAL.value[PREFIX:]))
    for name, (_, value) in bad.items():
        traffic.send(Hostile(name, ORIGINAL.key, value))
    traffic.send(Hostile("good and newer", SECOND.key, newer + SECOND.value[PREFIX:] + b"\x02\x04EU"))
    traffic.flush()
    pipeline.start("project")
    pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 60, "project")
    assert pipeline.stop("project") == 0

    held, decided = read_back(pipeline, Decoder(Registry({"url": schema_registry.url})))
    place = {note.family: place for place, note in traffic.sent.items()}
    assert set(held) == {place[name] for name in bad}
    for name, (why, value) in bad.items():
        found = held[place[name]]
        assert (found.key, found.value) == (ORIGINAL.key, value)
        assert why in found.reasons[0].detail, f"{name}: {found.reasons[0].detail}"
    assert decided == {each.event.order.order_id for each in (ORIGINAL, SECOND)}


def read_back(pipeline: Pipeline, decoder: Decoder) -> tuple[dict[Place, Quarantined], set[str]]:
    """What is in quarantine, by its place in the log, and the ids of the orders that are decided."""
    found: dict[str, list[Any]] = {}
    for topic in ("quarantine", "contracts"):
        messages = records(pipeline.bootstrap, pipeline.prefix + TOPICS[topic], pipeline.ends(topic))
        found[topic] = [decoder.decode(each.value(), each.headers()) for each in messages]
    held = {(each.partition, each.offset): each for each in found["quarantine"] if isinstance(each, Quarantined)}
    return held, {each.order_id for each in found["contracts"] if isinstance(each, OrderDecided)}
