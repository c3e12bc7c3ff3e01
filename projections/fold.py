"""One record of the log into its customer's state: what is sent, and the state that contains the record.

This is the whole projection as one pure function. The stream processor, a replay and the tests call it alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from projections.decide import RULES_VERSION, Decision, decide, is_ignored
from projections.evolve import evolve, seen
from projections.identity import stable_id
from projections.lines import expected_total
from projections.state import CustomerState
from schemas.command import CreateSalesOrder, Document, Upsert
from schemas.content import content_hash
from schemas.contract import (
    ContractEvent,
    DecidedDocument,
    DocumentType,
    OrderDecided,
    OrderOutcome,
    SubscriptionChanged,
)
from schemas.order import OrderEvent
from schemas.policy import Policy
from schemas.quarantine import Quarantined, Reason


@dataclass(frozen=True, slots=True)
class LogRecord:
    """A record of the log as it was read: its place, its own timestamp (UTC) and its bytes."""

    topic: str
    partition: int
    offset: int
    recorded_at: datetime
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Step:
    """What follows from one record. ``upserts`` go out before ``documents``, which need them."""

    state: CustomerState
    upserts: tuple[Upsert, ...] = ()
    documents: tuple[Document, ...] = ()
    contract_events: tuple[ContractEvent, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()


def fold(state: CustomerState, record: LogRecord, event: OrderEvent, policy: Policy) -> Step:
    """Decide ``event``, which ``record`` holds, after everything in ``state``.

    A copy of an order that was decided is recorded and sends nothing; the same order with other content is
    quarantined as a conflict. The record must lie above the state's position.
    """
    content = content_hash(event.order, event.line_semantics)
    known = None if is_ignored(event) else state.order(event.event_type, event.order.order_id)
    if known is not None and known.content_hash == content:
        return Step(seen(state, record.offset))
    if known is not None:
        detail = (
            f"order {event.order.order_number} was decided from event {known.event_id} with other content; "
            "one of the two is wrong"
        )
        reason = Reason(code="conflict", detail=detail)
        return Step(seen(state, record.offset), quarantined=(quarantine(record, (reason,), event),))
    decision = decide(state, event, policy)
    return Step(
        state=evolve(state, record.offset, event, content, decision),
        upserts=decision.upserts,
        documents=decision.documents,
        contract_events=(_decided(event, decision, policy), *_changed(state, event, decision)),
        quarantined=(quarantine(record, decision.reasons, event),) if decision.reasons else (),
    )


def quarantine(record: LogRecord, reasons: tuple[Reason, ...], event: OrderEvent | None = None) -> Quarantined:
    """``record`` held back for ``reasons``. A record that cannot be read is named by its place and bytes."""
    if event is None:
        name = stable_id("unreadable", record.topic, record.partition, record.offset)
    else:
        name = stable_id("quarantined", event.event_id)
    return Quarantined(
        quarantine_id=name,
        reasons=reasons,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        recorded_at=record.recorded_at,
        key=record.key,
        value=record.value,
        headers=dict(record.headers),
        event_id=event.event_id if event else None,
        order_id=event.order.order_id if event else None,
        order_number=event.order.order_number if event else None,
        customer_id=event.order.customer_id if event else None,
    )


def _decided(event: OrderEvent, decision: Decision, policy: Policy) -> OrderDecided:
    order = event.order
    made = tuple(_decided_document(document) for document in decision.documents)
    readable = decision.outcome in (OrderOutcome.POSTED, OrderOutcome.NO_OP)
    return OrderDecided(
        decision_id=stable_id("decision", event.event_id),
        event_id=event.event_id,
        order_id=order.order_id,
        order_number=order.order_number,
        customer_id=order.customer_id,
        billing_account_id=order.billing_account_id,
        outcome=decision.outcome,
        why=decision.why,
        currency=order.currency,
        order_total=expected_total(order) if readable else order.total_amount - (order.tax_amount or 0),
        posted_total=sum((_signed(document) for document in made), Decimal(0)),
        occurred_at=event.occurred_at,
        known_at=event.published_at,
        policy_id=policy.policy_id,
        rules_version=RULES_VERSION,
        reasons=decision.reasons,
        contracts=tuple(decision.totals),
        documents=made,
        upserts=tuple(upsert.external_id for upsert in decision.upserts),
    )


def _decided_document(document: Document) -> DecidedDocument:
    sold = isinstance(document, CreateSalesOrder)
    return DecidedDocument(
        document_type=DocumentType.SALES_ORDER if sold else DocumentType.RETURN_AUTHORIZATION,
        external_id=document.external_id,
        command_id=document.command_id,
        contract_id=document.original_order_id,
        amount=document.total,
    )


def _signed(document: DecidedDocument) -> Decimal:
    return document.amount if document.document_type is DocumentType.SALES_ORDER else -document.amount


def _changed(state: CustomerState, event: OrderEvent, decision: Decision) -> tuple[SubscriptionChanged, ...]:
    order = event.order
    count: dict[str, int] = {}
    documents: dict[str, list[str]] = {}
    for document in decision.documents:
        for line in document.lines:
            documents.setdefault(line.line_id, []).append(document.external_id)
    events = []
    for change in decision.changes:
        contract_id = decision.contract_of[change.number]
        known = state.contract(contract_id)
        count[contract_id] = count.get(contract_id, known.changes if known else 0) + 1
        own = [line.line.line_id for line in change.lines]
        events.append(
            SubscriptionChanged(
                change_id=stable_id("change", event.event_id, change.number),
                contract_id=contract_id,
                sequence=count[contract_id],
                subscription_number=change.number,
                subscription_id=change.subscription_id,
                version=change.version,
                order_id=order.order_id,
                order_number=order.order_number,
                customer_id=order.customer_id,
                event_id=event.event_id,
                change_types=change.change_types,
                product_id=change.lines[-1].line.product_id,
                currency=order.currency,
                amount=change.amount,
                quantity_before=change.before.quantity if change.before else None,
                quantity_after=change.quantity_after,
                status_before=change.before.status if change.before else None,
                status_after=change.status_after,
                start_on=change.start_on,
                end_on=change.end_on,
                documents=tuple(dict.fromkeys(name for line_id in own for name in documents.get(line_id, ()))),
                occurred_at=event.occurred_at,
                known_at=event.published_at,
            )
        )
    return tuple(events)
