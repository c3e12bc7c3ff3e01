"""How long a term is, by every basis; both dates are inclusive."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from projections.terms import billing_months, last_day_after, months_between
from schemas.order import TermDimension
from schemas.policy import TermBasis
from tests.projections.given import line

US, EU, ACTUAL, A360, A365, WHOLE = (
    TermBasis.US_30_360, TermBasis.EU_30_360, TermBasis.ACTUAL_ACTUAL, TermBasis.ACTUAL_360, TermBasis.ACTUAL_365,
    TermBasis.WHOLE_MONTHS,
)  # fmt: skip
ALL = [US, EU, ACTUAL, A360, A365, WHOLE]


def test_the_published_example_is_31_and_a_half_months_of_30_days():
    assert months_between(date(2023, 1, 1), date(2025, 8, 15), US) == Fraction(63, 2)


def test_the_published_example_is_two_years_and_227_of_365_days():
    assert months_between(date(2023, 1, 1), date(2025, 8, 15), ACTUAL) == 12 * (2 + Fraction(227, 365))


@pytest.mark.parametrize(
    ("start", "end", "years"),
    [
        (date(2022, 1, 1), date(2025, 1, 31), 3 + Fraction(31, 365)),
        (date(2021, 6, 15), date(2024, 2, 29), 2 + Fraction(260, 366)),  # the third year has a leap day
        (date(2021, 6, 15), date(2024, 6, 14), 3),
        (date(2024, 12, 1), date(2025, 1, 31), Fraction(62, 365)),
    ],
)
def test_a_year_that_is_not_whole_is_counted_over_its_own_length(start, end, years):
    assert months_between(start, end, ACTUAL) == 12 * years


@pytest.mark.parametrize("basis", [US, EU, ACTUAL, WHOLE])
@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        (date(2025, 1, 1), date(2025, 12, 31), 12),
        (date(2024, 4, 1), date(2027, 3, 31), 36),
    ],
)
def test_whole_calendar_years_are_whole_by_every_basis_that_knows_months(basis, start, end, months):
    assert months_between(start, end, basis) == months


@pytest.mark.parametrize(
    ("basis", "months"),
    [
        (US, Fraction(60, 30)),
        (EU, Fraction(60, 30)),
        (A360, Fraction(60, 30)),
        (A365, Fraction(60 * 12, 365)),
        (ACTUAL, Fraction(60 * 12, 366)),
        (WHOLE, 2),
    ],
)
def test_january_and_february_of_a_leap_year(basis, months):
    assert months_between(date(2024, 1, 1), date(2024, 2, 29), basis) == months


@pytest.mark.parametrize(
    ("start", "end", "us", "eu"),
    [
        (date(2025, 1, 31), date(2025, 3, 30), 2, 2),  # until the 31st, which counts as the 30th
        (date(2025, 1, 15), date(2025, 3, 30), Fraction(76, 30), Fraction(75, 30)),
        (date(2025, 2, 28), date(2025, 8, 30), Fraction(180, 30), Fraction(182, 30)),  # from the end of February
        (date(2024, 2, 29), date(2025, 2, 27), 12, Fraction(359, 30)),
    ],
)
def test_the_ends_of_months_are_where_the_two_30_day_bases_differ(start, end, us, eu):
    assert (months_between(start, end, US), months_between(start, end, EU)) == (us, eu)


def test_a_month_that_is_begun_counts_whole_where_months_are_whole():
    assert months_between(date(2025, 1, 15), date(2025, 2, 14), WHOLE) == 1
    assert months_between(date(2025, 1, 15), date(2025, 2, 15), WHOLE) == 2
    assert months_between(date(2025, 1, 31), date(2025, 2, 27), WHOLE) == 1


@pytest.mark.parametrize("basis", ALL)
def test_a_term_that_ends_before_it_begins_is_nothing(basis):
    assert months_between(date(2025, 2, 1), date(2025, 1, 31), basis) == 0
    assert months_between(date(2025, 2, 1), date(2025, 2, 1), basis) > 0


@pytest.mark.parametrize("basis", ALL)
def test_the_end_of_the_calendar_is_no_error(basis):
    assert months_between(date(9998, 12, 31), date.max, basis) > 0
    assert months_between(date.min, date.max, basis) > 100_000


@pytest.mark.parametrize(
    ("fields", "months"),
    [
        ({"term": 3, "term_dimension": TermDimension.MONTH}, 3),
        ({"term": 2, "term_dimension": TermDimension.YEAR}, 24),
        ({"term": 1, "term_dimension": TermDimension.MONTH, "billing_period": "Annual"}, 1),
        ({"term": 0, "term_dimension": TermDimension.MONTH, "billing_period": "Quarterly"}, 3),
        ({"term": "1.5", "term_dimension": TermDimension.MONTH, "billing_period": "Quarterly"}, 3),
        ({"billing_period": "Quarterly"}, 3),
        ({"billing_period": "Semi-Annual"}, 6),
        ({"billing_period": "Annual"}, 12),
        ({"billing_period": "Fortnightly"}, 1),
        ({}, 1),
    ],
)
def test_a_line_without_an_end_stands_for_its_term_or_its_billing_period(fields, months):
    stated = {name: Decimal(value) if name == "term" else value for name, value in fields.items()}
    assert billing_months(line(1, **stated)) == months


def test_the_last_day_of_some_months():
    assert last_day_after(date(2025, 1, 1), 12) == date(2025, 12, 31)
    assert last_day_after(date(2025, 1, 31), 1) == date(2025, 2, 27)
    assert last_day_after(date(9999, 6, 1), 1) == date(9999, 6, 30)
    assert last_day_after(date(9999, 6, 1), 12) == date.max
