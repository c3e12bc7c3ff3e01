"""What speaks against an order by itself, whatever was decided before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from msgspec import structs

from schemas.currency import UnknownCurrency, minor_units
from schemas.order import ChangeType, EventType, LineSemantics, LineType, OrderEvent
from schemas.quarantine import Reason

FOR_GOOD = frozenset(
    {
        "change_type",
        "conflict",
        "duplicate_line",
        "event_type",
        "line_semantics",
        "line_type",
        "price_too_large",
        "snapshot_cancellation",
        "too_large",
        "unknown_currency",
    }
)
"""The reasons that nobody can waive: without an answer to them there is nothing to post."""

UNREADABLE_MONEY = frozenset({"price_too_large", "unknown_currency"})
"""The reasons for which an order's amounts and prices mean nothing."""

_ANY_CURRENCY = "USD"  # rounds amounts that are all zero
_LARGEST_MONTHLY = Decimal(10) ** 18


def reasons_against_itself(event: OrderEvent) -> Iterator[Reason]:
    """What this version of the rules cannot judge, or what the event should have brought along."""
    order = event.order
    if event.event_type is EventType.UNKNOWN:
        yield Reason(code="event_type", detail="the event is of a type that this version does not know")
    if event.line_semantics is LineSemantics.UNKNOWN:
        yield Reason(code="line_semantics", detail="what the lines mean is not known to this version")
    try:
        minor_units(order.currency)
    except UnknownCurrency as error:
        yield Reason(code="unknown_currency", detail=str(error))
    if (event.customer.id, event.billing_account.id) != (order.customer_id, order.billing_account_id):
        yield Reason(code="missing_party", detail="the customer or billing account of the order is not described")
    if len({line.line_id for line in order.lines}) < len(order.lines):
        names = Counter(line.line_id for line in order.lines)
        for name in sorted(name for name, count in names.items() if count > 1):
            yield Reason(code="duplicate_line", detail=f"line {name} stands in the order more than once")
    yield from _reasons_against_lines(event)


def _reasons_against_lines(event: OrderEvent) -> Iterator[Reason]:
    known = {product.id for product in event.products}
    for line in event.order.lines:
        if line.line_type is LineType.UNKNOWN:
            yield Reason(code="line_type", detail=f"line {line.line_id} is of a type that is not known")
        if line.line_type not in (LineType.LINE_ITEM, LineType.RAMP_ITEM):
            continue
        if line.change_type is ChangeType.UNKNOWN:
            yield Reason(code="change_type", detail=f"line {line.line_id} is a change that is not known")
        if line.product_id not in known:
            yield Reason(code="missing_product", detail=f"product {line.product_id} is not described")
        if line.unit_price is not None and is_too_large_a_price(line.unit_price, line.quantity):
            detail = f"line {line.line_id} costs {line.unit_price * line.quantity:.3E} a month"
            yield Reason(code="price_too_large", detail=detail)


def is_too_large_a_price(unit_price: Decimal, quantity: Decimal) -> bool:
    """Whether so many units at a price cost more a month than contract events can tell."""
    return abs(unit_price * quantity) >= _LARGEST_MONTHLY


def without_money(event: OrderEvent) -> OrderEvent:
    """An event whose money cannot be read, with what its versions still say; its lines are worth nothing."""
    lines = tuple(structs.replace(line, amount=Decimal(0), unit_price=None) for line in event.order.lines)
    return structs.replace(event, order=structs.replace(event.order, lines=lines, currency=_ANY_CURRENCY))
