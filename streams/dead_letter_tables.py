"""Dead letters, for people and for other programs."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.text import Text

from schemas.command import CreateReturnAuthorization, CreateSalesOrder, UpsertCustomer
from schemas.outcome import DeadLetter, LetterState
from schemas.requests import DiscardRequested, RedriveRequested, RequestDeclined
from sinks.entry import Original
from streams.chain_tables import money
from streams.dead_letters import Story, Told

_HEADS = (LetterState.REFUSED, LetterState.WAITING)


def letter_text(story: Story, behind: int) -> Text:
    """One dead letter of a list. Identifiers stand whole, so that they can be copied."""
    newest = story.newest
    about = f"{what_it_is(story)} · customer {story.customer} · since {minute(story.since)}"
    text = Text.assemble((story.name, "bold"), " · ", (newest.state.lower(), "yellow"), f" · {about}\n  ")
    text.append(newest.command_id, "dim")
    text.append(f"\n  {newest.reason}")
    if story.advice and newest.state is not LetterState.PARKED:
        text.append(f"\n  → {story.advice}", "green")
    if behind:
        text.append(f"\n  {waiting_behind(behind)}")
    for request in story.asked:
        text.append(f"\n  {happened(request)}; no sink has answered yet")
    return text


def letter_as_dict(story: Story, behind: int) -> dict[str, Any]:
    """One dead letter, for other programs."""
    newest, command = story.newest, story.command
    origin = None if isinstance(command, str) else command.origin
    return {
        "commandId": newest.command_id,
        "externalId": newest.external_id or None,
        "state": newest.state.lower(),
        "since": story.since.isoformat(),
        "customer": story.customer,
        "order": origin.order_id if origin else None,
        "orderNumber": origin.order_number if origin else None,
        "what": what_it_is(story),
        "reason": newest.reason,
        "status": newest.status,
        "answer": newest.answer,
        "attempts": newest.attempts,
        "waitsFor": newest.waits_for,
        "advice": story.advice,
        "parkedBehind": behind,
        "asked": [
            {"requestId": each.request_id, "by": each.by, "why": each.why, "what": kind_of(each)}
            for each in story.asked
        ],
        "command": f"{newest.topic}[{newest.partition}]@{newest.offset}",
    }


def history_as_dicts(story: Story) -> list[dict[str, str | None]]:
    """What happened to a command and who did it, the oldest first."""
    return [
        {"at": at(each).isoformat(), "what": happened(each), "by": getattr(each, "by", None)} for each in story.told
    ]


def content_as_dict(story: Story, original: Original) -> dict[str, Any]:
    """The command itself: decoded, or as escaped bytes where it cannot be read. Decimals are texts."""
    told: dict[str, Any] = {}
    if isinstance(story.command, str):
        told["unreadable"] = story.command
    else:
        told["type"] = type(story.command).__name__
        told["content"] = json.loads(msgspec.json.encode(story.command))
    value = original.value or b""
    told["headers"] = {name: data.decode(errors="replace") for name, data in original.headers}
    told["key"] = original.key_text
    told["size"] = len(value)
    if isinstance(story.command, str):
        told["bytes"] = value.decode("ascii", "backslashreplace")
    return told


def ways_out(story: Story) -> list[str]:
    """The very commands that a person can give."""
    name = shlex.quote(story.newest.command_id)
    discard = f"nuestream deadletters discard {name} --why '...'"
    if not story.is_open:
        return []
    if story.newest.state not in _HEADS or isinstance(story.command, str):
        return [discard]
    return [f"nuestream deadletters redrive {name} --why '...'", discard]


def what_it_is(story: Story) -> str:
    """The kind of the command, with its order and amount."""
    match story.command:
        case CreateSalesOrder() | CreateReturnAuthorization() as document:
            kind = "sales order" if isinstance(document, CreateSalesOrder) else "return authorization"
            try:
                total = money(document.total, document.currency)
            except ValueError:
                total = str(document.total)
            return f"{kind} for {document.origin.order_number}, {total} {document.currency}"
        case str():
            return "unreadable"
        case upsert:
            kind = "customer" if isinstance(upsert, UpsertCustomer) else "item"
            return f"{kind} {upsert.name}, as of {upsert.origin.order_number}"


def waiting_behind(behind: int) -> str:
    """How many commands wait for this one."""
    return (
        f"{behind} document{'' if behind == 1 else 's'} of this customer {'is' if behind == 1 else 'are'} parked behind"
    )


def happened(told: Told) -> str:
    """One thing that was told, in words."""
    match told:
        case DeadLetter():
            status = f" (HTTP {told.status})" if told.status else ""
            who = f"; asked for by {told.by}: {told.why}" if told.by else ""
            return f"{told.state.lower()}: {told.reason}{status}{who}"
        case RedriveRequested() | DiscardRequested():
            return f"{kind_of(told)} asked for by {told.by}: {told.why}"
        case RequestDeclined():
            return f"declined: {told.reason}"


def kind_of(request: RedriveRequested | DiscardRequested) -> str:
    """What a person asks for."""
    return "redrive" if isinstance(request, RedriveRequested) else "discard"


def at(told: Told) -> datetime:
    """When it was told."""
    match told:
        case DeadLetter():
            return told.recorded_at
        case RedriveRequested() | DiscardRequested():
            return told.requested_at
        case RequestDeclined():
            return told.declined_at


def minute(instant: datetime) -> str:
    """An instant for people, in UTC."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")
