"""What an account demands of new records beyond what commands say. Sent when a record is made, never afterwards.

So it is no part of a content hash, and changing it sends nothing again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from schemas.command import ItemType

CustomerIds = Literal["automatic", "name", "name_and_number"]
CustomerParents = Literal["preferred", "required", "ignored"]
CustomType = Literal["text", "number", "checkbox", "date", "list"]


class CustomField(Struct, frozen=True, kw_only=True):
    """A custom field of NetSuite: its id, its type, and of a list the internal ids by Nue's texts."""

    field: str
    type: CustomType = "text"
    values: Mapping[str, str] = {}


class ItemDefaults(Struct, frozen=True, kw_only=True):
    """Of one kind of item: the record type, where it is not ours, and fields in NetSuite's names."""

    record: str | None = None
    fields: Mapping[str, object] = {}


class Defaults(Struct, frozen=True, kw_only=True):
    """Of one account. Accounts without subsidiaries have no ``subsidiary``.

    ``subsidiary``, ``location``, ``department`` and ``classification`` are internal ids; ``lookup.settled`` puts them
    in the place of names. The last three stand on a document, or ``on_lines``. ``order_status`` and ``return_status``
    are NetSuite's letters. ``customer_ids``: whether NetSuite numbers customers, else what their id is made of.
    ``original_rate``: a return takes the exchange rate of the first sales order of its contract.
    ``add_currencies``: a customer gets a currency that it has no account in yet when the first document needs it.
    ``fields`` are further ones by record type, in NetSuite's names.
    ``order_custom`` (of both documents) and ``line_custom`` are custom fields by Nue's names for what they are filled
    from; ``root_field`` is the column for the root of a line's subscription. ``parents``: whether a customer waits for
    the one above it, and is made without it where that does not come, or not at all.
    """

    subsidiary: str | None = None
    location: str | None = None
    department: str | None = None
    classification: str | None = None
    on_lines: bool = False
    order_status: str | None = None
    return_status: str | None = None
    customer_ids: CustomerIds = "automatic"
    parents: CustomerParents = "preferred"
    original_rate: bool = False
    add_currencies: bool = False
    items: Mapping[ItemType, ItemDefaults] = {}
    fields: Mapping[str, Mapping[str, object]] = {}
    order_custom: Mapping[str, CustomField] = {}
    line_custom: Mapping[str, CustomField] = {}
    root_field: str | None = None

    @property
    def columns(self) -> frozenset[str]:
        """The custom fields of lines that the mapping names."""
        return frozenset(each.field for each in self.line_custom.values()) | (
            {self.root_field} if self.root_field else set()
        )

    @property
    def headers(self) -> frozenset[str]:
        """The custom fields of documents that the mapping names."""
        return frozenset(each.field for each in self.order_custom.values())
