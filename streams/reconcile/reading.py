"""Reading the topics into the workbook, from where the last reading ended to where they end now."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from confluent_kafka import Message
from msgspec import Struct

from projections.documents import document_date
from projections.lines import expected_total
from schemas.codec import Decoder, Malformed
from schemas.command import CreateReturnAuthorization, CreateSalesOrder, UpsertCustomer, UpsertItem
from schemas.contract import OrderDecided
from schemas.currency import UnknownCurrency
from schemas.holding import Held, Settled
from schemas.opening import Opening
from schemas.order import EventType, LineSemantics, OrderEvent
from schemas.outcome import DeadLetter, Outcome
from schemas.policy import Policy, PolicyActivated
from schemas.quarantine import Quarantined
from streams.header_names import headers_in
from streams.held_back import told_reasons
from streams.kafka import registry_of
from streams.lag import GroupLag
from streams.reading import TopicReader
from streams.reconcile.workbook import Workbook
from streams.settings import Settings

log = logging.getLogger("nuestream.reconcile")

Committed = dict[int, int]
Take = Callable[[Struct, Message], None]
Advance = Callable[[str, int, int], None]
"""Told of a topic, how many of its records were read, and how many there are."""

_TOLD_EVERY = 500


class TopicsRead:
    """Takes the topics into a workbook. ``unreadable`` counts the records that cannot be read.

    ``carried`` are the offsets that the projector had committed on the orders, and ``applied`` the sink's on the
    commands, before anything was read: what is below them has been told of on the other topics.

    Raises, where it reads:
        KafkaUnavailable: Kafka does not answer, or refuses.
        RegistryUnavailable: the registry gives no answer about a schema.
    """

    def __init__(self, settings: Settings, reader: TopicReader, workbook: Workbook, advance: Advance) -> None:
        self.unreadable = 0
        self._settings = settings
        self._reader = reader
        self._workbook = workbook
        self._advance = advance
        self._decoder = Decoder(registry_of(settings.registry))
        self._next: dict[tuple[str, int], int] = {}
        self._policies: dict[int, Policy] = {}
        topics, groups = settings.topics, settings.groups
        self.carried = self._committed(groups.project, topics.orders)
        self.applied = self._committed(groups.apply, topics.commands)

    def read_all(self) -> None:
        """Read every topic, what is said of a record after the record itself."""
        topics = self._settings.topics
        self._read(topics.orders, self._take_order)
        self.read_decided()
        self._read(topics.quarantine, self._take_waiting)
        self._read(topics.dead_letters, self._take_letter)
        self._read(topics.outcomes, self._take_outcome)

    def read_decided(self) -> None:
        """Read what was decided, or what came of it since."""
        self._read(self._settings.topics.commands, self._take_command)
        self._read(self._settings.topics.contracts, self._take_decision)

    def is_pending(self, partition: int, offset: int) -> bool:
        """Whether a command is still on its way to NetSuite."""
        return offset >= self.applied.get(partition, 0)

    def _committed(self, group: str, topic: str) -> Committed:
        with GroupLag(self._settings.kafka, self._reader, group, topic) as lag:
            return {partition: offset or 0 for partition, offset in lag.committed().items()}

    def _read(self, topic: str, take: Take) -> None:
        extents = {
            partition: (max(low, min(self._next.get((topic, partition), 0), high)), high)
            for partition, (low, high) in self._reader.extents(topic).items()
        }
        total = sum(high - low for low, high in extents.values())
        for done, message in enumerate(self._reader.records(topic, extents), 1):
            if done % _TOLD_EVERY == 0:
                self._advance(topic, done, total)
            try:
                headers = [(name, data or b"") for name, data in headers_in(message)]
                take(self._decoder.decode(message.value(), headers), message)
            except Malformed as why:
                self.unreadable += 1
                log.warning("%s[%d]@%d is left out: %s", topic, message.partition(), message.offset(), why)
        self._advance(topic, total, total)
        self._next |= {(topic, partition): high for partition, (_, high) in extents.items()}

    def _take_order(self, record: Struct, message: Message) -> None:
        partition = message.partition()
        match record:
            case PolicyActivated():
                self._policies[partition] = record.policy
            case Opening():
                self._take_contract(record.contract_id)
            case OrderEvent() if record.event_type is EventType.ORDER_CANCELED or record.order.is_active:
                order = record.order
                self._workbook.database.execute(
                    "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        record.event_id,
                        "cancelled" if record.event_type is EventType.ORDER_CANCELED else "activated",
                        *(order.order_id, order.order_number, order.customer_id),
                        _dated(record, self._policies.get(partition, Policy())).isoformat(),
                        *(order.currency, _told(record), partition, message.offset()),
                        message.offset() >= self.carried.get(partition, 0),
                    ),
                )

    def _take_contract(self, contract_id: str) -> None:
        self._workbook.database.execute("INSERT OR IGNORE INTO contract VALUES (?)", (contract_id,))

    def _take_decision(self, record: Struct, _: Message) -> None:
        if not isinstance(record, OrderDecided):
            return
        self._workbook.take_decision(record)
        if not record.documents and record.order_total and record.outcome == "NO_OP":
            # posted, if at all, before this system took over
            for contract_id in record.contracts:
                self._take_contract(contract_id)

    def _take_command(self, record: Struct, message: Message) -> None:
        if isinstance(record, UpsertCustomer | UpsertItem | CreateSalesOrder | CreateReturnAuthorization):
            self._workbook.take_command(record, message.partition(), message.offset())

    def _take_waiting(self, record: Struct, _: Message) -> None:
        match record:
            case Quarantined():
                event_id = record.event_id or self._event_at(record)
                row = (event_id, "quarantined", told_reasons(record.reasons))
            case Held():
                row = (record.event_id, "held", "waits for orders before it")
            case Settled():
                row = (record.event_id, record.outcome.lower(), record.why)
            case _:
                return
        if row[0] is not None:
            self._workbook.database.execute("INSERT OR REPLACE INTO waiting VALUES (?, ?, ?)", row)

    def _event_at(self, rejected: Quarantined) -> str | None:
        """The order at a place of the log whose record was rejected for its key, say, before anything was decided."""
        query = "SELECT event_id FROM event WHERE partition = ? AND place = ?"
        row = self._workbook.one(query, rejected.partition, rejected.offset)
        return None if row is None or rejected.topic != self._settings.topics.orders else str(row["event_id"])

    def _take_letter(self, record: Struct, _: Message) -> None:
        if isinstance(record, DeadLetter) and record.topic == self._settings.topics.commands:
            self._workbook.take_letter(record)

    def _take_outcome(self, record: Struct, _: Message) -> None:
        if isinstance(record, Outcome) and record.account == self._settings.netsuite.account:
            self._workbook.take_outcome(record)


def _told(event: OrderEvent) -> str | None:
    """What an order itself says that it is over, before tax; None where only its history can tell what it changes."""
    if event.event_type is not EventType.ORDER_ACTIVATED or event.line_semantics is LineSemantics.SNAPSHOT:
        return None
    total: Decimal
    try:
        total = expected_total(event.order)
    except (UnknownCurrency, ArithmeticError):
        return None
    return str(total)


def _dated(event: OrderEvent, policy: Policy) -> date:
    try:
        return document_date(event, policy)
    except ValueError:  # a time zone that this version does not know; the projector refuses such a policy
        return event.order.effective_on
