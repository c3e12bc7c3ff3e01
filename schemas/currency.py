"""ISO 4217 currencies: which codes exist and how many decimals their money has."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Final

# Active codes, and the retired ones (ANG, BGN, HRK, SLL) that contract histories still hold.
_TWO: Final = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR
IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN
NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL
THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""
_OTHER: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_MINOR_UNITS: Final = dict.fromkeys(_TWO.split(), 2) | {
    code: digits for digits, codes in _OTHER.items() for code in codes.split()
}


class UnknownCurrency(ValueError):
    """A code that ISO 4217 does not list."""


def minor_units(code: str) -> int:
    """The number of decimals of an amount in this currency: 2 for USD, 0 for JPY, 3 for KWD.

    Raises:
        UnknownCurrency: the code is no ISO 4217 currency, or is not written in capitals.
    """
    try:
        return _MINOR_UNITS[code]
    except KeyError:
        raise UnknownCurrency(f"{code!r} is not an ISO 4217 currency code") from None


@cache
def minor_unit(code: str) -> Decimal:
    """The smallest amount of this currency: 0.01 for USD, 1 for JPY. Raises as :func:`minor_units` does."""
    return Decimal(1).scaleb(-minor_units(code))
