"""A subscription's schedule: what it is worth on each day of its term.

A schedule is a row of spans, in the order of their dates and without overlap. A span has one quantity and one
monthly value, which is quantity times net price per month; so spans can be added up, whatever prices were agreed for
which of the units.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal

from msgspec import Struct

from projections.terms import months_between
from schemas.policy import TermBasis

_DAY = timedelta(days=1)
_ZERO = Decimal(0)


class Span(Struct, frozen=True, array_like=True):
    """Days with the same quantity and monthly value; both dates are inclusive, no end means that it runs on."""

    start_on: date
    end_on: date | None
    quantity: Decimal
    monthly: Decimal

    @property
    def last_on(self) -> date:
        """The last day, which the calendar's end stands for where there is none."""
        return self.end_on or date.max

    @property
    def unit_price(self) -> Decimal:
        """Net price per unit and month; 0 where there are no units."""
        return self.monthly / self.quantity if self.quantity else _ZERO


Schedule = tuple[Span, ...]


def span_on(schedule: Schedule, day: date) -> Span | None:
    """The span that a day is in."""
    return next((span for span in schedule if span.start_on <= day <= span.last_on), None)


def worth(schedule: Schedule, start_on: date, end_on: date | None, basis: TermBasis) -> Decimal:
    """What the days from ``start_on`` to ``end_on`` are worth by this schedule, unrounded.

    Days that never end are worth nothing: their money falls due period by period, and nobody can add it up.
    """
    total = _ZERO
    for span in _within(schedule, start_on, end_on):
        if span.end_on is not None:
            months = months_between(span.start_on, span.end_on, basis)
            total += span.monthly * months.numerator / months.denominator
    return total


def cut(schedule: Schedule, start_on: date, end_on: date | None) -> Schedule:
    """The schedule without the days from ``start_on`` to ``end_on``."""
    return _joined(_outside(schedule, start_on, end_on))


def put(schedule: Schedule, span: Span) -> Schedule:
    """The schedule with ``span`` in place of what it held on those days."""
    return _joined([*_outside(schedule, span.start_on, span.end_on), span])


def add(schedule: Schedule, span: Span) -> Schedule:
    """The schedule with the quantity and value of ``span`` added on its days, also where there was nothing."""
    inside = list(_within(schedule, span.start_on, span.end_on))
    summed = [
        Span(each.start_on, each.end_on, each.quantity + span.quantity, each.monthly + span.monthly) for each in inside
    ]
    gaps = _gaps(inside, span)
    return _joined([*_outside(schedule, span.start_on, span.end_on), *summed, *gaps])


def fill(schedule: Schedule, span: Span) -> Schedule:
    """The schedule with ``span`` on those of its days on which there was nothing."""
    inside = list(_within(schedule, span.start_on, span.end_on))
    return _joined([*schedule, *_gaps(inside, span)])


def reprice(schedule: Schedule, start_on: date, end_on: date | None, monthly: Decimal) -> Schedule:
    """The schedule with ``monthly`` added on those of the days that it has."""
    repriced = [
        Span(each.start_on, each.end_on, each.quantity, each.monthly + monthly)
        for each in _within(schedule, start_on, end_on)
    ]
    return _joined([*_outside(schedule, start_on, end_on), *repriced])


def resize(schedule: Schedule, start_on: date, end_on: date | None, quantity: Decimal) -> Schedule:
    """The schedule with ``quantity`` added on those of the days that it has, at each day's own price."""
    resized = [
        Span(each.start_on, each.end_on, each.quantity + quantity, each.monthly + each.unit_price * quantity)
        for each in _within(schedule, start_on, end_on)
    ]
    return _joined([*_outside(schedule, start_on, end_on), *resized])


def _within(schedule: Schedule, start_on: date, end_on: date | None) -> Iterator[Span]:
    last_on = end_on or date.max
    for span in schedule:
        if span.start_on <= last_on and span.last_on >= start_on:
            end = span.end_on if span.last_on <= last_on else end_on
            yield Span(max(span.start_on, start_on), end, span.quantity, span.monthly)


def _outside(schedule: Schedule, start_on: date, end_on: date | None) -> Iterator[Span]:
    last_on = end_on or date.max
    for span in schedule:
        if span.start_on > last_on or span.last_on < start_on:
            yield span
            continue
        if span.start_on < start_on:
            yield Span(span.start_on, start_on - _DAY, span.quantity, span.monthly)
        if span.last_on > last_on:
            yield Span(last_on + _DAY, span.end_on, span.quantity, span.monthly)


def _gaps(inside: list[Span], span: Span) -> Iterator[Span]:
    """The days of ``span`` that none of ``inside`` has."""
    at: date | None = span.start_on
    for each in inside:
        if at is not None and each.start_on > at:
            yield Span(at, each.start_on - _DAY, span.quantity, span.monthly)
        at = None if each.last_on == date.max else each.last_on + _DAY
    if at is not None and at <= span.last_on:
        yield Span(at, span.end_on, span.quantity, span.monthly)


def _joined(spans: Iterable[Span]) -> Schedule:
    """The spans in order, neighbours that are alike made one, those that say nothing left out."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start_on):
        if not span.quantity and not span.monthly:
            continue
        last = joined[-1] if joined else None
        alike = last is not None and (last.quantity, last.monthly) == (span.quantity, span.monthly)
        if last is not None and alike and last.end_on is not None and last.end_on + _DAY == span.start_on:
            joined[-1] = Span(last.start_on, span.end_on, span.quantity, span.monthly)
        else:
            joined.append(span)
    return tuple(joined)
