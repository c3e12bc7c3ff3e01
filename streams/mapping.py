"""The settings of ``netsuite.mapping`` in NetSuite's words, checked against the fields that its records have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.command import ItemType
from sinks.defaults import CustomField, Defaults, ItemDefaults
from sinks.fields import body_fields, record_types
from sinks.items import ITEM_RECORDS
from sinks.transactions import LINE_END, LINE_ID, LINE_START, ORIGINAL_ORDER
from streams.errors import SettingsError
from streams.settings_mapping import CustomFieldSettings, ItemSettings, MappingSettings
from streams.settings_source import both_names

_STATUS = {None: None, "pending_approval": "A", "pending_fulfillment": "B", "pending_receipt": "B"}
_KINDS = {
    "non_inventory_items": ItemType.NON_INVENTORY_SALE_ITEM,
    "service_items": ItemType.SERVICE_SALE_ITEM,
    "inventory_items": ItemType.INVENTORY_ITEM,
}
_FIELDS = {"customer_fields": "customer", "order_fields": "salesOrder", "return_fields": "returnAuthorization"}
_REFERENCES = {
    "income_account": "incomeAccount",
    "deferred_revenue_account": "deferredRevenueAccount",
    "tax_schedule": "taxSchedule",
    "revenue_recognition_rule": "revenueRecognitionRule",
    "create_revenue_plans_on": "createRevenuePlansOn",
}
_COLUMNS = (LINE_ID, LINE_START, LINE_END)
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
        ORIGINAL_ORDER,
    ]
).union(_REFERENCES.values(), _FLAGS.values())


def defaults_of(mapping: MappingSettings) -> Defaults:
    """What the sink adds to new records; names are still to be looked up.

    Raises:
        SettingsError: a record does not have such a field, so that NetSuite would refuse every one of its type.
    """
    items = {item_type: _item_defaults(kind, item_type, getattr(mapping, kind)) for kind, item_type in _KINDS.items()}
    fields = {record: _given((setting,), record, getattr(mapping, setting)) for setting, record in _FIELDS.items()}
    root = mapping.root_subscription_field
    if root is not None:
        _check_custom(("root_subscription_field",), "custcol", root, set(_COLUMNS))
    return Defaults(
        subsidiary=mapping.subsidiary,
        location=mapping.location,
        department=mapping.department,
        classification=mapping.classification,
        on_lines=mapping.segments_on == "lines",
        order_status=_STATUS[mapping.order_status],
        return_status=_STATUS[mapping.return_status],
        customer_ids=mapping.customer_ids,
        parents=mapping.customer_parents,
        original_rate=mapping.exchange_rate == "original",
        add_currencies=mapping.add_currencies,
        items=items,
        fields=fields,
        order_custom=_custom("order_custom_fields", "custbody", mapping.order_custom_fields, {ORIGINAL_ORDER}),
        line_custom=_custom("line_custom_fields", "custcol", mapping.line_custom_fields, {*_COLUMNS, root or ""}),
        root_field=root,
    )


def _custom(
    setting: str, kind: str, given: Mapping[str, CustomFieldSettings], taken: set[str]
) -> dict[str, CustomField]:
    """The custom fields by Nue's names; each is filled from one of them."""
    fields = {}
    for name, into in given.items():
        _check_custom((setting, name), kind, into.field, taken)
        taken.add(into.field)
        fields[name] = CustomField(field=into.field, type=into.type, values=into.values)
    return fields


def _check_custom(path: tuple[str, ...], kind: str, field: str, taken: set[str]) -> None:
    if not re.fullmatch(rf"{kind}_?[a-z0-9_]+", field):
        raise _wrong(path, f"{field} is not the id of a {kind}_ field")
    if field in taken:
        raise _wrong(path, f"{field} is filled with something else already")


def _item_defaults(kind: str, item_type: ItemType, settings: ItemSettings) -> ItemDefaults:
    record = settings.record or ITEM_RECORDS[item_type]
    fields = _given((kind, "fields"), record, settings.fields)
    for setting, name in (_REFERENCES | _FLAGS).items():
        value = getattr(settings, setting)
        if value is None:
            continue
        if not _may_have(record, name):
            raise _wrong((kind, setting), f"{record} has no field {name}")
        fields[name] = {"id": value} if setting in _REFERENCES else value
    return ItemDefaults(record=settings.record, fields=fields)


def _given(path: Iterable[str], record: str, fields: Mapping[str, Any]) -> dict[str, object]:
    """``fields`` as a body has them: the id of another record becomes a reference."""
    tables = body_fields(record) if record in record_types() else {}
    given = {}
    for name, value in fields.items():
        if name in _OURS:
            raise _wrong(path, f"{name} is filled by commands or by a setting of its own")
        if not _may_have(record, name):
            raise _wrong(path, f"{record} has no field {name}")
        is_reference = tables.get(name, {}).get("type") in ("ref", "object")
        is_id = isinstance(value, int | str) and not isinstance(value, bool)
        given[name] = {"id": str(value)} if is_reference and is_id else value
    return given


def _may_have(record: str, name: str) -> bool:
    """Whether a record can have the field. Of custom ones, and of some types altogether, only the account knows."""
    own = {"customer": "entity", "salesOrder": "body", "returnAuthorization": "body"}.get(record, "item")
    is_custom = re.fullmatch(rf"cust{own}_?[a-z0-9_]+", name) is not None
    return is_custom or record not in record_types() or name in body_fields(record)


def _wrong(path: Iterable[str], why: str) -> SettingsError:
    return SettingsError(f"{both_names(('netsuite', 'mapping', *path))}: {why}")
