"""The field names and types that each NetSuite record accepts, from the REST API Browser's tables (2026.1).

Custom fields (``custbody_*``, ``custcol_*``) are an account's own and are not in the tables.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

Fields = Mapping[str, Mapping[str, Any]]

LINE_SECTIONS: Mapping[str, str] = {"item": "item", "addressBook": "addressBook"}
"""The sublists whose lines are checked, and the section of the tables that describes a line."""


@cache
def tables() -> Mapping[str, Mapping[str, Fields]]:
    """Every record type with its sections: ``body``, and one per sublist or subrecord."""
    text = resources.files("sinks.sandbox").joinpath("netsuite-fields.json").read_text(encoding="utf-8")
    records: Mapping[str, Mapping[str, Fields]] = json.loads(text)["records"]
    return records


def body_fields(record: str) -> Fields:
    """The body fields of a record type. Raises ``KeyError`` for a type that is not in the tables."""
    return tables()[record]["body"]


def section_fields(record: str, section: str) -> Fields:
    """The fields of a sublist line or a subrecord. Raises ``KeyError`` where the record has no such section."""
    return tables()[record][section]
