"""An order that Nue cancels after it was posted: a compensating decision.

Nue recommends cancelling whole orders (https://www.nue.io/how-nue-works/cancellations); how such a cancellation is
represented is not documented. Here it is the cancelled order itself, with its lines as they were: each is taken
back, and what was a sales order is returned, what was returned is sold again. The documents are numbered after those
of the order, carry the same link, and wait for a person unless the policy says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from msgspec import structs

from projections import documents
from projections.changes import SubscriptionChange, changes_of, credit_reasons
from projections.contracts import assign
from projections.decide import (
    Decision,
    Waived,
    held,
    is_before_cut_over,
    is_waived,
    quarantined,
    reading_of,
    standing,
    totals_by_contract,
)
from projections.lines import OrderedLine, by_subscription, ordered_lines, tied_out
from projections.objections import contract_objections, money_tolerance
from projections.posting import Posting
from projections.readable import reasons_against_itself
from projections.state import WAITING, CustomerState, OrderEntry
from schemas.content import content_hash
from schemas.contract import DocumentType, OrderOutcome
from schemas.holding import Missing
from schemas.order import ChangeType, EventType, LineSemantics, OrderEvent
from schemas.policy import OrderCancellations, Policy
from schemas.quarantine import Reason

# What each kind of change is taken back by; the others by the same kind with the opposite sign.
_OPPOSITE = {
    ChangeType.NEW: ChangeType.CANCEL,
    ChangeType.CANCEL: ChangeType.UPDATE_QUANTITY,
    ChangeType.RENEW: ChangeType.UPDATE_TERM,
    ChangeType.CONVERT_FREE_TRIAL: ChangeType.UPDATE_TERM,
}


def decide_cancellation(
    state: CustomerState, event: OrderEvent, policy: Policy, waived: Waived = frozenset()
) -> Decision:
    """What becomes of a cancelled order: nothing where it posted nothing, else its reversal.

    One that was never activated is ignored. One whose activation is on its way, or waits itself, waits for it.
    """
    order = event.order
    if reasons := standing(reasons_against_itself(event), waived):
        return quarantined(reasons)
    activation = state.order(EventType.ORDER_ACTIVATED, order.order_id)
    if activation is None and order.activated_at is None:
        return Decision(OrderOutcome.IGNORED, "cancelled before it was activated")
    if activation is None and is_waived("version_gap", waived):
        return Decision(OrderOutcome.NO_OP, "its activation never arrived: nothing was posted")
    if activation is None or activation.outcome in WAITING:
        return held((Missing(order_id=order.order_id),))
    if activation.outcome is OrderOutcome.DISCARDED:
        return Decision(OrderOutcome.NO_OP, "the cancelled order was discarded: nothing was posted")
    reversal = _reversal(state, event, policy)
    if reasons := standing(_objections(state, event, activation, reversal, policy), waived):
        return quarantined(reasons)
    return _reverse(event, activation, reversal, policy)


@dataclass(frozen=True, slots=True)
class _Reversal:
    """The lines of a cancelled order taken back, what that changes, and each line's contract."""

    lines: tuple[OrderedLine, ...]
    changes: tuple[SubscriptionChange, ...]
    homes: dict[str, str]


def _reversal(state: CustomerState, event: OrderEvent, policy: Policy) -> _Reversal:
    lines = _reversed(state, event, policy)
    changes = tuple(
        structs.replace(each, quantity_after=max(each.quantity_after, Decimal(0)))
        for each in changes_of(state, lines, reading_of(event, policy))
    )
    return _Reversal(lines, changes, assign(state, event.order.order_id, lines))


def _reversed(state: CustomerState, event: OrderEvent, policy: Policy) -> tuple[OrderedLine, ...]:
    lines = ordered_lines(event.order)
    return tuple(_opposite(state, line) for line in tied_out(event.order, lines, policy.tie_out_tolerance) or lines)


def _opposite(state: CustomerState, line: OrderedLine) -> OrderedLine:
    known = state.subscription(line.subscription) if line.subscription is not None else None
    price = line.unit_price
    if price is not None and line.line.change_type is ChangeType.ADJUST_PRICE:
        price = -price
    plain = structs.replace(
        line.line,
        change_type=_OPPOSITE.get(line.line.change_type, line.line.change_type),
        quantity=-line.line.quantity,
        # what the subscription is after the cancellation, the cancelled order does not say
        subscription_version=known.version if known else line.line.subscription_version,
        quantity_after=None,
        status_after=None,
        subscription_end_on=None,
    )
    return structs.replace(
        line,
        line=plain,
        amount=-line.amount if line.amount else line.amount,
        quantity=-line.quantity,
        unit_price=price,
        reverses=True,
    )


def _objections(
    state: CustomerState, event: OrderEvent, activation: OrderEntry, reversal: _Reversal, policy: Policy
) -> Iterator[Reason]:
    order, lines = event.order, reversal.lines
    if event.line_semantics is LineSemantics.SNAPSHOT:
        detail = (
            "its lines state what the subscriptions were after it, not what it posted: publish them as they are now"
        )
        yield Reason(code="snapshot_cancellation", detail=detail)
    activated = structs.replace(order, status="Activated")
    if content_hash(activated, event.line_semantics)[:32] != activation.content.hex():
        detail = "the cancelled order does not say what its activation said; what it says now would be taken back"
        yield Reason(code="cancellation_differs", detail=detail)
    for number, own in by_subscription(ordered_lines(order)).items():
        known = state.subscription(number)
        made = max((line.line.subscription_version or 0 for line in own), default=0)
        if known is not None and 0 < made < known.version:
            detail = f"{number} has been changed since, to version {known.version}"
            yield Reason(code="changed_since", detail=detail)
    if event.line_semantics is not LineSemantics.SNAPSHOT:
        for change in reversal.changes:
            yield from credit_reasons(change, money_tolerance(order, policy), order.currency)
        yield from contract_objections(state, order, lines, reversal.homes, policy)
    asks = policy.order_cancellations is OrderCancellations.HOLD and not is_before_cut_over(event, policy)
    if asks and any(line.amount for line in lines):
        total = sum((line.amount for line in lines), Decimal(0))
        kind = "sold again" if total > 0 else "returned"
        detail = f"the order was cancelled after it was posted: once released, {abs(total)} {order.currency} is {kind}"
        yield Reason(code="order_cancelled", detail=detail)


def _reverse(event: OrderEvent, activation: OrderEntry, reversal: _Reversal, policy: Policy) -> Decision:
    lines, changes, homes = reversal.lines, reversal.changes, reversal.homes
    already = {
        DocumentType.SALES_ORDER: activation.sales_orders,
        DocumentType.RETURN_AUTHORIZATION: activation.returns,
    }
    after = {change.number: change.quantity_after for change in changes}
    before_us = is_before_cut_over(event, policy)
    plans = [] if before_us else documents.plan_all(lines, homes, policy, opens=False, ask=False)
    return Decision(
        outcome=OrderOutcome.POSTED if plans else OrderOutcome.NO_OP,
        why="order cancelled" if plans else "order cancelled: nothing to take back",
        posting=Posting(event, policy, plans, after, already, upserts_too=False),
        changes=changes,
        contract_of={change.number: homes[change.lines[0].line.line_id] for change in changes},
        totals=totals_by_contract(lines, homes),
        is_restated=True,
    )
