"""A period of days as people write it: a month, or a first and a last day. Pure."""

from __future__ import annotations

import calendar
import re
from datetime import date
from typing import NamedTuple


class Period(NamedTuple):
    """Days, the first and the last included."""

    first_on: date
    last_on: date


def period_of(text: str) -> Period:
    """The period of ``2026-10``, ``2026-10-05``, or two of these with ``..`` between.

    Raises:
        ValueError: it is none, or ends before it begins.
    """
    first, dots, last = text.partition("..")
    period = Period(_days(first)[0], _days(last if dots else first)[1])
    if period.last_on < period.first_on:
        raise ValueError(f"{text}: ends before it begins")
    return period


def _days(text: str) -> tuple[date, date]:
    """The first and the last day of a month, or one day twice."""
    try:
        if re.fullmatch(r"\d{4}-\d\d", text, re.ASCII):
            year, month = int(text[:4]), int(text[5:])
            return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
            return date.fromisoformat(text), date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{text!r} is neither a month such as 2026-10 nor a day such as 2026-10-05")
