"""The DuckDB type that holds what an Avro schema says: nothing is rounded, and nothing becomes text."""

from __future__ import annotations

from typing import Any

_PLAIN = {
    "string": "VARCHAR",
    "long": "BIGINT",
    "int": "INTEGER",
    "boolean": "BOOLEAN",
    "bytes": "BLOB",
    "double": "DOUBLE",
}
_LOGICAL = {"date": "DATE", "timestamp-micros": "TIMESTAMPTZ"}


def duck_type(schema: Any) -> str:
    """The type of a schema, given as the JSON of its file. Raises ``KeyError`` for what DuckDB has no type for."""
    return _type(schema, {})


def _type(schema: Any, named: dict[str, str]) -> str:
    if isinstance(schema, list):
        (one,) = (branch for branch in schema if branch != "null")
        return _type(one, named)
    if isinstance(schema, str):
        return _PLAIN.get(schema) or named[schema.rpartition(".")[2]]
    if schema.get("logicalType") == "decimal":
        return f"DECIMAL({schema['precision']}, {schema['scale']})"
    if schema.get("logicalType") in _LOGICAL:
        return _LOGICAL[schema["logicalType"]]
    kind = schema["type"]
    if kind == "array":
        return f"{_type(schema['items'], named)}[]"
    if kind == "map":
        return f"MAP(VARCHAR, {_type(schema['values'], named)})"
    if kind == "enum":
        found = "VARCHAR"
    elif kind == "record":
        fields = ", ".join(f'"{field["name"]}" {_type(field["type"], named)}' for field in schema["fields"])
        found = f"STRUCT({fields})"
    else:
        return _type(kind, named)
    return named.setdefault(schema["name"], found)
