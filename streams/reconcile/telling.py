"""Findings about commands, and about records that no command asked for. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from schemas.command import Command, CreateReturnAuthorization, CreateSalesOrder, Document, UpsertCustomer, UpsertItem
from schemas.currency import UnknownCurrency, minor_units
from sinks.held import HeldDocument, HeldRecord
from streams.reconcile.findings import Discrepancy, Explained, Kind, State

NOT_ASKED_FOR = "no command asked for it"


def record_of(command: Command) -> str:
    """What a command makes; of an item the general word."""
    match command:
        case UpsertCustomer():
            return "customer"
        case UpsertItem():
            return "item"
        case CreateSalesOrder():
            return "salesOrder"
    return "returnAuthorization"


def signed(document: Document) -> Decimal:
    """What a document adds to its order: a return authorization takes away."""
    return document.total if isinstance(document, CreateSalesOrder) else -document.total


def in_currency(amount: Decimal, currency: str | None) -> Decimal:
    """``amount`` with the decimals of its currency, or more where it has more: none is rounded away."""
    try:
        digits = minor_units(currency or "")
    except UnknownCurrency:
        digits = 0
    own = amount.normalize().as_tuple().exponent
    return amount.quantize(Decimal(1).scaleb(-max(digits, -own if isinstance(own, int) else 0)))


def plain(number: Decimal) -> str:
    """A number without an exponent or zeros at its end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def discrepancy(kind: Kind, command: Command, words: str, internal_id: str | None = None) -> Discrepancy:
    """A discrepancy of this kind about what a command asks for."""
    return Discrepancy(kind=kind, words=words, internal_id=internal_id, **_about(command))


def explained(state: State, command: Command, words: str) -> Explained:
    """Why what a command asks for is not in NetSuite."""
    return Explained(state=state, words=words, **_about(command))


def stray_record(held: HeldRecord) -> Discrepancy:
    """A customer or item under one of our external ids that no command asked for."""
    record = "customer" if held.external_id.startswith("NUE-CUST-") else "item"
    return Discrepancy(
        kind=Kind.EXTRA, record=record, name=held.external_id, words=NOT_ASKED_FOR, internal_id=held.internal_id
    )


def stray_document(
    held: HeldDocument, currency: str | None, amount: Decimal, *, cut_over: bool
) -> Discrepancy | Explained:
    """A document with our link or external id that no command asked for.

    ``cut_over``: its contract was there before this system took over.
    """
    about: dict[str, Any] = {
        "record": held.record,
        "name": held.external_id or f"internal id {held.internal_id}",
        "internal_id": held.internal_id,
        "contract_id": held.link,
        "currency": currency,
        "amount": in_currency(amount, currency),
    }
    if cut_over:
        words = "its contract was there before this system took over"
        return Explained(state=State.CUT_OVER, words=words, **about)
    total = ""
    if held.total is not None:
        total = f"; its total with tax is {in_currency(abs(held.total), currency)} {currency or ''}".rstrip()
    return Discrepancy(kind=Kind.EXTRA, words=NOT_ASKED_FOR + total, **about)


def _about(command: Command) -> dict[str, Any]:
    about = {
        "record": record_of(command),
        "name": command.external_id,
        "order_number": command.origin.order_number,
        "customer_id": command.origin.customer_id,
    }
    if isinstance(command, CreateSalesOrder | CreateReturnAuthorization):
        about["contract_id"], about["currency"] = command.original_order_id, command.currency
        return about | {"amount": in_currency(signed(command), command.currency)}
    return about
