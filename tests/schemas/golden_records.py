"""One full record of each type, with the bytes that version 1 wrote for it."""

from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from schemas.catalog import fingerprint

_T = TypeVar("_T", bound=Struct)
_V1 = Path(__file__).parent / "golden" / "v1"


def golden(type_: type[_T]) -> _T:
    """The values."""
    return msgspec.json.decode((_V1 / f"{type_.__name__}.json").read_bytes(), type=type_)


def golden_bytes(type_: type[Struct]) -> bytes:
    """The bytes that they were written as, in single-object encoding."""
    return (_V1 / f"{type_.__name__}.bin").read_bytes()


def golden_body(type_: type[Struct]) -> bytes:
    """The same without the fingerprint of the schema in front."""
    return golden_bytes(type_)[10:]


def as_single_object(type_: type[Struct], body: bytes) -> bytes:
    """A body behind the fingerprint of a schema."""
    return b"\xc3\x01" + fingerprint(type_) + body
