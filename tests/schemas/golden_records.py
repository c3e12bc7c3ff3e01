"""One full record of each type and version, with the bytes that the version wrote for it."""

from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from schemas.catalog import TYPES, fingerprint
from schemas.codec import Encoder

_T = TypeVar("_T", bound=Struct)
_FOLDER = Path(__file__).parent / "golden"
VERSIONS = sorted(int(folder.name.removeprefix("v")) for folder in _FOLDER.iterdir())


def versions_of(type_: type[Struct]) -> list[int]:
    """The versions that changed the schema of this type, the oldest first."""
    return [version for version in VERSIONS if _file(type_, version, "bin").exists()]


def golden(type_: type[_T], version: int | None = None) -> _T:
    """The values of a version, the newest one where none is given."""
    return msgspec.json.decode(_file(type_, version, "json").read_bytes(), type=type_)


def golden_today(type_: type[_T], version: int) -> _T:
    """What they are read as today: the same, but for a version that is upcast."""
    upcast = _file(type_, version, "upcast.json")
    return msgspec.json.decode(upcast.read_bytes(), type=type_) if upcast.exists() else golden(type_, version)


def golden_bytes(type_: type[Struct], version: int | None = None) -> bytes:
    """The bytes that they were written as, in single-object encoding."""
    return _file(type_, version, "bin").read_bytes()


def golden_body(type_: type[Struct]) -> bytes:
    """The newest without the fingerprint of the schema in front."""
    return golden_bytes(type_)[10:]


def write(name: str, version: int) -> None:
    """Write the bytes of a new version beside its values; for people, as CONTRIBUTING has it."""
    (type_,) = (each for each in TYPES if each.__name__ == name)
    with _file(type_, version, "bin").open("xb") as file:
        file.write(Encoder().encode("any topic", golden(type_, version)))


def as_single_object(type_: type[Struct], body: bytes) -> bytes:
    """A body behind the fingerprint of a schema."""
    return b"\xc3\x01" + fingerprint(type_) + body


def _file(type_: type[Struct], version: int | None, ending: str) -> Path:
    return _FOLDER / f"v{version or versions_of(type_)[-1]}" / f"{type_.__name__}.{ending}"
