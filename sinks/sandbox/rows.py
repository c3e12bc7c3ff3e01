"""How bodies, numbers and names stand in the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import msgspec

from sinks.sandbox.account import CLASH
from sinks.sandbox.errors import Duplicate

Body = dict[str, Any]

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@contextmanager
def uniqueness(family: str) -> Iterator[None]:
    """Turn the database's complaint about a second record of one name or external id into ``Duplicate``."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_CONSTRAINT_UNIQUE:
            raise
        raise Duplicate(CLASH[family]) from error


def is_internal_id(text: str) -> bool:
    """Whether a text can be one."""
    return text.isascii() and text.isdigit() and len(text) <= 18


def key_of(text: str | None) -> str | None:
    """A name as it is compared: in lower case."""
    return None if text is None else text.lower()


def dump(body: Body) -> str:
    """A body as JSON with exact numbers."""
    return _ENCODER.encode(body).decode()


def load(text: str) -> Body:
    """A body from its JSON, numbers as decimals."""
    body: Body = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return body


def number_text(number: Decimal | None) -> str | None:
    """A number with its exact digits."""
    return None if number is None else f"{number:f}"
