"""What an account demands of new records beyond what commands say. Sent when a record is made, never afterwards.

So it is no part of a content hash, and changing it sends nothing again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from schemas.command import ItemType

CustomerIds = Literal["automatic", "name", "name_and_number"]


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
    """

    subsidiary: str | None = None
    location: str | None = None
    department: str | None = None
    classification: str | None = None
    on_lines: bool = False
    order_status: str | None = None
    return_status: str | None = None
    customer_ids: CustomerIds = "automatic"
    original_rate: bool = False
    add_currencies: bool = False
    items: Mapping[ItemType, ItemDefaults] = {}
    fields: Mapping[str, Mapping[str, object]] = {}
