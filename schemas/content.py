"""The content hash: a name for what an order says, by which two copies of one order are compared."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields, replace

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
    content = {"line_semantics": str(semantics), "order": _canonical(order)}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: object) -> object:
    if isinstance(value, Struct):
        return {
            name: _canonical(item)
            for name, default in _defaults(type(value))
            if (item := getattr(value, name)) != default
        }
    if isinstance(value, tuple):
        return [_canonical(item) for item in sorted(value, key=_place)]
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, StrEnum) else value


@cache
def _defaults(type_: type[Struct]) -> tuple[tuple[str, object], ...]:
    """The fields of a type with their defaults; one without a default is never left out."""
    return tuple(
        (field.name, field.default if field.default_factory is NODEFAULT else field.default_factory())
        for field in fields(type_)
    )


def _place(line: OrderLine) -> tuple[int, str]:
    return line.line_number, line.line_id


def _number(value: Decimal) -> str:
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
