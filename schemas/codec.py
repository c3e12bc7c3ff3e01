"""Bytes of a topic and the types of this project, both ways.

Written is the Confluent wire format where there is a registry, else Avro single-object encoding. Read are both, and
bodies whose schema is named by GUID in a header. Which it is, the first byte says.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache, cached_property
from io import BytesIO
from typing import Any, Final

import fastavro
import msgspec
from msgspec import Struct

from schemas.catalog import (
    TYPES,
    earlier_versions,
    fingerprint,
    fingerprint_of,
    name_of,
    parse,
    parsed,
    same_but_for_words,
    schema_text,
    type_named,
)
from schemas.logical import Unfit
from schemas.registry import Registry, RegistryUnavailable
from schemas.strict import Layout, Malformed
from schemas.upcast import UPCASTS, Upcast

__all__ = ["Decoder", "Encoder", "Malformed", "RegistryUnavailable"]

GUID_HEADER: Final = "__value_schema_id"
_REGISTERED: Final = b"\x00"
_BY_GUID: Final = b"\x01"
_SINGLE_OBJECT: Final = b"\xc3\x01"
_KEPT: Final = (Decimal, date, datetime, bytes)


class Encoder:
    """Writes records: in the Confluent wire format with a registry, in single-object encoding without one."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry

    def encode(self, topic: str, record: Struct) -> bytes:
        """The record's bytes for this topic.

        Raises:
            ValueError: a field cannot hold its value, such as an amount beyond the schema's precision or an instant
                without a zone; the text names the record and the field.
            RegistryUnavailable: the registry gives no id for the schema.
        """
        type_ = type(record)
        if self._registry is None:
            prefix = _SINGLE_OBJECT + fingerprint(type_)
        else:
            prefix = _REGISTERED + self._registry.id_for(topic, type_).to_bytes(4, "big")
        return _written(record, prefix)


class Decoder:
    """Reads records, whoever wrote them.

    Without a registry only single-object encoding can be read, with the schemas of this version and of earlier ones.
    ``max_bytes`` is the longest value that is looked at; what is built from it takes at most some hundred times that
    much memory.
    """

    def __init__(self, registry: Registry | None = None, max_bytes: int = 4 * 1024 * 1024) -> None:
        self._registry = registry
        self._max_bytes = max_bytes
        self._bundled = _bundled()
        self._by_key: dict[int | str, _Writing] = {}

    def decode(self, value: bytes | None, headers: Sequence[tuple[str, bytes]] | None = None) -> Struct:
        """The record in these bytes, as one of this project's types.

        Fields that its writer did not know have their defaults, symbols that this version does not know are
        ``UNKNOWN``.

        Raises:
            Malformed: the bytes can never be read as one of our records; the text says why.
            RegistryUnavailable: nothing is known against the bytes, but the registry gives no answer.
        """
        if not value:
            raise Malformed("the record has no value")
        if len(value) > self._max_bytes:
            raise Malformed(f"the value has {len(value)} bytes; at most {self._max_bytes} are read")
        guid = next((text for name, text in reversed(headers or ()) if name == GUID_HEADER), None)
        if guid is not None:
            if len(guid) != 17 or guid[:1] != _BY_GUID:
                raise Malformed(f"the header {GUID_HEADER} is not 01 and a GUID")
            return self._writing(str(uuid.UUID(bytes=bytes(guid[1:])))).read(value)
        if value[:1] == _REGISTERED:
            if len(value) < 5:
                raise Malformed("the value ends within its schema id")
            return self._writing(int.from_bytes(value[1:5], "big")).read(value[5:])
        if value[:2] == _SINGLE_OBJECT:
            writing = self._bundled.get(value[2:10])
            if writing is None:
                raise Malformed(f"no schema of this version has the fingerprint {value[2:10].hex()}")
            return writing.read(value[10:])
        raise Malformed(f"the first byte, {value[0]:02x}, begins none of the formats that are read")

    def _writing(self, key: int | str) -> _Writing:
        writing = self._by_key.get(key)
        if writing is None:
            if self._registry is None:
                raise Malformed("the record's schema is in a registry, and this process has none")
            if isinstance(key, int) and key >= 2**31:
                raise Malformed(f"{key} is not a schema id")
            text = self._registry.schema_by_id(key) if isinstance(key, int) else self._registry.schema_by_guid(key)
            writing = self._by_key[key] = _Writing.said_by(text)
        return writing


@dataclass(frozen=True)
class _Writing:
    """The schema that a record was written with, and the type that it is read as."""

    type_: type[Struct]
    text: str
    ours: bool

    @classmethod
    def of(cls, type_: type[Struct]) -> _Writing:
        return cls(type_, schema_text(type_), ours=True)

    @classmethod
    def said_by(cls, text: str) -> _Writing:
        try:
            writing = cls(_type_of(json.loads(text)), text, ours=False)
            if same_but_for_words(text, schema_text(writing.type_)):
                return cls.of(writing.type_)
            # Both refuse what cannot be read safely, once, instead of at every record.
            _ = writing.layout, writing.schema, writing.upcast
        except Malformed:
            raise
        except Exception as error:
            raise Malformed(f"the record's schema cannot be used: {_said(error)}") from error
        return writing

    @cached_property
    def schema(self) -> dict[str, Any]:
        return parsed(self.type_) if self.ours else parse(self.text)

    @cached_property
    def layout(self) -> Layout:
        return Layout(json.loads(self.text))

    @cached_property
    def upcast(self) -> Upcast | None:
        return UPCASTS.get(fingerprint_of(self.text))

    def read(self, body: bytes) -> Struct:
        # First the proof, so that no count or index reaches fastavro that it would believe.
        self.layout.prove(body)
        try:
            reader = None if self.ours else parsed(self.type_)
            plain = fastavro.schemaless_reader(BytesIO(body), self.schema, reader)
            record: Struct = msgspec.convert(plain, self.type_, builtin_types=_KEPT)
            if not self.ours:
                if self.upcast is not None:
                    record = self.upcast(record)
                # Its writer may allow what our fields cannot hold, and so nobody after us could write.
                _written(record, b"")
        except Exception as error:
            raise Malformed(f"not a {name_of(self.type_)}: {_said(error)}") from error
        return record


@cache
def _bundled() -> dict[bytes, _Writing]:
    """Every schema that this project ever wrote with, by its fingerprint."""
    texts = (text for type_ in TYPES for text in earlier_versions(type_).values())
    earlier = {fingerprint_of(text): _Writing.said_by(text) for text in texts}
    return earlier | {fingerprint(type_): _Writing.of(type_) for type_ in TYPES}


def _written(record: Struct, prefix: bytes) -> bytes:
    type_ = type(record)
    out = BytesIO()
    out.write(prefix)
    try:
        plain = msgspec.to_builtins(record, builtin_types=_KEPT)
        fastavro.schemaless_writer(out, parsed(type_), plain)
    except Exception as error:
        raise ValueError(f"{name_of(type_)}{_place(record, _blamed(error))}: {_said(error)}") from error
    return out.getvalue()


def _type_of(schema: object) -> type[Struct]:
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise Malformed("the record's schema is not of an Avro record")
    name, namespace = str(schema.get("name")), schema.get("namespace")
    fullname = f"{namespace}.{name}" if namespace and "." not in name else name
    type_ = type_named(fullname)
    if type_ is None:
        raise Malformed(f"{fullname:.120} is no record of this project")
    return type_


def _blamed(error: Exception) -> Callable[[object], bool]:
    """Which value an error of writing is about."""
    if isinstance(error, Unfit):
        return lambda item: item is error.value
    if isinstance(error, UnicodeEncodeError):
        return lambda item: item == error.object
    return lambda item: isinstance(item, int) and not -(2**63) <= item < 2**63


def _place(value: object, blamed: Callable[[object], bool]) -> str:
    """Where in a record that value is, such as ``.order.lines[2].amount``."""
    items: Iterable[tuple[str, object]] = ()
    if isinstance(value, Struct):
        items = ((f".{name}", getattr(value, name)) for name in value.__struct_fields__)
    elif isinstance(value, tuple):
        items = ((f"[{index}]", item) for index, item in enumerate(value))
    elif isinstance(value, dict):
        items = ((f"[{key!r}]", item) for key, item in value.items())
    for name, item in items:
        if blamed(item):
            return name
        if inner := _place(item, blamed):
            return name + inner
    return ""


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
