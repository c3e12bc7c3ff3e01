"""How long a term is, in months, by the tenant's term basis.

Nue counts a term as the spreadsheet function YEARFRAC(start, end + 1, basis) does, with both dates inclusive
(https://docs.nue.io/understanding-subscription-term-basis-and-proration). That page gives US 30/360,
actual/actual and actual/360; actual/365 and EU 30/360 follow from YEARFRAC. Its example, 2023-01-01 to 2025-08-15,
is 31.5 months in 30/360 and 2 + 227/365 years in actual/actual, so a year that is not whole is counted over the
length of the year from its own beginning, not over the average that spreadsheets take.

Nobody's page defines whole months: here they are the calendar months from the first day on, and one that is begun
counts whole.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from fractions import Fraction
from functools import lru_cache

from schemas.order import OrderLine, TermDimension
from schemas.policy import TermBasis

_PERIODS = {"monthly": 1, "quarterly": 3, "semi-annual": 6, "semiannual": 6, "annual": 12}


@lru_cache(maxsize=4096)  # terms begin and end on few days, and are asked for several times per line
def months_between(start_on: date, end_on: date, basis: TermBasis) -> Fraction:
    """The months from ``start_on`` to ``end_on``, both inclusive; 0 where the end is before the start."""
    if end_on < start_on:
        return Fraction(0)
    until = day_after(end_on)
    match basis:
        case TermBasis.US_30_360:
            return Fraction(_days_30_360_us(start_on, until), 30)
        case TermBasis.EU_30_360:
            first, last = min(start_on.day, 30), min(until.day, 30)
            return Fraction(_days_30_360(start_on, until, first, last), 30)
        case TermBasis.ACTUAL_360:
            return Fraction((until - start_on).days, 30)
        case TermBasis.ACTUAL_365:
            return Fraction((until - start_on).days * 12, 365)
        case TermBasis.ACTUAL_ACTUAL:
            return _actual(start_on, until)
        case _:
            return Fraction(_calendar_months(start_on, until))


def billing_months(line: OrderLine) -> int:
    """For how many months the amount of a line without an end date stands: its term, else its billing period."""
    if line.term is not None and line.term > 0 and line.term == int(line.term):
        return int(line.term) * (12 if line.term_dimension is TermDimension.YEAR else 1)
    return _PERIODS.get(line.billing_period.casefold(), 1) if line.billing_period else 1


def last_day_after(start_on: date, months: int) -> date:
    """The last day of ``months`` calendar months from ``start_on`` on; never beyond the calendar's end."""
    following = _months_later(start_on, months)
    return date.max if following == date.max else following - timedelta(days=1)


def day_after(day: date) -> date:
    """The next day; the calendar's last stays."""
    return day if day == date.max else day + timedelta(days=1)


def _days_30_360_us(start: date, until: date) -> int:
    # the rules of the NASD, in their order
    first, last = start.day, until.day
    if _ends_february(start):
        last = 30 if _ends_february(until) else last
        first = 30
    if last == 31 and first >= 30:
        last = 30
    return _days_30_360(start, until, min(first, 30), last)


def _days_30_360(start: date, until: date, first: int, last: int) -> int:
    return 360 * (until.year - start.year) + 30 * (until.month - start.month) + last - first


def _ends_february(day: date) -> bool:
    return day.month == 2 and day.day == monthrange(day.year, 2)[1]


def _actual(start: date, until: date) -> Fraction:
    years = until.year - start.year
    if _months_later(start, 12 * years) > until:
        years -= 1
    begun, next_begun = _months_later(start, 12 * years), _months_later(start, 12 * years + 12)
    rest = Fraction((until - begun).days, max((next_begun - begun).days, 1))
    return (years + rest) * 12


def _calendar_months(start: date, until: date) -> int:
    months = 12 * (until.year - start.year) + until.month - start.month
    return months + 1 if _months_later(start, months) < until else months


def _months_later(day: date, months: int) -> date:
    year, month = divmod(12 * day.year + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
