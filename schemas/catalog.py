"""The schemas of this project: which type is which Avro record, its text, its fingerprint."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

import fastavro
from fastavro.schema import fingerprint as hex_fingerprint
from fastavro.schema import to_parsing_canonical_form
from msgspec import Struct

from schemas.acts import Discarded, GapExpired, Released
from schemas.command import CreateReturnAuthorization, CreateSalesOrder, UpsertCustomer, UpsertItem
from schemas.contract import OrderDecided, SubscriptionChanged
from schemas.holding import Held, ReleaseRequested, Settled
from schemas.logical import DECIMAL, decimal_of, prepared
from schemas.opening import Opening
from schemas.order import OrderEvent
from schemas.outcome import DeadLetter, Outcome
from schemas.policy import PolicyActivated
from schemas.quarantine import Quarantined
from schemas.requests import DiscardRequested, RedriveRequested, RequestDeclined

_NAMESPACES: Final[dict[type[Struct], str]] = {
    OrderEvent: "nuestream.orders",
    PolicyActivated: "nuestream.orders",
    Released: "nuestream.orders",
    Discarded: "nuestream.orders",
    GapExpired: "nuestream.orders",
    Opening: "nuestream.orders",
    UpsertCustomer: "nuestream.commands",
    UpsertItem: "nuestream.commands",
    CreateSalesOrder: "nuestream.commands",
    CreateReturnAuthorization: "nuestream.commands",
    OrderDecided: "nuestream.contracts",
    SubscriptionChanged: "nuestream.contracts",
    Quarantined: "nuestream.quarantine",
    Held: "nuestream.quarantine",
    ReleaseRequested: "nuestream.quarantine",
    Settled: "nuestream.quarantine",
    Outcome: "nuestream.outcomes",
    DeadLetter: "nuestream.outcomes",
    RedriveRequested: "nuestream.outcomes",
    DiscardRequested: "nuestream.outcomes",
    RequestDeclined: "nuestream.outcomes",
}
TYPES: Final = tuple(_NAMESPACES)
_ROLES: Final = {
    "nuestream.orders": "orders",
    "nuestream.commands": "commands",
    "nuestream.contracts": "contracts",
    "nuestream.quarantine": "quarantine",
    "nuestream.outcomes": "dead_letters",
}
_NAMES: Final = {type_: f"{namespace}.{type_.__name__}" for type_, namespace in _NAMESPACES.items()}
_NAMED: Final = {name: type_ for type_, name in _NAMES.items()}


def name_of(record: Struct | type[Struct]) -> str:
    """The full Avro name of a record's type, such as ``nuestream.orders.OrderEvent``; ``KeyError`` for a nested one."""
    return _NAMES[record if isinstance(record, type) else type(record)]


def type_named(fullname: str) -> type[Struct] | None:
    """The type of this full Avro name, or None where it is none of ours."""
    return _NAMED.get(fullname)


def topic_role(type_: type[Struct]) -> str:
    """Which of the topics in the settings the records of this type are written to, such as ``orders``."""
    return "outcomes" if type_ is Outcome else _ROLES[_NAMESPACES[type_]]


@cache
def schema_text(type_: type[Struct]) -> str:
    """The schema as it is registered: the text of its file, which says what every field means."""
    return (files("schemas") / "avsc" / f"{_NAMES[type_].rpartition('.')[2]}.avsc").read_text("utf-8")


@cache
def earlier_versions(type_: type[Struct]) -> dict[int, str]:
    """The schemas that earlier versions wrote this type with, by the version's number, the oldest first."""
    name = f"{_NAMES[type_].rpartition('.')[2]}.avsc"
    folders = (folder for folder in (files("schemas") / "avsc").iterdir() if folder.is_dir())
    numbered = sorted((int(folder.name.removeprefix("v")), folder / name) for folder in folders)
    return {number: file.read_text("utf-8") for number, file in numbered if file.is_file()}


@cache
def fingerprint(type_: type[Struct]) -> bytes:
    """The CRC-64-AVRO of the schema's canonical form: 8 bytes, in the order of single-object encoding."""
    return fingerprint_of(schema_text(type_))


def fingerprint_of(text: str) -> bytes:
    """The same of a schema's text."""
    return bytes.fromhex(hex_fingerprint(to_parsing_canonical_form(json.loads(text)), "CRC-64-AVRO"))


@cache
def parsed(type_: type[Struct]) -> dict[str, Any]:
    """The schema as fastavro reads and writes with it; not to be changed."""
    return parse(schema_text(type_))


def same_but_for_words(text: str, other: str) -> bool:
    """Whether two schemas differ in nothing but descriptions and layout; ``ValueError`` where one is no JSON."""
    one, two = (prepared(json.loads(each)) for each in (text, other))
    return one == two


def parse(text: str) -> dict[str, Any]:
    """A schema's text, ready for fastavro, its decimals and instants converted as :mod:`schemas.logical` does.

    Raises:
        Exception: whatever fastavro says of a text that is not a schema.
    """
    schema: dict[str, Any] = fastavro.parse_schema(prepared(json.loads(text)))
    _read_defaults(schema)
    return schema


def _read_defaults(schema: object) -> None:
    """Fastavro hands a default out as the JSON text has it; a decimal's is the characters of its bytes."""
    if isinstance(schema, list):
        for branch in schema:
            _read_defaults(branch)
    elif isinstance(schema, dict):
        kind, default = schema.get("type"), schema.get("default")
        if isinstance(kind, dict) and kind.get("logicalType") == DECIMAL and isinstance(default, str):
            schema["default"] = decimal_of(default.encode("latin-1"), kind)
        for value in schema.values():
            if isinstance(value, dict | list):
                _read_defaults(value)
