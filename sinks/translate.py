"""Commands in NetSuite's words: which request holds which fields. Pure; what NetSuite answers is read in ``readback``.

Field names follow NetSuite's REST record tables; a name that a record does not know makes NetSuite refuse the whole
request, since :data:`HEADERS` ask it to. Numbers stay decimals until they are digits in the body.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import date
from urllib.parse import quote

import msgspec
from msgspec import Struct

from schemas.command import (
    Command,
    CreateReturnAuthorization,
    CreateSalesOrder,
    Document,
    DocumentLine,
    ItemType,
    Upsert,
    UpsertCustomer,
    UpsertItem,
)
from schemas.order import Address

ORIGINAL_ORDER = "custbody_nue_original_orderid"
LINE_ID = "custcol_nue_transactionlineid"
LINE_START = "custcol_nue_start_date"
LINE_END = "custcol_nue_end_date"

# NetSuite drops misspelt fields silently unless told otherwise, and the link of a document with them.
HEADERS: Mapping[str, str] = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "X-NetSuite-PropertyNameValidation": "Error",
}
QUERY_HEADERS: Mapping[str, str] = {**HEADERS, "Prefer": "transient"}

# Nue's own connector cuts comments at this length.
COMMENTS_LIMIT = 999
_CUT = " … (cut)"
# The price level "Custom": without it NetSuite takes the rate from the item's price list.
_CUSTOM_PRICE = {"id": "-1"}

_ITEM_RECORDS: Mapping[ItemType, str] = {
    ItemType.NON_INVENTORY_SALE_ITEM: "nonInventorySaleItem",
    ItemType.SERVICE_SALE_ITEM: "serviceSaleItem",
    ItemType.INVENTORY_ITEM: "inventoryItem",
}
# External ids are unique in a whole group of record types: these may hold an id that we look for elsewhere.
_GROUPS: tuple[tuple[str, ...], ...] = (
    ("salesOrder", "returnAuthorization"),
    tuple(_ITEM_RECORDS.values()),
    ("customer",),
)
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="deterministic")

Body = dict[str, object]


class Untranslatable(ValueError):
    """A command that this version has no NetSuite record for."""


class Defaults(Struct, frozen=True, kw_only=True):
    """What the account adds to a new record. ``subsidiary`` is an internal id; accounts without subsidiaries have
    none."""

    subsidiary: str | None = None


class References(Struct, frozen=True, kw_only=True):
    """Internal ids of what a command names: customers and items by external id, its currency and payment term."""

    ids: Mapping[str, str] = {}
    currency: str | None = None
    term: str | None = None


class Request(Struct, frozen=True, kw_only=True):
    """A write to the record service; ``path`` is relative to it. ``warnings`` say what could not be carried over."""

    method: str
    record: str
    path: str
    body: Body
    warnings: tuple[str, ...] = ()

    @property
    def content(self) -> bytes:
        """The body as JSON, its numbers exactly as the command has them."""
        return _ENCODER.encode(self.body)


def record_of(command: Command) -> str:
    """The NetSuite record type of a command. Raises :class:`Untranslatable` for an item of unknown type."""
    match command:
        case UpsertCustomer():
            return "customer"
        case CreateSalesOrder():
            return "salesOrder"
        case CreateReturnAuthorization():
            return "returnAuthorization"
        case UpsertItem(item_type=item_type):
            if item_type not in _ITEM_RECORDS:
                raise Untranslatable(f"no NetSuite item type is known for {command.external_id}")
            return _ITEM_RECORDS[item_type]


def siblings_of(record: str) -> tuple[str, ...]:
    """The record types, out of those we write, that share ``record``'s external ids."""
    return next(tuple(other for other in group if other != record) for group in _GROUPS if record in group)


def group_of(record: str) -> str:
    """The SuiteQL table in which a record of this type is found by its external id."""
    return {"customer": "customer", "salesOrder": "transaction", "returnAuthorization": "transaction"}.get(
        record, "item"
    )


def eid_path(record: str, external_id: str) -> str:
    """The path of a record by our external id."""
    return f"{record}/eid:{quote(external_id, safe='')}"


def id_path(record: str, internal_id: str) -> str:
    """The path of a record by NetSuite's internal id."""
    return f"{record}/{quote(internal_id, safe='')}"


def request_for(command: Command, references: References, defaults: Defaults) -> Request:
    """The request that creates what ``command`` asks for.

    Raises :class:`Untranslatable`, and ``KeyError`` where ``references`` lack what a document names.
    """
    record = record_of(command)
    warnings: tuple[str, ...] = ()
    match command:
        case UpsertCustomer():
            body, warnings = _customer(command, references, defaults)
        case UpsertItem():
            body = _item(command)
        case _:
            body = _document(command, references.ids.__getitem__, references.currency)
    return Request(method="POST", record=record, path=record, body=body, warnings=warnings)


def patch_for(upsert: Upsert, internal_id: str, record: str | None = None) -> Request:
    """The request that brings an existing customer or item to what ``upsert`` says.

    Only fields that Nue owns after creation: finance owns currency, terms and subsidiary, and addresses would be
    appended. A field that Nue has no value for keeps NetSuite's. ``record`` is the type that NetSuite has it under,
    where that differs from the command's.
    """
    record = record or record_of(upsert)
    body = _customer_words(upsert) if isinstance(upsert, UpsertCustomer) else _item_words(upsert)
    return Request(method="PATCH", record=record, path=id_path(record, internal_id), body=body)


def content_hash(command: Command) -> str:
    """A name for the fields that we own in the record: of an upsert what a PATCH sends, of a document all of it."""
    body: Body
    match command:
        case UpsertCustomer():
            body = _customer_words(command)
        case UpsertItem():
            body = _item_words(command)
        case _:
            body = _document(command, lambda external_id: external_id, command.currency)
    return hashlib.sha256(_ENCODER.encode(body)).hexdigest()


def _customer(customer: UpsertCustomer, references: References, defaults: Defaults) -> tuple[Body, tuple[str, ...]]:
    warnings: list[str] = []
    body: Body = {"externalId": customer.external_id, "isPerson": customer.is_person, **_customer_words(customer)}
    for name, internal_id in (
        ("currency", references.currency),
        ("terms", references.term),
        ("subsidiary", defaults.subsidiary),
    ):
        if internal_id is not None:
            body[name] = {"id": internal_id}
    addresses = [
        {
            "defaultBilling": address == customer.billing_address,
            "defaultShipping": address == customer.shipping_address,
            "addressBookAddress": _address(address, warnings),
        }
        for address in dict.fromkeys((customer.billing_address, customer.shipping_address))
        if address is not None and address != Address()
    ]
    if addresses:
        body["addressBook"] = {"items": addresses}
    return body, tuple(warnings)


def _customer_words(customer: UpsertCustomer) -> Body:
    words: Body
    if customer.is_person:
        first, _, last = customer.name.strip().rpartition(" ")
        words = {"firstName": first or None, "lastName": last}
    else:
        words = {"companyName": customer.name}
    words |= {
        "email": customer.email,
        "phone": customer.phone,
        "comments": customer.comments and _cut(customer.comments),
        "startDate": _day(customer.customer_since),
    }
    return _present(words)


def _address(address: Address, warnings: list[str]) -> Body:
    street = [line.strip() for line in (address.street or "").splitlines() if line.strip()]
    body: Body = {
        "addr1": street[0] if street else None,
        "addr2": street[1] if len(street) > 1 else None,
        "addr3": ", ".join(street[2:]) or None,
        "city": address.city,
        "state": address.state,
        "zip": address.postal_code,
    }
    if address.country and re.fullmatch("[A-Za-z]{2}", address.country.strip()):
        body["country"] = {"id": address.country.strip().upper()}
    elif address.country:
        warnings.append(f"country {address.country!r} is not a two-letter code and was left out of the address")
    return _present(body)


def _item(item: UpsertItem) -> Body:
    return {"externalId": item.external_id, "itemId": item.sku, **_item_words(item)}


def _item_words(item: UpsertItem) -> Body:
    return _present({"displayName": item.name, "salesDescription": item.description})


def _document(document: Document, id_of: Callable[[str], str], currency: str | None) -> Body:
    if currency is None:
        raise KeyError(document.currency)
    body: Body = {
        "externalId": document.external_id,
        "entity": {"id": id_of(document.entity)},
        "currency": {"id": currency},
        "tranDate": _day(document.tran_on),
        ORIGINAL_ORDER: document.original_order_id,
        "memo": document.memo,
        "otherRefNum": document.po_number,
        "item": {"items": [_line(line, id_of) for line in document.lines]},
    }
    if isinstance(document, CreateSalesOrder):  # a return authorization has no header dates
        body |= {"startDate": _day(document.start_on), "endDate": _day(document.end_on)}
    return _present(body)


def _line(line: DocumentLine, id_of: Callable[[str], str]) -> Body:
    return _present(
        {
            "item": {"id": id_of(line.item)},
            "quantity": line.quantity,
            "price": _CUSTOM_PRICE,
            "rate": line.rate,
            "amount": line.amount,
            LINE_ID: line.line_id,
            LINE_START: _day(line.start_on),
            LINE_END: _day(line.end_on),
        }
    )


def _day(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _cut(text: str) -> str:
    return text if len(text) <= COMMENTS_LIMIT else text[: COMMENTS_LIMIT - len(_CUT)] + _CUT


def _present(body: Body) -> Body:
    return {name: value for name, value in body.items() if value is not None}
