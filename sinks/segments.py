"""Subsidiary, location, department and class, which settings may give by name."""

from __future__ import annotations

import re

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
        if name is not None and not re.fullmatch("[0-9]+", name):
            found[segment] = await _id(segment, name, attempts)
    return msgspec.structs.replace(defaults, **found)


async def _id(segment: str, name: str, attempts: Attempts) -> str:
    setting = f"netsuite.mapping.{segment}"
    rows = await select_if_allowed(attempts, f"SELECT id FROM {segment} WHERE name = ?", [name])  # noqa: S608  our own
    if isinstance(rows, str):
        raise Misconfigured(f"{setting}: NetSuite does not let us look {name!r} up; give its internal id ({rows})")
    ids = list(filter(None, map(id_of, rows)))
    if len(ids) == 1:
        return ids[0]
    many = f"{len(ids)} are called so (internal ids {', '.join(ids)}); give the internal id" if ids else "there is none"
    raise Misconfigured(f"{setting}: {name!r} is not known by that name in NetSuite: {many}")
