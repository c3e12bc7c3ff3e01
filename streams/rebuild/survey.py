"""What the command topic asks for, what of it an account holds, and what the difference costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import Message

from schemas.codec import Decoder, Malformed
from schemas.command import CreateReturnAuthorization, CreateSalesOrder, UpsertCustomer, UpsertItem
from sinks.attempts import Attempts
from sinks.lookup import PAGE, portions, select_every
from streams.header_names import headers_to_read
from streams.reading import TopicReader

TABLES = ("customer", "item", "transaction")
"""The SuiteQL tables in which our records are found, in the order in which they are made."""

CALL_SECONDS = 1.5
"""What a create takes about, in seconds, by what is published of NetSuite's REST record service."""

_TABLE_OF = {
    UpsertCustomer: "customer",
    UpsertItem: "item",
    CreateSalesOrder: "transaction",
    CreateReturnAuthorization: "transaction",
}
_TABLE_NAMED = {f"nuestream.commands.{type_.__name__}".encode(): table for type_, table in _TABLE_OF.items()}


@dataclass(frozen=True, slots=True)
class Asked:
    """What commands ask for: how many there are, and the external ids of each table in the order of their coming."""

    commands: int = 0
    names: Mapping[str, dict[str, None]] = field(default_factory=lambda: {table: {} for table in TABLES})


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a rebuild will do. ``missing`` counts records by table, ``calls`` all requests to NetSuite.

    ``seconds`` is what ``calls`` take where ``concurrency`` of them are always under way.
    """

    commands: int
    records: int
    missing: Mapping[str, int]
    calls: int
    concurrency: int

    @property
    def seconds(self) -> float:
        """How long it takes, about."""
        return self.calls * CALL_SECONDS / self.concurrency


def estimate_of(asked: Asked, held: Mapping[str, int], concurrency: int) -> Estimate:
    """One call for each record that is missing, and for those that are there a look-up for each portion: of documents
    one for their heads and some for their lines. Pure.
    """
    missing = {table: len(names) - held.get(table, 0) for table, names in asked.names.items()}
    look_ups = sum(-(-3 * len(names) // PAGE) for names in asked.names.values())
    records = sum(map(len, asked.names.values()))
    return Estimate(asked.commands, records, missing, sum(missing.values()) + look_ups, concurrency)


def asked_on(
    reader: TopicReader, topic: str, decoder: Decoder, advance: Callable[[int], None], part: int = 1000
) -> Asked:
    """What the commands on ``topic`` ask for.

    Raises:
        KafkaUnavailable, RegistryUnavailable: it cannot be read.
    """
    names: dict[str, dict[str, None]] = {table: {} for table in TABLES}
    commands = 0
    for message in reader.records(topic, reader.extents(topic)):
        commands += 1
        if commands % part == 0:
            advance(part)
        if (found := _named(message, decoder)) is not None:
            table, name = found
            names[table][name] = None
    advance(commands % part)
    return Asked(commands, names)


def _named(message: Message, decoder: Decoder) -> tuple[str, str] | None:
    headers = headers_to_read(message)
    said = dict(headers)
    table, subject = _TABLE_NAMED.get(said.get("ce_type") or b""), said.get("ce_subject")
    if table is not None and subject is not None:
        return table, subject.decode()
    try:
        command = decoder.decode(message.value(), headers)
    except Malformed:
        return None
    if isinstance(command, UpsertCustomer | UpsertItem | CreateSalesOrder | CreateReturnAuthorization):
        return _TABLE_OF[type(command)], command.external_id
    return None


async def held_in(
    attempts: Callable[[str], Attempts], asked: Asked, concurrency: int, advance: Callable[[int], None]
) -> dict[str, int]:
    """How many of the records an account holds under our external ids, by table: a call for each thousand.

    Raises:
        NuestreamError: NetSuite gives no usable answer in time.
        Unauthorized: it refuses the query.
    """
    held = dict.fromkeys(TABLES, 0)
    turns = asyncio.Semaphore(concurrency)

    async def count(table: str, portion: list[str]) -> None:
        marks = ", ".join("?" * len(portion))
        query = f"SELECT externalid FROM {table} WHERE externalid IN ({marks}) ORDER BY externalid"  # noqa: S608
        async with turns:
            rows = await select_every(attempts(f"{len(portion)} of {table}"), query, portion)
        held[table] += len(rows)
        advance(len(portion))

    async with asyncio.TaskGroup() as group:
        for table, names in asked.names.items():
            for portion in portions(names):
                group.create_task(count(table, portion))
    return held
