"""Commands in NetSuite's words: which request holds which fields. Pure; what NetSuite answers is read in ``readback``.

Field names follow NetSuite's REST record tables; a name that a record does not know makes NetSuite refuse the whole
request, since :data:`HEADERS` ask it to. Numbers stay decimals until they are digits in the body.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from schemas.command import (
    Command,
    CreateReturnAuthorization,
    CreateSalesOrder,
    Upsert,
    UpsertCustomer,
    UpsertItem,
)
from sinks.body import Body, Untranslatable
from sinks.customers import COMMENTS_LIMIT, customer_words, new_customer
from sinks.defaults import Defaults
from sinks.items import ITEM_RECORDS, item_record, item_words, new_item
from sinks.transactions import LINE_END, LINE_ID, LINE_START, ORIGINAL_ORDER, new_document

__all__ = [
    "COMMENTS_LIMIT",
    "HEADERS",
    "LINE_END",
    "LINE_ID",
    "LINE_START",
    "ORIGINAL_ORDER",
    "QUERY_HEADERS",
    "Body",
    "Defaults",
    "References",
    "Request",
    "Untranslatable",
    "content_hash",
    "eid_path",
    "group_of",
    "id_path",
    "patch_for",
    "record_of",
    "request_for",
    "siblings_of",
]

# NetSuite drops misspelt fields silently unless told otherwise, and the link of a document with them.
HEADERS: Mapping[str, str] = {
    "Accept": "application/json",
    "Content-Type": "application/json",
    "X-NetSuite-PropertyNameValidation": "Error",
}
QUERY_HEADERS: Mapping[str, str] = {**HEADERS, "Prefer": "transient"}

# External ids are unique in a whole group of record types: these may hold an id that we look for elsewhere.
_GROUPS: tuple[tuple[str, ...], ...] = (
    ("salesOrder", "returnAuthorization"),
    tuple(ITEM_RECORDS.values()),
    ("customer",),
)
_ENCODER = msgspec.json.Encoder(decimal_format="number", order="deterministic")


class References(Struct, frozen=True, kw_only=True):
    """Internal ids of what a command names: customers and items by external id, its currency and payment term.

    A customer is made without a parent where that is not among ``ids``.

    ``exchange_rate`` is for a return that takes that of its contract's first order.
    """

    ids: Mapping[str, str] = {}
    currency: str | None = None
    term: str | None = None
    exchange_rate: Decimal | None = None


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


def record_of(command: Command, defaults: Defaults = Defaults()) -> str:  # noqa: B008  it is frozen
    """The NetSuite record type of a command. Raises :class:`Untranslatable` for an item of unknown type."""
    match command:
        case UpsertCustomer():
            return "customer"
        case CreateSalesOrder():
            return "salesOrder"
        case CreateReturnAuthorization():
            return "returnAuthorization"
        case UpsertItem(item_type=item_type):
            record = item_record(item_type, defaults)
            if record is None:
                raise Untranslatable(f"no NetSuite item type is known for {command.external_id}")
            return record


def siblings_of(record: str) -> tuple[str, ...]:
    """The record types, out of those we write by ourselves, that share ``record``'s external ids."""
    group = next((group for group in _GROUPS if record in group), tuple(ITEM_RECORDS.values()))
    return tuple(other for other in group if other != record)


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
    record = record_of(command, defaults)
    warnings: tuple[str, ...] = ()
    match command:
        case UpsertCustomer():
            parent = references.ids.get(command.parent or "")
            body, warnings = new_customer(command, references.currency, references.term, parent, defaults)
        case UpsertItem():
            body = new_item(command, defaults)
        case _:
            id_of, rate = references.ids.__getitem__, references.exchange_rate
            body = new_document(command, id_of, references.currency, defaults, rate)
    return Request(method="POST", record=record, path=record, body=body, warnings=warnings)


def patch_for(upsert: Upsert, internal_id: str, record: str | None = None, *, adopts: bool = False) -> Request:
    """The request that brings an existing customer or item to what ``upsert`` says.

    Only fields that Nue owns after creation: finance owns currency, terms and subsidiary, and addresses would be
    appended. A field that Nue has no value for keeps NetSuite's. ``record`` is the type that NetSuite has it under,
    where that differs from the command's. ``adopts``: it was not made by us, and gets our external id.
    """
    record = record or record_of(upsert)
    body = customer_words(upsert) if isinstance(upsert, UpsertCustomer) else item_words(upsert)
    if adopts:
        body["externalId"] = upsert.external_id
    return Request(method="PATCH", record=record, path=id_path(record, internal_id), body=body)


def content_hash(command: Command) -> str:
    """A name for the fields that we own in the record: of an upsert what a PATCH sends, of a document all of it.

    What the account's defaults add when a record is made is not among them.
    """
    body: Body
    match command:
        case UpsertCustomer():
            body = customer_words(command)
        case UpsertItem():
            body = item_words(command)
        case _:
            body = new_document(command, lambda external_id: external_id, command.currency, Defaults())
    return hashlib.sha256(_ENCODER.encode(body)).hexdigest()
