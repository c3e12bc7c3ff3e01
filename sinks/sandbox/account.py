"""What the sandbox's account is like before anything is posted: record types, currencies, terms, custom fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

CustomFields = Mapping[str, frozenset[str]]
"""Custom field ids per record type (``salesOrder``) and per its item lines (``salesOrder.item``)."""

FAMILY: Mapping[str, str] = {
    "salesOrder": "transaction",
    "returnAuthorization": "transaction",
    "customer": "entity",
    "nonInventorySaleItem": "item",
    "serviceSaleItem": "item",
    "inventoryItem": "item",
}
"""External ids are unique within a family, not within a record type."""

CLASH: Mapping[str, str] = {
    "transaction": "This record already exists",
    "entity": "This entity already exists.",
    "item": "Uniqueness error - there is already an item with that name or name/parent combination.",
}
"""What NetSuite says, per family, where an external id or a name is taken."""

_BODY = frozenset({"custbody_nue_original_orderid"})
_COLUMN = frozenset({"custcol_nue_transactionlineid", "custcol_nue_start_date", "custcol_nue_end_date"})
DEFAULT_CUSTOM_FIELDS: CustomFields = {
    "salesOrder": _BODY,
    "returnAuthorization": _BODY,
    "salesOrder.item": _COLUMN,
    "returnAuthorization.item": _COLUMN,
}
"""The custom fields that the project's documents need, applied to both transaction types."""

# fmt: off
CURRENCIES = (
    "USD", "EUR", "JPY", "GBP", "CHF", "KWD", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK",
    "HUF", "RON", "BGN", "TRY", "ILS", "AED", "SAR", "QAR", "BHD", "OMR", "JOD", "EGP", "ZAR", "NGN",
    "KES", "INR", "PKR", "BDT", "LKR", "THB", "VND", "IDR", "MYR", "SGD", "PHP", "HKD", "TWD", "KRW",
    "CNY", "MXN", "BRL", "ARS", "CLP", "COP", "PEN", "UYU", "ISK", "TND",
)
# fmt: on
TERMS = ("Net 15", "Net 30", "Net 45", "Net 60", "Net 90", "Due on receipt")

_PLACES = {*FAMILY, *(f"{record}.item" for record, family in FAMILY.items() if family == "transaction")}
_CUSTOM_FIELD = re.compile(r"cust(body|col|entity|item)_?[a-z0-9_]{1,40}")


def checked(fields: CustomFields) -> CustomFields:
    """The custom fields, if NetSuite could have them. Raises ``ValueError`` for an id or a place that it could not."""
    for place, names in fields.items():
        if place not in _PLACES:
            raise ValueError(f"{place!r} is no place for custom fields; there are {', '.join(sorted(_PLACES))}")
        for name in names:
            if not _CUSTOM_FIELD.fullmatch(name):
                raise ValueError(f"{name!r} is no id of a custom field")
    return fields


def custom_in(fields: Mapping[str, Iterable[str]]) -> CustomFields:
    """The custom ones among ``fields``, by those of their places that there are here."""
    return {
        place: frozenset(name for name in fields[place] if _CUSTOM_FIELD.fullmatch(name))
        for place in _PLACES & fields.keys()
    }
