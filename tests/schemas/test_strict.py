"""The strict reading refuses every body that its schema does not allow, at once and in little memory."""

import json
import time
import tracemalloc
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.strict import Layout, Malformed

VECTORS = json.loads((Path(__file__).parent / "vectors" / "avro-binary-rejections.json").read_text())["vectors"]
ENDLESS = "ff" * 9 + "01"  # the smallest 64-bit number, as a count


def refused(schema: object, body: str) -> str:
    with pytest.raises(Malformed) as error:
        Layout(schema).prove(bytes.fromhex(body))
    return str(error.value)


def array(items: object) -> dict[str, Any]:
    return {"type": "array", "items": items}


def record(*types: object, name: str = "R") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": f"f{n}", "type": t} for n, t in enumerate(types)]}


def test_there_are_nine_vectors() -> None:
    assert len(VECTORS) == 9


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_a_body_that_every_avro_decoder_must_refuse_is_refused(vector: dict[str, str]) -> None:
    refused(json.loads(vector["schema"]), vector["bytesHex"])


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_it_is_refused_within_a_record_too(vector: dict[str, str]) -> None:
    refused(record("string", json.loads(vector["schema"])), "0261" + vector["bytesHex"])


@pytest.mark.parametrize(
    ("schema", "body", "why"),
    [
        ("long", "0200", "1 bytes follow the record"),
        ("string", "0861", "a length of 4 at 0, where 1 bytes follow"),
        ("boolean", "02", "neither true nor false"),
        ("boolean", "", "neither true nor false"),
        ("double", "00000000000000", "the bytes end within 8 bytes"),
        ("int", "8080808010", "too long"),
        ("long", "80808080808080808002", "too long"),
        ({"type": "fixed", "name": "F", "size": 2}, "00", "the bytes end within 2 bytes"),
        ({"type": "map", "values": "int"}, "0402", "2 items at 0"),
        (["null", "string"], "", "the bytes end within a number"),
        (array("int"), "0302020200", "a block at 0 says 1 bytes and has 2"),
        (array("int"), "0302", "2 items at 0, where 0 bytes follow"),
    ],
)
def test_what_fastavro_would_let_pass_is_refused_with_its_place(schema: object, body: str, why: str) -> None:
    assert why in refused(schema, body)


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        ("long", "8000"),  # longer than it must be
        ("long", "ffffffffffffffffff01"),
        ("int", "ffffffff0f"),
        (array("int"), "0304020400"),  # one block with its size
        (array("int"), "0202" + "0204" + "00"),  # two blocks of one item
        ({"type": "map", "values": "null"}, "02026100"),
        ({"type": "map", "values": "null"}, "020000"),
        (record(["null", {"type": "enum", "name": "E", "symbols": ["A", "B"]}]), "0202"),
    ],
)
def test_what_another_encoder_may_write_is_accepted(schema: object, body: str) -> None:
    Layout(schema).prove(bytes.fromhex(body))


@pytest.mark.parametrize(
    "schema",
    [
        array("null"),
        array({"type": "fixed", "name": "F", "size": 0}),
        array(record()),
        array(record("null", "null")),
        record("string", array("null")),
        record(record("null", name="Inner"), "string"),
        record("R"),
        array("Undefined"),
        {"type": "unheard of"},
        17,
    ],
    ids=json.dumps,
)
def test_a_schema_by_which_a_few_bytes_could_announce_anything_is_refused(schema: object) -> None:
    with pytest.raises(Malformed):
        Layout(schema)


def test_a_schema_that_holds_itself_is_read_to_a_bounded_depth() -> None:
    tree = record("int", array("R"))
    Layout(tree).prove(bytes.fromhex("02" + "02" + "04" + "00" + "00"))
    assert "records within records" in refused(tree, "0202" * 100_000)
    chain = record("int", ["null", "R"])
    Layout(chain).prove(bytes.fromhex("0202" * 60 + "0200"))
    assert "records within records" in refused(chain, "0202" * 100_000)


@pytest.mark.parametrize(
    ("schema", "body"),
    [
        (array("string"), "feffffffffffffffff01"),
        (array("string"), ENDLESS),
        (array(record("string", array("string"))), "feffffffff07"),
        ({"type": "map", "values": "bytes"}, "feffffffffffffffff01"),
        ("bytes", "feffffffffffffffff01"),
        (array(array("int")), "80ade204" + "00" * 100),
    ],
)
def test_a_count_that_the_bytes_cannot_hold_costs_neither_time_nor_memory(schema: object, body: str) -> None:
    proof = Layout(schema)
    data = bytes.fromhex(body)
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(Malformed):
        proof.prove(data)
    took = time.perf_counter() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 0.5
    assert peak < 100_000


PRIMITIVES = st.sampled_from(["int", "long", "boolean", "bytes", "string", "double", "float"])
SCHEMAS = st.recursive(
    PRIMITIVES,
    lambda inner: (
        inner.map(array)
        | inner.map(lambda values: {"type": "map", "values": values})
        | PRIMITIVES.map(lambda branch: ["null", branch]).map(array)
    ),
    max_leaves=3,
)


@given(SCHEMAS, st.binary(max_size=30))
def test_what_is_accepted_fastavro_reads_to_the_same_end(schema: Any, body: bytes) -> None:
    proof = Layout(schema)
    try:
        proof.prove(body)
    except Malformed:
        return
    rest = BytesIO(body)
    try:
        fastavro.schemaless_reader(rest, fastavro.parse_schema(schema), None)
    except UnicodeDecodeError:
        return  # what a text means is left to who builds it
    assert rest.read() == b""


@given(SCHEMAS.flatmap(lambda schema: st.tuples(st.just(schema), values(schema))))
def test_what_fastavro_writes_is_accepted(case: tuple[Any, Any]) -> None:
    schema, value = case
    out = BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    Layout(schema).prove(out.getvalue())


def values(schema: Any) -> st.SearchStrategy[Any]:
    if isinstance(schema, list):
        return st.none() | values(schema[1])
    if isinstance(schema, dict) and schema["type"] == "array":
        return st.lists(values(schema["items"]), max_size=4)
    if isinstance(schema, dict):
        return st.dictionaries(values("string"), values(schema["values"]), max_size=4)
    return {
        "int": st.integers(-(2**31), 2**31 - 1),
        "long": st.integers(-(2**63), 2**63 - 1),
        "boolean": st.booleans(),
        "bytes": st.binary(),
        "string": st.text(st.characters(exclude_categories=["Cs"])),
        "double": st.floats(allow_nan=False),
        "float": st.floats(width=32, allow_nan=False),
    }[schema]
