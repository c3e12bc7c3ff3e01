"""Repair: the commands that were never posted are put on their topic again, byte by byte. Nothing else is changed."""

from __future__ import annotations

from collections.abc import Sequence

import click
from confluent_kafka import Message

from schemas.command import UpsertCustomer, UpsertItem
from streams.errors import NuestreamError
from streams.header_names import headers_in
from streams.reading import TopicReader
from streams.reconcile.findings import Kind, Report
from streams.reconcile.tables import RECORDS, counted, money
from streams.reconcile.telling import record_of, signed
from streams.reconcile.workbook import Sought
from streams.sending import Sender
from streams.settings import Settings


def repair(settings: Settings, report: Report, missing: Sequence[Sought], yes: bool) -> int:
    """Show the ``missing`` commands, ask unless ``yes``, and put them on their topic again; returns how many.

    Raises:
        KafkaUnavailable: the brokers do not answer, or refuse.
        NuestreamError: a command is not where it stood.
    """
    deleted = sum(1 for each in report.discrepancies if each.kind is Kind.DELETED)
    if deleted:
        click.echo(
            f"{counted(deleted, 'record')} that NetSuite took and has no more: left alone; only `nuestream rebuild` "
            "makes such records again",
            err=True,
        )
    if not missing:
        click.echo("no command is missing: there is nothing to put on the topic again", err=True)
        return 0
    for each in missing:
        click.echo(_told(each), err=True)
    question = f"Put {counted(len(missing), 'command')} on {settings.topics.commands} again?"
    if not yes and not click.confirm(question, err=True):
        return 0
    _send(settings, missing)
    click.echo(
        f"{counted(len(missing), 'command')} put on {settings.topics.commands} again; `nuestream apply` posts "
        f"{'it' if len(missing) == 1 else 'them'}",
        err=True,
    )
    return len(missing)


def _told(each: Sought) -> str:
    command, over = each.command, ""
    if not isinstance(command, UpsertCustomer | UpsertItem):
        over = f", {money(signed(command), command.currency)} {command.currency}"
    what = f"{RECORDS[record_of(command)]} of order {command.origin.order_number}{over}"
    return f"{command.external_id}: {what}, never posted (partition {each.partition}, offset {each.place})"


def _send(settings: Settings, missing: Sequence[Sought]) -> None:
    """Customers and items first, which documents wait for; documents in the order in which they stood."""
    sender = Sender(settings.kafka)
    upserts = [each for each in missing if isinstance(each.command, UpsertCustomer | UpsertItem)]
    documents = [each for each in missing if not isinstance(each.command, UpsertCustomer | UpsertItem)]
    with TopicReader(settings.kafka, settings.groups.apply) as reader:
        for part in (upserts, documents):
            for each in part:
                original = _original(settings, reader, each)
                headers = [(name, data or b"") for name, data in headers_in(original)]
                key = original.key() or b""
                sender.send(settings.topics.commands, key, original.value(), headers, each.partition)
            sender.flush()


def _original(settings: Settings, reader: TopicReader, each: Sought) -> Message:
    topic = settings.topics.commands
    for message in reader.records(topic, {each.partition: (each.place, each.place + 1)}):
        return message
    raise NuestreamError(f"{topic}[{each.partition}]@{each.place}, which asks for {each.command.external_id}, is gone")
