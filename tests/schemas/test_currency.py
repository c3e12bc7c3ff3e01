"""Currencies have the decimals that ISO 4217 gives them."""

import pytest

from schemas.currency import UnknownCurrency, minor_units


@pytest.mark.parametrize(
    ("code", "digits"),
    [
        ("USD", 2),
        ("EUR", 2),
        ("CHF", 2),
        ("JPY", 0),
        ("KRW", 0),
        ("ISK", 0),
        ("KWD", 3),
        ("TND", 3),
        ("CLF", 4),
        ("HRK", 2),
    ],
)
def test_a_currency_has_its_decimals(code: str, digits: int) -> None:
    assert minor_units(code) == digits


@pytest.mark.parametrize("code", ["usd", "US", "USDX", "XXX", "", "BTC"])
def test_a_code_that_iso_4217_does_not_list_is_named(code: str) -> None:
    with pytest.raises(UnknownCurrency, match=repr(code)):
        minor_units(code)


def test_an_unknown_currency_is_a_value_error() -> None:
    assert issubclass(UnknownCurrency, ValueError)
