"""What waits, for people and for other programs."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from rich.table import Table
from rich.text import Text

from schemas.holding import Held, Missing, ReleaseRequested, Settled
from schemas.quarantine import Quarantined
from streams.chain_tables import plain
from streams.chains import outcome_name
from streams.held_back import NOT_KEPT, Told, Waiting, told_missing, told_reasons
from streams.quarantine_reading import Original


def held_table(held: list[Waiting], now: datetime) -> Table:
    """The orders that wait for others."""
    made = plain(("order", "customer", "waits for", "since", "for"))
    for each in held:
        newest = each.newest
        if isinstance(newest, Held):
            waits = "\n".join(map(told_missing, newest.waits_for))
            order = Text.assemble(newest.order_number, "\n", (newest.event_id, "dim"))
            made.add_row(order, newest.customer_id, waits, _minute(newest.held_at), _long(now - newest.held_at))
    return made


def quarantined_table(quarantined: list[Waiting]) -> Table:
    """The orders that wait for a person."""
    made = plain(("order", "customer", "in the log since", "why"))
    for each in quarantined:
        newest = each.newest
        if isinstance(newest, Quarantined):
            why = Text(told_reasons(newest.reasons))
            if each.request is not None:
                asked = each.request
                why.append(f"\nrelease asked for by {asked.by} on {_minute(asked.requested_at)}", style="yellow")
            order = Text.assemble(newest.order_number or "", "\n", (each.event_id, "dim"))
            made.add_row(order, newest.customer_id, _minute(newest.recorded_at), why)
    return made


def unreadable_table(records: list[Quarantined]) -> Table:
    """Records about which nobody can decide."""
    made = plain(("record", "in the log since", "why"))
    for each in records:
        place = Text.assemble(place_of(each), "\n", (each.quarantine_id, "dim"))
        made.add_row(place, _minute(each.recorded_at), told_reasons(each.reasons))
    return made


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
