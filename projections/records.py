"""A record of the log, and what follows from it: what the projection takes and gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Protocol

from projections.state import CustomerState
from schemas.acts import Act
from schemas.command import Document, Upsert
from schemas.contract import ContractEvent
from schemas.holding import Holding
from schemas.opening import Opening
from schemas.order import OrderEvent
from schemas.quarantine import Quarantined

Content = OrderEvent | Act | Opening


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record of the log as it was read: its place, its own timestamp (UTC) and its bytes."""

    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What follows from one record. ``upserts`` go out before ``documents``, which need them.

    ``decisions`` are what was decided, and ``told`` writes the contract events: written out when they are asked for.
    """

    state: CustomerState
    decisions: tuple[Decided, ...] = ()
    told: tuple[Callable[[], Iterable[ContractEvent]], ...] = field(default=(), compare=False)
    quarantined: tuple[Quarantined, ...] = ()
    holdings: tuple[Holding, ...] = ()

    @property
    def upserts(self) -> tuple[Upsert, ...]:
        """The customers and items of all decisions."""
        return tuple(upsert for decision in self.decisions for upsert in decision.upserts)

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents of all decisions."""
        return tuple(document for decision in self.decisions for document in decision.documents)

    @cached_property
    def contract_events(self) -> tuple[ContractEvent, ...]:
        """What was decided and what that changed, in order."""
        return tuple(event for tell in self.told for event in tell())


class Decided(Protocol):
    """A decision, as far as its outputs go."""

    @property
    def upserts(self) -> tuple[Upsert, ...]:
        """The customers and items of a decision."""

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents of a decision."""


def customer_of(content: Content) -> str:
    """The customer whom a record is about, which is its key."""
    return content.order.customer_id if isinstance(content, OrderEvent) else content.customer_id
