"""Contract events: what was decided about an order, and what it changed, in recurring revenue too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Context, Decimal

from projections.changes import SubscriptionChange
from projections.decide import Decision
from projections.identity import stable_id
from projections.lines import expected_total
from projections.posting import RULES_VERSION
from projections.schedule import Schedule, Span, span_on
from projections.state import CustomerState
from schemas.command import CreateSalesOrder, Document
from schemas.contract import (
    DecidedDocument,
    DocumentType,
    Movement,
    OrderDecided,
    OrderOutcome,
    Segment,
    SubscriptionChanged,
)
from schemas.currency import UnknownCurrency
from schemas.order import ChangeType, OrderEvent
from schemas.policy import Policy

_ZERO = Decimal(0)
_UNIT = Decimal("0.000001")
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Occasion:
    """What led to a decision: when it was known, under which policy, by which other record (its event id), and how
    many decisions there were on the same event, this one included.
    """

    known_at: datetime
    policy: Policy
    decided_by: str | None = None
    ordinal: int = 1


def order_decided(event: OrderEvent, decision: Decision, occasion: Occasion) -> OrderDecided:
    """The decision on an order, as consumers of the contract stream see it."""
    order = event.order
    made = tuple(_decided_document(document) for document in decision.documents)
    name = ("decision", event.event_id) if occasion.ordinal == 1 else ("decision", event.event_id, occasion.ordinal)
    return OrderDecided(
        decision_id=stable_id(*name),
        event_id=event.event_id,
        order_id=order.order_id,
        order_number=order.order_number,
        customer_id=order.customer_id,
        billing_account_id=order.billing_account_id,
        outcome=decision.outcome,
        why=decision.why,
        currency=order.currency,
        order_total=_order_total(event, decision),
        posted_total=sum((_signed(document) for document in made), _ZERO),
        occurred_at=event.occurred_at,
        known_at=occasion.known_at,
        policy_id=occasion.policy.policy_id,
        rules_version=RULES_VERSION,
        reasons=decision.reasons,
        contracts=tuple(decision.totals),
        documents=made,
        upserts=tuple(upsert.external_id for upsert in decision.upserts),
        ordinal=occasion.ordinal,
        decided_by=occasion.decided_by,
    )


def subscription_changes(
    state: CustomerState, event: OrderEvent, decision: Decision, occasion: Occasion
) -> Iterator[SubscriptionChanged]:
    """What a decision changed, subscription by subscription, against the state before it."""
    count: dict[str, int] = {}
    documents: dict[str, list[str]] = {}
    for document in decision.documents:
        for line in document.lines:
            documents.setdefault(line.line_id, []).append(document.external_id)
    for change in decision.changes:
        contract_id = decision.contract_of[change.number]
        known = state.contract(contract_id)
        count[contract_id] = count.get(contract_id, known.changes if known else 0) + 1
        own = [name for line in change.lines for name in documents.get(line.line.line_id, ())]
        yield _changed(event, decision, change, occasion, count[contract_id], tuple(dict.fromkeys(own)))


def _changed(
    event: OrderEvent,
    decision: Decision,
    change: SubscriptionChange,
    occasion: Occasion,
    sequence: int,
    documents: tuple[str, ...],
) -> SubscriptionChanged:
    order, before = event.order, change.before
    mrr_before, mrr_after = mrr_around(change)
    delta = mrr_after - mrr_before
    quantity_before = before.quantity if before else _ZERO
    return SubscriptionChanged(
        change_id=stable_id("change", event.event_id, change.number),
        contract_id=decision.contract_of[change.number],
        sequence=sequence,
        subscription_number=change.number,
        subscription_id=change.subscription_id,
        version=change.version,
        order_id=order.order_id,
        order_number=order.order_number,
        customer_id=order.customer_id,
        event_id=event.event_id,
        change_types=change.change_types,
        product_id=change.product_id,
        currency=order.currency,
        amount=_ZERO if decision.outcome is OrderOutcome.DISCARDED else change.amount,
        quantity_before=quantity_before if before else None,
        quantity_after=change.quantity_after,
        status_before=before.status if before else None,
        status_after=change.status_after,
        start_on=change.start_on,
        end_on=change.end_on,
        documents=documents,
        occurred_at=event.occurred_at,
        known_at=occasion.known_at,
        movement=movement(change, mrr_before, mrr_after),
        effective_on=change.effective_on,
        quantity_delta=change.quantity_after - quantity_before,
        mrr_before=mrr_before,
        mrr_after=mrr_after,
        delta_mrr=delta,
        delta_arr=12 * delta,
        delta_tcv=change.amount,
        schedule_before=segments_of(change.schedule_before),
        schedule_after=segments_of(change.schedule),
    )


def mrr_around(change: SubscriptionChange) -> tuple[Decimal, Decimal]:
    """Monthly recurring revenue on the day of the change, by the schedules before and after.

    Where a term has run out by that day, it is that of its last day: what is up for renewal. After a cancellation
    there is nothing to renew.
    """
    before = _in_force(change.schedule_before, change.effective_on)
    after = span_on(change.schedule, change.effective_on)
    if after is None and ChangeType.CANCEL not in change.change_types:
        after = _in_force(change.schedule, change.effective_on)
    return mrr_of(before.monthly if before else _ZERO), mrr_of(after.monthly if after else _ZERO)


def _in_force(schedule: Schedule, day: date) -> Span | None:
    ended = [span for span in schedule if span.last_on < day]
    return span_on(schedule, day) or (ended[-1] if ended else None)


def movement(change: SubscriptionChange, mrr_before: Decimal, mrr_after: Decimal) -> Movement:
    """What the change does to recurring revenue."""
    if ChangeType.RENEW in change.change_types and mrr_after:
        return Movement.RENEWAL
    if mrr_before == mrr_after:
        return Movement.NONE
    if not mrr_before:
        return Movement.NEW
    if not mrr_after:
        return Movement.CHURN
    return Movement.EXPANSION if mrr_after > mrr_before else Movement.CONTRACTION


def _order_total(event: OrderEvent, decision: Decision) -> Decimal:
    order = event.order
    if decision.is_restated:
        return sum(decision.totals.values(), _ZERO)
    try:
        return expected_total(order)
    except UnknownCurrency:
        return order.total_amount - (order.tax_amount or 0)


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


def segments_of(schedule: Schedule) -> tuple[Segment, ...]:
    """A schedule as contract events tell it."""
    return tuple(
        Segment(start_on=span.start_on, end_on=span.end_on, quantity=span.quantity, mrr=mrr_of(span.monthly))
        for span in schedule
    )


def mrr_of(monthly: Decimal) -> Decimal:
    """A monthly value with the decimals that contract events keep."""
    return +monthly.quantize(_UNIT, context=_EXACT)
