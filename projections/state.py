"""The state of one customer: what decisions about its next order depend on.

It is folded by position in the log and says which position it contains. It is a value: ``with_changes`` makes
the next one and leaves this one as it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from msgspec import Struct

from schemas.contract import OrderOutcome
from schemas.order import EventType

NO_POSITION = -1


class OrderEntry(Struct, frozen=True, array_like=True, tag="o"):
    """An order that was decided: enough to tell a copy of it from a conflict with it."""

    position: int
    content_hash: str
    event_id: str
    outcome: OrderOutcome


class SubscriptionEntry(Struct, frozen=True, array_like=True, tag="s"):
    """A subscription after the last order that changed it.

    ``posted`` is the signed sum of what its lines put on documents, in its contract's currency, before tax:
    what a credit can take back at most.
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

    @property
    def is_dead(self) -> bool:
        """Cancelled; a subscription whose term has run out can still be renewed."""
        return self.status.casefold() in ("cancelled", "canceled")


class ContractEntry(Struct, frozen=True, array_like=True, tag="c"):
    """A contract: its currency and payer, what it posted so far, and how many changes it has seen."""

    position: int
    currency: str
    billing_account_id: str
    posted: Decimal
    changes: int


Entry = OrderEntry | SubscriptionEntry | ContractEntry


def order_key(event_type: EventType, order_id: str) -> str:
    """Where an order stands in the state. A cancellation is not a copy of its activation."""
    return f"o/{event_type.value}/{order_id}"


def subscription_key(number: str) -> str:
    """Where a subscription stands in the state, by its stable number (``SUB-...``)."""
    return f"s/{number}"


def contract_key(contract_id: str) -> str:
    """Where a contract stands in the state, by its anchor."""
    return f"c/{contract_id}"


@dataclass(frozen=True, slots=True)
class CustomerState:
    """Everything decided about one customer up to and including log position ``position``.

    ``stored`` is what the host had; ``changed`` is what was folded since and is yet to be stored.
    """

    customer_id: str
    position: int = NO_POSITION
    stored: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}))
    changed: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}))

    def _entry(self, key: str) -> Entry | None:
        return self.changed.get(key) or self.stored.get(key)

    def order(self, event_type: EventType, order_id: str) -> OrderEntry | None:
        """What was decided about an order, or None for one that was never seen (or only ignored)."""
        entry = self._entry(order_key(event_type, order_id))
        return entry if isinstance(entry, OrderEntry) else None

    def subscription(self, number: str) -> SubscriptionEntry | None:
        """A subscription by its number."""
        entry = self._entry(subscription_key(number))
        return entry if isinstance(entry, SubscriptionEntry) else None

    def contract(self, contract_id: str) -> ContractEntry | None:
        """A contract by its anchor."""
        entry = self._entry(contract_key(contract_id))
        return entry if isinstance(entry, ContractEntry) else None

    def with_changes(self, position: int, changes: Mapping[str, Entry]) -> CustomerState:
        """The state after the record at ``position``, which changed the entries in ``changes``."""
        return CustomerState(self.customer_id, position, self.stored, MappingProxyType({**self.changed, **changes}))

    def entries(self) -> Iterator[tuple[str, Entry]]:
        """Every entry with its key, for looking at; the order says nothing."""
        for key, entry in self.stored.items():
            if key not in self.changed:
                yield key, entry
        yield from self.changed.items()
