"""What waits, and how its waiting ended: beside :class:`~schemas.quarantine.Quarantined`, on the quarantine topic.

Read to its end, that topic alone says what is held back now, for what, and since when.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.contract import OrderOutcome


class Missing(Struct, frozen=True, kw_only=True):
    """What an order waits for: versions of a subscription, both ends included, or the decision on another order."""

    subscription_number: str | None = None
    first_version: int | None = None
    last_version: int | None = None
    order_id: str | None = None


class Held(Struct, frozen=True, kw_only=True):
    """An order that waits, whole, for orders before it. ``held_at`` is when that was known."""

    hold_id: str
    event_id: str
    order_id: str
    order_number: str
    customer_id: str
    waits_for: tuple[Missing, ...]
    topic: str
    partition: int
    offset: int
    held_at: datetime


class ReleaseRequested(Struct, frozen=True, kw_only=True):
    """One of the two people whom the policy asks for has released an order; another must."""

    request_id: str
    event_id: str
    customer_id: str
    waives: tuple[str, ...]
    by: str
    why: str
    requested_at: datetime


class Settled(Struct, frozen=True, kw_only=True):
    """An order that was held or quarantined is so no longer.

    ``by`` is who released or discarded it, null where what it waited for arrived. ``settled_at`` is when that was
    known.
    """

    settlement_id: str
    event_id: str
    order_id: str
    order_number: str
    customer_id: str
    outcome: OrderOutcome
    why: str
    settled_at: datetime
    by: str | None = None


Holding = Held | ReleaseRequested | Settled
