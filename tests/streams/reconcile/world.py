"""A history folded by the pure core, on a real Kafka and in a sandbox, as a projector and a sink would have left them.

What stands where is prepared first and may be tampered with; then it is written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, cast

from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec import Struct

from projections.fold import Content, Step
from projections.partitions import partition_of
from projections.records import customer_of
from schemas.codec import Encoder
from schemas.command import Command, Document, Upsert, UpsertCustomer, UpsertItem
from schemas.contract import OrderDecided
from schemas.headers import headers_of
from schemas.order import OrderEvent
from schemas.outcome import DeadLetter, LetterState, Outcome
from schemas.outcome import Result as Applied
from sinks.entry import subject_of
from sinks.sandbox.account import CURRENCIES
from sinks.sandbox.records import Checker
from sinks.translate import Defaults, References, request_for
from streams.cli import cli
from streams.settings import Settings
from streams.topics import create_topics
from tests.projections.histories import Projection, folded, generated
from tests.sandbox_server import RunningSandbox
from tests.streams.own_topics import settings_on

AT = datetime(2026, 2, 1, tzinfo=UTC)


@dataclass
class World:
    """``documents`` and ``upserts`` (the newest versions) are all that was decided.

    ``uncommanded``, ``unmade``, ``untold`` and ``undecided`` are the names of what is left off the command topic, out
    of NetSuite, off the outcomes and off the contract events. ``letters`` are dead letters by external id.
    ``passed_over`` stands in the log, and nothing follows from it.
    """

    bootstrap: str
    prefix: str
    sandbox: RunningSandbox
    seed: int = 1
    orders: int = 60
    customers: int = 12
    documents: dict[str, Document] = field(default_factory=dict)
    upserts: dict[str, Upsert] = field(default_factory=dict)
    uncommanded: set[str] = field(default_factory=set)
    unmade: set[str] = field(default_factory=set)
    untold: set[str] = field(default_factory=set)
    undecided: set[str] = field(default_factory=set)
    letters: dict[str, LetterState] = field(default_factory=dict)
    passed_over: list[Content] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.projection: Projection = folded(generated(self.seed, self.orders, self.customers))
        self.collect()

    def collect(self) -> None:
        """Take what the projection decided for what there is."""
        self.documents = {each.external_id: each for each in self.projection.documents}
        for upsert in self.projection.upserts:
            known = self.upserts.get(upsert.external_id)
            if known is None or _version(known) <= _version(upsert):
                self.upserts[upsert.external_id] = upsert

    @cached_property
    def settings(self) -> Settings:
        """The settings of every process in this world."""
        login = self.sandbox.credentials
        netsuite = {
            "account": login.account,
            "url": self.sandbox.url,
            "consumer_key": login.consumer_key,
            "consumer_secret": login.consumer_secret.get_secret_value(),
            "token_id": login.token_id,
            "token_secret": login.token_secret.get_secret_value(),
            "request_limit": 2.0,
        }
        return settings_on(self.bootstrap, self.prefix, netsuite=netsuite)

    def write(self) -> None:
        """Put everything where it belongs, with a copy of every tenth command, and commit both groups' offsets."""
        create_topics(self.settings, by="test")
        topics = self.settings.topics
        self.send(topics.orders, ((customer_of(content), content) for content, _ in self.projection.steps))
        self.send(topics.orders, ((customer_of(content), content) for content in self.passed_over))
        told = [each for _, step in self.projection.steps for each in step.contract_events]
        self.send(
            topics.contracts,
            (
                (each.customer_id, each)
                for each in told
                if not (isinstance(each, OrderDecided) and each.order_id in self.undecided)
            ),
        )
        held = [each for _, step in self.projection.steps for each in (*step.quarantined, *step.holdings)]
        self.send(topics.quarantine, ((getattr(each, "customer_id", None) or "", each) for each in held))
        commands = [
            each
            for each in (*self.projection.upserts, *self.documents.values())
            if each.external_id not in self.uncommanded
        ]
        self.command(commands)
        self.command(commands[::10])
        self.fill([*self.upserts.values(), *self.documents.values()])
        self.send(topics.dead_letters, self._letters())
        self.commit()

    def tell(self, content: Content, step: Step) -> None:
        """What another customer's history says, as if it had been folded here."""
        self.projection.steps.append((cast("OrderEvent", content), step))
        self.collect()

    def command(self, commands: Iterable[Command]) -> None:
        """Put commands on their topic, as the projector does."""
        self.send(self.settings.topics.commands, ((subject_of(each).lane, each) for each in commands))

    def fill(self, commands: Iterable[Command]) -> None:
        """Make in NetSuite what ``commands`` ask for, and tell the outcomes."""
        ids: dict[str, str] = {}
        told = []
        for command in commands:
            name, internal_id = command.external_id, "0"
            if name not in self.unmade:
                internal_id = ids[name] = str(self.make(command, ids))
            if name not in self.untold:
                told.append((f"{self.settings.netsuite.account}|{name}", self._outcome(command, internal_id)))
        self.send(self.settings.topics.outcomes, told)

    def make(self, command: Command, ids: dict[str, str]) -> int:
        """Make a record as the record service does."""
        currency = getattr(command, "currency", None)
        references = References(ids=ids, currency=None if currency is None else str(CURRENCIES.index(currency) + 1))
        request = request_for(command, references, Defaults())
        content = json.loads(request.content, parse_float=Decimal, parse_int=Decimal)
        body, lines = Checker(self.sandbox.store, request.record, "Error").body(content)
        return self.sandbox.store.create(request.record, body, lines.lines if lines else [])

    def commit(self) -> None:
        """Both workers have carried everything through that the topics hold now."""
        pairs = (
            (self.settings.groups.project, self.settings.topics.orders),
            (self.settings.groups.apply, self.settings.topics.commands),
        )
        for group, topic in pairs:
            with closing(Consumer({"bootstrap.servers": self.bootstrap, "group.id": group})) as own:
                places = [TopicPartition(topic, each) for each in range(self.settings.topics.partitions)]
                for place in places:
                    place.offset = own.get_watermark_offsets(place, timeout=10, cached=False)[1]
                own.commit(offsets=places, asynchronous=False)

    def send(self, topic: str, records: Iterable[tuple[str, Struct]]) -> None:
        """Put records on a topic, and wait for the broker."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "partitioner": "murmur2_random", "linger.ms": 5})
        encoder = Encoder(None)
        for key, record in records:
            producer.produce(topic, encoder.encode(topic, record), key, headers=headers_of(record))
            producer.poll(0)
        assert producer.flush(30) == 0

    def run(self, *arguments: str, text: str | None = None) -> Result:
        """`nuestream reconcile` with these arguments, to its end."""
        return self.nuestream("reconcile", *arguments, text=text)

    def nuestream(self, *arguments: str, text: str | None = None, **over: str) -> Result:
        """A command to its end; ``over`` are further variables, without their prefix."""
        foreign = dict.fromkeys(name for name in os.environ if name.startswith("NUESTREAM_"))
        own = {f"NUESTREAM_{name}": value for name, value in over.items()}
        return CliRunner().invoke(cli, [*arguments], input=text, env=foreign | self.environment | own)

    @property
    def environment(self) -> dict[str, str | None]:
        """The settings as variables."""
        names = ("account", "url", "consumer_key", "consumer_secret", "token_id", "token_secret")
        login = {name: getattr(self.settings.netsuite, name) for name in names}
        tables = {
            "kafka": {"bootstrap_servers": self.bootstrap},
            "topics": self.settings.topics.model_dump(),
            "groups": self.settings.groups.model_dump(),
            "netsuite": {
                name: value if isinstance(value, str) else value.get_secret_value() for name, value in login.items()
            },
        }
        return {
            f"NUESTREAM_{table}__{name}".upper(): str(value)
            for table, fields in tables.items()
            for name, value in fields.items()
        }

    def told(self, *arguments: str, status: int = 0) -> Any:
        """What it tells as JSON."""
        done = self.run("--json", *arguments)
        assert done.exit_code == status, (done.output[-3000:], done.exception)
        return json.loads(done.stdout)

    def edit(self, external_id: str, changes: dict[str, Any], lines: dict[int, Any] | None = None) -> None:
        """Change a record as a person in NetSuite would."""
        self.sandbox.store.edit(self.record_type(external_id), external_id, changes, lines or {})

    def record_type(self, external_id: str) -> str:
        """The type of the record that stands under an external id."""
        types = ("salesOrder", "returnAuthorization", "customer", "nonInventorySaleItem", "serviceSaleItem")
        return next(each for each in types if self.sandbox.store.get_external(each, external_id) is not None)

    def internal_id(self, external_id: str) -> str:
        """NetSuite's id of a record."""
        stored = self.sandbox.store.get_external(self.record_type(external_id), external_id)
        assert stored is not None
        return str(stored.id)

    def _letters(self) -> list[tuple[str, DeadLetter]]:
        known: dict[str, Command] = {**self.documents, **self.upserts}
        return [
            (
                subject_of(known[name]).lane,
                DeadLetter(
                    command_id=known[name].command_id,
                    external_id=name,
                    lane=subject_of(known[name]).lane,
                    state=state,
                    reason="NetSuite refuses it: the period is closed",
                    topic=self.settings.topics.commands,
                    partition=partition_of(subject_of(known[name]).lane.encode(), self.settings.topics.partitions),
                    offset=0,
                    key=b"",
                    value=b"",
                    recorded_at=AT,
                    by="kim" if state is LetterState.DISCARDED else None,
                    why="entered by hand" if state is LetterState.DISCARDED else None,
                ),
            )
            for name, state in self.letters.items()
        ]

    def _outcome(self, command: Command, internal_id: str) -> Outcome:
        return Outcome(
            account=self.settings.netsuite.account,
            external_id=command.external_id,
            record_type="salesOrder",
            internal_id=internal_id,
            command_id=command.command_id,
            result=Applied.CREATED,
            order_id=command.origin.order_id,
            customer_id=command.origin.customer_id,
            content_hash="",
            applied_at=AT,
            activated_at=command.activated_at if isinstance(command, UpsertCustomer | UpsertItem) else None,
        )


def _version(upsert: UpsertCustomer | UpsertItem) -> tuple[datetime, str]:
    return upsert.activated_at, upsert.origin.order_id
