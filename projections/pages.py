"""How a customer's state is kept as table records: one for a small customer, a head and pages for a large one.

A page holds the entries whose keys hash to it; the head says how many pages there are and up to which log
position they count. Pages are written before the head, and a page keeps, beside each new version of an entry,
the one that the old head still needs. So whatever prefix of the writes survives a crash, the state that is
read back is the old one or the new one, never a mixture.

The number of pages grows by one page at a time (linear hashing), so that a write costs the same for a customer
with ten orders and with ten thousand. Every record begins with the version of its form and the position at
which it was written; of two versions of one record, the one with the higher position is the later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import msgspec

from projections.state import NO_POSITION, CustomerState, Entry
from schemas.policy import Policy

FORM = 1
"""The version of the stored form."""

INLINE_ENTRIES = 40
"""The most entries that the head carries itself; a customer with more has pages."""

PAGE_ENTRIES = 12
"""How many entries a page holds on average before another page is added."""

Read = Callable[[bytes], bytes | None]
Record = tuple[bytes, bytes]
_T = TypeVar("_T")


class UnreadableState(Exception):
    """A stored record that this version cannot read: another form, or damaged bytes."""


class _Head(msgspec.Struct, frozen=True, array_like=True):
    position: int
    entries: dict[str, Entry]
    pages: int
    size: int


class _Page(msgspec.Struct, frozen=True, array_like=True):
    entries: dict[str, list[Entry]]


class _StoredPolicy(msgspec.Struct, frozen=True, array_like=True):
    position: int
    log_id: str
    partitions: int
    policy: Policy


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The policy of a partition since the record at ``position``, and the log's number of partitions.

    ``log_id`` names the log: the event id of the partition's first policy.
    """

    position: int
    log_id: str
    partitions: int
    policy: Policy


def head_key(customer_id: str) -> bytes:
    """The table key of a customer's head."""
    return b"c\x00" + customer_id.encode()


def page_key(customer_id: str, page: int) -> bytes:
    """The table key of one of a customer's pages."""
    return b"p\x00" + customer_id.encode() + b"\x00" + str(page).encode()


def policy_key(partition: int) -> bytes:
    """The table key of a partition's policy."""
    return b"policy\x00" + str(partition).encode()


def load(customer_id: str, read: Read) -> CustomerState:
    """The state of a customer, read through ``read``; pages are read when an entry on them is asked for.

    Raises :class:`UnreadableState` for a form that this version does not know.
    """
    stored = read(head_key(customer_id))
    if stored is None:
        return CustomerState(customer_id)
    head = _unpack(stored, _Head)
    entries: Mapping[str, Entry] = MappingProxyType(head.entries)
    if head.pages:
        entries = _PagedEntries(customer_id, head, read)
    return CustomerState(customer_id, head.position, entries)


def dump(state: CustomerState, read: Read) -> tuple[list[Record], Record]:
    """The table records that take the stored state to ``state``: the pages, then the head.

    ``read`` reads what is stored now. The pages are to be acknowledged before the head is written.
    """
    stored = read(head_key(state.customer_id))
    old = _unpack(stored, _Head) if stored is not None else _Head(NO_POSITION, {}, 0, 0)
    added = sum(1 for key in state.changed if key not in state.stored)
    size = old.size + added
    if not old.pages and size <= INLINE_ENTRIES:
        head = _Head(state.position, {**old.entries, **state.changed}, 0, size)
        return [], (head_key(state.customer_id), _pack(state.position, head))
    pages = max(old.pages, -(-size // PAGE_ENTRIES))
    records = [
        (page_key(state.customer_id, page), _pack(state.position, _Page(entries)))
        for page, entries in _pages_to_write(state, old, pages, read).items()
    ]
    head = _Head(state.position, {}, pages, size)
    return records, (head_key(state.customer_id), _pack(state.position, head))


def load_policy(partition: int, read: Read) -> PolicyInForce | None:
    """The policy of a partition as stored, or None before its first one."""
    stored = read(policy_key(partition))
    if stored is None:
        return None
    found = _unpack(stored, _StoredPolicy)
    return PolicyInForce(found.position, found.log_id, found.partitions, found.policy)


def dump_policy(partition: int, policy: PolicyInForce) -> Record:
    """The table record of a partition's policy."""
    stored = _StoredPolicy(policy.position, policy.log_id, policy.partitions, policy.policy)
    return policy_key(partition), _pack(policy.position, stored)


def position_of(record: bytes) -> int:
    """The log position at which a table record was written. Raises :class:`UnreadableState`."""
    if len(record) < 9 or record[0] != FORM:
        form = f"form {record[0]}" if record else "no bytes"
        raise UnreadableState(f"the stored state has {form}; this version reads form {FORM}")
    return int.from_bytes(record[1:9], "big", signed=True)


def _pages_to_write(state: CustomerState, old: _Head, pages: int, read: Read) -> dict[int, dict[str, list[Entry]]]:
    # What moves: everything when the head's own entries become pages, else the entries of each page that splits.
    moved: dict[str, list[Entry]] = {}
    written: dict[int, dict[str, list[Entry]]] = {}
    if not old.pages:
        moved = {key: [entry] for key, entry in old.entries.items()}
    for page in range(max(old.pages, 1), pages) if old.pages else ():
        source = page - (1 << (page.bit_length() - 1))
        kept = _kept(state.customer_id, source, old, read)
        moved |= {key: versions for key, versions in kept.items() if page_of(key, pages) != page_of(key, old.pages)}
    for key, versions in moved.items():
        written.setdefault(page_of(key, pages), {})[key] = versions
    for page in range(old.pages, pages):
        written.setdefault(page, {})
    for key, entry in state.changed.items():
        page = page_of(key, pages)
        if page not in written:
            written[page] = _kept(state.customer_id, page, old, read)
        written[page][key] = [*written[page].get(key, ()), entry]
    return written


def _kept(customer_id: str, page: int, old: _Head, read: Read) -> dict[str, list[Entry]]:
    """A page's entries as the old head sees them: its own keys, each with the one version that counts."""
    if page >= old.pages:
        return {}
    return {key: [entry] for key, entry in _visible(customer_id, page, old, read) if page_of(key, old.pages) == page}


def _visible(customer_id: str, page: int, head: _Head, read: Read) -> Iterator[tuple[str, Entry]]:
    stored = read(page_key(customer_id, page))
    if stored is None:
        raise UnreadableState(f"page {page} of customer {customer_id} is missing")
    for key, versions in _unpack(stored, _Page).entries.items():
        entry = _counting(versions, head.position)
        if entry is not None:
            yield key, entry


def _counting(versions: list[Entry], position: int) -> Entry | None:
    counted = [entry for entry in versions if entry.position <= position]
    return max(counted, key=lambda entry: entry.position) if counted else None


def page_of(key: str, pages: int) -> int:
    """The page of a key among ``pages`` pages (linear hashing)."""
    name = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest(), "big")
    level = 1 << (pages.bit_length() - 1)
    place = name % (2 * level)
    return place if place < pages else name % level


class _PagedEntries(Mapping[str, Entry]):
    """A large customer's entries, read page by page as they are asked for."""

    def __init__(self, customer_id: str, head: _Head, read: Read) -> None:
        self._customer_id = customer_id
        self._head = head
        self._read = read
        self._pages: dict[int, dict[str, Entry]] = {}

    def __getitem__(self, key: str) -> Entry:
        return self._page(page_of(key, self._head.pages))[key]

    def __iter__(self) -> Iterator[str]:
        for page in range(self._head.pages):
            for key in self._page(page):
                if page_of(key, self._head.pages) == page:
                    yield key

    def __len__(self) -> int:
        return self._head.size

    def _page(self, page: int) -> dict[str, Entry]:
        if page not in self._pages:
            self._pages[page] = dict(_visible(self._customer_id, page, self._head, self._read))
        return self._pages[page]


def _pack(position: int, value: msgspec.Struct) -> bytes:
    return bytes([FORM]) + position.to_bytes(8, "big", signed=True) + msgspec.msgpack.encode(value)


def _unpack(record: bytes, form: type[_T]) -> _T:
    position_of(record)
    try:
        return msgspec.msgpack.decode(record[9:], type=form)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise UnreadableState(f"the stored state is damaged: {error}") from error
