"""Bytes that were once written are read for ever, and still written where the schema is the same.

The files of a version are never edited. When a schema changes, a folder with the next number is added beside it. Where
a version is upcast, `.upcast.json` has what it is read as today.
"""

import json
from io import BytesIO

import fastavro
import msgspec
import pytest
from msgspec import Struct

from schemas.catalog import TYPES, name_of, schema_text
from schemas.codec import Decoder, Encoder
from schemas.content import content_hash
from schemas.order import OrderEvent
from tests.schemas.golden_records import golden, golden_body, golden_bytes, golden_today, versions_of

EVER = [(type_, version) for type_ in TYPES for version in versions_of(type_)]


@pytest.mark.parametrize(("type_", "version"), EVER, ids=[f"{name_of(type_)}-v{version}" for type_, version in EVER])
def test_bytes_of_every_version_are_read_as_the_values_that_were_written(type_: type[Struct], version: int) -> None:
    assert Decoder().decode(golden_bytes(type_, version)) == golden_today(type_, version)


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_the_same_values_are_still_written_as_the_bytes_of_the_newest_version(type_: type[Struct]) -> None:
    assert Encoder().encode("any topic", golden(type_)) == golden_bytes(type_)


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_anyone_with_the_published_schema_reads_the_same_values(type_: type[Struct]) -> None:
    schema = fastavro.parse_schema(json.loads(schema_text(type_)))
    # fastavro's own decimals, dates and instants, which the decoder does not use
    plain = fastavro.schemaless_reader(BytesIO(golden_body(type_)), schema, None)
    assert msgspec.convert(plain, type_) == golden(type_)


def test_the_content_hash_of_version_1_has_not_changed() -> None:
    event = golden(OrderEvent)
    assert content_hash(event.order, event.line_semantics) == event.content_hash
