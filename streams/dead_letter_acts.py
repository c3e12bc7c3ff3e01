"""`nuestream deadletters redrive|discard`: what a person asks for, and the answer to it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

import click
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from schemas.codec import Encoder
from schemas.headers import headers_of
from schemas.outcome import DeadLetter, LetterState
from schemas.requests import DiscardRequested, RedriveRequested, Request, RequestDeclined
from streams.console import progress_bar
from streams.dead_letter_command import DONE, HEADS, REFUSED, NotOne, says, the_one
from streams.dead_letter_tables import kind_of, waiting_behind, what_it_is
from streams.dead_letters import DeadLetters, Story
from streams.faults import Faults
from streams.kafka import librdkafka_config, registry_of
from streams.quarantine_acts import user
from streams.reading import TopicReader
from streams.sending import Sender
from streams.settings import Settings

_TICK = 0.5
# A sink that has just been started is not in its group at once.
_STARTS_WITHIN = 10.0
_ANSWER_TIMEOUT = 10.0


def run_request(
    settings: Settings,
    kind: type[Request],
    names: tuple[str, ...],
    all_of_reason: str | None,
    why: str,
    by: str | None,
    yes: bool,
    timeout: float,
) -> int:
    """Ask for ``kind`` about commands by name, or all whose reason contains a text; wait for the sink's answers.

    Returns 0, or 1 where one is refused, declined or not confirmed, or refused by NetSuite again.
    """
    with TopicReader(settings.kafka) as reader:
        found = DeadLetters(settings, reader)
        try:
            stories = _wanted(found, kind, names, all_of_reason)
        except NotOne as error:
            click.echo(f"nuestream: {error}", err=True)
            return REFUSED
        _introduce(found, stories)
        if not yes and not click.confirm(_question(kind, len(stories)), err=True):
            return REFUSED
        person, now = by or user(), datetime.now(UTC)
        requests = {
            story.newest.command_id: kind(
                request_id=str(uuid.uuid4()),
                command_id=story.newest.command_id,
                external_id=story.newest.external_id,
                lane=story.newest.lane,
                by=person,
                why=why,
                requested_at=now,
            )
            for story in stories
        }
        _send(settings, [(story.newest.partition, requests[story.newest.command_id]) for story in stories])
        return _wait(settings, found, list(requests.values()), {story.newest.partition for story in stories}, timeout)


def sinks_at_work(settings: Settings) -> int | None:
    """How many sinks share the commands; None where Kafka does not say."""
    group = settings.groups.apply
    admin = Faults(settings.kafka).client(AdminClient, librdkafka_config(settings.kafka))
    try:
        asked = admin.describe_consumer_groups([group], request_timeout=_ANSWER_TIMEOUT)
        return len(asked[group].result(_ANSWER_TIMEOUT).members)
    except KafkaException as error:
        return 0 if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND else None
    except TimeoutError:
        return None


def _wanted(found: DeadLetters, kind: type[Request], names: Iterable[str], all_of_reason: str | None) -> list[Story]:
    stories = [_open_one(found, name, kind) for name in names]
    if all_of_reason is not None:
        stories += [
            story
            for story in found.stories.values()
            if story.newest.state in HEADS
            and says(story, all_of_reason)
            and not story.asked
            and not (kind is RedriveRequested and isinstance(story.command, str))
        ]
    if not stories:
        raise NotOne(f"no dead letter that needs a person says {all_of_reason!r}, or all of them were asked about")
    return list({story.newest.command_id: story for story in stories}.values())


def _open_one(found: DeadLetters, name: str, kind: type[Request]) -> Story:
    """The open dead letter of that name, if the sink could do what is asked for.

    Raises:
        NotOne: there is none, or more than one, or the sink would decline.
    """
    story = the_one(found, name)
    newest = story.newest
    if not story.is_open:
        ended = "discarded" if newest.state is LetterState.DISCARDED else "closed"
        who = f" by {newest.by}: {newest.why}" if newest.by else ""
        raise NotOne(f"{name} has no open dead letter: it was {ended}{who} ({newest.reason})")
    if kind is RedriveRequested and newest.state is LetterState.PARKED:
        raise NotOne(f"{name} is parked: redrive {newest.waits_for} or what is before that, and it follows by itself")
    if kind is RedriveRequested and isinstance(story.command, str):
        raise NotOne(f"{name} cannot be sent: {story.command}")
    for request in story.asked:
        if isinstance(request, DiscardRequested | kind):
            raise NotOne(f"{request.by} has asked for its {kind_of(request)} already, and no sink has answered yet")
    return story


def _introduce(found: DeadLetters, stories: list[Story]) -> None:
    behind = found.behind()
    for story in stories:
        click.echo(f"{story.name}: {what_it_is(story)}, {story.newest.state.lower()}: {story.newest.reason}", err=True)
        if count := behind.get(story.newest.command_id):
            click.echo(f"  {waiting_behind(count)}", err=True)


def _question(kind: type[Request], count: int) -> str:
    these = "it" if count == 1 else f"these {count}"
    if kind is RedriveRequested:
        return f"Send {these} again? What is parked behind follows."
    return f"Discard {these}? This is final: never sent, also when the command is written again."


def _send(settings: Settings, requests: list[tuple[int, Request]]) -> None:
    encoder, sender = Encoder(registry_of(settings.registry)), Sender(settings.kafka)
    topic = settings.topics.dead_letters
    for partition, request in requests:
        value = encoder.encode(topic, request)
        sender.send(topic, request.lane.encode(), value, headers_of(request), partition)
    sender.flush()


def _wait(settings: Settings, found: DeadLetters, requests: list[Request], partitions: set[int], timeout: float) -> int:
    """Tell every answer as it comes, until all are there, no sink comes, or ``timeout`` seconds are over."""
    click.echo(f"waiting up to {timeout:.0f} s for the sink", err=True)
    began, left, status = time.monotonic(), {each.request_id: each for each in requests}, DONE
    with progress_bar() as bar:
        task = bar.add_task("answered", total=len(requests), rate="")
        while True:
            found.read_on(partitions)
            for request_id in [each for each in left if each in found.answers]:
                status = max(status, _tell(left.pop(request_id), found.answers[request_id]))
                bar.advance(task)
            waited = time.monotonic() - began
            if not left or waited > timeout:
                break
            if waited > _STARTS_WITHIN and sinks_at_work(settings) == 0:
                break
            time.sleep(_TICK)
    if left:
        _tell_unanswered(settings, list(left.values()), waited)
    return status


def _tell_unanswered(settings: Settings, requests: list[Request], waited: float) -> None:
    for request in requests:
        click.echo(f"{request.external_id or request.command_id}: no answer within {waited:.0f} s")
    if sinks_at_work(settings) == 0:
        click.echo(
            f"No sink runs: nobody is in the group {settings.groups.apply}. What you asked for is on "
            f"{settings.topics.dead_letters} and is carried out when `nuestream apply` starts."
        )
        return
    click.echo(
        "What you asked for is written and will be carried out. Where a sink has taken over a short while ago, it "
        f"first lets {settings.netsuite.request_limit:.0f} s pass, in which what was sent may still take effect; "
        "`nuestream deadletters show` tells the answer."
    )


def _tell(request: Request, answer: DeadLetter | RequestDeclined) -> int:
    name = request.external_id or request.command_id
    if isinstance(answer, RequestDeclined):
        click.echo(f"{name}: declined: {answer.reason}")
        return REFUSED
    wanted = LetterState.CLOSED if isinstance(request, RedriveRequested) else LetterState.DISCARDED
    if answer.state is wanted:
        click.echo(f"{name}: {answer.reason}")
        return DONE
    still = "" if answer.state is LetterState.CLOSED else f"{answer.state.lower()} again: "
    click.echo(f"{name}: {still}{answer.reason}")
    return REFUSED
