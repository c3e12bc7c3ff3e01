"""What an activation of Nue means here: one order event, made of the JSON that :mod:`schemas.nuejson` reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final

from msgspec.structs import replace

from schemas.content import content_hash
from schemas.nuejson import Account, Activation, OrderProduct, Subscription, read_wire, wire_name
from schemas.nuejson import Order as WireOrder
from schemas.nuejson import Product as WireProduct
from schemas.order import (
    Address,
    ChangeType,
    EventType,
    LineType,
    Order,
    OrderEvent,
    OrderLine,
    Party,
    Product,
    ProductKind,
    Source,
    TermDimension,
)
from schemas.wire import InvalidActivation, parse_json, squeezed, symbol

__all__ = ["InvalidActivation", "parse_json", "read_activation"]

_KINDS: Final = {
    "recurringservices": ProductKind.SUBSCRIPTION,
    "professionalservices": ProductKind.ENTITLEMENT,
    "customersupport": ProductKind.ENTITLEMENT,
    "physicalgoods": ProductKind.ASSET,
}
# Categories of a tenant's own making are known by what their names contain.
_KIND_WORDS: Final = (
    ("entitlement", ProductKind.ENTITLEMENT),
    ("training", ProductKind.ENTITLEMENT),
    ("usage", ProductKind.USAGE),
)


def read_activation(
    document: object, *, published_at: datetime, event_id: str, source: Source, tenant_id: str | None = None
) -> OrderEvent:
    """The event that an activated (or canceled) order of Nue stands for.

    ``document`` is parsed JSON whose numbers are integers or decimals (:func:`parse_json`): the answer to Nue's
    activation call, or its data alone. A line is linked to the subscription that names it as its order product, else
    to the newest version of the one that its asset number names. Numbers finer than the schema's are rounded
    half-even: to six decimals, prices to ten. A change type that is not known is ``UNKNOWN``, its text kept among the
    line's custom fields; a line without a type is taken for a line item, which the order's total then proves. An
    order without an instant of activation occurred at midnight UTC of the day it was placed, else took effect.

    Raises:
        InvalidActivation: with the place in the JSON, such as ``data.order.orderProducts[2].totalPrice``.
    """
    activation, root = read_wire(document)
    _check(activation, root)
    wire = activation.order
    lines = tuple(_line(line, place, activation.subscriptions) for place, line in enumerate(wire.lines, 1))
    order = _order(wire, lines)
    canceled = order.status.casefold() in ("canceled", "cancelled")
    return OrderEvent(
        event_id=event_id,
        event_type=EventType.ORDER_CANCELED if canceled else EventType.ORDER_ACTIVATED,
        source=source,
        occurred_at=wire.activated or datetime.combine(wire.placed or wire.effective, time(), UTC),
        published_at=published_at,
        content_hash=content_hash(order, wire.line_semantics),
        order=order,
        customer=_party(activation, order.customer_id, "customer", root),
        billing_account=_party(activation, order.billing_account_id, "billing_account", root),
        products=_products(activation.products, lines),
        line_semantics=wire.line_semantics,
        tenant_id=tenant_id,
        custom_fields=wire.own_fields,
    )


def _check(activation: Activation, root: str) -> None:
    """What no single field shows."""
    order = activation.order
    base = f"{root}{wire_name(Activation, 'order')}"
    products = {product.id for product in activation.products}
    seen: set[str] = set()
    _check_term(order, base)
    for index, line in enumerate(order.lines):
        place = f"{base}.{wire_name(WireOrder, 'lines')}[{index}]"
        _check_term(line, place)
        if line.id in seen:
            raise InvalidActivation(f"{place}.{wire_name(OrderProduct, 'id')}: {line.id} stands on an earlier line too")
        seen.add(line.id)
        if line.product_id not in products:
            raise InvalidActivation(
                f"{place}.{wire_name(OrderProduct, 'product_id')}: {line.product_id} is not among "
                f"{root}{wire_name(Activation, 'products')}"
            )


def _check_term(term: WireOrder | OrderProduct, place: str) -> None:
    if term.start and term.end and term.start > term.end:
        raise InvalidActivation(
            f"{place}.{wire_name(type(term), 'end')}: {term.end} is before the start, which is {term.start}"
        )


def _order(wire: WireOrder, lines: tuple[OrderLine, ...]) -> Order:
    return Order(
        order_id=wire.id,
        order_number=wire.number,
        status=wire.status,
        customer_id=wire.customer_id,
        billing_account_id=wire.billing_account_id or wire.customer_id,
        effective_on=wire.effective,
        currency=wire.currency,
        total_amount=wire.total_amount,
        lines=lines,
        placed_on=wire.placed,
        activated_at=wire.activated,
        list_total=wire.list_total,
        discount_amount=wire.discount_amount,
        subtotal=wire.subtotal,
        tax_amount=wire.tax_amount,
        start_on=wire.start,
        end_on=wire.end,
        term=wire.term,
        po_number=wire.po_number,
        memo=wire.description,
        original_order_id=wire.original_order_id,
    )


def _line(wire: OrderProduct, place: int, subscriptions: Sequence[Subscription]) -> OrderLine:
    line_type, change_type, dimension, unknown = _meaning(wire)
    line = OrderLine(
        line_id=wire.id,
        line_number=place if wire.line_number is None else wire.line_number,
        line_type=line_type,
        change_type=change_type,
        product_id=wire.product_id,
        quantity=wire.quantity,
        amount=wire.amount,
        asset_number=wire.asset_number,
        parent_line_id=wire.parent_id,
        price_book_entry_id=wire.price_book_entry_id,
        uom=wire.uom_id,
        unit_price=wire.net_sales_price,
        list_price=wire.list_price,
        discount_percent=wire.discount,
        discount_amount=wire.discount_amount,
        term=wire.term,
        term_dimension=dimension,
        start_on=wire.start,
        end_on=wire.end,
        tax_amount=wire.tax_amount,
        delta_arr=wire.delta_arr,
        delta_cmrr=wire.delta_cmrr,
        delta_acv=wire.delta_acv,
        delta_tcv=wire.delta_tcv,
        billing_period=wire.billing_period,
        billing_timing=wire.billing_timing,
        auto_renew=wire.auto_renew,
        evergreen=wire.evergreen,
        custom_fields=wire.own_fields | unknown,
    )
    subscription = _linked(wire, subscriptions)
    return line if subscription is None else _with_subscription(line, subscription)


def _meaning(wire: OrderProduct) -> tuple[LineType, ChangeType, TermDimension, dict[str, str]]:
    """The symbols of a line, and the texts that have none, by Nue's names for the fields."""
    unknown: dict[str, str] = {}
    line_type: LineType | None = LineType.LINE_ITEM
    change_type: ChangeType | None = ChangeType.NEW if wire.asset_number is None else ChangeType.UNKNOWN
    dimension: TermDimension | None = TermDimension.NONE
    if wire.line_type and (line_type := symbol(LineType, wire.line_type)) is None:
        unknown[wire_name(OrderProduct, "line_type")] = wire.line_type
    if wire.change_type and (change_type := symbol(ChangeType, wire.change_type)) is None:
        unknown[wire_name(OrderProduct, "change_type")] = wire.change_type
    if wire.term_dimension and (dimension := symbol(TermDimension, wire.term_dimension)) is None:
        unknown[wire_name(OrderProduct, "term_dimension")] = wire.term_dimension
    return line_type or LineType.UNKNOWN, change_type or ChangeType.UNKNOWN, dimension or TermDimension.NONE, unknown


def _linked(wire: OrderProduct, subscriptions: Sequence[Subscription]) -> Subscription | None:
    made = [subscription for subscription in subscriptions if subscription.order_product_id == wire.id]
    named = [subscription for subscription in subscriptions if subscription.number == wire.asset_number]
    return max(made or named, key=lambda subscription: subscription.version, default=None)


def _with_subscription(line: OrderLine, subscription: Subscription) -> OrderLine:
    return replace(
        line,
        subscription_id=subscription.id,
        subscription_number=subscription.number,
        subscription_version=subscription.version,
        subscription_level=subscription.level,
        root_subscription_id=subscription.root_id,
        quantity_after=subscription.quantity,
        status_after=subscription.status,
        subscription_start_on=subscription.start,
        subscription_end_on=subscription.end,
    )


def _party(activation: Activation, id_: str, field: str, root: str) -> Party:
    """The snapshot with this id: one account may be customer and billing account, and be sent once."""
    account = next((a for a in (activation.customer, activation.billing_account) if a and a.id == id_), None)
    if account is None:
        raise InvalidActivation(f"{root}{wire_name(Activation, field)}: no snapshot of {id_}, which the order names")
    return Party(
        id=account.id,
        name=account.name,
        external_id=account.external_id,
        account_number=account.account_number,
        record_type=account.record_type,
        email=account.email,
        phone=account.phone,
        currency=account.currency,
        payment_term=account.payment_term,
        parent_customer_id=account.parent_customer_id,
        description=account.description,
        customer_since=account.customer_since,
        billing_address=_address(account, "billing"),
        shipping_address=_address(account, "shipping"),
    )


def _address(account: Account, which: str) -> Address | None:
    parts = {part: getattr(account, f"{which}_{part}") for part in Address.__struct_fields__}
    return Address(**parts) if any(parts.values()) else None


def _products(products: Sequence[WireProduct], lines: Sequence[OrderLine]) -> tuple[Product, ...]:
    subscribed = {line.product_id for line in lines if line.subscription_number is not None}
    return tuple(
        Product(
            id=product.id,
            sku=product.sku,
            name=product.name,
            description=product.description,
            category=product.category,
            kind=_kind(product.category or "", subscribed=product.id in subscribed),
        )
        for product in products
    )


def _kind(category: str, *, subscribed: bool) -> ProductKind:
    name = squeezed(category)
    if name in _KINDS:
        return _KINDS[name]
    by_word = next((kind for word, kind in _KIND_WORDS if word in name), None)
    return by_word or (ProductKind.SUBSCRIPTION if subscribed else ProductKind.ONE_TIME)
