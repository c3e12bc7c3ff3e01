"""Local dates from the time-zone data that this project ships with, never from the machine's."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo


def local_date(instant: datetime, zone: str) -> date:
    """The calendar day of ``instant`` in ``zone``, an IANA name. Raises ``ValueError`` for an unknown zone.

    At the two ends of the calendar, where the zone's day is outside it, it is the day in UTC.
    """
    try:
        return instant.astimezone(time_zone(zone)).date()
    except OverflowError:
        return instant.date()


@cache
def time_zone(name: str) -> ZoneInfo:
    """The zone ``name`` from the pinned data. Raises ``ValueError`` where there is none."""
    parts = name.split("/")
    if not all(part and part not in (".", "..") for part in parts):
        raise ValueError(f"no time zone is called {name!r}")
    place = resources.files("tzdata").joinpath("zoneinfo", *parts)
    try:
        with place.open("rb") as data:
            return ZoneInfo.from_file(data, key=name)
    except (OSError, ValueError) as error:
        raise ValueError(f"no time zone is called {name!r}") from error
