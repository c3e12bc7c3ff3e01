"""What NetSuite makes of a record's JSON: names and values checked, references resolved, totals computed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sinks.fields import Fields, body_fields, section_fields
from sinks.sandbox.errors import invalid_content, missing, unknown_field, user_error
from sinks.sandbox.store import FAMILY, Body, Store, Stored

CUSTOM_FIELDS: Mapping[str, frozenset[str]] = {
    "salesOrder": frozenset({"custbody_nue_original_orderid"}),
    "returnAuthorization": frozenset({"custbody_nue_original_orderid"}),
    "salesOrder.item": frozenset({"custcol_nue_transactionlineid", "custcol_nue_start_date", "custcol_nue_end_date"}),
    "returnAuthorization.item": frozenset(
        {"custcol_nue_transactionlineid", "custcol_nue_start_date", "custcol_nue_end_date"}
    ),
}
"""The custom fields that the account declares, per record type and per its item lines."""

_KINDS = {"entity": "entity", "item": "item", "currency": "currency", "subsidiary": "subsidiary", "terms": "term"}
_CUSTOM_PRICE_LEVEL = "-1"
_EXTERNAL_ID = re.compile(r"[\w\-]{1,255}")
_COMPUTED = frozenset({"id", "links", "total", "subtotal", "taxTotal", "discountTotal", "refName", "totalResults"})


@dataclass(slots=True)
class Checker:
    """Checks one request. ``naming`` is how unknown names are met: ``Error``, ``Warning`` or ``Ignore``."""

    store: Store
    record: str
    custom_fields: Mapping[str, frozenset[str]]
    naming: str = "Warning"
    warnings: list[str] = field(default_factory=list)

    def body(self, content: object) -> tuple[Body, list[Body] | None]:
        """The accepted body, and the item lines of a transaction (None where the request says nothing of them).

        Raises ``Refused`` for what NetSuite would not take.
        """
        if not isinstance(content, dict):
            raise invalid_content("body", content, "")
        given = dict(content)
        lines = None
        if FAMILY[self.record] == "transaction" and "item" in given:
            lines = self._lines(given.pop("item"))
        own = self.custom_fields.get(self.record, frozenset())
        body = self._named(given, body_fields(self.record), own, "")
        external_id = body.get("externalId")
        if external_id is not None and not _EXTERNAL_ID.fullmatch(str(external_id)):
            raise invalid_content("externalId", external_id, "externalId")
        return body, lines

    def _lines(self, sublist: object) -> list[Body]:
        items = sublist.get("items") if isinstance(sublist, dict) else None
        if sublist is None or (isinstance(sublist, dict) and items is None):
            return []
        if not isinstance(items, list):
            raise invalid_content("item", sublist, "item")
        own = self.custom_fields.get(f"{self.record}.item", frozenset())
        fields = section_fields(self.record, "item")
        return [self._named(line, fields, own, f"item.items[{index}].") for index, line in enumerate(items)]

    def _named(self, given: object, fields: Fields, own: frozenset[str], place: str) -> Body:
        if not isinstance(given, dict):
            raise invalid_content(place.rstrip("."), given, place.rstrip("."))
        accepted: Body = {}
        for name, value in given.items():
            if name in own:
                accepted[name] = self._custom(name, value, place + name)
            elif name not in fields:
                self._unknown(name, place + name)
            elif name not in _COMPUTED:
                accepted[name] = None if value is None else self._value(name, value, fields[name], place + name)
        return accepted

    def _unknown(self, name: str, path: str) -> None:
        if self.naming == "Error":
            raise unknown_field(name, path)
        if self.naming == "Warning":
            self.warnings.append(f"{path}: unknown field, ignored")

    def _custom(self, name: str, value: object, path: str) -> object:
        if value is not None and (not isinstance(value, str) or (name.endswith("_date") and not _is_date(value))):
            raise invalid_content(name, value, path)
        return value

    def _value(self, name: str, value: Any, described: Mapping[str, Any], path: str) -> object:
        kind = described.get("type")
        if kind == "ref":
            return self._reference(name, value, path)
        if kind == "collection":
            return self._sublist(name, value, path)
        wrong = (
            (kind == "string" and not isinstance(value, str))
            or (kind in ("number", "integer") and not isinstance(value, Decimal))
            or (kind == "boolean" and not isinstance(value, bool))
            or (kind == "object" and not isinstance(value, dict))
            or (described.get("format") == "date" and not _is_date(value))
        )
        if wrong:
            raise invalid_content(name, value, path)
        return value

    def _reference(self, name: str, value: object, path: str) -> Body:
        internal_id = _id_in(value)
        if internal_id is None:
            raise invalid_content(name, value, path)
        kind = _KINDS.get(name)
        if kind in ("entity", "item"):
            target = self.store.get_family(kind, internal_id)
            if target is None or target.body.get("isInactive"):
                raise invalid_content(name, internal_id, path)
        elif kind is not None:
            if self.store.reference(kind, internal_id) is None:
                raise invalid_content(name, internal_id, path)
        elif not (name == "price" and internal_id == _CUSTOM_PRICE_LEVEL):
            raise invalid_content(name, internal_id, path)
        return {"id": internal_id}

    def _sublist(self, name: str, value: object, path: str) -> Body:
        items = value.get("items") if isinstance(value, dict) else None
        if not isinstance(items, list):
            raise invalid_content(name, value, path)
        if name == "addressBook":
            return {"items": [self._address(entry, f"{path}.items[{i}].") for i, entry in enumerate(items)]}
        return {"items": items}

    def _address(self, entry: object, place: str) -> Body:
        accepted = dict(entry) if isinstance(entry, dict) else {}
        address = accepted.pop("addressBookAddress", None)
        line = self._named(accepted, section_fields(self.record, "addressBook"), frozenset(), place)
        if address is not None:
            fields = section_fields(self.record, "address")
            line["addressBookAddress"] = self._named(address, fields, frozenset(), f"{place}addressBookAddress.")
        return line


def check_mandatory(record: str, body: Body, lines: Sequence[Body]) -> None:
    """Raise the refusal of a record that lacks what its form demands."""
    if record == "customer":
        if body.get("isPerson"):
            if not body.get("lastName"):
                raise missing("Name")
        elif not body.get("companyName"):
            raise missing("Company Name")
    elif FAMILY[record] == "item":
        if not body.get("itemId"):
            raise missing("Item Name/Number")
    else:
        if not body.get("entity"):
            raise missing("Customer")
        if not lines:
            raise user_error("You must enter at least one line item for this transaction.")
        if any("item" not in line for line in lines):
            raise missing("Item")


def complete(lines: Sequence[Body]) -> list[Body]:
    """Lines as NetSuite keeps them: an amount of their own where none was given, else the one that was sent."""
    completed = []
    for line in lines:
        kept = {name: value for name, value in line.items() if name != "line" and value is not None}
        kept.setdefault("quantity", Decimal(1))
        if "amount" not in kept:
            kept["amount"] = kept["quantity"] * kept.get("rate", Decimal(0))
        completed.append(kept)
    return completed


def total_of(lines: Sequence[Body], tax_rate: Decimal) -> Decimal:
    """A transaction's total with tax. Raises ``Refused`` where it is negative: no transaction can be."""
    net = sum((line["amount"] for line in lines), Decimal(0))
    total: Decimal = net + (net * tax_rate).quantize(Decimal("0.01"))
    if total < 0:
        raise user_error("The total cannot be negative.")
    return total


def merged(stored: Stored, lines: Sequence[Body], *, replace: bool) -> list[tuple[int, Body]]:
    """A sublist after an update: lines that name a line number change it, all others are appended.

    That is what makes a repeated ``PUT`` double an order. With ``replace`` the given lines are the whole sublist.
    """
    kept: dict[int, Body] = {} if replace else dict(stored.lines)
    following = max((number for number, _ in stored.lines), default=0) + 1
    for line in lines:
        number = line.get("line")
        if number is not None and int(number) in kept:
            kept[int(number)] = complete([{**kept[int(number)], **line}])[0]
        else:
            kept[following] = complete([line])[0]
            following += 1
    return sorted(kept.items())


def _id_in(value: object) -> str | None:
    internal_id = value.get("id") if isinstance(value, dict) else None
    if isinstance(internal_id, bool) or not isinstance(internal_id, str | Decimal):
        return None
    return str(internal_id)


def _is_date(value: object) -> bool:
    try:
        date.fromisoformat(str(value))
    except ValueError:
        return False
    return isinstance(value, str) and len(value) == 10
