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


@cache
def _tables() -> Mapping[str, Mapping[str, Fields]]:
    text = resources.files("sinks.sandbox").joinpath("netsuite-fields.json").read_text(encoding="utf-8")
    records: Mapping[str, Mapping[str, Fields]] = json.loads(text)["records"]
    return records


def record_types() -> frozenset[str]:
    """The record types that the tables describe, spelt as NetSuite does: ``salesOrder``."""
    return frozenset(_tables())


def sections(record: str) -> frozenset[str]:
    """A record type's sections: ``body``, and one per sublist (``item``) or subrecord that the tables describe."""
    return frozenset(_tables()[record])


def body_fields(record: str) -> Fields:
    """The body fields of a record type by name. Raises ``KeyError`` for a type that is not in the tables."""
    return section_fields(record, "body")


def section_fields(record: str, section: str) -> Fields:
    """The fields of a sublist line or a subrecord by name. Raises ``KeyError`` where the record has no such section."""
    return _tables()[record][section]
