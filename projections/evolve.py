"""Record a decision in the customer's state. Refuses nothing: what was decided, happened."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

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
from schemas.contract import DocumentType, OrderOutcome
from schemas.order import Order, OrderEvent

HASH_BYTES = 16
"""How much of an order's content hash the state keeps."""


def short_hash(content_hash: str) -> bytes:
    """The part of a content hash that the state keeps."""
    return bytes.fromhex(content_hash)[:HASH_BYTES]


def evolve(state: CustomerState, position: int, event: OrderEvent, content: bytes, decision: Decision) -> CustomerState:
    """The state after ``event``, whose content has the hash ``content``, was decided at ``position``.

    An order that is held or quarantined is remembered and changes no subscription.
    """
    posting = decision.posting
    entries: dict[str, Entry] = {
        order_key(event.event_type, event.order.order_id): OrderEntry(
            position=position,
            content=content,
            outcome=decision.outcome,
            sales_orders=posting.count(DocumentType.SALES_ORDER) if posting else 0,
            returns=posting.count(DocumentType.RETURN_AUTHORIZATION) if posting else 0,
        )
    }
    entries |= _contracts(state, position, event.order, decision)
    entries |= _subscriptions(position, event.order, decision)
    return state.with_changes(position, entries)


def seen(state: CustomerState, position: int) -> CustomerState:
    """The state after a record that changed nothing in it."""
    return state if state.position == position else state.with_changes(position, {})


def _contracts(state: CustomerState, position: int, order: Order, decision: Decision) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for contract_id, total in decision.totals.items():
        known = state.contract(contract_id)
        changes = sum(1 for home in decision.contract_of.values() if home == contract_id)
        if known is not None and decision.outcome is OrderOutcome.DISCARDED:
            entries[contract_key(contract_id)] = replace(known, position=position, changes=known.changes + changes)
            continue
        # One that a person let through in another currency takes its contract there: no money is ever converted.
        posted = known.posted if known is not None and known.currency == order.currency else Decimal(0)
        entries[contract_key(contract_id)] = ContractEntry(
            position=position,
            currency=order.currency,
            billing_account_id=order.billing_account_id,
            posted=posted + total,
            changes=(known.changes if known else 0) + changes,
        )
    return entries


def _subscriptions(position: int, order: Order, decision: Decision) -> dict[str, Entry]:
    entries: dict[str, Entry] = {}
    for change in decision.changes:
        before = change.before
        currency, schedule = order.currency, change.schedule
        posted = (before.remaining(currency) if before else Decimal(0)) + change.amount
        if decision.outcome is OrderOutcome.DISCARDED:
            posted = before.posted if before else Decimal(0)
            if before is not None and before.currency != currency:
                currency, schedule = before.currency, before.schedule
        entries[subscription_key(change.number)] = SubscriptionEntry(
            position=position,
            contract_id=decision.contract_of[change.number],
            version=change.version,
            quantity=change.quantity_after,
            status=change.status_after,
            product_id=change.product_id,
            posted=posted,
            start_on=change.start_on,
            end_on=change.end_on,
            currency=currency,
            schedule=schedule,
            opened=before is not None and before.opened,
        )
    return entries
