"""Quarantine: what is held back from NetSuite, with the reason, its bytes and its place in the log."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class Reason(Struct, frozen=True, kw_only=True):
    """Why something is held back: a stable ``code`` for tools and a sentence for people."""

    code: str
    detail: str


class Quarantined(Struct, frozen=True, kw_only=True):
    """A record of the log that made no document. ``key`` and ``value`` are its bytes as they were.

    ``event_id``, ``order_id`` and ``customer_id`` are null where the record could not be read.
    ``recorded_at`` is the record's own timestamp.
    """

    quarantine_id: str
    reasons: tuple[Reason, ...]
    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes] = {}
    event_id: str | None = None
    order_id: str | None = None
    order_number: str | None = None
    customer_id: str | None = None
