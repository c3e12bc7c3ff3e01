"""`nuestream adopt check`: what would be made a second time, and adoptions that cannot be carried out."""

from __future__ import annotations

import asyncio
import csv
import json
import math
import random
import sys
import time

import click
import msgspec
from msgspec import Struct

from schemas.command import Upsert, UpsertCustomer, UpsertItem
from sinks.attempts import Attempts, Health, Pace
from sinks.client import NetSuiteClient
from sinks.login import Login
from sinks.prior import called, with_ids
from sinks.verdict import Unauthorized
from streams.adoption import COLUMNS, PREFIXES, Adoption, read_adoptions
from streams.console import progress_bar, results, table
from streams.errors import NuestreamError
from streams.fact_reading import FactReader
from streams.netsuite_login import client_of
from streams.reading import TopicReader
from streams.settings import NetSuiteSettings, Settings

GOOD, BAD = 0, 1
PATIENCE = 60.0


class Collision(Struct, frozen=True, rename="camel"):
    """A command would make what NetSuite has: ``netsuite_external_id`` says who else knows that record."""

    record: str
    external_id: str
    name: str
    netsuite_id: str
    netsuite_name: str
    netsuite_external_id: str | None


class Flaw(Struct, frozen=True, rename="camel"):
    """Why a line of the adoption file cannot be carried out."""

    line: int
    problem: str


class Report(Struct, frozen=True, rename="camel"):
    """What is found. ``customers`` and ``items`` count those that commands name."""

    customers: int
    items: int
    collisions: list[Collision]
    adoptions: list[Flaw]


def run_check(settings: Settings, layout: str) -> int:
    """Print what is found, as ``table``, ``json`` or ``csv``; returns 0 where nothing is, else 1.

    Raises:
        NuestreamError: the file, Kafka or NetSuite cannot be read.
    """
    netsuite = settings.require_netsuite("adopt check")
    adoptions, mistakes = ([], []) if netsuite.adopt is None else read_adoptions(netsuite.adopt)
    upserts = newest_upserts(settings)
    report = asyncio.run(_report(netsuite, upserts, adoptions))
    report.adoptions[:0] = [Flaw(mistake.line, mistake.problem) for mistake in mistakes]
    if layout == "json":
        click.echo(json.dumps(msgspec.to_builtins(report), indent=2, ensure_ascii=False))
    elif layout == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((each.external_id, each.record, each.netsuite_id) for each in report.collisions)
    else:
        _print(report, netsuite)
    return BAD if report.collisions or report.adoptions else GOOD


def newest_upserts(settings: Settings) -> dict[str, Upsert]:
    """The newest version of every customer and item that commands name, by external id.

    Raises:
        KafkaUnavailable: the brokers do not answer, or refuse.
        RegistryUnavailable: the registry gives no answer about a schema.
    """
    newest: dict[str, Upsert] = {}

    def take(record: object) -> None:
        if not isinstance(record, UpsertCustomer | UpsertItem):
            return
        known = newest.get(record.external_id)
        if known is None or _version(known) < _version(record):
            newest[record.external_id] = record

    topic = settings.topics.commands
    with TopicReader(settings.kafka, settings.groups.apply) as reader, progress_bar() as bar:
        facts = FactReader(settings, reader, take)
        extents = facts.unread(topic)
        if not extents:
            raise NuestreamError(f"the topic {topic} is not there, or not ours to read: run `nuestream topics create`")
        total = sum(high - low for low, high in extents.values())
        task = bar.add_task(f"reading {topic}", total=total, rate=f"{total:,} records")
        facts.read(topic, extents, passed=lambda count: bar.advance(task, count))
    return newest


async def _report(netsuite: NetSuiteSettings, upserts: dict[str, Upsert], adoptions: list[Adoption]) -> Report:
    adopted = {adoption.external_id for adoption in adoptions}
    names = {
        "customer": {name: each.name for name, each in upserts.items() if isinstance(each, UpsertCustomer)},
        "item": {name: each.sku for name, each in upserts.items() if isinstance(each, UpsertItem)},
    }
    report = Report(len(names["customer"]), len(names["item"]), [], [])
    async with client_of(netsuite) as client:
        attempts = _attempts(client)
        try:
            for record, ours in names.items():
                others = {external_id: name for external_id, name in ours.items() if external_id not in adopted}
                report.collisions.extend(await _collisions(attempts, record, others))
                report.adoptions.extend(
                    await _flaws(attempts, record, [each for each in adoptions if each.record == record])
                )
        except Unauthorized as error:
            raise NuestreamError(str(error)) from None
    return report


async def _collisions(attempts: Attempts, record: str, ours: dict[str, str]) -> list[Collision]:
    found = await called(attempts, record, ours.values())
    collisions = []
    for external_id, name in sorted(ours.items()):
        priors = found.get(name.strip().casefold(), [])
        if any((prior.external_id or "").casefold() == external_id.casefold() for prior in priors):
            continue  # it was made, or adopted, already
        # another of ours may have the same name: both are Nue's, and no adoption mends that
        strangers = [each for each in priors if not (each.external_id or "").startswith(f"NUE-{PREFIXES[record]}-")]
        collisions += [
            Collision(record, external_id, name, each.internal_id, each.name, each.external_id) for each in strangers
        ]
    return collisions


async def _flaws(attempts: Attempts, record: str, adoptions: list[Adoption]) -> list[Flaw]:
    there = await with_ids(attempts, record, [each.internal_id for each in adoptions])
    flaws = []
    for adoption in adoptions:
        what = f"{record} {adoption.internal_id}"
        theirs = there.get(adoption.internal_id)
        if adoption.internal_id not in there:
            flaws.append(Flaw(adoption.line, f"{what} is not in NetSuite"))
        elif theirs is not None and theirs.casefold() != adoption.external_id.casefold():
            flaws.append(Flaw(adoption.line, f"{what} has the external id {theirs} already"))
    return flaws


def _attempts(client: NetSuiteClient) -> Attempts:
    waited = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal waited
        waited += seconds
        if waited > PATIENCE:
            raise NuestreamError(f"NetSuite gave no usable answer within {PATIENCE:.0f} s; nothing was changed")
        await asyncio.sleep(seconds)

    pace = Pace(
        request_limit=0.0,
        retry_initial=1.0,
        retry_max=10.0,
        failures_limit=10,
        clock=time.monotonic,
        sleep=sleep,
        rand=random.random,
    )

    def nothing() -> None:
        """A look-up waits for no write."""

    return Attempts(
        client,
        pace,
        Health(),
        Login(),
        name="adopt check",
        inherited_until=-math.inf,
        on_quiet=nothing,
        on_resumed=nothing,
    )


def _version(upsert: Upsert) -> tuple[object, str]:
    return upsert.activated_at, upsert.origin.order_id


def _print(report: Report, netsuite: NetSuiteSettings) -> None:
    if report.collisions:
        columns = ("record", "in Nue", "name", "internal id", "in NetSuite", "its external id")
        rows = [
            (it.record, it.external_id, it.name, it.netsuite_id, it.netsuite_name, it.netsuite_external_id or "")
            for it in report.collisions
        ]
        results.print(table("In NetSuite already, and to be made again", columns, rows))
        click.echo("`nuestream adopt check --format csv` prints them as lines for netsuite.adopt, to be read", err=True)
    for flaw in report.adoptions:
        click.echo(f"{netsuite.adopt}: line {flaw.line}: {flaw.problem}", err=True)
    if not report.collisions and not report.adoptions:
        click.echo(f"{report.customers} customers and {report.items} items: none is in NetSuite without being known")
