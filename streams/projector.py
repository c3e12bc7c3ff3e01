"""One record of the log, carried through in the order of writing that survives a crash at any point.

For each record: the outputs are acknowledged by the broker, then the state that contains the record is written
and acknowledged (pages, then the head, then removals of what nobody needs any more), and only then does the caller
let the offset be committed. A record at or below the state's position is skipped; one above it is decided again from
the same state, and gives the same bytes under the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from projections.fold import fold
from projections.forms import Record
from projections.in_force import PolicyInForce, dump_policy, load_policy
from projections.pages import dump, load
from projections.records import Content, LogRecord, customer_of
from schemas.codec import Decoder, Encoder
from schemas.policy import PolicyActivated
from schemas.quarantine import Reason
from streams.admission import content_of, misplaced, no_policy, with_policy
from streams.errors import PolicyMissing
from streams.messages import Message, Messages
from streams.settings import TopicSettings


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
        self._messages = Messages(topics, encoder)
        self._decoder = decoder

    async def project(self, record: LogRecord, ports: Ports) -> None:
        """Carry ``record`` through. After the return its offset may be committed.

        Raises whatever the ports raise, :class:`PolicyMissing` where the partition does not begin with a policy,
        and ``RegistryUnavailable``: faults that stop the worker, never a judgement about the record.
        """
        content = content_of(record, self._decoder)
        match content:
            case Reason():
                await ports.send(self._messages.of_rejection(record, content))
            case PolicyActivated():
                in_force = with_policy(self._policy(ports), record, content)
                if in_force is not None:
                    await ports.write([dump_policy(self._partition, in_force)])
            case _:
                await self._fold(record, content, ports)

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
            raise no_policy(record)
        if reason := misplaced(record, content, in_force):
            await ports.send(self._messages.of_rejection(record, reason))
            return
        customer_id = customer_of(content)
        state = load(customer_id, ports.read)
        if record.offset <= state.position:
            return
        step = fold(state, record, content, in_force.policy)
        for messages in (self._messages.of_upserts(step), self._messages.of_the_rest(step, customer_id.encode())):
            if messages:
                await ports.send(messages)
        await ports.write(dump(step.state, ports.read).in_order())
