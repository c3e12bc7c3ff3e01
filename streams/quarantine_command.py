"""`nuestream held` and `nuestream quarantine list|show`: what waits, and all about one of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from schemas.quarantine import Quarantined
from streams.chain_tables import show
from streams.console import results
from streams.errors import NuestreamError
from streams.held_back import Waiting
from streams.quarantine_reading import Enquiry, Original, everything_held_back, original_at
from streams.quarantine_tables import (
    held_text,
    history_as_dicts,
    history_of,
    original_as_dict,
    quarantined_text,
    unreadable_as_dict,
    unreadable_text,
    waiting_as_dict,
    ways_out,
)
from streams.reading import TopicReader
from streams.settings import Settings

DONE, REFUSED = 0, 1


class NotOne(NuestreamError):
    """A name that nothing, or more than one thing, is called by; the text says what to ask for instead."""


def run_held(settings: Settings, as_json: bool) -> int:
    """Print the orders that wait for others; returns 0."""
    held = [each for each in everything_held_back(settings).open() if each.is_held]
    if as_json:
        _print_json([waiting_as_dict(each) for each in held])
        return DONE
    for each in held:
        show(results, held_text(each, datetime.now(UTC)))
    if not held:
        click.echo("no order is held")
    return DONE


def run_list(settings: Settings, as_json: bool, customer: str | None) -> int:
    """Print what is quarantined and not settled; returns 0. ``customer`` restricts it to one customer's."""
    found = everything_held_back(settings)
    wanted = [each for each in found.open() if not each.is_held and customer in (None, each.newest.customer_id)]
    unreadable = [each for each in found.unreadable.values() if customer in (None, each.customer_id)]
    if as_json:
        orders = [waiting_as_dict(each) for each in wanted]
        _print_json({"orders": orders, "unreadable": [unreadable_as_dict(each) for each in unreadable]})
        return DONE
    for each in wanted:
        show(results, quarantined_text(each))
    if not wanted:
        click.echo("no order is quarantined")
    if unreadable:
        show(results, Text("\nRecords that are no orders: nobody can release them; publish what they meant", "bold"))
    for record in unreadable:
        show(results, unreadable_text(record))
    return DONE


def run_show(settings: Settings, name: str, as_json: bool, raw: Path | None) -> int:
    """Print all about what is called ``name``; returns 0, or 1 where nothing is. ``raw`` gets the record's bytes."""
    with TopicReader(settings.kafka) as reader:
        enquiry = Enquiry(settings, reader, name)
        if not enquiry.found and enquiry.unreadable:
            record = enquiry.unreadable[0]
            original = original_at(settings, reader, record.topic, record.partition, record.offset)
            told = {"state": "unreadable", **unreadable_as_dict(record), "original": original_as_dict(original)}
            value = record.value
        else:
            try:
                waiting = the_one(enquiry, name)
            except NotOne as error:
                click.echo(f"nuestream: {error}", err=True)
                return REFUSED
            enquiry.read_decisions()
            original = enquiry.original(waiting)
            told = _all_about(enquiry, waiting, original, name)
            value = _value(waiting, original)
    if raw is not None:
        _write(raw, value)
    if as_json:
        _print_json(told)
    else:
        _print(told)
    return DONE


def the_one(enquiry: Enquiry, name: str) -> Waiting:
    """The one order that is called ``name``.

    Raises:
        NotOne: none is, or several are.
    """
    found = enquiry.found
    if len(found) > 1:
        events = ", ".join(each.event_id for each in found)
        raise NotOne(f"{len(found)} records are called {name}; name one by its event id: {events}")
    if not found and enquiry.unreadable:
        raise NotOne(f"{name} is a record that is no order: nobody can decide about it; publish what it meant")
    if not found:
        raise NotOne(f"no order called {name} is or was held or quarantined")
    return found[0]


def _all_about(enquiry: Enquiry, waiting: Waiting, original: Original | None, name: str) -> dict[str, Any]:
    decided = enquiry.facts.decided.get(waiting.event_id)
    return {
        **waiting_as_dict(waiting),
        "history": history_as_dicts(waiting),
        "nobodyCanWaive": list(waiting.for_good),
        "waysOut": ways_out(waiting, name),
        "documents": [document.external_id for document in decided.documents] if decided else [],
        "original": original_as_dict(original),
        "_history": history_of(waiting),
    }


def _value(waiting: Waiting, original: Original | None) -> bytes | None:
    since = waiting.since
    if isinstance(since, Quarantined):
        return since.value
    return original.record.value if original is not None else None


def _write(path: Path, value: bytes | None) -> None:
    try:
        path.write_bytes(value or b"")
    except OSError as error:
        raise NuestreamError(f"{path}: cannot be written: {error.strerror}") from None


def _print_json(told: Any) -> None:
    shown = {key: value for key, value in told.items() if key != "_history"} if isinstance(told, dict) else told
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False))


def _print(told: dict[str, Any]) -> None:
    name = told.get("orderNumber") or told["record"]
    show(
        results, Text.assemble((str(name), "bold"), " · ", (told["state"], "yellow"), f" · customer {told['customer']}")
    )
    for label, key in (
        ("event", "eventId"),
        ("order", "order"),
        ("quarantine id", "quarantineId"),
        ("record", "record"),
    ):
        if told.get(key):
            show(results, Text(f"{label}: {told[key]}", "dim"))
    for reason in told.get("reasons", ()):
        show(results, Text(f"{reason['code']}: {reason['detail']}"))
    if told.get("_history"):
        show(results, Text("\nWhat happened", "bold"))
        for when, what in told["_history"]:
            show(results, Text(f"{when}  {what}"))
    if told.get("documents"):
        show(results, Text(f"Documents: {', '.join(told['documents'])}"))
    if told.get("waysOut"):
        show(results, Text("\nWhat can be done", "bold"))
        for line in told["waysOut"]:
            click.echo(line)
    show(results, Text("\nThe record", "bold"))
    click.echo(json.dumps(told["original"], indent=2, ensure_ascii=False))
