"""Customers and items as an activation shows them, on their one way to NetSuite."""

from __future__ import annotations

from collections.abc import Iterable

from projections.identity import external_id, stable_id
from schemas.command import ItemType, Origin, Upsert, UpsertCustomer, UpsertItem
from schemas.order import OrderEvent, Party, Product, ProductKind

# The connector's mapping: subscriptions are non-inventory items, entitlements services, assets inventory.
_ITEM_TYPE = {
    ProductKind.UNKNOWN: ItemType.NON_INVENTORY_SALE_ITEM,
    ProductKind.SUBSCRIPTION: ItemType.NON_INVENTORY_SALE_ITEM,
    ProductKind.USAGE: ItemType.NON_INVENTORY_SALE_ITEM,
    ProductKind.ENTITLEMENT: ItemType.SERVICE_SALE_ITEM,
    ProductKind.ONE_TIME: ItemType.SERVICE_SALE_ITEM,
    ProductKind.ASSET: ItemType.INVENTORY_ITEM,
}


def upserts_of(event: OrderEvent, origin: Origin, products: Iterable[Product]) -> tuple[Upsert, ...]:
    """The customer, the billing account (before it, where it is the customer's parent) and ``products``, each once.

    Customers go along with every activation, also one that makes no document; items with the lines posted.
    """
    named = (event.order.customer_id, event.order.billing_account_id)
    parties = {party.id: party for party in (event.customer, event.billing_account) if party.id in named}
    customers = [_customer(party, event, origin) for party in parties.values()]
    if customers and customers[0].parent == customers[-1].external_id:
        customers.reverse()
    items = [_item(product, event, origin) for product in {product.id: product for product in products}.values()]
    return (*customers, *items)


def _customer(party: Party, event: OrderEvent, origin: Origin) -> UpsertCustomer:
    name = external_id("CUST", party.id)
    return UpsertCustomer(
        command_id=stable_id("upsert", name, origin.order_id, event.event_type.value),
        external_id=name,
        activated_at=event.occurred_at,
        origin=origin,
        name=party.name,
        is_person=(party.record_type or "").casefold() == "consumer",
        account_number=party.account_number,
        email=party.email,
        phone=party.phone,
        currency=party.currency,
        payment_term=party.payment_term,
        comments=party.description,
        customer_since=party.customer_since,
        billing_address=party.billing_address,
        shipping_address=party.shipping_address,
        parent=_parent(party),
    )


def _parent(party: Party) -> str | None:
    """The customer above it; none where it is said to be its own."""
    above = external_id("CUST", party.parent_customer_id) if party.parent_customer_id else None
    return above if above != external_id("CUST", party.id) else None


def _item(product: Product, event: OrderEvent, origin: Origin) -> UpsertItem:
    name = external_id("ITEM", product.id)
    return UpsertItem(
        command_id=stable_id("upsert", name, origin.order_id, event.event_type.value),
        external_id=name,
        activated_at=event.occurred_at,
        origin=origin,
        item_type=_ITEM_TYPE[product.kind],
        sku=product.sku,
        name=product.name,
        description=product.description,
    )
