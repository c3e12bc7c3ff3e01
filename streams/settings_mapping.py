"""How Nue's records become those of one NetSuite account: what it demands of new ones, and its names for things."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from schemas.command import ItemType
from sinks.defaults import CustomerIds, Defaults, ItemDefaults
from sinks.fields import body_fields, record_types
from sinks.items import ITEM_RECORDS
from streams.settings_connect import Name, Section

NameOrId = Annotated[Name, Field(coerce_numbers_to_str=True)]
"""An internal id (digits), or a name, which is looked up when the sink starts."""
InternalId = Annotated[str, Field(coerce_numbers_to_str=True, pattern=r"^-?[0-9]+$")]


def plain(value: object) -> object:
    """Accept what a field of a body can hold: text, a number, true or false, or a reference."""
    if isinstance(value, float):
        return Decimal(str(value))
    is_reference = isinstance(value, dict) and value.keys() == {"id"} and isinstance(value["id"], str | int)
    if not isinstance(value, str | int | Decimal) and not is_reference:
        raise ValueError("must be a text, a number, true, false, or an id of another record: { id = 5 }")
    return {"id": str(value["id"])} if isinstance(value, dict) else value


Fields = dict[str, Annotated[Any, BeforeValidator(plain)]]

ItemRecord = Literal[
    "nonInventorySaleItem",
    "nonInventoryResaleItem",
    "serviceSaleItem",
    "serviceResaleItem",
    "otherChargeSaleItem",
    "inventoryItem",
]
_STATUS = {"pending_approval": "A", "pending_fulfillment": "B", "pending_receipt": "B"}
_REFERENCES = {
    "income_account": "incomeAccount",
    "deferred_revenue_account": "deferredRevenueAccount",
    "tax_schedule": "taxSchedule",
    "revenue_recognition_rule": "revenueRecognitionRule",
    "create_revenue_plans_on": "createRevenuePlansOn",
}
_FLAGS = {"fulfillable": "isFulfillable", "include_children": "includeChildren"}
_OURS = frozenset(
    [
        "externalId",
        "entityId",
        "isPerson",
        "companyName",
        "firstName",
        "lastName",
        "email",
        "phone",
        "comments",
        "startDate",
        "endDate",
        "currency",
        "terms",
        "subsidiary",
        "addressBook",
        "itemId",
        "displayName",
        "salesDescription",
        "entity",
        "exchangeRate",
        "orderStatus",
        "tranDate",
        "memo",
        "otherRefNum",
        "item",
        "location",
        "department",
        "class",
        "custbody_nue_original_orderid",
    ]
)
"""Fields that commands or other settings fill."""


class ItemSettings(Section):
    """What new items of one kind get; items that are there keep what they have.

    ``record`` is the NetSuite record type, where it is another than the section is called after. Accounts, tax
    schedule, revenue recognition rule and "create revenue plans on" are internal ids. ``fulfillable``: sales orders
    of it wait for a fulfilment before they can be billed. ``include_children``: it is also sold in the subsidiaries
    below ``netsuite.mapping.subsidiary``. ``fields`` are further ones, in NetSuite's names.
    """

    record: ItemRecord | None = None
    income_account: InternalId | None = None
    deferred_revenue_account: InternalId | None = None
    tax_schedule: InternalId | None = None
    revenue_recognition_rule: InternalId | None = None
    create_revenue_plans_on: InternalId | None = None
    fulfillable: bool | None = None
    include_children: bool | None = None
    fields: Fields = Field(default_factory=dict)

    def defaults(self, record: str) -> ItemDefaults:
        """The same in NetSuite's names; ``record`` is the type of these items."""
        given: dict[str, object] = dict(translated(record, self.fields))
        for setting, name in _REFERENCES.items():
            if (internal_id := getattr(self, setting)) is not None:
                given[name] = {"id": internal_id}
        for setting, name in _FLAGS.items():
            if (flag := getattr(self, setting)) is not None:
                given[name] = flag
        return ItemDefaults(record=self.record, fields=given)


class MappingSettings(Section):
    """What new records of the account get. Nothing here changes a record that is there.

    ``subsidiary`` (of customers and items; documents have their customer's), ``location``, ``department`` and
    ``classification`` (NetSuite's class) are internal ids or names; ``segments_on`` says whether the last three stand
    on a document or on each of its lines.

    ``order_status``: a sales order ``pending_approval`` brings no revenue arrangement until a person approves it, one
    ``pending_fulfillment`` counts as approved, so that revenue recognition takes it up by itself. ``return_status``
    likewise (``pending_receipt`` is approved). Where they are not given, the account's preference decides.

    ``exchange_rate`` of a return: that of the ``original`` sales order of its contract, without which NetSuite does not
    tie the credit to its revenue element, or NetSuite's ``current`` one. ``add_currencies``: a customer gets the
    currency of a document into its currency list, where NetSuite refuses the document for want of it.

    ``customer_ids``: ``automatic`` in an account that numbers customers by itself. In one that does not, a customer's
    id is its ``name``, and a second customer of that name is refused; ``name_and_number`` appends Nue's account number.

    ``customer_fields``, ``order_fields`` and ``return_fields`` are what the account's forms demand beyond that.
    """

    subsidiary: NameOrId | None = None
    location: NameOrId | None = None
    department: NameOrId | None = None
    classification: NameOrId | None = None
    segments_on: Literal["document", "lines"] = "document"
    order_status: Literal["pending_approval", "pending_fulfillment"] | None = None
    return_status: Literal["pending_approval", "pending_receipt"] | None = None
    exchange_rate: Literal["original", "current"] = "original"
    add_currencies: bool = True
    customer_ids: CustomerIds = "automatic"
    customer_fields: Fields = Field(default_factory=dict)
    order_fields: Fields = Field(default_factory=dict)
    return_fields: Fields = Field(default_factory=dict)
    non_inventory_items: ItemSettings = ItemSettings()
    service_items: ItemSettings = ItemSettings()
    inventory_items: ItemSettings = ItemSettings()

    @model_validator(mode="after")
    def know_fields(self) -> Self:
        """Refuse what a record does not have: NetSuite would refuse every record of that type."""
        for setting, record in (
            ("customer_fields", "customer"),
            ("order_fields", "salesOrder"),
            ("return_fields", "returnAuthorization"),
        ):
            check_names(setting, record, getattr(self, setting), _OURS)
        for setting, item_type in _KINDS.items():
            given: ItemSettings = getattr(self, setting)
            record = given.record or ITEM_RECORDS[item_type]
            ours = _OURS.union(_REFERENCES.values(), _FLAGS.values())
            check_names(setting, record, given.fields, ours)
            check_names(setting, record, given.defaults(record).fields, ())
        return self

    def defaults(self) -> Defaults:
        """The same as the sink knows it; names are still to be looked up."""
        items = {}
        for setting, item_type in _KINDS.items():
            given: ItemSettings = getattr(self, setting)
            items[item_type] = given.defaults(given.record or ITEM_RECORDS[item_type])
        return Defaults(
            subsidiary=self.subsidiary,
            location=self.location,
            department=self.department,
            classification=self.classification,
            on_lines=self.segments_on == "lines",
            order_status=None if self.order_status is None else _STATUS[self.order_status],
            return_status=None if self.return_status is None else _STATUS[self.return_status],
            customer_ids=self.customer_ids,
            original_rate=self.exchange_rate == "original",
            add_currencies=self.add_currencies,
            items=items,
            fields={
                "customer": translated("customer", self.customer_fields),
                "salesOrder": translated("salesOrder", self.order_fields),
                "returnAuthorization": translated("returnAuthorization", self.return_fields),
            },
        )


_KINDS: Mapping[str, ItemType] = {
    "non_inventory_items": ItemType.NON_INVENTORY_SALE_ITEM,
    "service_items": ItemType.SERVICE_SALE_ITEM,
    "inventory_items": ItemType.INVENTORY_ITEM,
}


def check_names(setting: str, record: str, fields: Mapping[str, Any], ours: Iterable[str]) -> None:
    """Raise ``ValueError`` for a field that ``record`` cannot have, or that is ``ours`` to fill.

    Which custom fields there are, only the account knows; so it does for record types that the tables do not describe.
    """
    own = {"customer": "entity", "salesOrder": "body", "returnAuthorization": "body"}.get(record, "item")
    for name in fields:
        if name in ours:
            raise ValueError(f"{setting}: {name} is filled by commands or by a setting of its own")
        is_custom = re.fullmatch(rf"cust{own}_?[a-z0-9_]+", name) is not None
        if not is_custom and record in record_types() and name not in body_fields(record):
            raise ValueError(f"{setting}: {record} has no field {name}")


def translated(record: str, fields: Fields) -> dict[str, object]:
    """``fields`` as a body has them: the id of another record becomes a reference."""
    tables = body_fields(record) if record in record_types() else {}
    return {
        name: {"id": str(value)} if _names_record(tables.get(name, {}), value) else value
        for name, value in fields.items()
    }


def _names_record(described: Mapping[str, Any], value: object) -> bool:
    is_name = isinstance(value, int | str) and not isinstance(value, bool)
    return is_name and described.get("type") in ("ref", "object")
