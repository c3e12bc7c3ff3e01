"""How Nue's records become those of one NetSuite account: what it demands of new ones, and its names for things."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

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


class CustomFieldSettings(Section):
    """A custom field that is filled with what Nue says: its id, and its ``type``; its id alone where it is a text.

    ``checkbox`` takes Nue's true and false, ``date`` a date or the date of an instant, ``number`` a number. ``list``
    takes the internal id that ``values`` gives for Nue's text.
    """

    field: Annotated[str, Field(pattern=r"^cust(body|col)_?[a-z0-9_]+$")]
    type: Literal["text", "number", "checkbox", "date", "list"] = "text"
    values: dict[str, InternalId] = Field(default_factory=dict)

    @model_validator(mode="after")
    def have_values(self) -> CustomFieldSettings:
        """A list needs its values, and nothing else has any."""
        if (self.type == "list") != bool(self.values):
            raise ValueError('values: belong to a field of type "list", and such a field needs them')
        return self


def of_text(value: object) -> object:
    """Accept the id of a field of type text by itself."""
    return {"field": value} if isinstance(value, str) else value


CustomFields = dict[str, Annotated[CustomFieldSettings, BeforeValidator(of_text)]]
"""By Nue's names for what the fields are filled from."""


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

    ``customer_parents``: a new customer whom Nue has another above waits until that one is in NetSuite, for half of
    ``netsuite.reference_timeout``. If it does not come, ``preferred`` makes the customer without a parent and says so
    in the outcome, ``required`` makes a dead letter of it, which goes out by itself once the parent is there.
    ``ignored`` sends no parents.

    ``customer_fields``, ``order_fields`` and ``return_fields`` are what the account's forms demand beyond that.

    ``order_custom_fields`` and ``line_custom_fields`` say which of the tenant's own fields of a Nue order, and of its
    order products, go into which ``custbody_`` and ``custcol_`` fields of both documents; where Nue has no value,
    ``order_fields`` and ``return_fields`` may give one. ``root_subscription_field`` is the ``custcol_`` field for the
    root of a line's subscription (Nue's ``rootId``).
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
    customer_ids: Literal["automatic", "name", "name_and_number"] = "automatic"
    customer_parents: Literal["preferred", "required", "ignored"] = "preferred"
    customer_fields: Fields = Field(default_factory=dict)
    order_fields: Fields = Field(default_factory=dict)
    return_fields: Fields = Field(default_factory=dict)
    order_custom_fields: CustomFields = Field(default_factory=dict)
    line_custom_fields: CustomFields = Field(default_factory=dict)
    root_subscription_field: str | None = None
    non_inventory_items: ItemSettings = ItemSettings()
    service_items: ItemSettings = ItemSettings()
    inventory_items: ItemSettings = ItemSettings()
