"""One record of the log into its customer's state: what is sent, and the state that contains the record.

This is the whole projection as one pure function. The stream processor, a replay and the tests call it alike.

A record decides at most one order by itself; orders that waited for what it brought are decided after it, in the
order of their arrival, at its position.
"""

from __future__ import annotations

from functools import partial

from msgspec import structs

from projections import openings
from projections.decide import Decision, fold_only, is_ignored, quarantined
from projections.evolve import short_hash
from projections.records import Content, LogRecord, Step
from projections.state import Body, CustomerState, WaitingEntry, subscription_key
from projections.turn import Turn
from projections.waiting import body_of, quarantined_record, requested_record
from schemas.acts import Act, Discarded, GapExpired, Released
from schemas.content import content_hash
from schemas.contract import OrderOutcome
from schemas.opening import Opening
from schemas.order import EventType, OrderEvent
from schemas.policy import Policy
from schemas.quarantine import Reason

__all__ = ["Content", "LogRecord", "Step", "fold"]


def fold(state: CustomerState, record: LogRecord, content: Content, policy: Policy) -> Step:
    """Take in ``content``, which ``record`` holds, after everything in ``state``.

    A copy of an order that was seen is recorded and sends nothing; the same order with other content is quarantined
    as a conflict. What people and workers say acts only on an order that is held or quarantined. The record must lie
    above the state's position.
    """
    match content:
        case OrderEvent():
            turn = Turn(state, record, policy, content.event_id, content.published_at)
            _order(turn, content)
        case Opening():
            turn = Turn(state, record, policy, content.event_id, content.at)
            _opening(turn, content)
        case _:
            turn = Turn(state, record, policy, content.event_id, content.at)
            _act(turn, content)
    return turn.step()


def _order(turn: Turn, event: OrderEvent) -> None:
    content = short_hash(content_hash(event.order, event.line_semantics))
    known = None if is_ignored(event) else turn.state.order(event.event_type, event.order.order_id)
    if known is None and turn.state.waiting(event.event_id) is not None:
        _id_taken(turn, event)
    elif known is None:
        turn.decided(body_of(turn.record, event, content), None, turn.decide(event))
    elif known.content != content:
        _conflict(turn, body_of(turn.record, event, content), known.position)


def _conflict(turn: Turn, body: Body, position: int) -> None:
    """The same order with other content. The same conflicting event again says nothing more."""
    if turn.state.waiting(body.event.event_id) is None:
        turn.conflicting(body, None, position)
        return
    waiting = turn.state.body(body.event.event_id)
    if waiting is None or waiting.content != body.content:
        _id_taken(turn, body.event)


def _id_taken(turn: Turn, event: OrderEvent) -> None:
    """Another event waits or waited under this id, so nobody can name this one: it is told, and leaves no trace."""
    detail = f"event {event.event_id} was taken in before with other content; event ids are not used twice"
    held_back = quarantined_record(turn.record, (Reason(code="conflict", detail=detail),))
    turn.quarantined.append(structs.replace(held_back, customer_id=event.order.customer_id))


def _opening(turn: Turn, opening: Opening) -> None:
    known = turn.state.opening(opening.contract_id)
    if known is not None and known.content == openings.content_of(opening):
        return
    reasons = tuple(openings.objections_to(turn.state, opening))
    if known is not None:
        detail = f"contract {opening.contract_id} was opened otherwise; one of the two is wrong"
        reasons = (Reason(code="conflict", detail=detail),)
    if reasons:
        held_back = quarantined_record(turn.record, reasons)
        turn.quarantined.append(structs.replace(held_back, event_id=opening.event_id, customer_id=opening.customer_id))
        return
    turn.change(openings.opened(turn.record.offset, opening))
    turn.told.append(partial(openings.opening_events, opening))
    turn.resume(subscription_key(each.number) for each in opening.subscriptions)


def _act(turn: Turn, act: Act) -> None:
    entry, body = turn.state.waiting(act.about), turn.state.body(act.about)
    if entry is None or body is None or not entry.is_open:
        return
    match act:
        case Released():
            _release(turn, body, entry, act)
        case Discarded():
            _discard(turn, body, entry, act)
        case GapExpired():
            if entry.outcome is OrderOutcome.HELD:
                decision = turn.decide(body.event, entry)
                expired = decision.outcome is OrderOutcome.HELD
                turn.decided(body, entry, quarantined(decision.reasons) if expired else decision)


def _release(turn: Turn, body: Body, entry: WaitingEntry, act: Released) -> None:
    if turn.policy.release_by_two and not _is_second(entry, act):
        turn.remember(body.event, structs.replace(entry, asked_by=act.by, asked=act.waives))
        turn.holdings.append(requested_record(act))
        return
    waived = tuple(sorted({*entry.waived, *act.waives}))
    entry = structs.replace(entry, waived=waived, asked_by=None, asked=())
    if "conflict" in entry.codes:
        turn.conflicting(body, entry, None)
    else:
        turn.decided(body, entry, turn.decide(body.event, entry), act.by, act.why)


def _is_second(entry: WaitingEntry, act: Released) -> bool:
    """Whether another person has asked for the release before, and for no less than this."""
    return entry.asked_by not in (None, act.by) and set(act.waives) <= set(entry.asked)


def _discard(turn: Turn, body: Body, entry: WaitingEntry, act: Discarded) -> None:
    why = f"discarded by {act.by}: {act.why}"
    if "conflict" in entry.codes:
        turn.close(body.event, entry, OrderOutcome.DISCARDED, act.why, act.by)
    elif body.event.event_type is EventType.ORDER_ACTIVATED:
        turn.decided(body, entry, fold_only(turn.state, body.event, turn.policy, why), act.by, act.why)
    else:
        turn.decided(body, entry, Decision(OrderOutcome.DISCARDED, why), act.by, act.why)
