"""What an order's lines do to a subscription's schedule.

``DELTA`` lines are Nue's own order products: each changes the schedule on its dates. Nue's amount is authoritative,
so the monthly value that a line adds is its net price times its quantity only where that makes the amount over its
dates; else it is what the units cost by the schedule before, where that makes it; else the amount spread over the
dates. ``SNAPSHOT`` lines replace what the schedule held on their dates.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from msgspec import Struct

from projections.lines import OrderedLine
from projections.schedule import Schedule, Span, add, cut, fill, put, reprice, resize, span_on, worth
from projections.terms import billing_months, months_between
from schemas.currency import minor_unit
from schemas.order import ChangeType
from schemas.policy import TermBasis

_ZERO = Decimal(0)
# Where the spreadsheet's quotient of an amount and a term does not end, prices keep ten decimals.
_PRICE_UNIT = Decimal("0.0000000001")


class Reading(Struct, frozen=True):
    """How an order's lines are to be read: in which currency, from which day where a line has none, by which term
    basis, and whether they state the subscription after the change (``is_snapshot``).
    """

    currency: str
    effective_on: date
    basis: TermBasis
    is_snapshot: bool = False


def schedule_after(schedule: Schedule, lines: Sequence[OrderedLine], reading: Reading) -> Schedule:
    """The schedule of a subscription after ``lines``, in their order."""
    for line in lines:
        schedule = (stated if reading.is_snapshot else _changed)(schedule, line, reading)
    return schedule


def stated(schedule: Schedule, line: OrderedLine, reading: Reading) -> Schedule:
    """The schedule with what a ``SNAPSHOT`` line says of its dates in place of what was there.

    A quantity of zero ends the subscription from the line's start on.
    """
    start_on, end_on, quantity = _start(line, reading), line.line.end_on, line.line.quantity
    if not quantity:
        return cut(schedule, start_on, None)
    if line.line.unit_price is None:
        monthly = _spread(line.line.amount, line, reading, start_on, end_on)
    else:
        monthly = quantity * line.line.unit_price
    return put(schedule, Span(start_on, end_on, quantity, monthly))


def _changed(schedule: Schedule, line: OrderedLine, reading: Reading) -> Schedule:
    start_on, end_on = _start(line, reading), line.line.end_on
    match line.line.change_type:
        case ChangeType.UNKNOWN:
            return schedule
        case ChangeType.RENEW | ChangeType.CONVERT_FREE_TRIAL:
            monthly = _monthly(line, reading, start_on, end_on)
            return put(schedule, Span(start_on, end_on, abs(line.quantity), monthly))
        case ChangeType.UPDATE_TERM | ChangeType.CO_TERM:
            return _retermed(schedule, line, reading, start_on, end_on)
        case ChangeType.ADJUST_PRICE:
            return reprice(schedule, start_on, end_on, _monthly(line, reading, start_on, end_on))
        case ChangeType.CANCEL if not line.quantity:
            return cut(schedule, start_on, None)
        case ChangeType.NEW:
            return _resized(schedule, line, reading, start_on, end_on)
        case _:
            last = schedule[-1].end_on if schedule else None
            return _resized(schedule, line, reading, start_on, end_on or last)


def _retermed(schedule: Schedule, line: OrderedLine, reading: Reading, start_on: date, end_on: date | None) -> Schedule:
    """Days that are added have what the line says; days that are taken away are cut."""
    if line.amount < 0:
        return cut(schedule, start_on, end_on)
    longer = fill(schedule, Span(start_on, end_on, abs(line.quantity), _monthly(line, reading, start_on, end_on)))
    if longer == schedule and line.amount:
        return reprice(schedule, start_on, end_on, _spread(line.amount, line, reading, start_on, end_on))
    return longer


def _resized(schedule: Schedule, line: OrderedLine, reading: Reading, start_on: date, end_on: date | None) -> Schedule:
    quantity = _signed_quantity(line)
    here = span_on(schedule, start_on)
    if quantity < 0 and here is not None and here.quantity + quantity <= 0:
        return cut(schedule, start_on, None if line.line.change_type is ChangeType.CANCEL else end_on)
    monthly = _makes(line, reading, start_on, end_on)
    if quantity and monthly is None and end_on is not None:
        by_own_prices = resize(schedule, start_on, end_on, quantity)
        made = worth(by_own_prices, start_on, end_on, reading.basis) - worth(schedule, start_on, end_on, reading.basis)
        if _ties(made, line.amount, reading):
            return by_own_prices
    if monthly is None:
        monthly = _spread(line.amount, line, reading, start_on, end_on)
    return add(schedule, Span(start_on, end_on, quantity, monthly))


def _signed_quantity(line: OrderedLine) -> Decimal:
    """By how much the quantity changes on the line's dates: of a swap, one line takes away what the other adds."""
    if line.line.change_type in (ChangeType.NEW, ChangeType.UPDATE_QUANTITY, ChangeType.CANCEL):
        return line.quantity
    return line.quantity.copy_sign(line.amount or line.quantity)


def _monthly(line: OrderedLine, reading: Reading, start_on: date, end_on: date | None) -> Decimal:
    made = _makes(line, reading, start_on, end_on)
    return made if made is not None else _spread(line.amount, line, reading, start_on, end_on)


def _makes(line: OrderedLine, reading: Reading, start_on: date, end_on: date | None) -> Decimal | None:
    """Price times quantity, where over the line's dates it makes the line's amount."""
    if line.unit_price is None:
        return None
    product = line.unit_price * line.quantity
    made = _over(product, line, reading, start_on, end_on)
    if _ties(made, line.amount, reading):
        return product
    return -product if _ties(-made, line.amount, reading) else None


def _over(monthly: Decimal, line: OrderedLine, reading: Reading, start_on: date, end_on: date | None) -> Decimal:
    if end_on is None:
        return monthly * billing_months(line.line)
    months = months_between(start_on, end_on, reading.basis)
    return monthly * months.numerator / months.denominator


def _spread(amount: Decimal, line: OrderedLine, reading: Reading, start_on: date, end_on: date | None) -> Decimal:
    if end_on is None:
        return (amount / billing_months(line.line)).quantize(_PRICE_UNIT)
    months = months_between(start_on, end_on, reading.basis)
    return (amount * months.denominator / months.numerator).quantize(_PRICE_UNIT) if months else _ZERO


def _ties(made: Decimal, amount: Decimal, reading: Reading) -> bool:
    return abs(made - amount) <= minor_unit(reading.currency)


def _start(line: OrderedLine, reading: Reading) -> date:
    return line.line.start_on or reading.effective_on
