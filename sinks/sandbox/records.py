"""What NetSuite makes of a record's JSON: names and values checked, references resolved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sinks.fields import Fields, body_fields, section_fields, sections
from sinks.sandbox.account import FAMILY
from sinks.sandbox.errors import Refused, invalid_content, missing, unknown_field, user_error
from sinks.sandbox.rows import Body
from sinks.sandbox.store import Store

NAMING = ("Error", "Warning", "Ignore")
"""How unknown names may be met; the second is NetSuite's own choice."""

_CUSTOM_PRICE = ("price", "-1")
_SUBRECORDS = {"addressBookAddress": "address"}
_COMPUTED = frozenset({"id", "links", "total", "subtotal", "taxTotal", "discountTotal", "refName", "totalResults"})
_MOST_DIGITS = 15
_FINEST = -20


@dataclass(frozen=True, slots=True)
class Sublist:
    """The item lines that a request gives. ``emptied``: it gives null, so that none shall remain."""

    lines: Sequence[Body]
    emptied: bool = False


@dataclass(slots=True)
class Checker:
    """Checks one request. ``naming`` is how unknown names are met; ``dropped`` collects those that were ignored."""

    store: Store
    record: str
    naming: str = "Warning"
    dropped: list[str] = field(default_factory=list)

    def body(self, content: object) -> tuple[Body, Sublist | None]:
        """The accepted body, and the item lines of a transaction (None where the request says nothing of them).

        Raises ``Refused`` for what NetSuite would not take.
        """
        if not isinstance(content, dict):
            raise invalid_content("body", "", "")
        given = dict(content)
        lines = None
        if FAMILY[self.record] == "transaction" and "item" in given:
            lines = self._lines(given.pop("item"))
        own = self.store.custom_fields.get(self.record, frozenset())
        body = self._named(given, body_fields(self.record), own, "")
        external_id = body.get("externalId")
        if external_id is not None and not is_external_id(external_id):
            raise invalid_content("externalId", external_id, "externalId")
        return body, lines

    def _lines(self, sublist: object) -> Sublist:
        if _is_null(sublist):
            return Sublist([], emptied=True)
        items = sublist.get("items") if isinstance(sublist, dict) else None
        if not isinstance(items, list):
            raise invalid_content("item", "", "item")
        own = self.store.custom_fields.get(f"{self.record}.item", frozenset())
        fields = section_fields(self.record, "item")
        return Sublist([self._named(line, fields, own, f"item.items[{index}].") for index, line in enumerate(items)])

    def _named(self, given: object, fields: Fields, own: frozenset[str], place: str) -> Body:
        if not isinstance(given, dict):
            raise invalid_content(place.rstrip("."), "", place.rstrip("."))
        accepted: Body = {}
        for name, value in given.items():
            path = place + name
            if name in own:
                accepted[name] = _custom(name, value, path)
            elif name not in fields:
                self._unknown(name, path)
            elif name not in _COMPUTED:
                accepted[name] = None if value is None else self._value(name, value, fields[name], path)
        return accepted

    def _unknown(self, name: str, path: str) -> None:
        if self.naming == "Error":
            raise unknown_field(name, path)
        if self.naming == "Warning":
            self.dropped.append(path)

    def _value(self, name: str, value: Any, described: Mapping[str, Any], path: str) -> object:
        kind = described.get("type")
        if kind == "ref":
            return self._reference(name, value, str(described.get("ref")), path)
        if kind == "collection":
            return self._sublist(name, value, path)
        if kind == "subrecord":
            section = _SUBRECORDS.get(name, name)
            if section in sections(self.record):
                return self._named(value, section_fields(self.record, section), frozenset(), f"{path}.")
        elif not _is_of(described, value):
            raise invalid_content(name, value, path)
        return value

    def _reference(self, name: str, value: object, kind: str, path: str) -> Body:
        internal_id = _id_in(value)
        found = None
        family = "entity" if (self.record, name) == ("customer", "parent") else name
        if family in ("entity", "item") and internal_id:
            target = self.store.get_family(family, internal_id)
            found = str(target.id) if target and not self.store.is_inactive(target) else None
        elif internal_id and (self.store.reference(kind, internal_id) or (name, internal_id) == _CUSTOM_PRICE):
            found = internal_id
        if found is None:
            raise invalid_content(name, internal_id or "", path)
        return {"id": found}

    def _sublist(self, name: str, value: object, path: str) -> Body | None:
        if _is_null(value):
            return None
        items = value.get("items") if isinstance(value, dict) else None
        if not isinstance(items, list):
            raise invalid_content(name, "", path)
        if name not in sections(self.record):
            return {"items": items}
        fields = section_fields(self.record, name)
        return {
            "items": [self._named(each, fields, frozenset(), f"{path}.items[{i}].") for i, each in enumerate(items)]
        }


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
        if any(not line.get("item") for line in lines):
            raise missing("Item")


def naming_of(header: str | None) -> str:
    """How the request wants unknown names to be met. Raises ``Refused`` for a word that NetSuite does not know."""
    naming = (header or NAMING[1]).capitalize()
    if naming not in NAMING:
        name = "X-NetSuite-PropertyNameValidation"
        raise Refused(f"Invalid value of the header {name}.", code="INVALID_HEADER", header=name)
    return naming


def is_external_id(text: str) -> bool:
    """Whether ``eid:`` addresses can carry it: letters of any script, ASCII digits, underscore, hyphen."""
    return 0 < len(text) <= 255 and all(letter.isalpha() or letter in "0123456789_-" for letter in text)


def _custom(name: str, value: object, path: str) -> object:
    """Of the project's own fields the types are known; others may be a number, a checkbox or a list as well."""
    if "_nue_" in name:
        fits = isinstance(value, str) and (not name.endswith("_date") or _is_date(value))
    else:
        fits = isinstance(value, str | bool) or _is_number(value) or _id_in(value) is not None
    if value is not None and not fits:
        raise invalid_content(name, value, path)
    return value


def _is_null(sublist: object) -> bool:
    return sublist is None or (isinstance(sublist, dict) and "items" in sublist and sublist["items"] is None)


def _id_in(value: object) -> str | None:
    # by external id: nothing says that bodies may do so
    if not isinstance(value, dict) or "externalId" in value:
        return None
    internal_id = value.get("id")
    return str(internal_id) if isinstance(internal_id, str | Decimal) else None


def _is_of(described: Mapping[str, Any], value: object) -> bool:
    match described.get("type"):
        case "string":
            return isinstance(value, str) and _is_formatted(described.get("format"), value)
        case "number":
            return _is_number(value)
        case "integer":
            return isinstance(value, Decimal) and _is_number(value) and value == value.to_integral_value()
        case "boolean":
            return isinstance(value, bool)
        case "object":
            return isinstance(value, dict) and _is_choice(described, value)
    return True


def _is_choice(described: Mapping[str, Any], value: Mapping[str, object]) -> bool:
    choices = described.get("properties", {}).get("id", {}).get("enum")
    return choices is None or "id" not in value or value["id"] in choices


def _is_number(value: object) -> bool:
    if not isinstance(value, Decimal):
        return False
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= _FINEST and (not value or value.adjusted() < _MOST_DIGITS)


def _is_formatted(form: str | None, value: str) -> bool:
    if form == "date":
        return _is_date(value)
    if form == "date-time":
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return False
    return True


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII) is not None
