"""The decision on one order: documents, or the reason why there are none. Judges, and changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from projections import documents
from projections.changes import SubscriptionChange, change_reasons, changes_of, version_reasons
from projections.contracts import assign
from projections.identity import external_id
from projections.lines import OrderedLine, expected_total, ordered_lines, tied_out
from projections.state import CustomerState
from projections.upserts import upserts_of
from schemas.command import Document, Origin, Upsert
from schemas.contract import OrderOutcome
from schemas.currency import UnknownCurrency, minor_units
from schemas.order import ChangeType, EventType, LineSemantics, LineType, OrderEvent
from schemas.policy import Policy
from schemas.quarantine import Reason

RULES_VERSION = 1
"""Raised whenever the same log may lead to other documents than before. Every command names it."""

MOST_REASONS = 20
"""How many reasons against an order are told: its record has to fit through the broker."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of an order.

    ``contract_of`` gives the contract of each subscription that the order changes; ``totals`` the signed sum
    that the order posts per contract it touches.
    """

    outcome: OrderOutcome
    why: str
    reasons: tuple[Reason, ...] = ()
    upserts: tuple[Upsert, ...] = ()
    documents: tuple[Document, ...] = ()
    changes: tuple[SubscriptionChange, ...] = ()
    contract_of: Mapping[str, str] = field(default_factory=dict)
    totals: Mapping[str, Decimal] = field(default_factory=dict)


def decide(state: CustomerState, event: OrderEvent, policy: Policy) -> Decision:
    """Decide an order that was not decided before, from everything that its customer did before it.

    An order is decided or quarantined whole: one reason against any of its lines holds all of it back.
    """
    order = event.order
    if is_ignored(event):
        return Decision(OrderOutcome.IGNORED, f"not activated: its status is {order.status}")
    unreadable = tuple(_unreadable(event))
    if unreadable:
        return _quarantined(unreadable)
    lines = ordered_lines(order)
    changes = changes_of(state, lines)
    out_of_order = tuple(version_reasons(changes))
    if out_of_order:
        return _quarantined(out_of_order)
    tied = tied_out(order, lines, policy.tie_out_tolerance)
    if tied is None:
        return _quarantined((_does_not_tie(event, lines),))
    changes = changes_of(state, tied)
    homes = assign(state, order.order_id, tied)
    reasons = tuple(_reasons_against(state, event, tied, changes, homes, policy))
    if reasons:
        return _quarantined(reasons)
    try:
        plans = _plans(tied, homes, policy)
    except documents.MixedOrderQuarantined:
        detail = "the order adds and takes away, and the policy leaves such orders to a person"
        return _quarantined((Reason(code="mixed_order", detail=detail),))
    return _post(event, tied, changes, homes, plans, policy)


def is_ignored(event: OrderEvent) -> bool:
    """Whether the event is about an order that is not activated: nothing is decided about it yet."""
    return event.event_type is EventType.ORDER_ACTIVATED and not event.order.is_active


def _unreadable(event: OrderEvent) -> Iterator[Reason]:
    """What this version of the rules cannot judge at all."""
    if event.event_type is not EventType.ORDER_ACTIVATED:
        detail = "an order cancelled after it was synced is not decided yet; its documents stay as they are"
        if event.event_type is EventType.UNKNOWN:
            detail = "the event is of a type that this version does not know"
        yield Reason(code="event_type", detail=detail)
    if event.line_semantics is not LineSemantics.DELTA:
        yield Reason(
            code="line_semantics",
            detail=f"lines that state the subscription after the change ({event.line_semantics}) are not read yet",
        )
    try:
        minor_units(event.order.currency)
    except UnknownCurrency as error:
        yield Reason(code="unknown_currency", detail=str(error))
    order = event.order
    if (event.customer.id, event.billing_account.id) != (order.customer_id, order.billing_account_id):
        yield Reason(code="missing_party", detail="the customer or billing account of the order is not described")
    names = Counter(line.line_id for line in order.lines)
    for name in sorted(name for name, count in names.items() if count > 1):
        yield Reason(code="duplicate_line", detail=f"line {name} stands in the order more than once")
    known = {product.id for product in event.products}
    for line in event.order.lines:
        if line.line_type is LineType.UNKNOWN:
            yield Reason(code="line_type", detail=f"line {line.line_id} is of a type that is not known")
        if line.line_type in (LineType.LINE_ITEM, LineType.RAMP_ITEM):
            if line.change_type is ChangeType.UNKNOWN:
                yield Reason(code="change_type", detail=f"line {line.line_id} is a change that is not known")
            if line.product_id not in known:
                yield Reason(code="missing_product", detail=f"product {line.product_id} is not described")


def _does_not_tie(event: OrderEvent, lines: Sequence[OrderedLine]) -> Reason:
    posted = sum((line.amount for line in lines if line.is_posted), Decimal(0))
    return Reason(
        code="totals_do_not_tie",
        detail=f"the posted lines sum to {posted}, the order's total before tax is {expected_total(event.order)} "
        f"{event.order.currency}",
    )


def _reasons_against(
    state: CustomerState,
    event: OrderEvent,
    lines: Sequence[OrderedLine],
    changes: Sequence[SubscriptionChange],
    homes: Mapping[str, str],
    policy: Policy,
) -> Iterator[Reason]:
    order = event.order
    tolerance = policy.tie_out_tolerance.scaleb(-minor_units(order.currency))
    for change in changes:
        yield from change_reasons(change, tolerance)
    for contract_id in dict.fromkeys(homes.values()):
        contract = state.contract(contract_id)
        if contract is None:
            continue
        if contract.currency != order.currency:
            yield Reason(
                code="currency_mismatch",
                detail=f"contract {contract_id} is in {contract.currency}, the order in {order.currency}",
            )
        if contract.billing_account_id != order.billing_account_id:
            yield Reason(
                code="billing_account_mismatch",
                detail=f"contract {contract_id} is billed to {contract.billing_account_id}, the order to "
                f"{order.billing_account_id}",
            )
        total = sum((line.amount for line in lines if homes[line.line.line_id] == contract_id), Decimal(0))
        if total < 0 and contract.posted + total < -tolerance:
            yield Reason(
                code="credit_exceeds_remaining",
                detail=f"contract {contract_id}: a credit of {-total} is more than the {contract.posted} posted",
            )
    if _is_new(lines) and sum((line.amount for line in lines), Decimal(0)) < 0:
        yield Reason(code="negative_new_order", detail="a new order has a negative total")


def _is_new(lines: Iterable[OrderedLine]) -> bool:
    posted = [line for line in lines if line.is_posted]
    return bool(posted) and not any(line.is_change for line in posted)


def _plans(lines: Sequence[OrderedLine], homes: Mapping[str, str], policy: Policy) -> list[documents.DocumentPlan]:
    opens = _is_new(lines)
    whole = next((homes[line.line.line_id] for line in lines if line.is_posted), "")
    groups: dict[str, list[OrderedLine]] = {}
    for line in lines:
        home = homes[line.line.line_id] if policy.split_by_contract else whole
        groups.setdefault(home, []).append(line)
    return [
        each
        for contract_id, group in groups.items()
        for each in documents.plan(contract_id, group, opens=opens, policy=policy)
    ]


def _post(
    event: OrderEvent,
    lines: Sequence[OrderedLine],
    changes: tuple[SubscriptionChange, ...],
    homes: Mapping[str, str],
    plans: Sequence[documents.DocumentPlan],
    policy: Policy,
) -> Decision:
    origin = origin_of(event, policy)
    after = {change.number: change.quantity_after for change in changes}
    made = documents.write(plans, event, policy, origin, after)
    items = {line.item for document in made for line in document.lines}
    products = [product for product in event.products if external_id("ITEM", product.id) in items]
    totals: dict[str, Decimal] = {}
    for line in lines:
        home = homes[line.line.line_id]
        totals[home] = totals.get(home, Decimal(0)) + line.amount
    return Decision(
        outcome=OrderOutcome.POSTED if made else OrderOutcome.NO_OP,
        why=_why(lines, made),
        upserts=upserts_of(event, origin, products),
        documents=made,
        changes=changes,
        contract_of={change.number: homes[change.lines[0].line.line_id] for change in changes},
        totals=totals,
    )


def origin_of(event: OrderEvent, policy: Policy) -> Origin:
    """The stamp on every command of an order."""
    return Origin(
        customer_id=event.order.customer_id,
        order_id=event.order.order_id,
        order_number=event.order.order_number,
        event_id=event.event_id,
        policy_id=policy.policy_id,
        rules_version=RULES_VERSION,
    )


def _why(lines: Sequence[OrderedLine], made: Sequence[Document]) -> str:
    if _is_new(lines):
        kinds = "new order"
    else:
        kinds = ", ".join(_words(lines)) or "no line that could be posted"
    return kinds if made else f"zero total: {kinds}"


def _words(lines: Sequence[OrderedLine]) -> list[str]:
    kinds = dict.fromkeys(line.line.change_type for line in lines)
    return [kind.value.lower().replace("_", " ") for kind in kinds]


def _quarantined(reasons: tuple[Reason, ...]) -> Decision:
    """Held back for ``reasons``; of very many, the first ones and how many there are beside them."""
    if len(reasons) > MOST_REASONS:
        more = Reason(code="more", detail=f"and {len(reasons) - MOST_REASONS} reasons more")
        reasons = (*reasons[:MOST_REASONS], more)
    return Decision(OrderOutcome.QUARANTINED, "; ".join(reason.detail for reason in reasons), reasons=reasons)
