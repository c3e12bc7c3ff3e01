"""Items in NetSuite's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from schemas.command import ItemType, UpsertItem
from sinks.body import Body, present
from sinks.defaults import Defaults, ItemDefaults

ITEM_RECORDS: Mapping[ItemType, str] = {
    ItemType.NON_INVENTORY_SALE_ITEM: "nonInventorySaleItem",
    ItemType.SERVICE_SALE_ITEM: "serviceSaleItem",
    ItemType.INVENTORY_ITEM: "inventoryItem",
}


def item_record(item_type: ItemType, defaults: Defaults) -> str | None:
    """The record type that items of this type have in the account; ``None`` for a type that we do not know."""
    return defaults.items.get(item_type, ItemDefaults()).record or ITEM_RECORDS.get(item_type)


def new_item(item: UpsertItem, defaults: Defaults) -> Body:
    """The body that creates ``item``."""
    given = defaults.items.get(item.item_type, ItemDefaults()).fields
    # an item may be sold in several subsidiaries, so it has a list of them
    of_account: Body = {} if defaults.subsidiary is None else {"subsidiary": {"items": [{"id": defaults.subsidiary}]}}
    return {**of_account, **given, "externalId": item.external_id, "itemId": item.sku, **item_words(item)}


def item_words(item: UpsertItem) -> Body:
    """The fields that are Nue's also after creation."""
    return present({"displayName": item.name, "salesDescription": item.description})
