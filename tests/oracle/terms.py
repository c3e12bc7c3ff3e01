"""How many months a term has, by Nue's five term bases (those of the spreadsheet function YEARFRAC) and by the month.

Terms are inclusive, so the fraction is taken from the start to the day after the end.
"""

from datetime import date, timedelta
from fractions import Fraction


def months(basis: str, start: date, end: date) -> Fraction:
    """The months from ``start`` to ``end``, both included."""
    after = end + timedelta(days=1)
    days = (after - start).days
    if basis == "us_30_360":
        return Fraction(_us_30_360(start, after), 30)
    if basis == "eu_30_360":
        return Fraction(_thirties(start, min(start.day, 30), after, min(after.day, 30)), 30)
    if basis == "actual_360":
        return Fraction(12 * days, 360)
    if basis == "actual_365":
        return Fraction(12 * days, 365)
    if basis == "actual_actual":
        return 12 * _years(start, after)
    return Fraction(_whole_months(start, after))


def _us_30_360(start: date, after: date) -> int:
    """NASD's rules: the end of February, then the 31st, count as the 30th."""
    first, last = start.day, after.day
    if _ends_february(start):
        if _ends_february(after):
            last = 30
        first = 30
    if last == 31 and first >= 30:
        last = 30
    return _thirties(start, min(first, 30), after, last)


def _thirties(start: date, first: int, after: date, last: int) -> int:
    return (after.year - start.year) * 360 + (after.month - start.month) * 30 + last - first


def _ends_february(day: date) -> bool:
    return day.month == 2 and (day + timedelta(days=1)).month == 3


def _years(start: date, after: date) -> Fraction:
    """Whole years, then the days that are left over those of the year that they fall in (Nue's published check)."""
    whole = after.year - start.year
    if _anniversary(start, whole) > after:
        whole -= 1
    since, until = _anniversary(start, whole), _anniversary(start, whole + 1)
    return whole + Fraction((after - since).days, (until - since).days)


def _anniversary(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 2, 28)


def _whole_months(start: date, after: date) -> int:
    """Months of the calendar from the start's day on; one that is begun counts, which no published page decides."""
    return (after.year - start.year) * 12 + after.month - start.month + (after.day > start.day)
