"""`nuestream deadletters list|show`: what NetSuite does not hold, why, and all about one of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from schemas.outcome import LetterState
from sinks.entry import Original
from streams.chain_tables import show
from streams.console import results
from streams.dead_letter_tables import (
    at,
    content_as_dict,
    happened,
    history_as_dicts,
    letter_as_dict,
    letter_text,
    minute,
    waiting_behind,
    ways_out,
    what_it_is,
)
from streams.dead_letters import DeadLetters, Story
from streams.errors import NuestreamError
from streams.reading import TopicReader
from streams.settings import Settings

DONE, REFUSED = 0, 1
HEADS = (LetterState.REFUSED, LetterState.WAITING)


class NotOne(NuestreamError):
    """A name that nothing, or more than one thing, is called by; the text says what to ask for instead."""


def run_list(
    settings: Settings, as_json: bool, customer: str | None, states: tuple[str, ...], reason: str | None
) -> int:
    """Print the dead letters that pass all filters; returns 0. Without ``states`` those that need a person."""
    wanted_states = {LetterState(state.upper()) for state in states} or set(HEADS)
    with TopicReader(settings.kafka) as reader:
        found = DeadLetters(settings, reader, ended=not all(state.is_open for state in wanted_states))
    wanted = [
        story
        for story in sorted(found.stories.values(), key=lambda story: story.since)
        if story.newest.state in wanted_states
        and customer in (None, story.customer, story.newest.lane)
        and says(story, reason or "")
    ]
    behind = found.behind()
    if as_json:
        told = [letter_as_dict(story, behind.get(story.newest.command_id, 0)) for story in wanted]
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return DONE
    for story in wanted:
        show(results, letter_text(story, behind.get(story.newest.command_id, 0)))
    if not wanted:
        click.echo("there is no such dead letter" if states or customer or reason else "there is no open dead letter")
    if not found.stories:
        _tell_others(settings, found)
    return DONE


def _tell_others(settings: Settings, found: DeadLetters) -> None:
    """Say that letters are there after all, which the settings do not mean."""
    for topic, count in found.others.items():
        click.echo(
            f"nuestream: {settings.topics.dead_letters} holds {count} records about commands of {topic}, and "
            f"topics.commands (NUESTREAM_TOPICS__COMMANDS) is {settings.topics.commands}",
            err=True,
        )


def run_show(settings: Settings, name: str, as_json: bool, raw: Path | None) -> int:
    """Print all about the command that is called ``name``; returns 0, or 1 where there is not exactly one.

    ``raw`` gets the command's bytes.
    """
    with TopicReader(settings.kafka) as reader:
        found = DeadLetters(settings, reader)
        try:
            story = the_one(found, name)
        except NotOne as error:
            click.echo(f"nuestream: {error}", err=True)
            return REFUSED
        original = found.original(story)
    behind = found.behind().get(story.newest.command_id, 0)
    if raw is not None:
        _write(raw, original)
    if as_json:
        told = letter_as_dict(story, behind) | {
            "history": history_as_dicts(story),
            "waysOut": ways_out(story),
            "original": content_as_dict(story, original),
        }
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _print(story, behind, content_as_dict(story, original))
    return DONE


def the_one(found: DeadLetters, name: str) -> Story:
    """The one command that is called ``name``.

    Raises:
        NotOne: none is, or several are.
    """
    called = found.called(name)
    if len(called) > 1:
        ids = ", ".join(story.newest.command_id for story in called)
        raise NotOne(f"{len(called)} dead letters are called {name}; name one by its command id: {ids}")
    if not called:
        raise NotOne(f"no command called {name or repr(name)} is or was a dead letter (`nuestream deadletters list`)")
    return called[0]


def says(story: Story, text: str) -> bool:
    """Whether the reason or NetSuite's answer contains ``text``, whatever its case."""
    return text.casefold() in f"{story.newest.reason}\n{story.newest.answer or ''}".casefold()


def _write(path: Path, original: Original) -> None:
    try:
        path.write_bytes(original.value or b"")
    except OSError as error:
        raise NuestreamError(f"{path}: cannot be written: {error.strerror}") from None


def _print(story: Story, behind: int, content: dict[str, Any]) -> None:
    newest = story.newest
    show(
        results, Text.assemble((story.name, "bold"), " · ", (newest.state.lower(), "yellow"), f" · {what_it_is(story)}")
    )
    place = f"{newest.topic}[{newest.partition}]@{newest.offset}"
    for label, value in (
        ("command", newest.command_id),
        ("customer", story.customer),
        ("since", minute(story.since)),
        ("record", place),
        ("sent", f"{newest.attempts} times" if newest.attempts else None),
    ):
        if value:
            show(results, Text(f"{label}: {value}", "dim"))
    show(results, Text(newest.reason))
    if newest.answer and newest.answer not in newest.reason:
        show(results, Text(f"NetSuite's answer: {newest.answer}"))
    if story.advice:
        show(results, Text(f"→ {story.advice}", "green"))
    if behind:
        show(results, Text(waiting_behind(behind)))
    show(results, Text("\nWhat happened", "bold"))
    for each in story.told:
        show(results, Text(f"{minute(at(each))}  {happened(each)}"))
    if commands := ways_out(story):
        show(results, Text("\nWhat can be done", "bold"))
        for line in commands:
            click.echo(line)
    show(results, Text("\nThe command", "bold"))
    click.echo(json.dumps(content, indent=2, ensure_ascii=False))
