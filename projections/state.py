"""The state of one customer: what decisions about its next order depend on.

It is folded by position in the log and says which position it contains. It is a value: ``with_changes`` makes
the next one and leaves this one as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType

from msgspec import Struct

from projections.schedule import Schedule
from schemas.contract import OrderOutcome
from schemas.order import EventType, OrderEvent

NO_POSITION = -1

WAITING = (OrderOutcome.HELD, OrderOutcome.QUARANTINED)
"""The outcomes that a person, or an order that is still to come, may change."""


class OrderEntry(Struct, frozen=True, array_like=True, tag="o"):
    """An order that was decided: enough to tell a copy of it from a conflict with it.

    ``content`` is the beginning of its content hash. ``sales_orders`` and ``returns`` count its documents, so that
    those of its cancellation get the numbers after them.
    """

    position: int
    content: bytes
    outcome: OrderOutcome
    sales_orders: int = 0
    returns: int = 0


class SubscriptionEntry(Struct, frozen=True, array_like=True, tag="s"):
    """A subscription after the last order that changed it.

    ``posted`` is the signed sum of what its lines put on documents, in ``currency``, before tax: what a credit can
    take back at most. ``opened`` says that it came with an opening balance.
    """

    position: int
    contract_id: str
    version: int
    quantity: Decimal
    status: str
    product_id: str
    posted: Decimal
    start_on: date | None
    end_on: date | None
    currency: str
    schedule: Schedule = ()
    opened: bool = False

    @property
    def is_dead(self) -> bool:
        """Cancelled; a subscription whose term has run out can still be renewed."""
        return self.status.casefold() in ("cancelled", "canceled")

    def remaining(self, currency: str) -> Decimal:
        """What was posted in ``currency``; a subscription has no money in another than its own."""
        return self.posted if currency == self.currency else Decimal(0)


class ContractEntry(Struct, frozen=True, array_like=True, tag="c"):
    """A contract: its currency and payer, what it posted so far, and how many changes it has seen."""

    position: int
    currency: str
    billing_account_id: str
    posted: Decimal
    changes: int


class WaitingEntry(Struct, frozen=True, array_like=True, tag="w"):
    """An event that is or was held or quarantined; its bytes stand apart, in a :class:`Body`.

    ``arrived`` is its own place in the log, ``ordinal`` how many decisions were taken on it, ``codes`` why it is
    quarantined, ``waived`` what people said no longer counts. ``asked_by`` has asked for its release, waiving
    ``asked``. ``needs`` is what a held one waits for: keys of subscriptions with the version, or of orders with 0.
    """

    position: int
    arrived: int
    outcome: OrderOutcome
    ordinal: int
    codes: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    asked_by: str | None = None
    asked: tuple[str, ...] = ()
    needs: tuple[tuple[str, int], ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether it still waits for something or somebody."""
        return self.outcome in WAITING


class WaitersEntry(Struct, frozen=True, array_like=True, tag="n"):
    """The events that wait for a subscription or an order. Some of them may have found their place since."""

    position: int
    event_ids: tuple[str, ...]


class Body(Struct, frozen=True, array_like=True):
    """An event as it was read, the beginning of its content hash, and the record that held it."""

    position: int
    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]
    content: bytes
    event: OrderEvent


Entry = OrderEntry | SubscriptionEntry | ContractEntry | WaitingEntry | WaitersEntry


def order_key(event_type: EventType, order_id: str) -> str:
    """Where an order stands in the state. A cancellation is not a copy of its activation."""
    return f"o/{event_type}/{order_id}"


def subscription_key(number: str) -> str:
    """Where a subscription stands in the state, by its stable number (``SUB-...``)."""
    return f"s/{number}"


def contract_key(contract_id: str) -> str:
    """Where a contract stands in the state, by its anchor."""
    return f"c/{contract_id}"


def opening_key(contract_id: str) -> str:
    """Where the opening balance of a contract is remembered."""
    return f"o/OPENING/{contract_id}"


def waiting_key(event_id: str) -> str:
    """Where an event that waits stands in the state."""
    return f"w/{event_id}"


def waiters_key(awaited: str) -> str:
    """Where those stand that wait for ``awaited``, a subscription's or an order's key."""
    return f"n/{awaited}"


def kind_of(key: str) -> str:
    """Of which kind an entry is, by its key; orders of each event type are a kind."""
    return key[: key.index("/", 2)] if key[0] == "o" else key[0]


def home_of(key: str) -> str:
    """What an entry is about, by its key: an order's own, its cancellation's and those that wait for it have one home,
    a contract and its opening balance, and a subscription and those that wait for it."""
    kind, _, about = key.removeprefix(waiters_key("")).partition("/")
    if kind != "o":
        return f"{kind}/{about}"
    event_type, _, name = about.partition("/")
    return contract_key(name) if event_type == "OPENING" else f"o/{name}"


def _nothing() -> Mapping[str, Entry]:
    return MappingProxyType({})


def _no_body(_event_id: str) -> Body | None:
    return None


def _no_bodies() -> Mapping[str, Body | None]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class CustomerState:
    """Everything decided about one customer up to and including log position ``position``.

    ``stored`` is what the host had, and ``stored_body`` reads the bodies that it has; ``changed`` and
    ``changed_bodies`` are what was folded since and is yet to be stored. A body that is None is not needed any more.
    """

    customer_id: str
    position: int = NO_POSITION
    stored: Mapping[str, Entry] = field(default_factory=_nothing)
    changed: Mapping[str, Entry] = field(default_factory=_nothing)
    stored_body: Callable[[str], Body | None] = field(default=_no_body, compare=False)
    changed_bodies: Mapping[str, Body | None] = field(default_factory=_no_bodies)

    def entry(self, key: str) -> Entry | None:
        """What stands under a key."""
        return self.changed.get(key) or self.stored.get(key)

    def order(self, event_type: EventType, order_id: str) -> OrderEntry | None:
        """What was decided about an order, or None for one that was never seen (or only ignored)."""
        entry = self.entry(order_key(event_type, order_id))
        return entry if isinstance(entry, OrderEntry) else None

    def opening(self, contract_id: str) -> OrderEntry | None:
        """The opening balance of a contract, where it had one."""
        entry = self.entry(opening_key(contract_id))
        return entry if isinstance(entry, OrderEntry) else None

    def subscription(self, number: str) -> SubscriptionEntry | None:
        """A subscription by its number."""
        entry = self.entry(subscription_key(number))
        return entry if isinstance(entry, SubscriptionEntry) else None

    def contract(self, contract_id: str) -> ContractEntry | None:
        """A contract by its anchor."""
        entry = self.entry(contract_key(contract_id))
        return entry if isinstance(entry, ContractEntry) else None

    def waiting(self, event_id: str) -> WaitingEntry | None:
        """An event that is or was held or quarantined."""
        entry = self.entry(waiting_key(event_id))
        return entry if isinstance(entry, WaitingEntry) else None

    def waiters(self, awaited: str) -> tuple[str, ...]:
        """The event ids of those that wait for a subscription or an order, by its key."""
        entry = self.entry(waiters_key(awaited))
        return entry.event_ids if isinstance(entry, WaitersEntry) else ()

    def body(self, event_id: str) -> Body | None:
        """The bytes and the content of an event that waits."""
        if event_id in self.changed_bodies:
            return self.changed_bodies[event_id]
        return self.stored_body(event_id)

    def with_changes(
        self, position: int, changes: Mapping[str, Entry], bodies: Mapping[str, Body | None] | None = None
    ) -> CustomerState:
        """The state after the record at ``position``, which changed the entries and bodies given."""
        return CustomerState(
            self.customer_id,
            position,
            self.stored,
            MappingProxyType({**self.changed, **changes}),
            self.stored_body,
            MappingProxyType({**self.changed_bodies, **(bodies or {})}),
        )

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Every entry with its key, for looking at; the order says nothing."""
        for key, entry in self.stored.items():
            if key not in self.changed:
                yield key, entry
        yield from self.changed.items()
