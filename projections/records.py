"""A record of the log, and what follows from it: what the projection takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from one record. ``upserts`` go out before ``documents``, which need them."""

    state: CustomerState
    upserts: tuple[Upsert, ...] = ()
    documents: tuple[Document, ...] = ()
    contract_events: tuple[ContractEvent, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    holdings: tuple[Holding, ...] = ()


def customer_of(content: Content) -> str:
    """The customer whom a record is about, which is its key."""
    return content.order.customer_id if isinstance(content, OrderEvent) else content.customer_id
