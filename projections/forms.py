"""The form of table records: what is in front of them, and how those of earlier forms are read.

Form 1 had no schedules, no currency of a subscription, and longer hashes; its pages were keyed otherwise, so that a
customer can be written anew beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec import Struct

from projections.evolve import short_hash
from projections.state import ContractEntry, Entry, OrderEntry, SubscriptionEntry, contract_key
from schemas.contract import OrderOutcome

FORM = 2
"""The version of the stored form."""

Read = Callable[[bytes], bytes | None]
Record = tuple[bytes, bytes | None]
"""A table key and its value; None removes it."""
_T = TypeVar("_T")
_FRAME = 9
_NOT_COUNTED = 99
"""Form 1 did not count an order's documents; those of its cancellation get numbers that none of them had."""


class UnreadableState(Exception):
    """A stored record that this version cannot read: another form, or damaged bytes."""


def framed(position: int, content: bytes) -> bytes:
    """A record's content behind its form and the position at which it is written."""
    return bytes([FORM]) + position.to_bytes(8, "big", signed=True) + content


def pack(position: int, value: Struct) -> bytes:
    """A value as it is stored."""
    return framed(position, msgspec.msgpack.encode(value))


def unpack(record: bytes, type_: type[_T]) -> _T:
    """The value that was stored so. Raises :class:`UnreadableState`."""
    try:
        return msgspec.msgpack.decode(content_of(record), type=type_)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise UnreadableState(f"the stored state is damaged: {error}") from error


def content_of(record: bytes) -> bytes:
    """What stands behind the frame. Raises :class:`UnreadableState`."""
    position_of(record)
    return record[_FRAME:]


def form_of(record: bytes) -> int:
    """The form of a record. Raises :class:`UnreadableState` for one that this version does not know."""
    if len(record) < _FRAME or not 1 <= record[0] <= FORM:
        form = f"form {record[0]}" if record else "no bytes"
        raise UnreadableState(f"the stored state has {form}; this version reads forms up to {FORM}")
    return record[0]


def position_of(record: bytes) -> int:
    """The log position at which a table record was written. Raises :class:`UnreadableState`."""
    form_of(record)
    return int.from_bytes(record[1:_FRAME], "big", signed=True)


class _Order1(Struct, frozen=True, array_like=True, tag="o"):
    position: int
    content_hash: str
    event_id: str
    outcome: OrderOutcome


class _Subscription1(Struct, frozen=True, array_like=True, tag="s"):
    position: int
    contract_id: str
    version: int
    quantity: Decimal
    status: str
    product_id: str
    posted: Decimal
    start_on: date | None
    end_on: date | None


_Entry1 = _Order1 | _Subscription1 | ContractEntry


class _Head1(Struct, frozen=True, array_like=True):
    position: int
    entries: dict[str, _Entry1]
    pages: int
    size: int


class _Page1(Struct, frozen=True, array_like=True):
    entries: dict[str, list[_Entry1]]


def upgraded(customer_id: str, head: bytes, read: Read) -> tuple[int, dict[str, Entry]]:
    """The position and all entries of a customer whose head is of form 1."""
    old = unpack(head, _Head1)
    found = dict(old.entries)
    for page in range(old.pages):
        for key, versions in _page1(customer_id, page, read).items():
            counted = [entry for entry in versions if entry.position <= old.position]
            newest = max(counted, key=lambda entry: entry.position, default=None)
            if newest is not None and (key not in found or newest.position > found[key].position):
                found[key] = newest
    return old.position, {key: _upgraded(entry, found) for key, entry in found.items()}


def leftovers(customer_id: str, head: bytes, read: Read) -> list[Record]:
    """What of a customer of form 1 is not needed once it is written anew."""
    old = unpack(head, _Head1)
    keys = (_page1_key(customer_id, page) for page in range(old.pages))
    return [(key, None) for key in keys if read(key) is not None]


def _page1(customer_id: str, page: int, read: Read) -> dict[str, list[_Entry1]]:
    stored = read(_page1_key(customer_id, page))
    if stored is None:
        raise UnreadableState(f"page {page} of customer {customer_id} is missing")
    return unpack(stored, _Page1).entries


def _page1_key(customer_id: str, page: int) -> bytes:
    return b"p\x00" + customer_id.encode() + b"\x00" + str(page).encode()


def _upgraded(entry: _Entry1, beside: dict[str, _Entry1]) -> Entry:
    match entry:
        case _Order1():
            return OrderEntry(entry.position, short_hash(entry.content_hash), entry.outcome, _NOT_COUNTED, _NOT_COUNTED)
        case _Subscription1():
            contract = beside.get(contract_key(entry.contract_id))
            return SubscriptionEntry(
                position=entry.position,
                contract_id=entry.contract_id,
                version=entry.version,
                quantity=entry.quantity,
                status=entry.status,
                product_id=entry.product_id,
                posted=entry.posted,
                start_on=entry.start_on,
                end_on=entry.end_on,
                currency=contract.currency if isinstance(contract, ContractEntry) else "",
                opened=True,  # as with an opening balance that gave no segments, nobody knows what its dates were worth
            )
    return entry
