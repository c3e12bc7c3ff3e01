"""Records as NetSuite gives them back, and the sandbox's own account of everything that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sinks.sandbox.records import CUSTOM_FIELDS
from sinks.sandbox.store import FAMILY, Body, Store, Stored, name_of

_TABLE = {"currency": "currency", "subsidiary": "subsidiary", "terms": "term"}
_ADDRESSES = {"entity": ("entity", "customer"), "item": ("item", None)}


def record_json(store: Store, stored: Stored, root: str, *, expand: bool) -> dict[str, Any]:
    """The body of a GET. Sublists are links unless ``expand`` asks for them."""
    own = f"{root}/{stored.type.lower()}/{stored.id}"
    shown: dict[str, Any] = {"links": [{"rel": "self", "href": own}], "id": str(stored.id)}
    for name, value in stored.body.items():
        if _is_sublist(value):
            shown[name] = _sublist(f"{own}/{name}", value["items"]) if expand else _link(f"{own}/{name}")
        else:
            shown[name] = _reference(store, root, name, value)
    if FAMILY[stored.type] == "transaction":
        lines = [
            {"line": number, **{name: _reference(store, root, name, value) for name, value in line.items()}}
            for number, line in stored.lines
        ]
        shown["item"] = _sublist(f"{own}/item", lines) if expand else _link(f"{own}/item")
        shown["total"] = stored.total
    return shown


def _is_sublist(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("items"), list)


def _link(href: str) -> dict[str, Any]:
    return {"links": [{"rel": "self", "href": href}]}


def _sublist(href: str, items: list[Any]) -> dict[str, Any]:
    count = len(items)
    return _link(href) | {"items": items, "count": count, "hasMore": False, "offset": 0, "totalResults": count}


def _reference(store: Store, root: str, name: str, value: object) -> object:
    if not isinstance(value, Mapping) or set(value) != {"id"}:
        return value
    internal_id = str(value["id"])
    if name in _TABLE:
        table, shown = _TABLE[name], store.reference(_TABLE[name], internal_id)
    elif name in _ADDRESSES:
        family, path = _ADDRESSES[name]
        target = store.get_family(family, internal_id)
        table = path or (target.type.lower() if target else name)
        shown = name_of(target.type, target.body) if target else None
    else:
        return value
    return {"links": [{"rel": "self", "href": f"{root}/{table}/{internal_id}"}], "id": internal_id, "refName": shown}


def documents_of(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every document, customer and item with what was stored; references as external ids, numbers as strings."""
    return {
        "documents": [_document(store, stored) for stored in store.all("transaction")],
        "customers": [_entry(stored) for stored in store.all("entity")],
        "items": [_entry(stored) for stored in store.all("item")],
    }


def _entry(stored: Stored) -> dict[str, Any]:
    return {
        "recordType": stored.type,
        "id": str(stored.id),
        "externalId": stored.external_id,
        "name": name_of(stored.type, stored.body),
        "fields": _plain({name: value for name, value in stored.body.items() if name != "externalId"}),
    }


def _document(store: Store, stored: Stored) -> dict[str, Any]:
    body = stored.body
    entity = store.get_family("entity", str(body["entity"]["id"]))
    shown: dict[str, Any] = {
        "recordType": stored.type,
        "id": str(stored.id),
        "externalId": stored.external_id,
        "entity": entity.external_id if entity else None,
        "entityName": name_of(entity.type, entity.body) if entity else None,
        **{name: body.get(name) for name in sorted(CUSTOM_FIELDS[stored.type])},
        "tranDate": body.get("tranDate"),
        "currency": store.reference("currency", str(body["currency"]["id"])) if "currency" in body else None,
        "otherRefNum": body.get("otherRefNum"),
        "memo": body.get("memo"),
        "lines": [_line(store, stored.type, line) for _, line in stored.lines],
        "total": _plain(stored.total),
    }
    if stored.type == "salesOrder":
        shown |= {"startDate": body.get("startDate"), "endDate": body.get("endDate")}
    return shown


def _line(store: Store, record: str, line: Body) -> dict[str, Any]:
    item = store.get_family("item", str(line["item"]["id"]))
    custom = {name: line.get(name) for name in sorted(CUSTOM_FIELDS[f"{record}.item"])}
    numbers = {name: _plain(line.get(name)) for name in ("quantity", "rate", "amount")}
    return {"item": item.external_id if item else None, **numbers, **custom}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
