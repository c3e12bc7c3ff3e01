"""The decision on one order: documents, or the reason why there are none. Judges, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from projections import documents
from projections.changes import SubscriptionChange, changes_of, missing_versions, version_reasons
from projections.contracts import assign
from projections.effects import Reading
from projections.lines import OrderedLine, is_new_order, ordered_lines, tied_out
from projections.objections import objections, told_totals_tie, totals_do_not_tie
from projections.posting import Posting
from projections.readable import FOR_GOOD, UNREADABLE_MONEY, reasons_against_itself, without_money
from projections.snapshots import as_changes
from projections.state import WAITING, CustomerState
from schemas.command import Document, Upsert
from schemas.contract import OrderOutcome
from schemas.holding import Missing
from schemas.order import EventType, LineSemantics, Order, OrderEvent
from schemas.policy import Policy
from schemas.quarantine import Reason

MOST_REASONS = 20
"""How many reasons against an order are told: its record has to fit through the broker."""

Waived = frozenset[str]

EVERYTHING: Waived = frozenset({"everything"})
"""Waives every reason that can be waived. Only this very object does, whatever a person may write."""


class Decision(Struct, frozen=True):
    """What is to become of an order.

    ``missing`` is what a held one waits for, ``posting`` what one that posts brings to NetSuite. ``contract_of`` gives
    the contract of each subscription that the order changes; ``totals`` the signed sum that the order posts per
    contract it touches. ``is_restated`` says that the order's own total is not what it changes.
    """

    outcome: OrderOutcome
    why: str
    reasons: tuple[Reason, ...] = ()
    missing: tuple[Missing, ...] = ()
    posting: Posting | None = None
    changes: tuple[SubscriptionChange, ...] = ()
    contract_of: Mapping[str, str] = {}
    totals: Mapping[str, Decimal] = {}
    is_restated: bool = False

    @property
    def documents(self) -> tuple[Document, ...]:
        """The documents that the order becomes."""
        return self.posting.documents if self.posting else ()

    @property
    def upserts(self) -> tuple[Upsert, ...]:
        """The customers and items that go out before them."""
        return self.posting.upserts if self.posting else ()


def decide(state: CustomerState, event: OrderEvent, policy: Policy, waived: Waived = frozenset()) -> Decision:
    """Decide an activated order that was not decided before, from everything that its customer did before it.

    An order is decided, held or quarantined whole: one reason against any of its lines holds all of it back.
    ``waived`` are the codes of reasons that people said do not count.
    """
    order = event.order
    if is_ignored(event):
        return Decision(OrderOutcome.IGNORED, f"not activated: its status is {order.status}")
    if reasons := standing((*reasons_against_itself(event), *_was_cancelled(state, order)), waived):
        return quarantined(reasons)
    return _judge(state, event, policy, waived)


def _judge(state: CustomerState, event: OrderEvent, policy: Policy, waived: Waived) -> Decision:
    """The decision on an order that can be read."""
    order = event.order
    reading = reading_of(event, policy)
    lines = ordered_lines(order)
    told_tie = not reading.is_snapshot or told_totals_tie(order, lines, policy)
    if reading.is_snapshot:
        lines = as_changes(state, lines, reading)
    changes = changes_of(state, lines, reading)
    if _is_opened_already(event, changes, policy):
        return Decision(OrderOutcome.NO_OP, "contained in the opening balance of its contract")
    if reasons := standing(version_reasons(changes), waived):
        return quarantined(reasons)
    missing = missing_versions(changes)
    if missing and not is_waived("version_gap", waived):
        return held(missing)
    tied = tied_out(order, lines, policy.tie_out_tolerance) if not reading.is_snapshot else lines
    if (tied is None or not told_tie) and not is_waived("totals_do_not_tie", waived):
        return quarantined((totals_do_not_tie(order, lines, reading),))
    if tied is not None and tied is not lines:
        lines, changes = tied, changes_of(state, tied, reading)
    homes = assign(state, order.order_id, lines)
    if reasons := standing(objections(state, order, lines, changes, homes, policy, reading), waived):
        return quarantined(reasons)
    opens = is_new_order(lines) and sum((line.amount for line in lines), Decimal(0)) >= 0
    asks = not is_waived("mixed_order", waived) and not is_before_cut_over(event, policy)
    try:
        plans = documents.plan_all(lines, homes, policy, opens=opens, ask=asks)
    except documents.MixedOrderQuarantined:
        detail = "the order adds and takes away, and the policy leaves such orders to a person"
        return quarantined((Reason(code="mixed_order", detail=detail),))
    return _post(event, lines, changes, homes, plans, policy)


def fold_only(state: CustomerState, event: OrderEvent, policy: Policy, why: str) -> Decision:
    """What an activated order does that is discarded, as ``why`` says: it is folded, whatever speaks against it, and
    posts nothing.
    """
    unreadable = any(reason.code in UNREADABLE_MONEY for reason in reasons_against_itself(event))
    decision = _judge(state, without_money(event) if unreadable else event, policy, EVERYTHING)
    return replace(
        decision,
        outcome=OrderOutcome.DISCARDED,
        why=why,
        posting=None,
        totals=dict.fromkeys(decision.totals, Decimal(0)),
    )


def is_ignored(event: OrderEvent) -> bool:
    """Whether the event is about an order that is not activated: nothing is decided about it yet."""
    return event.event_type is EventType.ORDER_ACTIVATED and not event.order.is_active


def is_waived(code: str, waived: Waived) -> bool:
    """Whether people said that this reason does not count."""
    return code not in FOR_GOOD and (code in waived or waived is EVERYTHING)


def standing(reasons: Iterable[Reason], waived: Waived) -> tuple[Reason, ...]:
    """Those of ``reasons`` that nobody has waived."""
    return tuple(reason for reason in reasons if not is_waived(reason.code, waived))


def reading_of(event: OrderEvent, policy: Policy) -> Reading:
    """How the event's lines are to be read."""
    return Reading(
        currency=event.order.currency,
        effective_on=event.order.effective_on,
        basis=policy.term_basis,
        is_snapshot=event.line_semantics is LineSemantics.SNAPSHOT,
    )


def quarantined(reasons: tuple[Reason, ...]) -> Decision:
    """Held back for ``reasons``."""
    told = _told(reasons)
    return Decision(OrderOutcome.QUARANTINED, "; ".join(reason.detail for reason in told), reasons=told)


def _told(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    """Of very many reasons, the first ones and how many there are beside them."""
    if len(reasons) <= MOST_REASONS:
        return reasons
    more = Reason(code="more", detail=f"and {len(reasons) - MOST_REASONS} reasons more")
    return (*reasons[:MOST_REASONS], more)


def held(missing: tuple[Missing, ...]) -> Decision:
    """Waiting, whole, for what has to arrive before it."""
    reasons = _told(tuple(Reason(code="version_gap", detail=f"waits for {told_missing(each)}") for each in missing))
    why = "; ".join(reason.detail for reason in reasons)
    return Decision(OrderOutcome.HELD, why, reasons=reasons, missing=missing)


def told_missing(missing: Missing) -> str:
    """What an order waits for, for people."""
    if missing.order_id is not None:
        return f"the activation of order {missing.order_id}"
    if missing.first_version == missing.last_version:
        return f"{missing.subscription_number} version {missing.first_version}"
    return f"{missing.subscription_number} versions {missing.first_version} to {missing.last_version}"


def is_before_cut_over(event: OrderEvent, policy: Policy) -> bool:
    """Whether the order's documents were posted, if at all, before this system took over."""
    return policy.post_from is not None and documents.document_date(event, policy) < policy.post_from


def _was_cancelled(state: CustomerState, order: Order) -> Iterator[Reason]:
    cancellation = state.order(EventType.ORDER_CANCELED, order.order_id)
    if cancellation is not None and cancellation.outcome not in WAITING:
        yield Reason(code="cancelled_before", detail="the order was cancelled before its activation arrived")


def _is_opened_already(event: OrderEvent, changes: Sequence[SubscriptionChange], policy: Policy) -> bool:
    if not changes or not is_before_cut_over(event, policy):
        return False
    return all(change.is_late and change.before is not None and change.before.opened for change in changes)


def _post(
    event: OrderEvent,
    lines: Sequence[OrderedLine],
    changes: tuple[SubscriptionChange, ...],
    homes: Mapping[str, str],
    plans: Sequence[documents.DocumentPlan],
    policy: Policy,
) -> Decision:
    posting = None
    if is_before_cut_over(event, policy):
        why = f"dated before {policy.post_from}: projected, never posted"
    else:
        why = _why(lines, plans)
        posting = Posting(event, policy, plans, {change.number: change.quantity_after for change in changes})
    return Decision(
        outcome=OrderOutcome.POSTED if posting and plans else OrderOutcome.NO_OP,
        why=why,
        posting=posting,
        changes=changes,
        contract_of={change.number: homes[change.lines[0].line.line_id] for change in changes},
        totals=totals_by_contract(lines, homes),
        is_restated=event.line_semantics is LineSemantics.SNAPSHOT,
    )


def totals_by_contract(lines: Sequence[OrderedLine], homes: Mapping[str, str]) -> dict[str, Decimal]:
    """What the lines add to each contract that they belong to, in the order's currency."""
    totals: dict[str, Decimal] = {}
    for line in lines:
        home = homes[line.line.line_id]
        totals[home] = totals.get(home, Decimal(0)) + line.amount
    return totals


def _why(lines: Sequence[OrderedLine], made: Sequence[documents.DocumentPlan]) -> str:
    if is_new_order(lines):
        kinds = "new order"
    else:
        kinds = ", ".join(_words(lines)) or "no line that could be posted"
    return kinds if made else f"zero total: {kinds}"


def _words(lines: Sequence[OrderedLine]) -> list[str]:
    kinds = dict.fromkeys(line.line.change_type for line in lines)
    return [kind.value.lower().replace("_", " ") for kind in kinds]
