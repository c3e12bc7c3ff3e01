"""Subsidiary, location, department and class, which settings may give by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from sinks.attempts import Attempts
from sinks.defaults import Defaults
from sinks.lookup import select_if_allowed
from sinks.readback import id_of
from sinks.verdict import Misconfigured

SEGMENTS = ("subsidiary", "location", "department", "classification")
"""Each is a setting, and the SuiteQL table that has its names."""


async def settled(defaults: Defaults, attempts: Attempts) -> Defaults:
    """``defaults`` with internal ids in the place of names. Raises :class:`Misconfigured`.

    A value of digits is an internal id and is not looked up.
    """
    found: dict[str, str] = {}
    for segment in SEGMENTS:
        name: str | None = getattr(defaults, segment)
        if name is not None and not is_internal_id(name):
            found[segment] = await _id(segment, name, attempts)
    return msgspec.structs.replace(defaults, **found)


def is_internal_id(value: str) -> bool:
    """Whether a setting gives the internal id, and not a name."""
    return re.fullmatch("[0-9]+", value) is not None


def query_by(column: str, segment: str) -> str:
    """The SuiteQL that finds id and name by ``id`` or ``name``."""
    return f"SELECT id, name FROM {segment} WHERE {column} = ?"  # noqa: S608  our own names


def the_one(segment: str, name: str, rows: Iterable[Mapping[str, Any]]) -> str:
    """The internal id of the only row. Raises :class:`Misconfigured` where there are none or more."""
    ids = list(filter(None, map(id_of, rows)))
    if len(ids) == 1:
        return ids[0]
    many = f"{len(ids)} are called so (internal ids {', '.join(ids)}); give the internal id" if ids else "there is none"
    raise Misconfigured(f"{setting_of(segment)}: {name!r} is not known by that name in NetSuite: {many}")


def setting_of(segment: str) -> str:
    """The setting that gives it."""
    return f"netsuite.mapping.{segment}"


async def _id(segment: str, name: str, attempts: Attempts) -> str:
    rows = await select_if_allowed(attempts, query_by("name", segment), [name])
    if isinstance(rows, str):
        setting = setting_of(segment)
        raise Misconfigured(f"{setting}: NetSuite does not let us look {name!r} up; give its internal id ({rows})")
    return the_one(segment, name, rows)
