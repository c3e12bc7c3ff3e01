"""The content hash: a name for what an order says, by which two copies of one order are compared."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import msgspec

from schemas.order import LineSemantics, Order

_WRITE: Final = msgspec.json.Encoder(order="sorted").encode


def content_hash(order: Order, semantics: LineSemantics) -> str:
    """The SHA-256, in hexadecimal, of an order's commercial content.

    Covers the order, its lines and what their numbers mean; not the customer, the products, or when and how the
    event was emitted. Equal numbers count as equal however they are written (100 and 100.000000), lines are taken
    in the order of their number, and a field at its default is left out, so that a field that a later version
    adds does not change the hash of an older order. Both spellings of an activated order are one.
    """
    # fields at their default are left out here, as the types of orders and lines say
    plain: dict[str, Any] = msgspec.to_builtins(order, builtin_types=(Decimal, datetime))
    if order.is_active:
        plain["status"] = "Activated"
    plain["lines"] = sorted((_canonical(line) for line in plain["lines"]), key=_place)
    text = _WRITE({"line_semantics": semantics, "order": _canonical(plain)})
    return hashlib.sha256(text).hexdigest()


def _canonical(plain: dict[str, Any]) -> dict[str, Any]:
    """The same fields, numbers and instants in the one way in which they are hashed."""
    for name, value in plain.items():
        if type(value) is Decimal:
            plain[name] = _number(value)
        elif type(value) is datetime:
            plain[name] = value.astimezone(UTC).isoformat(timespec="microseconds")
    return plain


def _place(line: dict[str, Any]) -> tuple[int, str]:
    return line["line_number"], line["line_id"]


@lru_cache(maxsize=4096)  # equal numbers are written alike, and most come again
def _number(value: Decimal) -> str:
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
