"""Records that nobody should ever publish to the log, made from real orders: the same seed, the same records.

Each family is a kind of badness. Most can never be read as an order; those of `PERHAPS` sometimes can, and then are
judged as the order that they say they are.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import fastavro
from msgspec.structs import replace

from schemas.catalog import TYPES, fingerprint
from schemas.codec import GUID_HEADER, Encoder
from schemas.order import OrderEvent
from schemas.policy import PolicyActivated
from tests.projections.histories import generated
from tests.schemas.golden_records import golden_bytes

PREFIX = 10  # the marker and the fingerprint of a single object
VECTORS = Path(__file__).parents[1] / "schemas" / "vectors" / "avro-binary-rejections.json"
BODIES = [bytes.fromhex(each["bytesHex"]) for each in json.loads(VECTORS.read_text())["vectors"]]
FOREIGN = [type_ for type_ in TYPES if type_ not in (OrderEvent, PolicyActivated)]
LIMIT = 1_000_000  # what a topic takes by default, less what a batch adds

Headers = tuple[tuple[str, bytes | None], ...]
ODD_HEADERS: tuple[Headers, ...] = (
    (("traceparent", None),),
    (("", b"no name"),),
    (("note", b"\xff\xfe\x00"),),
    (("ce_id", b"one"), ("ce_id", b"two"), ("ce_id", None)),
    (("ключ", b""),),
    (("content-type", b"application/json"), ("ce_type", b"\x80")),
)


@dataclass(frozen=True)
class Hostile:
    """A record as it is published. ``astray`` is one for a partition that is not its key's."""

    family: str
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    astray: bool = False


@dataclass(frozen=True)
class Original:
    """An order as it should be, and the places in its bytes where something else can be put."""

    event: OrderEvent

    @property
    def key(self) -> bytes:
        return self.event.order.customer_id.encode()

    @cached_property
    def value(self) -> bytes:
        return Encoder().encode("orders", self.event)

    @cached_property
    def products(self) -> Hole:
        return Hole.between(replace(self.event, products=()), self.event)

    @cached_property
    def lines(self) -> Hole:
        return Hole.between(self._order(lines=()), self.event)

    @cached_property
    def fields(self) -> Hole:
        first, *others = self.event.order.lines
        none, some = (replace(first, custom_fields=fields) for fields in ({}, {"a": "b"}))
        return Hole.between(self._order(lines=(none, *others)), self._order(lines=(some, *others)))

    @cached_property
    def number(self) -> Hole:
        return Hole.between(self._order(order_number=""), self._order(order_number="x"))

    @cached_property
    def day(self) -> Hole:
        return Hole.between(self._order(effective_on=date(1970, 1, 1)), self._order(effective_on=date(1970, 1, 2)))

    @cached_property
    def total(self) -> Hole:
        return Hole.between(self._order(total_amount=Decimal(0)), self._order(total_amount=Decimal(10**9)), 2)

    def _order(self, **changes: Any) -> OrderEvent:
        return replace(self.event, order=replace(self.event.order, **changes))


@dataclass(frozen=True)
class Hole:
    """The bytes before and after one value of an order."""

    before: bytes
    after: bytes

    @classmethod
    def between(cls, one: OrderEvent, other: OrderEvent, size: int = 1) -> Hole:
        """Where two events differ, of which ``one`` has a value of ``size`` bytes there."""
        bytes_of_one, bytes_of_other = (Encoder().encode("orders", event) for event in (one, other))
        at = next(at for at, (a, b) in enumerate(zip(bytes_of_one, bytes_of_other, strict=False)) if a != b)
        return cls(bytes_of_one[:at], bytes_of_one[at + size :])

    def filled(self, data: bytes) -> bytes:
        return self.before + data + self.after


def long(number: int) -> bytes:
    """A number as Avro writes it."""
    out = BytesIO()
    fastavro.schemaless_writer(out, {"type": "long"}, number)
    return out.getvalue()


def _flipped(chance: random.Random, value: bytes) -> bytes:
    damaged = bytearray(value)
    for _ in range(chance.choice([1, 1, 1, 2, 8])):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def _inserted(chance: random.Random, value: bytes) -> bytes:
    at = chance.randrange(len(value))
    return value[:at] + chance.randbytes(chance.randint(1, 9)) + value[at:]


def _removed(chance: random.Random, value: bytes) -> bytes:
    at = chance.randrange(len(value))
    return value[:at] + value[at + chance.randint(1, 9) :]


def _overwritten(chance: random.Random, value: bytes) -> bytes:
    at, size = chance.randrange(len(value)), chance.randint(1, 60)
    return value[:at] + chance.randbytes(len(value[at : at + size])) + value[at + size :]


def _huge(chance: random.Random) -> int:
    return chance.choice([2**31 - 1, 2**31, 2**40, 2**62, 2**63 - 1, chance.randrange(10**6, 2**63)])


def _negative_branch(original: Original) -> bytes:
    # The last field is a union that holds nothing; branch -1 is fastavro's last one, a text.
    bare = Encoder().encode("orders", replace(original.event, causation_id=None))
    return bare[:-1] + b"\x01\x06abc"


def _negative_symbol(original: Original) -> bytes:
    name = original.event.event_id.encode()
    at = PREFIX + len(long(len(name))) + len(name)
    return original.value[:at] + b"\x01" + original.value[at + 1 :]


_Damage = Callable[[random.Random, Original], bytes | None]

PERHAPS: dict[str, _Damage] = {
    "bits flipped": lambda c, o: _flipped(c, o.value),
    "bytes inserted": lambda c, o: _inserted(c, o.value),
    "bytes removed": lambda c, o: _removed(c, o.value),
    "bytes overwritten": lambda c, o: _overwritten(c, o.value),
}
"""Damage after which an order may still be one."""

UNREADABLE: dict[str, _Damage] = {
    "truncated": lambda c, o: o.value[: c.randrange(1, len(o.value))],
    "trailing garbage": lambda c, o: o.value + c.randbytes(c.randint(1, 40)),
    "trailing zero": lambda _, o: o.value + b"\x00",
    "twice in one": lambda _, o: o.value + o.value,
    "of another schema": lambda c, o: b"\xc3\x01" + fingerprint(c.choice(FOREIGN)) + o.value[PREFIX:],
    "of an unknown schema": lambda c, o: b"\xc3\x01" + c.randbytes(8) + o.value[PREFIX:],
    "avro must-reject": lambda c, o: o.value[:PREFIX] + c.choice(BODIES),
    "negative symbol": lambda _, o: _negative_symbol(o),
    "negative branch": lambda _, o: _negative_branch(o),
    "number without end": lambda c, o: o.value[:PREFIX] + b"\xff" * c.randint(10, 400) + o.value[PREFIX:],
    "absurd count of products": lambda c, o: o.products.filled(long(_huge(c)) + bytes(c.randint(0, 400))),
    "absurd count of lines": lambda c, o: o.lines.filled(long(_huge(c)) + bytes(c.randint(0, 400))),
    "negative count of lines": lambda c, o: o.lines.filled(long(-_huge(c)) + long(_huge(c))),
    "count of the smallest number": lambda c, o: c.choice([o.lines, o.products]).filled(b"\xff" * 9 + b"\x01"),
    "map bomb": lambda c, o: o.fields.filled(long(_huge(c)) + bytes(2 * c.randint(0, 400))),
    "text of gigabytes": lambda c, o: o.number.filled(long(_huge(c)) + b"text"),
    "text of negative length": lambda c, o: o.number.filled(long(-c.randint(1, 2**40))),
    "text that is not UTF-8": lambda c, o: o.number.filled(
        c.choice([b"\x06\xed\xa0\x80", b"\x02\xff", b"\x04\xc0\x80", b"\x08\xf4\x90\x80\x80"])
    ),
    "enormous decimal": lambda c, o: o.total.filled(_sized(b"\x7f" * c.choice([9, 16, 200, 20_000]))),
    "day outside the calendar": lambda c, o: o.day.filled(long(c.choice([2**31 - 1, -(2**31), 3_000_000]))),
    "no value": lambda _c, _o: None,
    "empty value": lambda _c, _o: b"",
    "noise": lambda c, _: c.choice([b"", b"\xc3", b"\xc3\x01", b"\x00\x00"]) + c.randbytes(c.randint(1, 600)),
    "JSON": lambda _, o: json.dumps({"order": o.event.order.order_id}).encode(),
    "registry id without a registry": lambda c, o: b"\x00" + c.randbytes(4) + o.value[PREFIX:],
}
"""Bytes that are no order, whatever the key."""

_Making = Callable[[random.Random, Original], Hostile]

MISPLACED: dict[str, _Making] = {
    "another type": lambda c, o: Hostile("another type", o.key, golden_bytes(c.choice(FOREIGN))),
    "no key": lambda _, o: Hostile("no key", None, o.value),
    "empty key": lambda _, o: Hostile("empty key", b"", o.value),
    "another's key": lambda c, o: Hostile("another's key", o.key[:-1] + c.choice([b"", b"\x00", b"~"]), o.value),
    "key that is not UTF-8": lambda c, o: Hostile("key that is not UTF-8", b"\xff" + c.randbytes(8), o.value),
    "astray": lambda _, o: Hostile("astray", o.key, o.value, astray=True),
    "bogus schema header": lambda c, o: Hostile(
        "bogus schema header",
        o.key,
        o.value,
        ((GUID_HEADER, c.choice([None, b"", b"\x01", b"\x01" + c.randbytes(15), b"\x02" + c.randbytes(16)])),),
    ),
    "GUID without a registry": lambda c, o: Hostile(
        "GUID without a registry", o.key, o.value[PREFIX:], ((GUID_HEADER, b"\x01" + c.randbytes(16)),)
    ),
    "truncated, with huge headers": lambda c, o: Hostile(
        "truncated, with huge headers", o.key, o.value[:-1], (("note", c.randbytes(20_000)), *(("x", b"y"),) * 300)
    ),
}
"""Whole records that have no place where they stand."""

_GIANTS: dict[str, _Damage] = {
    "giant noise": lambda c, o: o.value[:PREFIX] + c.randbytes(LIMIT - 2000),
    "giant text": lambda c, o: o.number.filled(_sized(b"a" * (LIMIT - 20_000)))[:-1],
    "giant list": lambda _, o: o.products.filled(long(200_000) + bytes(5 * 150_000)),
    "giant behind an order": lambda c, o: o.value + bytes(LIMIT - 20_000),
}


def _sized(data: bytes) -> bytes:
    return long(len(data)) + data


def originals(seed: int) -> list[Original]:
    """Orders to damage; their customers are nobody else's."""
    return [Original(event) for event in generated(-1 - seed, 60, 8)]


def hostile_records(seed: int, number: int, giants: int = 4) -> Iterator[Hostile]:
    """``number`` bad records of every family in turn, ``giants`` among them as large as a topic takes."""
    chance = random.Random(f"hostile/{seed}")
    pool = originals(seed)
    makings = {name: _damaged(name, damage) for name, damage in (PERHAPS | UNREADABLE).items()} | MISPLACED
    names = list(makings)
    large = {number * (each + 1) // (giants + 1) for each in range(giants)}
    for each in range(number):
        if each in large:
            name = chance.choice(list(_GIANTS))
            yield _damaged(name, _GIANTS[name])(chance, chance.choice(pool))
            continue
        # damage by chance has the most shapes, so every second record is of that kind
        name = chance.choice(list(PERHAPS)) if each % 2 else names[each // 2 % len(names)]
        made = makings[name](chance, chance.choice(pool))
        odd = chance.choice(ODD_HEADERS) if chance.random() < 0.2 else ()
        yield Hostile(made.family, made.key, made.value, (*made.headers, *odd), made.astray)


def _damaged(name: str, damage: _Damage) -> _Making:
    return lambda chance, original: Hostile(name, original.key, damage(chance, original))
