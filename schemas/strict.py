"""A strict reading of Avro bytes: proves that a body is what its schema says, before anything is built from it.

It looks at every length, count, index and number, builds nothing, and needs time and memory in proportion to the
bytes. What a value means is left to who builds it: that a text is UTF-8, that a day exists. Other encoders may cut
arrays into blocks with sizes or write numbers longer than they must be: that is accepted, as the Avro specification
has it. Fastavro by itself takes a negative index from the end of the list, leaves bytes at the end unread, and
believes any count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

_DEEPEST: Final = 64

# body, position, depth -> position behind what was read
_Step = Callable[[bytes, int, int], int]


class Malformed(Exception):
    """Bytes that can never be read, whoever tries and however often."""


class Layout:
    """What the bytes of one schema must look like.

    Raises:
        Malformed: the schema is none, or has arrays or records that take no bytes, of which a few bytes could
            announce any number.
    """

    def __init__(self, schema: object) -> None:
        self._steps: dict[str, _Step] = {}
        self._definitions: dict[str, tuple[dict[str, Any], str]] = {}
        self._least: dict[str, int] = {}
        self._items: list[tuple[object, str]] = []
        self._step = self._compile(schema, "")
        for name in self._definitions:
            if self._least_of(name, "") < 1 and self._definitions[name][0]["type"] == "record":
                raise Malformed(f"the schema has a record that takes no bytes: {name}")
        for items, namespace in self._items:
            if self._least_of(items, namespace) < 1:
                raise Malformed("the schema has an array of items that take no bytes")

    def prove(self, body: bytes) -> None:
        """Read the body to its end.

        Raises:
            Malformed: with the place and what is wrong there.
        """
        end = self._step(body, 0, 0)
        if end != len(body):
            raise Malformed(f"{len(body) - end} bytes follow the record")

    def _compile(self, schema: object, namespace: str) -> _Step:
        if isinstance(schema, list):
            return _union([self._compile(branch, namespace) for branch in schema])
        if isinstance(schema, str):
            return _PRIMITIVES[schema] if schema in _PRIMITIVES else self._reference(schema, namespace)
        if not isinstance(schema, dict):
            raise Malformed(f"not a schema: {schema!r:.80}")
        match schema.get("type"):
            case "record" | "error" | "enum" | "fixed":
                return self._define(schema, namespace)
            case "array":
                self._items.append((schema["items"], namespace))
                return self._array(schema["items"], namespace)
            case "map":
                values = schema["values"]
                entry = _pair(self._compile(values, namespace))
                return _blocks(entry, lambda: 1 + self._least_of(values, namespace))
            case inner:
                return self._compile(inner, namespace)

    def _reference(self, name: str, namespace: str) -> _Step:
        fullname = self._known(name, namespace)

        def step(body: bytes, at: int, depth: int) -> int:
            return self._steps[fullname](body, at, depth)

        return step

    def _define(self, schema: dict[str, Any], outer: str) -> _Step:
        fullname = _fullname(str(schema["name"]), str(schema.get("namespace") or outer))
        namespace = fullname.rpartition(".")[0]
        self._definitions[fullname] = schema, namespace
        match schema["type"]:
            case "enum":
                step = _enum(len(schema["symbols"]))
            case "fixed":
                step = _fixed(int(schema["size"]))
            case _:
                step = _record([self._compile(field["type"], namespace) for field in schema["fields"]])
        self._steps[fullname] = step
        return step

    def _array(self, items: object, namespace: str) -> _Step:
        return _blocks(self._compile(items, namespace), lambda: self._least_of(items, namespace))

    def _least_of(self, schema: object, namespace: str) -> int:
        """The fewest bytes that a value of this schema takes."""
        if isinstance(schema, list):
            return 1 + min((self._least_of(branch, namespace) for branch in schema), default=0)
        if isinstance(schema, str):
            if schema in _PRIMITIVES:
                return _LEAST.get(schema, 1)
            return self._least_of_named(self._known(schema, namespace))
        assert isinstance(schema, dict)  # noqa: S101 - `_compile` saw to it
        if "name" in schema:
            return self._least_of_named(_fullname(str(schema["name"]), str(schema.get("namespace") or namespace)))
        return 1 if schema["type"] in ("array", "map") else self._least_of(schema["type"], namespace)

    def _least_of_named(self, fullname: str) -> int:
        if fullname not in self._least:
            self._least[fullname] = 0  # of a record that holds itself, which no bytes can end
            schema, namespace = self._definitions[fullname]
            match schema["type"]:
                case "enum":
                    least = 1
                case "fixed":
                    least = int(schema["size"])
                case _:
                    least = sum(self._least_of(field["type"], namespace) for field in schema["fields"])
            self._least[fullname] = least
        return self._least[fullname]

    def _known(self, name: str, namespace: str) -> str:
        for fullname in (_fullname(name, namespace), name):
            if fullname in self._definitions:
                return fullname
        raise Malformed(f"the schema names {name:.80}, which it does not define")


def _fullname(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"


def _number(body: bytes, at: int, most: int, last: int) -> tuple[int, int]:
    """A zigzag number of at most ``most`` bytes, the last of them no greater than ``last``; the position behind it."""
    value = 0
    for index in range(most):
        if at + index >= len(body):
            raise Malformed(f"the bytes end within a number at {at}")
        byte = body[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            if index == most - 1 and byte > last:
                break
            return (value >> 1) ^ -(value & 1), at + index + 1
    raise Malformed(f"a number at {at} is too long")


def _long(body: bytes, at: int) -> tuple[int, int]:
    # Nearly all lengths, counts and indexes take one byte.
    if at < len(body) and (byte := body[at]) < 0x80:
        return (byte >> 1) ^ -(byte & 1), at + 1
    return _number(body, at, 10, 0x01)


def _int(body: bytes, at: int) -> tuple[int, int]:
    return _number(body, at, 5, 0x0F)


def _skip_long(body: bytes, at: int, _depth: int) -> int:
    return _long(body, at)[1]


def _skip_int(body: bytes, at: int, _depth: int) -> int:
    return _int(body, at)[1]


def _null(_body: bytes, at: int, _depth: int) -> int:
    return at


def _boolean(body: bytes, at: int, _depth: int) -> int:
    if body[at : at + 1] not in (b"\x00", b"\x01"):
        raise Malformed(f"neither true nor false at {at}")
    return at + 1


def _bytes(body: bytes, at: int, _depth: int) -> int:
    if at < len(body) and (byte := body[at]) < 0x80:
        length, start = (byte >> 1) ^ -(byte & 1), at + 1
    else:
        length, start = _long(body, at)
    if not 0 <= length <= len(body) - start:
        raise Malformed(f"a length of {length} at {at}, where {len(body) - start} bytes follow")
    return start + length


def _fixed(size: int) -> _Step:
    def step(body: bytes, at: int, _depth: int) -> int:
        if size > len(body) - at:
            raise Malformed(f"the bytes end within {size} bytes at {at}")
        return at + size

    return step


def _enum(symbols: int) -> _Step:
    def step(body: bytes, at: int, _depth: int) -> int:
        index, end = _int(body, at)
        if not 0 <= index < symbols:
            raise Malformed(f"symbol {index} of {symbols} at {at}")
        return end

    return step


def _union(branches: list[_Step]) -> _Step:
    by_byte = {2 * index: branch for index, branch in enumerate(branches[:64])}

    def step(body: bytes, at: int, depth: int) -> int:
        if at < len(body) and (branch := by_byte.get(body[at])) is not None:
            return branch(body, at + 1, depth)
        index, end = _long(body, at)
        if not 0 <= index < len(branches):
            raise Malformed(f"branch {index} of {len(branches)} at {at}")
        return branches[index](body, end, depth)

    return step


def _record(fields: list[_Step]) -> _Step:
    def step(body: bytes, at: int, depth: int) -> int:
        # Only a record can hold itself, so every recursion comes by here.
        if depth >= _DEEPEST:
            raise Malformed(f"records within records, {_DEEPEST} deep, at {at}")
        for field in fields:
            at = field(body, at, depth + 1)
        return at

    return step


def _pair(value: _Step) -> _Step:
    def step(body: bytes, at: int, depth: int) -> int:
        return value(body, _bytes(body, at, depth), depth)

    return step


def _blocks(item: _Step, least: Callable[[], int]) -> _Step:
    """An array or map: blocks of a count and that many items, until a count of zero."""

    def step(body: bytes, at: int, depth: int) -> int:
        while True:
            start = at
            count, at = _long(body, at)
            size = None
            if count < 0:
                size, at = _long(body, at)
                count = -count
            if count * least() > len(body) - at:
                raise Malformed(f"{count} items at {start}, where {len(body) - at} bytes follow")
            first = at
            for _ in range(count):
                at = item(body, at, depth)
            if size is not None and size != at - first:
                raise Malformed(f"a block at {start} says {size} bytes and has {at - first}")
            if count == 0:
                return at

    return step


_PRIMITIVES: Final[dict[str, _Step]] = {
    "null": _null,
    "boolean": _boolean,
    "int": _skip_int,
    "long": _skip_long,
    "float": _fixed(4),
    "double": _fixed(8),
    "bytes": _bytes,
    "string": _bytes,
}
_LEAST: Final = {"null": 0, "float": 4, "double": 8}
