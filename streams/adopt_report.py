"""What the sink would make a second time, names that two of ours share, and adoptions that cannot be carried out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from msgspec import Struct

from schemas.command import Upsert, UpsertCustomer, UpsertItem
from sinks.attempts import Attempts
from sinks.client import NetSuiteClient
from sinks.prior import called, with_ids
from sinks.verdict import Unauthorized
from streams.adoption import PREFIXES, Adoption, read_adoptions
from streams.console import progress_bar
from streams.errors import NuestreamError
from streams.fact_reading import FactReader
from streams.netsuite_reading import lookups
from streams.reading import TopicReader
from streams.settings import Settings


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


class Twins(Struct, frozen=True, rename="camel"):
    """Several of ours have one name, of which NetSuite takes one; none of them has an adoption."""

    record: str
    name: str
    external_ids: list[str]


class Report(Struct, frozen=True, rename="camel"):
    """What is found. ``customers`` and ``items`` count those that commands name."""

    customers: int
    items: int
    collisions: list[Collision]
    twins: list[Twins]
    adoptions: list[Flaw]

    @property
    def is_clean(self) -> bool:
        """Whether nothing is left for a person to do."""
        return not (self.collisions or self.twins or self.adoptions)


async def report(settings: Settings, client: NetSuiteClient) -> Report:
    """Read all customers and items from the command topic, and look them up.

    Raises:
        NuestreamError: the file, Kafka or NetSuite cannot be read, or there is nothing to look up yet.
        RegistryUnavailable: the registry gives no answer about a schema.
    """
    file = settings.netsuite.adopt
    adoptions, mistakes = ([], []) if file is None else read_adoptions(file)
    upserts = await asyncio.to_thread(newest_upserts, settings)
    if not upserts and not adoptions and not mistakes:
        raise NuestreamError(
            f"{settings.topics.commands} names no customer or item yet: publish orders, then run `nuestream project`"
        )
    adopted = {adoption.external_id for adoption in adoptions}
    names = {
        "customer": {name: each.name for name, each in upserts.items() if isinstance(each, UpsertCustomer)},
        "item": {name: each.sku for name, each in upserts.items() if isinstance(each, UpsertItem)},
    }
    made = Report(len(names["customer"]), len(names["item"]), [], [], [Flaw(it.line, it.problem) for it in mistakes])
    attempts = lookups(client, "adopt check")("")
    unique = {"item"} if settings.netsuite.mapping.customer_ids != "name" else {"customer", "item"}
    try:
        for record, ours in names.items():
            others = {external_id: name for external_id, name in ours.items() if external_id not in adopted}
            made.collisions.extend(await _collisions(attempts, record, others))
            made.twins.extend(_twins(record, others) if record in unique else ())
            made.adoptions.extend(await _flaws(attempts, record, [each for each in adoptions if each.record == record]))
    except Unauthorized as error:
        raise NuestreamError(str(error)) from None
    return made


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


async def _collisions(attempts: Attempts, record: str, ours: dict[str, str]) -> list[Collision]:
    found = await called(attempts, record, ours.values())
    collisions = []
    for external_id, name in sorted(ours.items()):
        priors = found.get(name.strip().casefold(), [])
        if any((prior.external_id or "").casefold() == external_id.casefold() for prior in priors):
            continue  # it was made, or adopted, already
        # another of ours may have the same name: no adoption mends that, see ``Twins``
        strangers = [each for each in priors if not (each.external_id or "").startswith(f"NUE-{PREFIXES[record]}-")]
        collisions += [
            Collision(record, external_id, name, each.internal_id, each.name, each.external_id) for each in strangers
        ]
    return collisions


def _twins(record: str, ours: dict[str, str]) -> Iterable[Twins]:
    called_so: dict[str, list[str]] = {}
    for external_id, name in sorted(ours.items()):
        called_so.setdefault(name.strip().casefold(), []).append(external_id)
    return [Twins(record, ours[names[0]], names) for names in called_so.values() if len(names) > 1]


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


def _version(upsert: Upsert) -> tuple[object, str]:
    return upsert.activated_at, upsert.origin.order_id
