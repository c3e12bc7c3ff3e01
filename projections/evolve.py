"""Record a decision in the customer's state. Refuses nothing: what was decided, happened."""

from __future__ import annotations

from decimal import Decimal

from projections.decide import Decision
from projections.state import (
    ContractEntry,
    CustomerState,
    Entry,
    OrderEntry,
    SubscriptionEntry,
    contract_key,
    order_key,
    subscription_key,
)
from schemas.contract import OrderOutcome
from schemas.order import OrderEvent


def evolve(state: CustomerState, position: int, event: OrderEvent, content: str, decision: Decision) -> CustomerState:
    """The state after ``event``, whose content has the hash ``content``, was decided at ``position``.

    An ignored order leaves no trace, so that its later activation is not taken for another copy of it. A
    quarantined one is remembered and changes no subscription.
    """
    if decision.outcome is OrderOutcome.IGNORED:
        return state.with_changes(position, {})
    order = event.order
    entries: dict[str, Entry] = {
        order_key(event.event_type, order.order_id): OrderEntry(
            position=position,
            content_hash=content,
            event_id=event.event_id,
            outcome=decision.outcome,
        )
    }
    if decision.outcome is not OrderOutcome.QUARANTINED:
        entries |= _contracts(state, position, event, decision)
        entries |= _subscriptions(position, decision)
    return state.with_changes(position, entries)


def seen(state: CustomerState, position: int) -> CustomerState:
    """The state after a record that changed nothing in it."""
    return state.with_changes(position, {})


def _contracts(state: CustomerState, position: int, event: OrderEvent, decision: Decision) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for contract_id, total in decision.totals.items():
        known = state.contract(contract_id)
        changes = sum(1 for home in decision.contract_of.values() if home == contract_id)
        entries[contract_key(contract_id)] = ContractEntry(
            position=position,
            currency=event.order.currency,
            billing_account_id=event.order.billing_account_id,
            posted=(known.posted if known else Decimal(0)) + total,
            changes=(known.changes if known else 0) + changes,
        )
    return entries


def _subscriptions(position: int, decision: Decision) -> dict[str, Entry]:
    return {
        subscription_key(change.number): SubscriptionEntry(
            position=position,
            contract_id=decision.contract_of[change.number],
            version=change.version,
            quantity=change.quantity_after,
            status=change.status_after,
            product_id=change.lines[-1].line.product_id,
            posted=(change.before.posted if change.before else Decimal(0)) + change.amount,
            start_on=change.start_on,
            end_on=change.end_on,
        )
        for change in decision.changes
    }
