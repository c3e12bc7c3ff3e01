"""Records as NetSuite gives them back, and the sandbox's own account of everything that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sinks.fields import body_fields
from sinks.sandbox.rows import Body
from sinks.sandbox.store import Store, Stored, name_of
from sinks.sandbox.totals import net_of

_TABLE = {
    "currency": "currency",
    "subsidiary": "subsidiary",
    "terms": "term",
    "location": "location",
    "department": "department",
    "class": "classification",
}
_TARGETS = {"entity": ("entity", "customer"), "parent": ("entity", "customer"), "item": ("item", None)}
_LINE_NUMBERS = ("quantity", "rate", "amount")


def record_json(store: Store, stored: Stored, root: str, *, expand: bool) -> dict[str, Any]:
    """The body of a GET. Sublists are links unless ``expand`` asks for them."""
    own = f"{root}/{stored.type.lower()}/{stored.id}"
    shown: dict[str, Any] = {"links": [{"rel": "self", "href": own}], "id": str(stored.id)}
    for name, value in stored.body.items():
        if _is_sublist(value):
            shown[name] = _sublist(f"{own}/{name}", value["items"]) if expand else _link(f"{own}/{name}")
        else:
            shown[name] = _reference(store, root, name, value)
    if store.is_inactive(stored):
        shown["isInactive"] = True
    if stored.total is not None:
        lines = [
            {"line": number, **{name: _reference(store, root, name, value) for name, value in line.items()}}
            for number, line in stored.lines
        ]
        shown["item"] = _sublist(f"{own}/item", lines) if expand else _link(f"{own}/item")
        net = net_of(stored.lines)
        computed = {"subtotal": net, "taxTotal": stored.total - net, "total": stored.total}
        shown |= {name: value for name, value in computed.items() if name in body_fields(stored.type)}
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
    elif name in _TARGETS:
        family, path = _TARGETS[name]
        target = store.get_family(family, internal_id)
        table = path or (target.type.lower() if target else name)
        shown = name_of(target.type, target.body) if target else None
    else:
        return value
    return {"links": [{"rel": "self", "href": f"{root}/{table}/{internal_id}"}], "id": internal_id, "refName": shown}


def documents_of(store: Store) -> dict[str, list[dict[str, Any]]]:
    """Every document, customer and item with what was stored; references as external ids, numbers as strings.

    ``fields`` holds what has no place of its own.
    """
    with store.changing():  # so that no document names what was not there yet
        documents, customers, items = (store.all(family) for family in ("transaction", "entity", "item"))
    entities, by_item = {each.id: each for each in customers}, {each.id: each for each in items}
    return {
        "documents": [_document(store, stored, entities, by_item) for stored in documents],
        "customers": [_entry(store, stored) for stored in customers],
        "items": [_entry(store, stored) for stored in items],
    }


def _entry(store: Store, stored: Stored) -> dict[str, Any]:
    return {
        "recordType": stored.type,
        "id": str(stored.id),
        "externalId": stored.external_id,
        "name": name_of(stored.type, stored.body),
        "fields": _rest(store, stored.body, {"externalId"}),
    }


def _document(
    store: Store, stored: Stored, entities: Mapping[int, Stored], items: Mapping[int, Stored]
) -> dict[str, Any]:
    body = stored.body
    entity = entities.get(int(body["entity"]["id"]))
    dates = ("startDate", "endDate") if "startDate" in body_fields(stored.type) else ()
    shown: dict[str, Any] = {
        "recordType": stored.type,
        "id": str(stored.id),
        "externalId": stored.external_id,
        "entity": entity.external_id if entity else None,
        "entityName": name_of(entity.type, entity.body) if entity else None,
        **{name: _plain(body.get(name)) for name in sorted(store.custom_fields.get(stored.type, ()))},
        "tranDate": body.get("tranDate"),
        "currency": store.reference("currency", str(body["currency"]["id"])) if "currency" in body else None,
        "otherRefNum": body.get("otherRefNum"),
        "memo": body.get("memo"),
        **{name: body.get(name) for name in dates},
        "lines": [_line(store, stored, number, line, items) for number, line in stored.lines],
        "total": _plain(stored.total),
    }
    return shown | {"fields": _rest(store, body, shown.keys())}


def _line(store: Store, stored: Stored, number: int, line: Body, items: Mapping[int, Stored]) -> dict[str, Any]:
    item = items.get(int(line["item"]["id"]))
    shown: dict[str, Any] = {
        "line": number,
        "item": item.external_id if item else None,
        **{name: _plain(line.get(name)) for name in _LINE_NUMBERS},
        **{name: _plain(line.get(name)) for name in sorted(store.custom_fields.get(f"{stored.type}.item", ()))},
    }
    return shown | {"fields": _rest(store, line, shown.keys())}


def _rest(store: Store, body: Body, shown: Any) -> dict[str, Any]:
    return {name: _plain(_named(store, name, value)) for name, value in body.items() if name not in shown}


def _named(store: Store, name: str, value: object) -> object:
    if not isinstance(value, dict) or "id" not in value:
        return value
    if name == "parent":
        target = store.get_family("entity", str(value["id"]))
        return target.external_id if target else None
    return store.reference(_TABLE[name], str(value["id"])) if name in _TABLE else value


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value
