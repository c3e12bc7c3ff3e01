"""What every body that goes to NetSuite is made of."""

from __future__ import annotations

from datetime import date

Body = dict[str, object]


class Untranslatable(ValueError):
    """A command that this version, or the account's mapping, has no NetSuite record for."""


def present(body: Body) -> Body:
    """``body`` without the fields that have no value: a null would delete NetSuite's."""
    return {name: value for name, value in body.items() if value is not None}


def day(given: date | None) -> str | None:
    """A date as NetSuite reads it, whatever the account's own format is."""
    return None if given is None else given.isoformat()


def reference(internal_id: str | None) -> Body | None:
    """A reference to another record."""
    return None if internal_id is None else {"id": internal_id}
