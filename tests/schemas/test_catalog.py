"""Schemas and types agree, in both directions, as the types' own hints have it."""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import EnumType
from importlib.resources import files
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from fastavro.schema import to_parsing_canonical_form
from msgspec import NODEFAULT, Struct
from msgspec.structs import FieldInfo, fields

from schemas.catalog import TYPES, fingerprint, name_of, schema_text, type_named
from schemas.strict import Layout
from tests.schemas.shapes import optional

PLAIN = {
    str: "string",
    int: "long",
    bool: "boolean",
    bytes: "bytes",
    date: {"type": "int", "logicalType": "date"},
    datetime: {"type": "long", "logicalType": "timestamp-micros"},
}
SCALES = {"unit_price": 10, "list_price": 10, "rate": 8}
# What Nue sends has 18 digits; prices, and what is added up of amounts, have more.
EIGHTEEN = ("OrderEvent.", "PolicyActivated.")


class Comparison:
    """Walks one schema beside its type; every definition is kept under its full name."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}

    def compare(self, hint: Any, schema: Any, place: str) -> None:
        if (inner := optional(hint)) is not None:
            assert isinstance(schema, list), f"{place}: the type allows null"
            assert schema[0] == "null", place
            self.compare(inner, schema[1], place)
        elif get_origin(hint) is tuple:
            assert schema["type"] == "array", place
            self.compare(get_args(hint)[0], schema["items"], f"{place}[]")
        elif get_origin(hint) is dict:
            assert get_args(hint)[0] is str, place
            assert schema["type"] == "map", place
            self.compare(get_args(hint)[1], schema["values"], f"{place}{{}}")
        elif hint is Decimal:
            scale = SCALES.get(place.rpartition(".")[2], 6)
            precision = 18 if place.startswith(EIGHTEEN) and scale == 6 else 28
            wanted = {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
            assert schema == wanted, place
        elif hint in PLAIN:
            assert schema == PLAIN[hint], place
        else:
            self.compare_named(hint, schema, place)

    def compare_named(self, hint: Any, schema: Any, place: str) -> None:
        if isinstance(schema, str):
            assert schema in self.definitions, f"{place}: {schema} is not defined earlier in the file"
            assert schema.endswith(f".{hint.__name__}"), place
            return
        assert schema["name"] == hint.__name__, place
        self.definitions[f"{schema['namespace']}.{schema['name']}"] = schema
        if isinstance(hint, EnumType):
            assert schema["type"] == "enum", place
            assert schema["symbols"] == [symbol.value for symbol in hint], place  # type: ignore[var-annotated]
            assert schema["default"] == schema["symbols"][0] in ("UNKNOWN", "NONE"), place
            return
        assert schema["type"] == "record", place
        assert [field["name"] for field in schema["fields"]] == list(hint.__struct_fields__), place
        hints = get_type_hints(hint)
        for field, known in zip(schema["fields"], fields(hint), strict=True):
            inner = f"{place}.{field['name']}"
            self.compare(hints[field["name"]], field["type"], inner)
            assert stated_default(field) == wanted_default(known, hints[field["name"]]), f"{inner}: default"


def stated_default(field: dict[str, Any]) -> Any:
    default = field.get("default", NODEFAULT)
    kind = field["type"]
    if isinstance(default, str) and isinstance(kind, dict) and kind.get("logicalType") == "decimal":
        return Decimal(int.from_bytes(default.encode("latin-1"), "big", signed=True)).scaleb(-kind["scale"])
    return default


def wanted_default(field: FieldInfo, hint: Any) -> Any:
    default = field.default if field.default_factory is NODEFAULT else field.default_factory()
    if default is NODEFAULT and optional(hint) is not None:
        return None
    return list(default) if isinstance(default, tuple) else default


def described(schema: Any) -> Iterator[tuple[str, Any]]:
    """Every definition and field of a schema, with its name."""
    if isinstance(schema, list):
        for branch in schema:
            yield from described(branch)
    elif isinstance(schema, dict):
        if "name" in schema:
            yield schema["name"], schema
        for key in ("type", "items", "values", "fields"):
            yield from described(schema.get(key))


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_schema_and_type_have_the_same_fields_in_the_same_order_with_the_same_defaults(type_: type[Struct]) -> None:
    schema = json.loads(schema_text(type_))
    assert f"{schema['namespace']}.{schema['name']}" == name_of(type_)
    Comparison().compare(type_, schema, type_.__name__)


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_every_definition_and_field_says_what_it_means(type_: type[Struct]) -> None:
    for name, schema in described(json.loads(schema_text(type_))):
        assert re.fullmatch(r"[A-Z].*\.", schema.get("doc", "")), f"{type_.__name__}: {name} has no sentence"


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_no_array_of_ours_has_items_that_take_no_bytes(type_: type[Struct]) -> None:
    Layout(json.loads(schema_text(type_)))


def test_a_nested_type_is_defined_alike_wherever_it_occurs() -> None:
    everywhere: dict[str, Any] = {}
    for type_ in TYPES:
        comparison = Comparison()
        comparison.compare(type_, json.loads(schema_text(type_)), type_.__name__)
        for name, schema in comparison.definitions.items():
            # A definition may hold another or refer to it, as its place in the file has it.
            plain = re.sub(r"\s", "", to_parsing_canonical_form(schema)) if "fields" not in schema else names_of(schema)
            assert everywhere.setdefault(name, plain) == plain, f"{name} differs in {type_.__name__}"


def names_of(schema: dict[str, Any]) -> Any:
    return [(field["name"], field["doc"], field.get("default")) for field in schema["fields"]]


def test_there_is_one_file_per_type_and_no_other() -> None:
    present = {path.name for path in (files("schemas") / "avsc").iterdir() if path.is_file()}
    assert present == {f"{type_.__name__}.avsc" for type_ in TYPES}


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_a_type_is_found_by_its_name(type_: type[Struct]) -> None:
    assert type_named(name_of(type_)) is type_


def test_a_name_that_is_none_of_ours_finds_nothing() -> None:
    assert type_named("nuestream.orders.Party") is None


def rabin(text: str) -> int:
    """CRC-64-AVRO, as the Avro specification writes it down."""
    empty = 0xC15D213AA4D7A795
    table = []
    for index in range(256):
        entry = index
        for _ in range(8):
            entry = (entry >> 1) ^ (empty & -(entry & 1))
        table.append(entry)
    value = empty
    for byte in text.encode():
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    return value


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_a_fingerprint_is_the_one_of_single_object_encoding(type_: type[Struct]) -> None:
    canonical = to_parsing_canonical_form(json.loads(schema_text(type_)))
    assert fingerprint(type_) == rabin(canonical).to_bytes(8, "little")
