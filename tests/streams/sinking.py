"""The sink on a real Kafka and a sandbox: commands go in, what NetSuite holds is looked at."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from click.testing import CliRunner
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic, ResourceType
from msgspec import Struct

from schemas.codec import Decoder, Encoder
from schemas.command import Command, CreateReturnAuthorization, CreateSalesOrder
from schemas.headers import headers_of
from schemas.outcome import DeadLetter, LetterState, Outcome
from schemas.requests import RequestDeclined
from sinks.client import NetSuiteClient
from sinks.deliver import Applied, Deliverer
from sinks.entry import subject_of
from sinks.sandbox.show import documents_of
from sinks.signing import Credentials
from sinks.translate import Defaults, Request
from streams import apply
from streams.cli import cli
from streams.errors import KafkaUnavailable
from streams.kafka import producer_config
from streams.lag import GroupLag
from streams.reading import TopicReader
from streams.settings import Settings
from tests.sandbox_server import RunningSandbox
from tests.sinks import orders
from tests.streams.own_topics import settings_on

D = TypeVar("D", CreateSalesOrder, CreateReturnAuthorization)


def sales_order(customer: str, number: int, **changes: Any) -> CreateSalesOrder:
    """The `number`-th sales order of a Nue customer, which is its own billing account."""
    name = f"NUE-SO-{customer}-{number}"
    made = orders.sales_order(name, **{"entity": f"NUE-CUST-{customer}", **changes})
    return of_customer(made, customer)


def of_customer(document: D, customer: str) -> D:
    """The document as one of a Nue customer."""
    return msgspec.structs.replace(document, origin=msgspec.structs.replace(document.origin, customer_id=customer))


def negative(customer: str, number: int) -> CreateSalesOrder:
    """A sales order that NetSuite refuses: its total is negative."""
    return sales_order(
        customer, number, lines=(orders.line(quantity=Decimal(-1), rate=Decimal(5), amount=Decimal(-5)),)
    )


class Line:
    """One test's topics and its account."""

    def __init__(self, bootstrap: str, prefix: str, sandbox: RunningSandbox, **over: dict[str, Any]) -> None:
        given = sandbox.credentials
        self.netsuite = {
            "account": given.account,
            "url": sandbox.url,
            "consumer_key": given.consumer_key,
            "consumer_secret": given.consumer_secret.get_secret_value(),
            "token_id": given.token_id,
            "token_secret": given.token_secret.get_secret_value(),
            "timeout": 5.0,
            "request_limit": 2.0,
            "reference_timeout": 60.0,
            **over.pop("netsuite", {}),
        }
        self.sandbox = sandbox
        self.settings: Settings = settings_on(bootstrap, prefix, netsuite=self.netsuite, **over)
        self._producer = Producer(producer_config(self.settings.kafka, log_level=0, error_cb=lambda _: None))

    def make_topics(self, partitions: int = 4) -> None:
        """Make those of the sink's topics that are not there."""
        topics = self.settings.topics
        admin = AdminClient({"bootstrap.servers": self.settings.kafka.bootstrap_servers})
        missing = {topics.commands, topics.outcomes, topics.dead_letters} - admin.list_topics(timeout=10).topics.keys()
        new = [NewTopic(name, partitions, 1) for name in missing]
        for made in admin.create_topics(new, operation_timeout=10).values():
            made.result(10)
        # the controller has made them; the brokers that clients ask may not have heard yet
        until = time.monotonic() + 10
        while not {each.topic for each in new} <= admin.list_topics(timeout=10).topics.keys():
            assert time.monotonic() < until, "the topics do not appear"
            time.sleep(0.05)

    def limit(self, topic: str, size: int) -> None:
        """Have the broker refuse records of `topic` above `size` bytes."""
        admin = AdminClient({"bootstrap.servers": self.settings.kafka.bootstrap_servers})
        entry = ConfigEntry("max.message.bytes", str(size), incremental_operation=AlterConfigOpType.SET)
        asked = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        for altered in admin.incremental_alter_configs([asked]).values():
            altered.result(10)

    def ask_for(self, *commands: Command) -> None:
        """Put commands on their topic, keyed as the projector keys them."""
        topic, encoder = self.settings.topics.commands, Encoder()
        for command in commands:
            key = subject_of(command).lane.encode()
            self._producer.produce(topic, encoder.encode(topic, command), key, headers=headers_of(command))
        assert self._producer.flush(10) == 0

    def say(self, partition: int, record: Struct) -> None:
        """Put what a person says on the dead-letter topic."""
        topic = self.settings.topics.dead_letters
        self._producer.produce(topic, Encoder().encode(topic, record), b"?", partition, headers=headers_of(record))
        assert self._producer.flush(10) == 0

    def client(self) -> NetSuiteClient:
        """Another client of the account."""
        given = self.sandbox.credentials
        credentials = Credentials(
            consumer_key=given.consumer_key,
            consumer_secret=given.consumer_secret,
            token_id=given.token_id,
            token_secret=given.token_secret,
        )
        return NetSuiteClient(self.netsuite["url"], self.netsuite["account"], credentials)

    async def send_unnoticed(self, document: Command) -> None:
        """Make a document in the account, as by a sink that ended before it could tell."""
        async with self.client() as client:
            deliverer = Deliverer(client, account=self.netsuite["account"], defaults=Defaults())
            verdict = await deliverer.deliver(document, {})
        assert isinstance(verdict, Applied)

    async def edit(self, record: str, external_id: str, body: dict[str, Any]) -> None:
        """Change a record as somebody in finance does."""
        path = f"{record}/eid:{external_id}"
        async with self.client() as client:
            answer = await client.write(Request(method="PATCH", record=record, path=path, body=body))
        assert answer.status == 204, answer

    def ask_in_bytes(self, key: bytes, value: bytes) -> None:
        """Put any bytes on the command topic."""
        self._producer.produce(self.settings.topics.commands, value, key)
        assert self._producer.flush(10) == 0

    @asynccontextmanager
    async def sink(self, *, status: int = 0, settings: Settings | None = None) -> AsyncIterator[asyncio.Task[int]]:
        """A running sink that is stopped afterwards and then ends with `status`."""
        stop = asyncio.Event()
        task = asyncio.create_task(apply.run(settings or self.settings, stop=stop))
        try:
            yield task
        finally:
            stop.set()
            ended = await asyncio.wait_for(task, 30)
        assert ended == status

    async def start_process(self, log: Path, *options: str, instance: str | None = None, **netsuite: str) -> Process:
        """The sink as its users start it, in a process of its own; ``netsuite`` are settings that differ.

        ``instance`` is its name in the consumer group.
        """
        own = {"netsuite": netsuite, "apply": {} if instance is None else {"instance_id": instance}}
        environment = os.environ | self.environment | _variables(own)
        with log.open("w") as out:
            command = (sys.executable, "-m", "streams.cli", *options, "apply")
            return await asyncio.create_subprocess_exec(*command, env=environment, stdout=out, stderr=out)

    @property
    def environment(self) -> dict[str, str]:
        """The settings as variables."""
        return _variables(
            {
                "kafka": {"bootstrap_servers": self.settings.kafka.bootstrap_servers},
                "topics": self.settings.topics.model_dump(),
                "groups": self.settings.groups.model_dump(),
                "apply": self.settings.apply.model_dump(exclude_none=True),
                "netsuite": self.netsuite,
            }
        )

    async def run(self, *arguments: str, status: int = 0) -> str:
        """What a command says that a person gives while sinks run."""
        runner = CliRunner()
        done = await asyncio.to_thread(runner.invoke, cli, list(arguments), env=self.environment)
        assert done.exit_code == status, f"{arguments}: {done.output}{done.exception!r}"
        return done.output

    async def told(self, *arguments: str, status: int = 0) -> Any:
        """What a command tells as JSON."""
        return json.loads(await self.run(*arguments, "--json", status=status))

    def rewound(self) -> Settings:
        """Settings under which the same sink begins at offset zero."""
        groups = self.settings.groups.model_copy(update={"apply": f"{self.settings.groups.apply}-again"})
        return self.settings.model_copy(update={"groups": groups})

    async def settled(self, settings: Settings | None = None) -> None:
        """Wait until the offsets have passed all commands."""
        group = (settings or self.settings).groups.apply
        kafka, topic = self.settings.kafka, self.settings.topics.commands

        def nothing_left() -> bool:
            with TopicReader(kafka) as reader, GroupLag(kafka, reader, group, topic) as lag:
                try:
                    return lag.records() == 0
                except KafkaUnavailable:  # a broker that has just begun to keep groups says so for a moment
                    return False

        await self.until(nothing_left)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds`."""
        until = time.monotonic() + 60
        while not await asyncio.to_thread(holds):
            assert time.monotonic() < until, "it did not come about"
            await asyncio.sleep(0.2)

    def held(self) -> dict[str, Any]:
        """Everything that the sandbox holds."""
        return documents_of(self.sandbox.store)

    def documents(self) -> list[str]:
        """The external ids of the sandbox's documents, in the order in which it got them."""
        return [each["externalId"] for each in sorted(self.held()["documents"], key=lambda each: int(each["id"]))]

    def outcomes(self) -> list[Outcome]:
        """All outcomes, in order per partition."""
        return self._records(self.settings.topics.outcomes)

    def letters(self) -> list[DeadLetter]:
        """All dead letters, in order per partition."""
        found = self._records(self.settings.topics.dead_letters)
        return [each for each in found if isinstance(each, DeadLetter)]

    def states(self) -> dict[str, LetterState]:
        """The newest state of every command that has a dead letter."""
        return {letter.external_id: letter.state for letter in self.letters()}

    def declined(self) -> list[RequestDeclined]:
        """The answers to requests that were not carried out."""
        found = self._records(self.settings.topics.dead_letters)
        return [each for each in found if isinstance(each, RequestDeclined)]

    def _records(self, topic: str) -> list[Any]:
        with TopicReader(self.settings.kafka) as reader:
            found = list(reader.records(topic, reader.extents(topic)))
        return [Decoder().decode(each.value(), each.headers()) for each in found]


def _variables(given: dict[str, Any]) -> dict[str, str]:
    return {
        f"NUESTREAM_{table}__{field}".upper(): str(value)
        for table, fields in given.items()
        for field, value in fields.items()
    }
