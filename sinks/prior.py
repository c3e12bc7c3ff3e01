"""Customers and items that are in NetSuite already, found by name or internal id, a thousand values to a query."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from sinks.attempts import Attempts
from sinks.lookup import PAGE, portions, select_every
from sinks.readback import id_of

_NAMES: Mapping[str, tuple[str, ...]] = {
    "customer": ("companyname", "entityid", "firstname || ' ' || lastname"),
    "item": ("itemid",),
}
_SHOWN = {"customer": "entityid, companyname, firstname, lastname", "item": "itemid"}


class Prior(Struct, frozen=True, kw_only=True):
    """A record as NetSuite has it. ``external_id`` is ours, another system's, or none."""

    internal_id: str
    name: str
    external_id: str | None = None


async def called(attempts: Attempts, record: str, names: Iterable[str]) -> dict[str, list[Prior]]:
    """The customers or items (``record``) with one of these names, by name without regard to case.

    Raises :class:`Unauthorized` where NetSuite refuses the look-up.
    """
    wanted = {name.strip().casefold(): name.strip().upper() for name in names}
    columns = _NAMES[record]
    found: dict[str, dict[str, Prior]] = {}
    for part in portions(wanted.values(), PAGE // len(columns)):
        marks = ", ".join("?" * len(part))
        either = " OR ".join(f"UPPER({column}) IN ({marks})" for column in columns)
        query = f"SELECT id, externalid, {_SHOWN[record]} FROM {record} WHERE {either} ORDER BY id"  # noqa: S608  ours
        for row in await select_every(attempts, query, part * len(columns)):
            for name in _names(row):
                if name.casefold() in wanted and (internal_id := id_of(row)):
                    prior = Prior(internal_id=internal_id, name=name, external_id=_external_id(row))
                    found.setdefault(name.casefold(), {})[internal_id] = prior
    return {name: list(priors.values()) for name, priors in found.items()}


async def with_ids(attempts: Attempts, record: str, internal_ids: Iterable[str]) -> dict[str, str | None]:
    """The external ids, by internal id, of those customers or items that are there."""
    found: dict[str, str | None] = {}
    for part in portions(internal_ids):
        marks = ", ".join("?" * len(part))
        query = f"SELECT id, externalid FROM {record} WHERE id IN ({marks}) ORDER BY id"  # noqa: S608  ours
        rows = await select_every(attempts, query, part)
        found |= {internal_id: _external_id(row) for row in rows if (internal_id := id_of(row))}
    return found


def _names(row: Mapping[str, Any]) -> list[str]:
    person = " ".join(str(row[name]) for name in ("firstname", "lastname") if row.get(name))
    names = [str(row[name]) for name in ("companyname", "entityid", "itemid") if row.get(name)]
    return [name.strip() for name in (*names, person) if name.strip()]


def _external_id(row: Mapping[str, Any]) -> str | None:
    found = row.get("externalid")
    return None if found is None else str(found)
