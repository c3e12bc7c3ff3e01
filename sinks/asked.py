"""What people ask for about dead letters: which of it is carried out, and in which words the rest is declined. Pure."""

from __future__ import annotations

from schemas.requests import DiscardRequested, RedriveRequested, Request
from sinks.entry import Entry, Kind, Lane, Stage
from sinks.knowledge import Knowledge
from sinks.share import Share


def file(request: Request, share: Share, knowledge: Knowledge) -> Entry | str:
    """Note a request with the command that it is about and return that, or the words that decline it."""
    entry = share.open.get(request.command_id)
    if entry is None:
        return _why_nothing_is_open(request, share, knowledge)
    for other in (entry.request, *entry.asked):
        if other is None:
            continue
        if other.request_id == request.request_id:
            return entry
        if isinstance(other, DiscardRequested):
            return f"{other.by} has asked for its discard, which is being carried out"
        if isinstance(request, RedriveRequested):
            return f"{other.by} has asked for its redrive, which is being carried out"
    entry.asked += (request,)
    if entry not in entry.lane.asked:
        entry.lane.asked.append(entry)
    return entry


def to_begin(lane: Lane) -> list[Entry]:
    """The commands of a lane of which a request can be begun now."""
    return [
        entry
        for entry in lane.asked
        if entry.stage in (Stage.IDLE, Stage.READY) and entry.letter is not None and entry.request is None
    ]


def begin(entry: Entry) -> str | None:
    """Make the first request the one that is carried out; the words that decline it, where it cannot be."""
    request = _pop(entry)
    if isinstance(request, RedriveRequested):
        if entry.subject.kind is Kind.UNREADABLE:
            return "it cannot be read, so it cannot be sent; a version that reads it can, after a restart"
        front = entry.lane.entries[0] if entry.lane.entries else entry
        if entry.lane.kind is Kind.DOCUMENT and front is not entry:
            return f"it is parked behind {front.subject.name}: redrive that, and it follows by itself"
    entry.request = request
    return None


def too_late(entry: Entry, ended: str) -> list[tuple[Request, str]]:
    """The requests that are left when a command has ``ended``, and the words that decline them."""
    left = []
    while entry.asked:
        left.append((_pop(entry), f"it came too late: {ended}"))
    return left


def _pop(entry: Entry) -> Request:
    request, *later = entry.asked
    entry.asked = tuple(later)
    if not later:
        entry.lane.asked.remove(entry)
    return request


def _why_nothing_is_open(request: Request, share: Share, knowledge: Knowledge) -> str:
    if request.command_id in share.discarded:
        return "it was discarded before, which is final"
    held = knowledge.newest(request.external_id)
    if held is not None and held.command_id == request.command_id:
        return f"NetSuite holds it already ({held.record_type} {held.internal_id})"
    return "it has no open dead letter"
