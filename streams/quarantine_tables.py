"""What waits, for people and for other programs."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from rich.text import Text

from projections.decide import told_missing
from schemas.holding import Held, Missing, ReleaseRequested, Settled
from schemas.quarantine import Quarantined
from streams.chains import outcome_name
from streams.held_back import NOT_KEPT, Told, Waiting, told_reasons
from streams.quarantine_reading import Original


def held_text(waiting: Waiting, now: datetime) -> Text:
    """An order that waits for others. Identifiers stand on lines of their own, whole, so that they can be copied."""
    held = waiting.since
    if not isinstance(held, Held):
        return Text()
    since = f"since {_minute(held.held_at)} ({_long(now - held.held_at)})"
    below = [f"waits for {told_missing(each)}" for each in held.waits_for]
    return _block(held.order_number, f"customer {held.customer_id} · {since}", waiting.event_id, below)


def quarantined_text(waiting: Waiting) -> Text:
    """An order that waits for a person."""
    newest, asked = waiting.since, waiting.request
    if not isinstance(newest, Quarantined):
        return Text()
    below = [f"{reason.code}: {reason.detail}" for reason in newest.reasons]
    if asked is not None:
        below.append(f"release asked for by {asked.by} on {_minute(asked.requested_at)}: {asked.why}")
    about = f"customer {newest.customer_id} · in the log since {_minute(newest.recorded_at)}"
    return _block(newest.order_number or "", about, waiting.event_id, below)


def unreadable_text(record: Quarantined) -> Text:
    """A record about which nobody can decide."""
    about = f"in the log since {_minute(record.recorded_at)}"
    return _block(place_of(record), about, record.quarantine_id, [told_reasons(record.reasons)])


def _block(name: str, about: str, identifier: str, below: list[str]) -> Text:
    text = Text.assemble((name, "bold"), f" · {about}\n  ", (identifier, "dim"))
    for line in below:
        text.append(f"\n  {line}")
    return text


def place_of(record: Quarantined | Held) -> str:
    """Where a record stands: ``topic[partition]@offset``."""
    return f"{record.topic}[{record.partition}]@{record.offset}"


def waiting_as_dict(waiting: Waiting) -> dict[str, Any]:
    """An order that waits or waited, for other programs."""
    newest, request = waiting.newest, waiting.request
    told: dict[str, Any] = {
        "eventId": waiting.event_id,
        "order": newest.order_id,
        "orderNumber": newest.order_number,
        "customer": newest.customer_id,
        "record": place_of(waiting.since),
    }
    match newest:
        case Held():
            told |= {"state": "held", "since": newest.held_at.isoformat()}
            told["waitsFor"] = [_missing_as_dict(each) for each in newest.waits_for]
        case Quarantined():
            told |= {"state": "quarantined", "recordedAt": newest.recorded_at.isoformat()}
            told |= {"quarantineId": newest.quarantine_id, "reasons": [msgspec.to_builtins(r) for r in newest.reasons]}
        case Settled():
            told |= {"state": outcome_name(newest.outcome), "since": newest.settled_at.isoformat()}
            told |= {"why": newest.why, "by": newest.by}
    if request is not None:
        told["releaseRequested"] = _request_as_dict(request)
    return told


def unreadable_as_dict(record: Quarantined) -> dict[str, Any]:
    """A record about which nobody can decide, for other programs."""
    return {
        "quarantineId": record.quarantine_id,
        "eventId": record.event_id,
        "customer": record.customer_id,
        "record": place_of(record),
        "recordedAt": record.recorded_at.isoformat(),
        "reasons": [msgspec.to_builtins(reason) for reason in record.reasons],
    }


def history_of(waiting: Waiting) -> list[tuple[str, str]]:
    """What was told about an order, as when and what."""
    return [(_minute(_at(each)), _happened(each)) for each in waiting.told]


def history_as_dicts(waiting: Waiting) -> list[dict[str, str]]:
    """The same for other programs."""
    return [{"at": _at(each).isoformat(), "what": _happened(each)} for each in waiting.told]


def original_as_dict(original: Original | None) -> dict[str, Any] | None:
    """The record that waits: its headers, and the order in it where it can be read. Decimals are texts."""
    if original is None:
        return None
    order = json.loads(msgspec.json.encode(original.event)) if original.event is not None else None
    headers = {name: value.decode(errors="replace") for name, value in original.record.headers.items()}
    return {
        "headers": headers,
        "key": (original.record.key or b"").decode(errors="replace"),
        "bytes": len(original.record.value or b""),
        "event": order,
    }


def ways_out(waiting: Waiting, name: str) -> list[str]:
    """What a person can do about an order that waits: the very commands, or why there is none."""
    if not waiting.is_open:
        return []
    if NOT_KEPT in waiting.codes:
        return ["It was too large to be kept, so it can be neither released nor discarded."]
    discard = f"nuestream quarantine discard {shlex.quote(name)} --why '...'"
    if waiting.for_good:
        return [f"Nobody can waive {', '.join(waiting.for_good)}: there is nothing that could be posted.", discard]
    waives = " ".join(f"--waive {code}" for code in codes_to_waive(waiting))
    return [f"nuestream quarantine release {shlex.quote(name)} --why '...' {waives}".rstrip(), discard]


def codes_to_waive(waiting: Waiting) -> tuple[str, ...]:
    """What a release waives where nobody says otherwise: what was asked for, else what speaks against the order."""
    if waiting.request is not None:
        return waiting.request.waives
    return tuple(code for code in waiting.codes if code != "more")


def _happened(told: Told) -> str:
    match told:
        case Held():
            return "held: waits for " + ", ".join(map(told_missing, told.waits_for))
        case Quarantined():
            return f"quarantined: {told_reasons(told.reasons)}"
        case ReleaseRequested():
            return f"release asked for by {told.by}, waiving {', '.join(told.waives) or 'nothing'}: {told.why}"
        case Settled():
            who = f" by {told.by}" if told.by is not None else ""
            return f"{outcome_name(told.outcome)}{who}: {told.why}"


def _at(told: Told) -> datetime:
    match told:
        case Held():
            return told.held_at
        case Quarantined():
            return told.recorded_at
        case ReleaseRequested():
            return told.requested_at
        case Settled():
            return told.settled_at


def _missing_as_dict(missing: Missing) -> dict[str, Any]:
    return {
        "subscription": missing.subscription_number,
        "firstVersion": missing.first_version,
        "lastVersion": missing.last_version,
        "order": missing.order_id,
    }


def _request_as_dict(request: ReleaseRequested) -> dict[str, Any]:
    return {
        "by": request.by,
        "at": request.requested_at.isoformat(),
        "why": request.why,
        "waives": list(request.waives),
    }


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")


def _long(waited: timedelta) -> str:
    minutes = max(int(waited.total_seconds()), 0) // 60
    hours, days = minutes // 60, minutes // 1440
    return f"{days} d {hours % 24} h" if days else f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
