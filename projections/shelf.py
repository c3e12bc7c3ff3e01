"""The pages of a large customer: which entries stand on which, how they are read, and how they are rewritten.

A page holds the entries whose homes hash to it. What one order asks for and changes is at home on few pages: all that
is known of an order with the order, and a contract's first subscriptions with the contract. Where a subscription is,
an index entry under its number says. The number of pages grows by one at a time (linear hashing), so that a write
costs the same for a customer with ten orders and with ten thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from projections.forms import Read, UnreadableState, pack, unpack
from projections.linear_hashing import has_split, page_of
from projections.state import Entry, SubscriptionEntry, contract_key, home_of, kind_of, subscription_key

PAGE_ENTRIES = 8
"""How many entries a page holds on average before another page is added."""

AT_HOME = 8
"""How many subscriptions stand on their contract's page."""

_WITH_CONTRACT = "@"


class IndexEntry(Struct, frozen=True, array_like=True, tag="i"):
    """Where a subscription is at home: with this contract, or by itself where it is empty."""

    position: int
    contract_id: str


class Head(Struct, frozen=True, array_like=True):
    """What is stored first of a customer: all ``entries`` of a small one, or how many ``pages`` there are for ``size``
    entries of a large one. ``kinds`` are those on the pages: an order asks for many that most customers have none of.
    """

    position: int
    entries: dict[str, Entry]
    pages: int
    size: int
    kinds: tuple[str, ...] = ()


class Page(Struct, frozen=True, array_like=True):
    """Per name the versions of an entry. ``pages`` is how many pages there were before it was written."""

    entries: dict[str, list[Entry | IndexEntry]]
    pages: int


def page_key(customer_id: str, page: int) -> bytes:
    """The table key of one of a customer's pages."""
    return b"q\x00" + customer_id.encode() + b"\x00" + str(page).encode()


_SUBSCRIPTIONS = subscription_key("")


def _index_name(key: str) -> str:
    return "i" + key[1:]


def _home(name: str, entry: Entry | IndexEntry) -> str:
    """Where an entry is at home, by its name on the page."""
    match entry:
        case IndexEntry():
            return _SUBSCRIPTIONS + name[len(_SUBSCRIPTIONS) :]
        case SubscriptionEntry() if name[0] == _WITH_CONTRACT:
            return contract_key(entry.contract_id)
    return home_of(name)


class Place(NamedTuple):
    """Under which name an entry stands, and where that is at home."""

    name: str
    home: str
    page: int


class Pages:
    """A large customer's pages as its head sees them, read as they are asked for."""

    def __init__(self, customer_id: str, head: Head, read: Read) -> None:
        self.customer_id = customer_id
        self.head = head
        self._read = read
        self._pages: dict[int, Page] = {}
        self._places: dict[str, Place] = {}

    def page(self, page: int) -> dict[str, Entry | IndexEntry]:
        """The entries that are at home on a page, each with the one version that counts."""
        stored = self._stored(page)
        seen = {
            name: entry for name, versions in stored.entries.items() if (entry := self._counting(versions)) is not None
        }
        if not has_split(page, stored.pages, self.head.pages):
            return seen
        return {name: each for name, each in seen.items() if page_of(_home(name, each), self.head.pages) == page}

    def find(self, key: str) -> Entry | None:
        """What stands under a key."""
        place = self.place(key) if kind_of(key) in self.head.kinds else None
        found = self.at(place) if place is not None else None
        return None if isinstance(found, IndexEntry) else found

    def at(self, place: Place) -> Entry | IndexEntry | None:
        """What stands at a place."""
        if not self.head.pages:
            return None
        return self._counting(self._stored(place.page).entries.get(place.name, ()))

    def place(self, key: str) -> Place | None:
        """Where a key is, or would be; None for a subscription that is not there."""
        place = self._places.get(key)
        if place is None:
            place = self._place(key)
            if place is not None:
                self._places[key] = place
        return place

    def place_at(self, name: str, home: str) -> Place:
        """The place of a name whose home is known."""
        return Place(name, home, page_of(home, self.head.pages) if self.head.pages else 0)

    def _place(self, key: str) -> Place | None:
        if not key.startswith(_SUBSCRIPTIONS):
            return self.place_at(key, home_of(key))
        index = self.at(self.place_at(_index_name(key), key))
        if not isinstance(index, IndexEntry):
            return None
        if index.contract_id:
            return self.place_at(_WITH_CONTRACT + key, contract_key(index.contract_id))
        return self.place_at(key, key)

    def _stored(self, page: int) -> Page:
        known = self._pages.get(page)
        if known is None:
            stored = self._read(page_key(self.customer_id, page))
            if stored is None:
                raise UnreadableState(f"page {page} of customer {self.customer_id} is missing")
            known = self._pages[page] = unpack(stored, Page)
        return known

    def _counting(self, versions: Sequence[Entry | IndexEntry]) -> Entry | IndexEntry | None:
        """Of the versions of an entry, which stand in their order, the newest that the head contains."""
        for entry in reversed(versions):
            if entry.position <= self.head.position:
                return entry
        return None


class Shelf:
    """The pages that a write rewrites; each keeps what the old head sees of it beside what is new."""

    def __init__(self, pages: Pages, position: int) -> None:
        self._old = pages
        self._position = position
        self.size = pages.head.size if pages.head.pages else 0
        self.count = pages.head.pages
        self.kinds = pages.head.kinds
        self.written: dict[int, dict[str, list[Entry | IndexEntry]]] = {}
        self._beside: dict[str, int] = {}

    def packed(self, page: int) -> bytes:
        """A page as it is to be stored."""
        return pack(self._position, Page(self.written[page], self._old.head.pages))

    def take(self, entries: Mapping[str, Entry]) -> None:
        """Put ``entries`` where they belong, and add pages for those that are new."""
        self.kinds = tuple(sorted({*self.kinds, *map(kind_of, entries)}))
        placed: list[tuple[Place, Entry | IndexEntry]] = []
        for key, entry in entries.items():
            place = self._old.place(key)
            if place is None and isinstance(entry, SubscriptionEntry):
                place = self._new_place(key, entry)
                index = IndexEntry(self._position, entry.contract_id if place.name != key else "")
                placed.append((self._old.place_at(_index_name(key), key), index))
            if place is not None:
                placed.append((place, entry))
        self.size += sum(self._old.at(place) is None for place, _ in placed)
        before, self.count = self.count, max(self.count, -(-self.size // PAGE_ENTRIES))
        self._grow(before)
        for place, each in placed:
            page = place.page if self.count == before else page_of(place.home, self.count)
            self._page(page).setdefault(place.name, []).append(each)

    def _new_place(self, key: str, entry: SubscriptionEntry) -> Place:
        home = contract_key(entry.contract_id)
        beside = self._found_beside(home)
        if beside >= AT_HOME:
            return self._old.place_at(key, key)
        self._beside[home] = beside + 1
        return self._old.place_at(_WITH_CONTRACT + key, home)

    def _found_beside(self, home: str) -> int:
        """How many subscriptions stand, or are being put, beside their contract at ``home``."""
        if home not in self._beside:
            there = self._old.page(page_of(home, self._old.head.pages)) if self._old.head.pages else {}
            self._beside[home] = sum(
                name[0] == _WITH_CONTRACT and isinstance(each, SubscriptionEntry) and _home(name, each) == home
                for name, each in there.items()
            )
        return self._beside[home]

    def _grow(self, before: int) -> None:
        """Add the pages beyond ``before``; each takes its share of the page that splits."""
        for page in range(before, self.count):
            self.written.setdefault(page, {})
            if not before:
                continue
            source = page - (1 << (page.bit_length() - 1))
            for name, entry in self._old.page(source).items() if source < before else ():
                place = page_of(_home(name, entry), self.count)
                if place != source:
                    self.written.setdefault(place, {})[name] = [entry]

    def _page(self, page: int) -> dict[str, list[Entry | IndexEntry]]:
        if page not in self.written:
            self.written[page] = {name: [entry] for name, entry in self._old.page(page).items()}
        return self.written[page]


class PagedEntries(Mapping[str, Entry]):
    """A large customer's entries by their keys."""

    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def get(self, key: str, default: Any = None) -> Any:
        """What stands under a key. Most orders ask for much that is not there, which is no error worth its price."""
        entry = self.pages.find(key)
        return default if entry is None else entry

    def __getitem__(self, key: str) -> Entry:
        entry = self.pages.find(key)
        if entry is None:
            raise KeyError(key)
        return entry

    def __iter__(self) -> Iterator[str]:
        for page in range(self.pages.head.pages):
            for name, each in self.pages.page(page).items():
                if not isinstance(each, IndexEntry):
                    yield name.removeprefix(_WITH_CONTRACT)

    def __len__(self) -> int:
        return sum(1 for _ in self)
