"""What people and workers say about orders that are held back: records of the log, so that a replay decides alike.

Each names, by ``about``, the event that it concerns, and acts only while that event is held or quarantined. All
are keyed by the customer id, like the orders.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.bounds import Name


class Released(Struct, frozen=True, kw_only=True):
    """A person lets a quarantined or held order through.

    The order is decided anew at this position. ``waives`` names the reason codes that no longer count; any other
    reason quarantines it again. Where the policy says ``release_by_two``, the first one is a request, and acts only
    once a second person has released the same order.
    """

    event_id: Name
    about: Name
    customer_id: Name
    by: Name
    at: datetime
    why: str
    waives: tuple[str, ...] = ()


class Discarded(Struct, frozen=True, kw_only=True):
    """A person decides that a quarantined or held order posts nothing.

    It is still folded, so that the versions after it find their place; a conflicting copy is not.
    """

    event_id: Name
    about: Name
    customer_id: Name
    by: Name
    at: datetime
    why: str


class GapExpired(Struct, frozen=True, kw_only=True):
    """A worker waited ``waited_seconds`` for what a held order needs; from here on the order is quarantined."""

    event_id: Name
    about: Name
    customer_id: Name
    by: Name
    at: datetime
    waited_seconds: int


Act = Released | Discarded | GapExpired
