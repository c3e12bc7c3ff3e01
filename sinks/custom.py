"""The tenant's own fields of Nue in the custom fields of NetSuite that the mapping names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal, InvalidOperation

from sinks.body import Body, Untranslatable, day, reference
from sinks.defaults import CustomField

_FLAGS = {"true": True, "false": False}


def custom_values(given: Mapping[str, str], mapped: Mapping[str, CustomField], setting: str) -> Body:
    """Those fields of ``given`` that are ``mapped``, in NetSuite's words; one without a text is left out.

    ``setting`` is what the mapping of these fields is called. Raises :class:`Untranslatable` for a text that is not of
    the field's type: left out, the document would lack it for ever.
    """
    return {into.field: _value(given[name], name, into, setting) for name, into in mapped.items() if given.get(name)}


def _value(text: str, name: str, into: CustomField, setting: str) -> object:
    try:
        match into.type:
            case "number":
                return _number(text)
            case "checkbox":
                return _FLAGS[text.strip().casefold()]
            case "date":
                return day(date.fromisoformat(text.strip()[:10]))
            case "list":
                return reference(into.values[text])
            case "text":
                return text
    except (ValueError, InvalidOperation, KeyError):
        wants = "one of its values" if into.type == "list" else f"a {into.type}"
        raise Untranslatable(
            f"netsuite.mapping.{setting}.{name}: {text!r:.80} is not {wants}, as {into.field} needs"
        ) from None


def _number(text: str) -> Decimal:
    number = Decimal(text.strip())
    if not number.is_finite():
        raise ValueError(text)
    return number
