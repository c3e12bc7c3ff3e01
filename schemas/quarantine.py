"""Quarantine: what is held back from NetSuite, with the reason, its bytes and its place in the log."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

MOST_BYTES: Final = 6 * 1024 * 1024
"""How many bytes of a record are kept: a topic takes compressed what is many times larger than any record may be."""


class Reason(Struct, frozen=True, kw_only=True):
    """Why something is held back: a stable ``code`` for tools and a sentence for people."""

    code: str
    detail: str


class Quarantined(Struct, frozen=True, kw_only=True):
    """A record of the log that made no document. ``key`` and ``value`` are its bytes as they were.

    ``event_id``, ``order_id`` and ``customer_id`` are null where the record could not be read. Bytes beyond
    :data:`MOST_BYTES` are left out; a reason ``too_large`` then says which, and they stay in the log.
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


def fitted(held: Quarantined) -> Quarantined:
    """``held`` without those of its bytes that would make it larger than a topic takes, and with a reason more then."""
    room, omitted = MOST_BYTES, []
    kept: dict[str, bytes | None] = {}
    for part, data in (("key", held.key), ("value", held.value)):
        # the key is written twice: it is the key of what is written, too
        size = len(data or b"") * (2 if part == "key" else 1)
        if data is None or size <= room:
            kept[part], room = data, room - size
        else:
            kept[part] = None
            omitted.append(f"the {part} of {len(data)} bytes (SHA-256 {hashlib.sha256(data).hexdigest()})")
    headers = {}
    for name, data in held.headers.items():
        size = len(name.encode()) + len(data) + 20
        if size <= room:
            headers[name], room = data, room - size
    if len(headers) < len(held.headers):
        omitted.append(f"{len(held.headers) - len(headers)} headers")
    if not omitted:
        return held
    detail = f"{' and '.join(omitted)} left out here, being too large to be written again; they stand in the log"
    reason = Reason(code="too_large", detail=detail)
    return replace(held, key=kept["key"], value=kept["value"], headers=headers, reasons=(*held.reasons, reason))
