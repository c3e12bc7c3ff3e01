"""One record of the log, carried through in the order of writing that survives a crash at any point.

For each record: the outputs are acknowledged by the broker, then the state that contains the record is written
and acknowledged (pages, then the head, then removals of what nobody needs any more), and only then does the caller
let the offset be committed. A record at or below the state's position is skipped; one above it is decided again from
the same state, and gives the same bytes under the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
from msgspec import Struct

from projections.fold import fold
from projections.forms import Record
from projections.in_force import PolicyInForce, dump_policy, load_policy
from projections.pages import dump, load
from projections.partitions import partition_of
from projections.records import Content, LogRecord, Step, customer_of
from projections.waiting import quarantined_record
from projections.zones import time_zone
from schemas.acts import Discarded, GapExpired, Released
from schemas.codec import Decoder, Encoder, Malformed
from schemas.command import UpsertCustomer, UpsertItem
from schemas.headers import headers_of
from schemas.opening import Opening
from schemas.order import OrderEvent
from schemas.policy import PolicyActivated
from schemas.quarantine import Reason
from streams.errors import PolicyMissing
from streams.settings import TopicSettings

MOST_TOLD = 1000
"""How much is repeated of a text or key that somebody else wrote, in characters or bytes."""


@dataclass(frozen=True, slots=True)
class Message:
    """A record to be sent; the partition follows from the key."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class Ports(Protocol):
    """What the projector needs of its host."""

    def read(self, key: bytes) -> bytes | None:
        """A stored table record, as it was last acknowledged."""

    async def send(self, messages: Sequence[Message]) -> None:
        """Send and wait until the broker has acknowledged every one. Raises where it refuses any."""

    async def write(self, records: Sequence[Record]) -> None:
        """Write table records of the current partition and wait until the broker has acknowledged them."""


class Projector:
    """The projection of one partition: decode, fold, and write in order."""

    def __init__(
        self, partition: int, topics: TopicSettings, encoder: Encoder, decoder: Decoder, log_id: str | None = None
    ) -> None:
        """``log_id`` is the event id of the policy that the partition begins with, where the caller knows it."""
        self._partition = partition
        self._log_id = log_id
        self._topics = topics
        self._encoder = encoder
        self._decoder = decoder

    async def project(self, record: LogRecord, ports: Ports) -> None:
        """Carry ``record`` through. After the return its offset may be committed.

        Raises whatever the ports raise, :class:`PolicyMissing` where the partition does not begin with a policy,
        and ``RegistryUnavailable``: faults that stop the worker, never a judgement about the record.
        """
        try:
            content = self._decoder.decode(record.value or b"", list(record.headers.items()))
        except Malformed as error:
            await self._reject(record, Reason(code="malformed", detail=str(error)[:MOST_TOLD]), ports)
            return
        match content:
            case PolicyActivated():
                await self._activate(record, content, ports)
            case OrderEvent() | Released() | Discarded() | GapExpired() | Opening():
                await self._fold(record, content, ports)
            case _:
                name = type(content).__name__
                await self._reject(record, Reason(code="record_type", detail=f"{name} has no place in the log"), ports)

    async def _activate(self, record: LogRecord, activated: PolicyActivated, ports: Ports) -> None:
        known = self._policy(ports)
        if known is not None and record.offset <= known.position:
            return
        if known is not None and activated.partitions != known.partitions:
            raise PolicyMissing(
                f"{_place(record)}: a policy for {activated.partitions} partitions in a log of {known.partitions}; "
                "the number is fixed when the topics are made"
            )
        _check(record, activated)
        log_id = known.log_id if known is not None else activated.event_id
        in_force = PolicyInForce(record.offset, log_id, activated.partitions, activated.policy)
        await ports.write([dump_policy(self._partition, in_force)])

    def _policy(self, ports: Ports) -> PolicyInForce | None:
        known = load_policy(self._partition, ports.read)
        if known is not None and self._log_id not in (None, known.log_id):
            raise PolicyMissing(
                f"the stored state of partition {self._partition} belongs to another log than {self._topics.orders} is "
                "now: give a new log a consumer group of its own (groups.project)"
            )
        return known

    async def _fold(self, record: LogRecord, content: Content, ports: Ports) -> None:
        in_force = self._policy(ports)
        if in_force is None:
            raise PolicyMissing(
                f"{record.topic}[{record.partition}] does not begin with a policy: run `nuestream topics create` "
                "before anything is published"
            )
        customer_id = customer_of(content)
        if record.key != customer_id.encode():
            key = record.key if record.key is None else record.key[:MOST_TOLD]
            detail = f"the key {key!r} is not the customer whom the record is about, {customer_id}"
            await self._reject(record, Reason(code="key", detail=detail), ports)
            return
        home = partition_of(record.key, in_force.partitions)
        if home != record.partition:
            detail = f"the key belongs to partition {home}: its producer does not use the murmur2 partitioner"
            await self._reject(record, Reason(code="partition", detail=detail), ports)
            return
        state = load(customer_id, ports.read)
        if record.offset <= state.position:
            return
        step = fold(state, record, content, in_force.policy)
        await self._send(step, customer_id, ports)
        await ports.write(dump(step.state, ports.read).in_order())

    async def _send(self, step: Step, customer_id: str, ports: Ports) -> None:
        if step.upserts:
            await ports.send([self._message(self._topics.commands, upsert, customer_id) for upsert in step.upserts])
        rest = [
            *(self._message(self._topics.commands, document, customer_id) for document in step.documents),
            *(self._message(self._topics.contracts, event, customer_id) for event in step.contract_events),
            *(self._message(self._topics.quarantine, held, customer_id) for held in step.quarantined),
            *(self._message(self._topics.quarantine, holding, customer_id) for holding in step.holdings),
        ]
        if rest:
            await ports.send(rest)

    async def _reject(self, record: LogRecord, reason: Reason, ports: Ports) -> None:
        held = quarantined_record(record, (reason,))
        await ports.send([self._message(self._topics.quarantine, held, None, held.key or b"")])

    def _message(self, topic: str, record: Struct, customer_id: str | None, key: bytes = b"") -> Message:
        # An upsert is about a customer or an item, whoever ordered: its own name keeps its versions in order.
        if isinstance(record, UpsertCustomer | UpsertItem):
            key = record.external_id.encode()
        elif customer_id is not None:
            key = customer_id.encode()
        return Message(topic, key, self._encoder.encode(topic, record), tuple(headers_of(record)))


def _place(record: LogRecord) -> str:
    return f"{record.topic}[{record.partition}] offset {record.offset}"


def _check(record: LogRecord, activated: PolicyActivated) -> None:
    """Refuse a policy that this version cannot decide by; to guess would post other documents than were meant."""
    for name, value in msgspec.structs.asdict(activated.policy).items():
        if value == "UNKNOWN":
            raise PolicyMissing(f"{_place(record)}: {name} has a value that this version does not know: upgrade it")
    try:
        time_zone(activated.policy.tenant_time_zone)
    except ValueError as error:
        raise PolicyMissing(f"{_place(record)}: tenant_time_zone: {error}") from error
