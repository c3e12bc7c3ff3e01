"""Sales orders and return authorizations in NetSuite's words. Pure."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from schemas.command import CreateSalesOrder, Document, DocumentLine
from sinks.body import Body, day, present, reference
from sinks.custom import custom_values
from sinks.defaults import Defaults

ORIGINAL_ORDER = "custbody_nue_original_orderid"
LINE_ID = "custcol_nue_transactionlineid"
LINE_START = "custcol_nue_start_date"
LINE_END = "custcol_nue_end_date"

# The price level "Custom": without it NetSuite takes the rate from the item's price list.
_CUSTOM_PRICE = {"id": "-1"}


def new_document(
    document: Document,
    id_of: Callable[[str], str],
    currency: str | None,
    defaults: Defaults,
    exchange_rate: Decimal | None = None,
) -> Body:
    """The body that creates ``document``.

    Raises ``KeyError`` where ``id_of`` does, or without a ``currency``, and :class:`Untranslatable` for a custom field
    with a text that the account's field cannot hold.
    """
    if currency is None:
        raise KeyError(document.currency)
    is_order = isinstance(document, CreateSalesOrder)
    segments = {
        "location": reference(defaults.location),
        "department": reference(defaults.department),
        "class": reference(defaults.classification),
    }
    on_line, on_header = (segments, {}) if defaults.on_lines else ({}, segments)
    body: Body = {
        "externalId": document.external_id,
        "entity": {"id": id_of(document.entity)},
        "currency": {"id": currency},
        "exchangeRate": exchange_rate,
        "orderStatus": reference(defaults.order_status if is_order else defaults.return_status),
        "tranDate": day(document.tran_on),
        ORIGINAL_ORDER: document.original_order_id,
        "memo": document.memo,
        "otherRefNum": document.po_number,
        **on_header,
        **custom_values(document.custom_fields, defaults.order_custom, "order_custom_fields"),
        "item": {"items": [present({**_line(line, id_of, defaults), **on_line}) for line in document.lines]},
    }
    if isinstance(document, CreateSalesOrder):  # a return authorization has no header dates
        body |= {"startDate": day(document.start_on), "endDate": day(document.end_on)}
    record = "salesOrder" if is_order else "returnAuthorization"
    return {**defaults.fields.get(record, {}), **present(body)}


def _line(line: DocumentLine, id_of: Callable[[str], str], defaults: Defaults) -> Body:
    return {
        **custom_values(line.custom_fields, defaults.line_custom, "line_custom_fields"),
        **({defaults.root_field: line.root_subscription_id} if defaults.root_field else {}),
        "item": {"id": id_of(line.item)},
        "quantity": line.quantity,
        "price": _CUSTOM_PRICE,
        "rate": line.rate,
        "amount": line.amount,
        LINE_ID: line.line_id,
        LINE_START: day(line.start_on),
        LINE_END: day(line.end_on),
    }
