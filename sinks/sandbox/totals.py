"""What NetSuite computes by itself: amounts that were not sent, sublists after an update, totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sinks.sandbox.errors import user_error

Line = dict[str, Any]


def complete(line: Mapping[str, Any], digits: int) -> Line:
    """A line as NetSuite keeps it. An amount that was sent stands as it is, whatever quantity and rate say.

    ``digits`` are the decimals of the transaction's currency, to which an amount that was not sent is rounded.
    """
    kept = {name: value for name, value in line.items() if name != "line" and value is not None}
    kept.setdefault("quantity", Decimal(1))
    if "amount" not in kept:
        kept["amount"] = _rounded(kept["quantity"] * kept.get("rate", Decimal(0)), digits)
    return kept


def net_of(lines: Sequence[tuple[int, Line]]) -> Decimal:
    """The sum of the lines, before tax."""
    return sum((line["amount"] for _, line in lines), Decimal(0))


def total_of(lines: Sequence[tuple[int, Line]], tax_rate: Decimal, digits: int) -> Decimal:
    """A transaction's total with tax. Raises ``Refused`` where it is negative: no transaction's can be."""
    net = net_of(lines)
    total = net + _rounded(net * tax_rate, digits)
    if total < 0:
        raise user_error("The total cannot be negative")
    return total


def merged(
    earlier: Sequence[tuple[int, Line]], given: Sequence[Line], digits: int, *, replace: bool
) -> list[tuple[int, Line]]:
    """A sublist after an update: lines that name a line number change that line, all others are appended.

    That is what makes a repeated ``PUT`` double an order. With ``replace``, what is not given is removed.
    """
    stored = dict(earlier)
    kept: dict[int, Line] = {} if replace else dict(stored)
    following = max(stored, default=0) + 1
    for line in given:
        number = int(line.get("line") or 0)
        if number in stored:
            kept[number] = complete({**stored[number], **line}, digits)
        else:
            kept[following] = complete(line, digits)
            following += 1
    return sorted(kept.items())


def _rounded(amount: Decimal, digits: int) -> Decimal:
    rounded = amount.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return rounded or rounded.copy_abs()  # no negative zero
