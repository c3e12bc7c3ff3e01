"""The content hash: a name for what an order says, by which two copies of one order are compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from json.encoder import encode_basestring
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.structs import astuple, fields, replace

from schemas.order import LineSemantics, Order, OrderLine


def content_hash(order: Order, semantics: LineSemantics) -> str:
    """The SHA-256, in hexadecimal, of an order's commercial content.

    Covers the order, its lines and what their numbers mean; not the customer, the products, or when and how the
    event was emitted. Equal numbers count as equal however they are written (100 and 100.000000), lines are taken
    in the order of their number, and a field at its default is left out, so that a field that a later version
    adds does not change the hash of an older order. Both spellings of an activated order are one.
    """
    if order.is_active:
        order = replace(order, status="Activated")
    text = f'{{"line_semantics":{_text(semantics)},"order":{_text(order)}}}'
    return hashlib.sha256(text.encode()).hexdigest()


_Write = Callable[[Any], str]


def _text(value: object) -> str:
    """A value as JSON, names sorted and no space between. Written out, since every order is hashed."""
    return _WRITERS[type(value)](value)


def _struct_writer(type_: type[Struct]) -> _Write:
    """Writes the fields that are not at their default; one without a default is never left out."""
    defaults = [each.default if each.default_factory is NODEFAULT else each.default_factory() for each in fields(type_)]
    names = type_.__struct_fields__
    order = sorted(range(len(names)), key=names.__getitem__)
    told = [(index, f'"{names[index]}":', defaults[index]) for index in order]
    writers = _WRITERS

    def write(value: Struct) -> str:
        items = astuple(value)
        parts = [
            head + writers[type(item)](item)
            for index, head, default in told
            if (item := items[index]) is not default and (default is None or item != default)
        ]
        return "{" + ",".join(parts) + "}"

    return write


def _lines(value: tuple[OrderLine, ...]) -> str:
    return "[" + ",".join([_text(line) for line in sorted(value, key=_place)]) + "]"


def _place(line: OrderLine) -> tuple[int, str]:
    return line.line_number, line.line_id


@lru_cache(maxsize=4096)  # equal numbers are written alike, and most come again
def _number(value: Decimal) -> str:
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return '"0"' if text == "-0" else f'"{text}"'


class _Writers(dict[type, _Write]):
    """How values of a type are written; of one that is asked for the first time, as its nearest base or by itself."""

    def __missing__(self, type_: type) -> _Write:
        if issubclass(type_, Struct):
            write = _struct_writer(type_)
        elif issubclass(type_, StrEnum):
            write = _enum
        else:
            write = _json
        self[type_] = write
        return write


def _enum(value: StrEnum) -> str:
    return encode_basestring(value.value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


_WRITERS = _Writers(
    {
        str: encode_basestring,
        int: repr,
        Decimal: _number,
        date: lambda value: f'"{value.isoformat()}"',
        datetime: lambda value: f'"{value.astimezone(UTC).isoformat(timespec="microseconds")}"',
        tuple: _lines,
    }
)
