"""Records that others wrote, with schemas that they registered."""

import json
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from schemas.catalog import schema_text
from schemas.codec import Decoder, Malformed
from schemas.command import CreateSalesOrder
from schemas.order import EventType, OrderEvent
from schemas.outcome import Outcome
from schemas.policy import Policy, PolicyActivated
from schemas.registry import Registry
from tests.schemas.golden_records import golden, golden_body
from tests.schemas.small_registry import SmallRegistry, small_registry

AT = datetime(2025, 7, 1, 9, 30, tzinfo=UTC)


@pytest.fixture
def registry() -> Iterator[SmallRegistry]:
    with small_registry() as running:
        yield running


def refusal(decoder: Decoder, value: bytes, headers: list[tuple[str, bytes]] | None = None) -> str:
    with pytest.raises(Malformed) as error:
        decoder.decode(value, headers)
    return str(error.value)


def schema_of(type_: type[Struct]) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(schema_text(type_))
    return schema


def written(schema: dict[str, Any], record: Struct, **extra: Any) -> bytes:
    out = BytesIO()
    plain = msgspec.to_builtins(record, builtin_types=(Decimal, date, datetime, bytes))
    fastavro.schemaless_writer(out, fastavro.parse_schema(deepcopy(schema)), plain | extra)
    return out.getvalue()


def reader(registry: SmallRegistry) -> Decoder:
    return Decoder(Registry({"url": registry.url}))


def test_a_record_in_the_confluent_wire_format_is_read_and_its_schema_asked_for_once(registry: SmallRegistry) -> None:
    prefix = registry.add(schema_of(OrderEvent))
    decoder = reader(registry)
    for _ in range(3):
        assert decoder.decode(prefix + golden_body(OrderEvent)) == golden(OrderEvent)
    assert registry.requests == 1


def test_a_record_whose_schema_is_named_by_guid_in_a_header_has_no_prefix(registry: SmallRegistry) -> None:
    registry.add(schema_of(OrderEvent))
    headers = registry.guid_header(1)
    assert reader(registry).decode(golden_body(OrderEvent), headers) == golden(OrderEvent)
    assert "not 01 and a GUID" in refusal(reader(registry), b"x", [("__value_schema_id", b"\x01short")])
    assert "no schema with the GUID" in refusal(reader(registry), b"x", registry.guid_header(9))


def test_fields_that_the_writer_did_not_know_have_their_defaults(registry: SmallRegistry) -> None:
    older = schema_of(PolicyActivated)
    policy = older["fields"][-1]["type"]
    policy["fields"] = [field for field in policy["fields"] if field["name"] in ("tenant_time_zone", "zero_orders")]
    record = replace(golden(PolicyActivated), policy=Policy(tenant_time_zone="Asia/Tokyo"))
    assert reader(registry).decode(registry.add(older) + written(older, record)) == record


def test_fields_that_the_reader_does_not_know_are_left_out(registry: SmallRegistry) -> None:
    newer = schema_of(Outcome)
    newer["fields"].insert(2, {"name": "region", "type": {"type": "map", "values": "double"}})
    record = golden(Outcome)
    value = registry.add(newer) + written(newer, record, region={"a": 1.5})
    assert reader(registry).decode(value) == record


def test_a_symbol_that_the_reader_does_not_know_is_unknown(registry: SmallRegistry) -> None:
    newer = schema_of(OrderEvent)
    newer["fields"][1]["type"]["symbols"].append("ORDER_AMENDED")
    value = registry.add(newer) + written(newer, golden(OrderEvent), event_type="ORDER_AMENDED")
    assert reader(registry).decode(value) == replace(golden(OrderEvent), event_type=EventType.UNKNOWN)


def test_a_writer_with_another_scale_means_the_same_number(registry: SmallRegistry) -> None:
    cents = schema_of(CreateSalesOrder)
    (total,) = [field for field in cents["fields"] if field["name"] == "total"]
    total["type"] |= {"scale": 2}
    record = golden(CreateSalesOrder)
    assert reader(registry).decode(registry.add(cents) + written(cents, record, total=Decimal("12.30"))) == replace(
        record, total=Decimal("12.3")
    )


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ({"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 6}, Decimal(10**22)),
        ({"type": "bytes", "logicalType": "decimal", "precision": 38, "scale": 8}, Decimal("0.00000001")),
        ("double", 1.5),
        ("bytes", b"\x01"),
        ("string", "12.30"),
        (["null", {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 6}], None),
    ],
    ids=["longer", "finer", "double", "plain bytes", "text", "null"],
)
def test_a_writer_whose_value_our_field_cannot_hold_is_refused(registry: SmallRegistry, kind: Any, value: Any) -> None:
    other = schema_of(CreateSalesOrder)
    (total,) = [field for field in other["fields"] if field["name"] == "total"]
    total["type"] = kind
    record = golden(CreateSalesOrder)
    assert "CreateSalesOrder" in refusal(reader(registry), registry.add(other) + written(other, record, total=value))


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (
            {"type": "record", "name": "OrderEvent", "namespace": "com.example", "fields": []},
            "no record of this project",
        ),
        ("string", "not of an Avro record"),
        ("{", "cannot be used"),
        ("[" * 100_000, "cannot be used"),
        ({"type": "record", "name": "nuestream.outcomes.Outcome"}, "cannot be used"),
        ({"type": "record", "name": "nuestream.outcomes.Outcome", "fields": []}, "takes no bytes"),
    ],
    ids=["another name", "no record", "no JSON", "too deep", "no fields", "no size"],
)
def test_a_schema_that_is_not_ours_is_refused_and_says_why(registry: SmallRegistry, schema: Any, why: str) -> None:
    text = schema if isinstance(schema, str) and schema != "string" else json.dumps(schema)
    assert why in refusal(reader(registry), registry.add(text) + b"\x00")


@pytest.mark.parametrize("items", ["null", {"type": "fixed", "name": "Nothing", "size": 0}], ids=json.dumps)
def test_an_array_of_items_without_size_is_refused_before_it_is_read(registry: SmallRegistry, items: Any) -> None:
    bomb = schema_of(Outcome)
    bomb["fields"].append({"name": "bomb", "type": {"type": "array", "items": items}})
    value = registry.add(bomb) + golden_body(Outcome) + bytes.fromhex("feffffffffffffffff01") + b"\x00"
    assert "items that take no bytes" in refusal(reader(registry), value)
