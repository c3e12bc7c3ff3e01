"""Whoever wrote a record, in whichever version, every other version reads it; and no version is ever edited.

`shipped.txt` has a line for every schema that was ever released: its version, its name, and the SHA-256 of all that it
says but its descriptions. A line is added with a version and never changed.
"""

import hashlib
import json
from io import BytesIO
from itertools import permutations
from pathlib import Path
from typing import Any

import avro.schema
import fastavro
import pytest
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from msgspec import Struct

from schemas.catalog import TYPES, earlier_versions, fingerprint_of, name_of, schema_text
from tests.schemas.golden_records import golden_bytes, versions_of

SHIPPED = Path(__file__).parent / "shipped.txt"


def texts_of(type_: type[Struct]) -> dict[int, str]:
    """The schema of every version that changed it, the newest included."""
    return earlier_versions(type_) | {versions_of(type_)[-1]: schema_text(type_)}


def complaints(reader: str, writer: str) -> set[str]:
    """What the Avro project's checker, and ours for what it leaves out, have against this reader of that writer."""
    one, two = avro.schema.parse(reader), avro.schema.parse(writer)
    result = ReaderWriterCompatibilityChecker().get_compatibility(one, two)
    found = set() if result.compatibility is SchemaCompatibilityType.compatible else {str(result.messages)}
    read, written = units(json.loads(reader)), units(json.loads(writer))
    return found | {f"{place}: {read[place]}" for place in read.keys() & written if read[place] != written[place]}


def units(schema: Any, place: str = "") -> dict[str, Any]:
    """What the numbers, texts and bytes of a schema mean, by place: their scale, and what they count."""
    if isinstance(schema, list):
        return {at: unit for branch in schema if branch != "null" for at, unit in units(branch, place).items()}
    if not isinstance(schema, dict):
        return {place: schema}
    if schema["type"] == "record":
        fields = [(f"{schema['name']}.{field['name']}", field["type"]) for field in schema["fields"]]
        return {at: unit for inner, type_ in fields for at, unit in units(type_, inner).items()}
    for inner in ("items", "values"):
        if inner in schema:
            return units(schema[inner], f"{place}[]")
    if schema["type"] == "enum":
        return {place: schema["name"]}
    return {place: (schema["type"], schema.get("logicalType"), schema.get("precision"), schema.get("scale"))}


def line_of(type_: type[Struct], version: int, text: str) -> str:
    said = json.dumps(without_words(json.loads(text)), sort_keys=True)
    return f"v{version} {name_of(type_)} {hashlib.sha256(said.encode()).hexdigest()}"


def without_words(schema: Any) -> Any:
    if isinstance(schema, list):
        return [without_words(each) for each in schema]
    if isinstance(schema, dict):
        return {key: without_words(value) for key, value in schema.items() if key != "doc"}
    return schema


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_every_version_reads_every_other_in_both_directions(type_: type[Struct]) -> None:
    for reader, writer in permutations(texts_of(type_).items(), 2):
        assert complaints(reader[1], writer[1]) == set(), f"version {reader[0]} cannot read version {writer[0]}"


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_the_bytes_of_every_version_are_read_with_the_schema_of_every_other(type_: type[Struct]) -> None:
    texts = {version: fastavro.parse_schema(json.loads(text)) for version, text in texts_of(type_).items()}
    for reader, writer in permutations(texts, 2):
        body = BytesIO(golden_bytes(type_, writer)[10:])
        record = fastavro.schemaless_reader(body, texts[writer], texts[reader])
        assert isinstance(record, dict)
        assert record.keys() == {field["name"] for field in texts[reader]["fields"]}
        assert body.read() == b""


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_every_version_has_its_schema_and_its_golden_bytes(type_: type[Struct]) -> None:
    texts = texts_of(type_)
    assert list(texts) == versions_of(type_), "a folder of schemas/avsc and one of tests/schemas/golden belong together"
    for version, text in texts.items():
        assert golden_bytes(type_, version)[:10] == b"\xc3\x01" + fingerprint_of(text), f"version {version}"
    # by it alone a reader without a registry tells them apart
    assert len({fingerprint_of(text) for text in texts.values()}) == len(texts)


def test_no_schema_that_was_shipped_is_edited_or_gone() -> None:
    known = SHIPPED.read_text("utf-8").splitlines()
    found = [line_of(type_, version, text) for type_ in TYPES for version, text in texts_of(type_).items()]
    gone, new = sorted(set(known) - set(found)), sorted(set(found) - set(known))
    assert not gone, "\n".join(["edited or removed, where a change is a new version:", *gone])
    assert not new, "\n".join([f"new, to be added to {SHIPPED.name}:", *new])


OLD = """{"type": "record", "name": "A", "fields": [
    {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 18, "scale": 6}},
    {"name": "state", "type": {"type": "enum", "name": "S", "symbols": ["UNKNOWN", "OPEN"], "default": "UNKNOWN"}},
    {"name": "notes", "type": ["null", "string"], "default": null}]}"""


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ('"scale": 6', '"scale": 2'),
        ('"precision": 18', '"precision": 28'),
        ('{"name": "notes"', '{"name": "by", "type": "string"}, {"name": "notes"'),
        ('{"name": "amount"', '{"name": "total"'),
        ('["null", "string"]', '["null", "bytes"]'),
        ('["null", "string"]', '["null", "string", "int"]'),
        ('"UNKNOWN", "OPEN"], "default": "UNKNOWN"', '"UNKNOWN"]'),
        ('"name": "S"', '"name": "T"'),
    ],
    ids=["scale", "precision", "no default", "renamed", "bytes for text", "wider union", "lost symbol", "renamed enum"],
)
def test_what_breaks_a_reader_is_found_in_one_direction_or_the_other(was: str, now: str) -> None:
    new = OLD.replace(was, now)
    assert new != OLD
    assert complaints(OLD, new) | complaints(new, OLD)
    assert not complaints(OLD, OLD)
