"""A subscription's schedule against a dictionary of its days."""

import itertools
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from projections.schedule import Span, add, cut, fill, put, reprice, resize, span_on, worth
from schemas.policy import TermBasis

FIRST = date(2025, 1, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(120)]
few = settings(max_examples=150, deadline=None)
DAY = st.integers(0, 100)
NUMBER = st.integers(-3, 5).map(Decimal)


@st.composite
def spans(draw):
    start = draw(DAY)
    end = draw(st.none() | st.integers(start, 119))
    last = None if end is None else DAYS[end]
    return Span(DAYS[start], last, draw(NUMBER), draw(NUMBER) * 10)


def model(schedule):
    """What each day holds; a day that says nothing is left out."""
    found = {}
    for day in DAYS:
        span = span_on(schedule, day)
        if span is not None:
            found[day] = (span.quantity, span.monthly)
    return found


def days_of(span):
    return [day for day in DAYS if span.start_on <= day <= span.last_on]


def priced(quantity, monthly):
    return monthly / quantity if quantity else Decimal(0)


# What each operation does to a schedule, and to one of the span's days that holds a quantity and a monthly value.
OPERATIONS = {
    "put": (put, lambda held, span: (span.quantity, span.monthly)),
    "cut": (lambda schedule, span: cut(schedule, span.start_on, span.end_on), lambda held, span: None),
    "add": (add, lambda held, span: tuple(map(sum, zip(held or (0, 0), (span.quantity, span.monthly), strict=True)))),
    "fill": (fill, lambda held, span: held or (span.quantity, span.monthly)),
    "reprice": (
        lambda schedule, span: reprice(schedule, span.start_on, span.end_on, span.monthly),
        lambda held, span: held and (held[0], held[1] + span.monthly),
    ),
    "resize": (
        lambda schedule, span: resize(schedule, span.start_on, span.end_on, span.quantity),
        lambda held, span: held and (held[0] + span.quantity, held[1] + priced(*held) * span.quantity),
    ),
}


@few
@given(st.lists(st.tuples(st.sampled_from(sorted(OPERATIONS)), spans()), max_size=8))
def test_every_change_of_a_schedule_is_the_change_of_each_of_its_days(steps):
    schedule, days = (), {}
    for name, span in steps:
        change, change_day = OPERATIONS[name]
        schedule = change(schedule, span)
        after = {day: change_day(days.get(day), span) for day in days_of(span)}
        days = {day: held for day, held in (days | after).items() if held and any(held)}
        assert model(schedule) == days
    for before, after in itertools.pairwise(schedule):
        assert before.last_on < after.start_on
        alike = (before.quantity, before.monthly) == (after.quantity, after.monthly)
        assert not (alike and before.last_on + timedelta(days=1) == after.start_on)


def test_days_between_two_spans_are_filled_up_to_the_day_that_is_asked_for():
    one, two = Decimal(1), Decimal(2)
    late = Span(DAYS[20], DAYS[30], one, one)
    assert fill((late,), Span(DAYS[0], DAYS[5], two, two)) == (Span(DAYS[0], DAYS[5], two, two), late)


MONTHS = [date(2025 + n // 12, n % 12 + 1, 1) for n in range(37)]


@few
@given(st.lists(st.tuples(st.integers(0, 35), st.integers(0, 35), NUMBER), max_size=5), st.integers(0, 36))
def test_what_whole_months_are_worth_adds_up(parts, middle):
    schedule = ()
    for start, length, monthly in parts:
        end = min(start + length + 1, 36)
        schedule = add(schedule, Span(MONTHS[start], MONTHS[end] - timedelta(days=1), Decimal(1), monthly))
    first, last = MONTHS[0], MONTHS[36] - timedelta(days=1)
    for basis in (TermBasis.US_30_360, TermBasis.WHOLE_MONTHS):
        whole = worth(schedule, first, last, basis)
        split = worth(schedule, first, MONTHS[middle] - timedelta(days=1), basis) if middle else Decimal(0)
        assert whole == split + worth(schedule, MONTHS[middle], last, basis)
        assert whole == sum(monthly * (min(start + length + 1, 36) - start) for start, length, monthly in parts)


def test_a_term_that_ends_on_the_calendars_last_day_ends():
    term = (Span(date(9999, 12, 1), date.max, Decimal(1), Decimal(10)),)
    assert worth(term, date(9999, 12, 1), None, TermBasis.WHOLE_MONTHS) == 10


def test_days_that_never_end_are_worth_nothing_unless_an_end_is_asked_for():
    evergreen = (Span(FIRST, None, Decimal(1), Decimal(10)),)
    assert worth(evergreen, FIRST, None, TermBasis.US_30_360) == 0
    assert worth(evergreen, FIRST, date(2025, 3, 31), TermBasis.US_30_360) == 30
