"""How a customer's state is kept as table records: one for a small customer, a head and pages for a large one.

The head says how many pages there are and up to which log position they count. Pages are written before the head,
and a page keeps, beside each new version of an entry, the one that the old head still needs. So whatever prefix of
the writes survives a crash, the state that is read back is the old one or the new one, never a mixture.

A page holds the entries whose homes hash to it. The home of an entry is its own key, except that a contract's first
subscriptions are at home with the contract: what one order changes then stands on few pages. An index entry under the
subscription's number says so. The number of pages grows by one at a time (linear hashing), so that a write costs the
same for a customer with ten orders and with ten thousand.

The bytes of an event that waits are a record of their own, removed once they are not needed. Every record begins with
the version of its form and the position at which it was written; of two versions of one record, the one with the
higher position is the later. Records of an earlier form are read by :mod:`projections.forms`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from msgspec import Struct

from projections import forms
from projections.forms import Read, Record, UnreadableState, pack, unpack
from projections.linear_hashing import has_split, page_of
from projections.state import NO_POSITION, Body, CustomerState, Entry, SubscriptionEntry, contract_key, subscription_key
from projections.waiting import pack_body, unpack_body

INLINE_ENTRIES = 40
"""The most entries that the head carries itself; a customer with more has pages."""

PAGE_ENTRIES = 12
"""How many entries a page holds on average before another page is added."""

AT_HOME = 8
"""How many subscriptions stand on their contract's page."""

_WITH_CONTRACT = "@"


class IndexEntry(Struct, frozen=True, array_like=True, tag="i"):
    """Where a subscription is at home: with this contract, or by itself where it is empty."""

    position: int
    contract_id: str


class _Head(Struct, frozen=True, array_like=True):
    position: int
    entries: dict[str, Entry]
    pages: int
    size: int


class _Page(Struct, frozen=True, array_like=True):
    """``pages`` is how many pages there were before it was written."""

    entries: dict[str, list[Entry | IndexEntry]]
    pages: int


_NEW = _Head(NO_POSITION, {}, 0, 0)


@dataclass(frozen=True, slots=True)
class Writes:
    """What takes the stored state to a new one: ``before`` the head, the ``head``, and what is removed ``after`` it."""

    before: list[Record]
    head: Record
    after: list[Record] = field(default_factory=list)

    def in_order(self) -> list[Record]:
        """All of them as they are to be written; whatever prefix survives, the state is the old one or the new one."""
        return [*self.before, self.head, *self.after]


def head_key(customer_id: str) -> bytes:
    """The table key of a customer's head."""
    return b"c\x00" + customer_id.encode()


def page_key(customer_id: str, page: int) -> bytes:
    """The table key of one of a customer's pages."""
    return b"q\x00" + customer_id.encode() + b"\x00" + str(page).encode()


BODIES = b"b\x00"
"""What the table keys of waiting events begin with."""


def body_key(customer_id: str, event_id: str) -> bytes:
    """The table key of an event that waits."""
    return BODIES + customer_id.encode() + b"\x00" + event_id.encode()


def load(customer_id: str, read: Read) -> CustomerState:
    """The state of a customer, read through ``read``; pages are read when an entry on them is asked for.

    A state of an earlier form counts as changed as a whole, so that it is written anew.

    Raises :class:`UnreadableState` for a form that this version does not know.
    """

    def stored_body(event_id: str) -> Body | None:
        record = read(body_key(customer_id, event_id))
        try:
            return None if record is None else unpack_body(forms.content_of(record))
        except ValueError as error:
            raise UnreadableState(f"the stored event {event_id} is damaged: {error}") from error

    stored = read(head_key(customer_id))
    if stored is None:
        return CustomerState(customer_id, stored_body=stored_body)
    if forms.form_of(stored) < forms.FORM:
        position, upgraded = forms.upgraded(customer_id, stored, read)
        return CustomerState(customer_id, position, changed=MappingProxyType(upgraded), stored_body=stored_body)
    head = unpack(stored, _Head)
    entries: Mapping[str, Entry] = MappingProxyType(head.entries)
    if head.pages:
        entries = _PagedEntries(_Pages(customer_id, head, read))
    return CustomerState(customer_id, head.position, entries, stored_body=stored_body)


def dump(state: CustomerState, read: Read) -> Writes:
    """The table records that take the stored state to ``state``. ``read`` reads what is stored now."""
    customer_id = state.customer_id
    stored = read(head_key(customer_id))
    is_current = stored is not None and forms.form_of(stored) == forms.FORM
    old = unpack(stored, _Head) if stored is not None and is_current else _NEW
    gone: list[Record] = forms.leftovers(customer_id, stored, read) if stored is not None and not is_current else []
    before: list[Record] = []
    for event_id, body in state.changed_bodies.items():
        key = body_key(customer_id, event_id)
        if body is not None:
            before.append((key, forms.framed(state.position, pack_body(body))))
        elif read(key) is not None:
            gone.append((key, None))
    inline = {**old.entries, **state.changed}
    if not old.pages and len(inline) <= INLINE_ENTRIES:
        head = _Head(state.position, inline, 0, len(inline))
    else:
        shelf = _Shelf(_Pages(customer_id, old, read), state.position)
        shelf.take(state.changed if old.pages else inline)
        before += [(page_key(customer_id, page), shelf.packed(page)) for page in shelf.written]
        head = _Head(state.position, {}, shelf.count, shelf.size)
    return Writes(before, (head_key(customer_id), pack(state.position, head)), gone)


def _home(name: str, entry: Entry | IndexEntry) -> str:
    """Where an entry is at home, by its name on the page."""
    return (
        contract_key(entry.contract_id) if name[0] == _WITH_CONTRACT and isinstance(entry, SubscriptionEntry) else name
    )


def _index_key(key: str) -> str:
    return "i" + key[1:]


_SUBSCRIPTIONS = subscription_key("")


class _Pages:
    """A large customer's pages as its head sees them, read as they are asked for."""

    def __init__(self, customer_id: str, head: _Head, read: Read) -> None:
        self.customer_id = customer_id
        self.head = head
        self._read = read
        self._pages: dict[int, _Page] = {}

    def page(self, page: int) -> dict[str, Entry | IndexEntry]:
        """The entries that are at home on a page, each with the one version that counts."""
        stored = self._stored(page)
        seen = {name: entry for name in stored.entries if (entry := self._counting(stored, name)) is not None}
        if not has_split(page, stored.pages, self.head.pages):
            return seen
        return {name: each for name, each in seen.items() if page_of(_home(name, each), self.head.pages) == page}

    def find(self, name: str, home: str) -> Entry | IndexEntry | None:
        """What stands under a name at a home."""
        if not self.head.pages:
            return None
        return self._counting(self._stored(page_of(home, self.head.pages)), name)

    def name_of(self, key: str) -> tuple[str, str] | None:
        """The name and home of a subscription, or None for one that is not there; others are named by their keys."""
        if not key.startswith(_SUBSCRIPTIONS):
            return key, key
        index = self.find(_index_key(key), _index_key(key))
        if not isinstance(index, IndexEntry):
            return None
        return (_WITH_CONTRACT + key, contract_key(index.contract_id)) if index.contract_id else (key, key)

    def _stored(self, page: int) -> _Page:
        known = self._pages.get(page)
        if known is None:
            stored = self._read(page_key(self.customer_id, page))
            if stored is None:
                raise UnreadableState(f"page {page} of customer {self.customer_id} is missing")
            known = self._pages[page] = unpack(stored, _Page)
        return known

    def _counting(self, page: _Page, name: str) -> Entry | IndexEntry | None:
        """Of the versions of an entry the newest that the head contains."""
        counted = [entry for entry in page.entries.get(name, ()) if entry.position <= self.head.position]
        return max(counted, key=lambda entry: entry.position) if len(counted) > 1 else next(iter(counted), None)


class _Shelf:
    """The pages that a write rewrites; each keeps what the old head sees of it beside what is new."""

    def __init__(self, pages: _Pages, position: int) -> None:
        self._old = pages
        self._position = position
        self.size = pages.head.size if pages.head.pages else 0
        self.count = pages.head.pages
        self.written: dict[int, dict[str, list[Entry | IndexEntry]]] = {}
        self._beside: dict[str, int] = {}

    def packed(self, page: int) -> bytes:
        """A page as it is to be stored."""
        return pack(self._position, _Page(self.written[page], self._old.head.pages))

    def take(self, entries: Mapping[str, Entry]) -> None:
        """Put ``entries`` where they belong, and add pages for those that are new."""
        placed: list[tuple[str, str, Entry | IndexEntry]] = []
        for key, entry in entries.items():
            named = self._old.name_of(key)
            if named is None and isinstance(entry, SubscriptionEntry):
                named = self._new_home(key, entry)
                with_contract = entry.contract_id if named[0] != key else ""
                index = IndexEntry(self._position, with_contract)
                placed.append((_index_key(key), _index_key(key), index))
            name, home = named or (key, key)
            placed.append((name, home, entry))
            if name[0] == _WITH_CONTRACT:
                self._beside[home] = self._found_beside(home) + 1
        self.size += sum(self._old.find(name, home) is None for name, home, _ in placed)
        self._grow(max(self.count, -(-self.size // PAGE_ENTRIES)))
        for name, home, each in placed:
            self._page(page_of(home, self.count)).setdefault(name, []).append(each)

    def _new_home(self, key: str, entry: SubscriptionEntry) -> tuple[str, str]:
        home = contract_key(entry.contract_id)
        return (_WITH_CONTRACT + key, home) if self._found_beside(home) < AT_HOME else (key, key)

    def _found_beside(self, home: str) -> int:
        """How many subscriptions stand, or are being put, beside their contract at ``home``."""
        if home not in self._beside:
            there = self._old.page(page_of(home, self._old.head.pages)) if self._old.head.pages else {}
            self._beside[home] = sum(
                name[0] == _WITH_CONTRACT and isinstance(each, SubscriptionEntry) and _home(name, each) == home
                for name, each in there.items()
            )
        return self._beside[home]

    def _grow(self, pages: int) -> None:
        """Add pages; each takes its share of the page that splits."""
        before, self.count = self.count, pages
        for page in range(before, pages):
            self.written.setdefault(page, {})
            if not before:
                continue
            source = page - (1 << (page.bit_length() - 1))
            for name, entry in self._old.page(source).items() if source < before else ():
                place = page_of(_home(name, entry), pages)
                if place != source:
                    self.written.setdefault(place, {})[name] = [entry]

    def _page(self, page: int) -> dict[str, list[Entry | IndexEntry]]:
        if page not in self.written:
            self.written[page] = {name: [entry] for name, entry in self._old.page(page).items()}
        return self.written[page]


class _PagedEntries(Mapping[str, Entry]):
    """A large customer's entries by their keys."""

    def __init__(self, pages: _Pages) -> None:
        self._pages = pages

    def __getitem__(self, key: str) -> Entry:
        named = self._pages.name_of(key)
        found = self._pages.find(*named) if named else None
        if found is None or isinstance(found, IndexEntry):
            raise KeyError(key)
        return found

    def __iter__(self) -> Iterator[str]:
        for page in range(self._pages.head.pages):
            for name, each in self._pages.page(page).items():
                if not isinstance(each, IndexEntry):
                    yield name.removeprefix(_WITH_CONTRACT)

    def __len__(self) -> int:
        return sum(1 for _ in self)
