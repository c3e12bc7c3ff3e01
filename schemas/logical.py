"""Decimals and instants on the wire, stricter than fastavro's own conversions.

Fastavro rounds a decimal that is longer than its schema allows, multiplies one without looking at its size, and
takes an instant without a zone as the machine's local time. Here each of these is an error. The conversions are
registered under names of their own, which only parsed schemas carry: the schemas that others see say ``decimal``
and ``timestamp-micros``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Final

from fastavro.read import LOGICAL_READERS
from fastavro.write import LOGICAL_WRITERS

DECIMAL: Final = "nuestream-decimal"
INSTANT: Final = "nuestream-instant"

_EXACT: Final = Context(prec=200)
_MOST_DIGITS: Final = 76
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Unfit(ValueError):
    """A value that its field cannot hold."""

    def __init__(self, value: object, why: str) -> None:
        super().__init__(why)
        self.value = value


def prepared(schema: object) -> object:
    """The same schema, its decimals and instants under the names registered here, other logical types left out."""
    if isinstance(schema, list):
        return [prepared(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {
        key: prepared(value) if key in ("type", "items", "values", "fields") else value
        for key, value in schema.items()
        if key not in ("logicalType", "doc")
    }
    match schema:
        case {"type": "bytes", "logicalType": "decimal", "precision": int(precision)}:
            scale = schema.get("scale", 0)
            if isinstance(scale, int) and 0 <= scale <= precision <= _MOST_DIGITS:
                copy |= {"logicalType": DECIMAL, "scale": scale}
        case {"type": "long", "logicalType": "timestamp-micros"}:
            copy["logicalType"] = INSTANT
        case {"type": "int", "logicalType": "date"} | {"type": "long", "logicalType": "timestamp-millis"}:
            copy["logicalType"] = schema["logicalType"]
    return copy


def decimal_of(data: bytes, schema: Mapping[str, int], _reader: object = None) -> Decimal:
    """The decimal that these bytes stand for, with exactly the schema's scale.

    Raises:
        Unfit: it has more digits than the schema's precision.
    """
    return _decimal(data, schema["precision"], schema["scale"])


def bytes_of(value: object, schema: Mapping[str, int]) -> object:
    """A decimal as the shortest two's complement of its unscaled number.

    Raises:
        Unfit: it is not finite, too large for the schema's precision, or finer than its scale.
    """
    if not isinstance(value, Decimal):
        return value
    if not value.is_finite():
        raise Unfit(value, f"{value} is not a number")
    return _bytes(value, schema["precision"], schema["scale"])


# Fastavro converts each value of a union twice, a reader proves what it read by writing it again, and amounts repeat.
@lru_cache(8192)
def _decimal(data: bytes, precision: int, scale: int) -> Decimal:
    number = int.from_bytes(data[: _MOST_DIGITS + 1], "big", signed=True)
    if len(data) > _MOST_DIGITS or abs(number) >= 10**precision:
        raise Unfit(data[:_MOST_DIGITS], f"a decimal of more than {precision} digits")
    return Decimal(number).scaleb(-scale, _EXACT)


@lru_cache(8192)
def _bytes(value: Decimal, precision: int, scale: int) -> bytes:
    if value and value.adjusted() + scale >= precision:
        raise Unfit(value, f"{value:.3E} has more than {precision - scale} digits before the point")
    unscaled = value.scaleb(scale, _EXACT)
    number = int(unscaled)
    if number != unscaled:
        raise Unfit(value, f"{value:.40} has more than {scale} decimals")
    bits = (number if number >= 0 else ~number).bit_length()
    return number.to_bytes((bits + 8) // 8, "big", signed=True)


def instant_of(data: int, _writer: object = None, _reader: object = None) -> datetime:
    """The instant that is so many microseconds after 1970, in UTC; ``OverflowError`` outside the years 1 to 9999."""
    return _EPOCH + timedelta(microseconds=data)


def micros_of(value: object, _schema: object) -> object:
    """An instant as microseconds since 1970 in UTC.

    Raises:
        Unfit: it has no zone.
    """
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise Unfit(value, f"{value} has no time zone")
    return (value - _EPOCH) // timedelta(microseconds=1)


LOGICAL_READERS[f"bytes-{DECIMAL}"] = decimal_of
LOGICAL_WRITERS[f"bytes-{DECIMAL}"] = bytes_of
LOGICAL_READERS[f"long-{INSTANT}"] = instant_of
LOGICAL_WRITERS[f"long-{INSTANT}"] = micros_of
