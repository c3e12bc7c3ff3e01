"""The account's own description of its records, held against the fields that we are going to send.

Standard fields are those of NetSuite's tables; what only the account knows are its custom fields and which of the
configured ones its features bring along.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sinks.attempts import Attempts
from sinks.defaults import Defaults, ItemDefaults
from sinks.items import ITEM_RECORDS, item_record
from sinks.retry import Kind
from sinks.transactions import LINE_END, LINE_ID, LINE_START, ORIGINAL_ORDER
from sinks.verdict import Misconfigured

_log = logging.getLogger(__name__)

_DEEPEST = 4


def needed(defaults: Defaults) -> dict[str, set[str]]:
    """Custom and configured fields by record type, those of its lines under ``salesOrder.item``."""
    given = {"location": defaults.location, "department": defaults.department, "class": defaults.classification}
    segments = {name for name, value in given.items() if value is not None}
    fields: dict[str, set[str]] = {}
    for record, status in (("salesOrder", defaults.order_status), ("returnAuthorization", defaults.return_status)):
        body = {ORIGINAL_ORDER, *defaults.headers, *defaults.fields.get(record, ())}
        fields[record] = body | ({"orderStatus"} if status else set()) | (set() if defaults.on_lines else segments)
        columns = {LINE_ID, LINE_START, LINE_END, *defaults.columns}
        fields[f"{record}.item"] = columns | (segments if defaults.on_lines else set())
    subsidiary = {"subsidiary"} if defaults.subsidiary else set()
    entity_id = set() if defaults.customer_ids == "automatic" else {"entityId"}
    fields["customer"] = {*defaults.fields.get("customer", ()), *subsidiary, *entity_id}
    for item_type in ITEM_RECORDS:
        record = item_record(item_type, defaults) or ""
        own = defaults.items.get(item_type, ItemDefaults()).fields
        fields.setdefault(record, set()).update(own, subsidiary)
    return {place: names for place, names in fields.items() if names}


async def check(defaults: Defaults, attempts: Attempts) -> None:
    """Raise :class:`Misconfigured` for fields that the account does not have.

    Where it does not describe a record it is warned, and nothing more: the first command tells.
    """
    wanted = needed(defaults)
    missing: list[str] = []
    for record in dict.fromkeys(place.partition(".")[0] for place in wanted):
        schema = await _schema(record, attempts)
        for place, part in ((record, schema), (f"{record}.item", await _line_schema(schema, attempts))):
            names = wanted.get(place, set())
            if not names:
                continue
            if part is None:
                _log.warning("NetSuite does not describe %s, so that its fields are not checked", place)
                continue
            missing += [f"{place} has no field {name}" for name in sorted(names - part.keys())]
    if missing:
        raise Misconfigured(
            f"in this account {'; '.join(missing)}. Apply the field to the record, or change the mapping"
        )


async def _schema(name: str, attempts: Attempts) -> Mapping[str, Any] | None:
    reply = await attempts.read(attempts.client.metadata, name)
    return _properties(reply.body) if reply.kind is Kind.ACCEPTED else None


async def _line_schema(schema: Mapping[str, Any] | None, attempts: Attempts) -> Mapping[str, Any] | None:
    """The properties of an element of the sublist ``item``, which may be described elsewhere."""
    sublist = await _followed((schema or {}).get("item"), attempts)
    items = await _followed((sublist or {}).get("items"), attempts)
    element = items.get("items") if items is not None and "items" in items else items
    return await _followed(element, attempts)


async def _followed(node: object, attempts: Attempts) -> Mapping[str, Any] | None:
    """The properties of a part of a schema; the part itself where it has none, as an array."""
    for _ in range(_DEEPEST):
        if not isinstance(node, Mapping):
            return None
        target = node.get("$ref")
        if not isinstance(target, str):
            return _properties(node) or node
        if "metadata-catalog/" not in target:
            return None
        reply = await attempts.read(attempts.client.metadata, target.rpartition("metadata-catalog/")[2])
        node = reply.body if reply.kind is Kind.ACCEPTED else None
    return None


def _properties(schema: object) -> Mapping[str, Any] | None:
    found = schema.get("properties") if isinstance(schema, Mapping) else None
    return found if isinstance(found, Mapping) and found else None
