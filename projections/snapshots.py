"""Lines that state the subscription after the change, read as the change that they make.

The convention of such events: a recurring order product holds quantity, net price per unit and month, and start and
end dates as they are after the change, from the day of the change on, and as its total what those dates are worth
now. What the same dates were worth before is added up over every earlier segment that they cover: quantity times
net price times term (amount = quantity x net price x term: https://api-docs.nue.io/create-order), by the tenant's
term basis with both dates inclusive (https://docs.nue.io/understanding-subscription-term-basis-and-proration).
The difference, rounded once, is the line's amount. Its quantity is the difference in quantity on the line's first
day, or, where that is zero, the quantity after. A line without an end date (evergreen,
https://api-docs.nue.io/subscription-terms) is worth one billing period, and is compared with that. One-time lines
have no state: they are what they say. A line whose version is not above the last one taken in changes nothing: what
came later was compared with what was so before both.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from projections.effects import Reading, stated
from projections.lines import OrderedLine, by_subscription, first_version, rounded
from projections.schedule import Schedule, span_on, worth
from projections.state import CustomerState
from projections.terms import billing_months, last_day_after

_ZERO = Decimal(0)


def as_changes(state: CustomerState, lines: Sequence[OrderedLine], reading: Reading) -> tuple[OrderedLine, ...]:
    """``lines``, with amount, quantity and price of the change against ``state`` and the lines before each."""
    schedules: dict[str, Schedule] = {}
    late = {number for number, own in by_subscription(lines).items() if _is_contained(state, number, own)}
    changed = []
    for line in lines:
        number = line.subscription
        if number is None:
            changed.append(line)
            continue
        if number in late:
            changed.append(replace(line, amount=_ZERO, quantity=_ZERO))
            continue
        before = schedules[number] if number in schedules else schedule_before(state, number, reading)
        changed.append(_change(before, line, reading))
        schedules[number] = stated(before, line, reading)
    return tuple(changed)


def _is_contained(state: CustomerState, number: str, lines: Sequence[OrderedLine]) -> bool:
    """Whether a later version was taken in, which was compared with what was so before this one, too."""
    known = state.subscription(number)
    return known is not None and first_version(lines, known.version) <= known.version


def schedule_before(state: CustomerState, number: str, reading: Reading) -> Schedule:
    """A subscription's schedule, as far as it is in the order's currency: no money is ever converted."""
    known = state.subscription(number)
    return known.schedule if known is not None and known.currency == reading.currency else ()


def _change(before: Schedule, line: OrderedLine, reading: Reading) -> OrderedLine:
    start_on, end_on = line.line.start_on or reading.effective_on, line.line.end_on
    here = span_on(before, start_on)
    if end_on is None and line.line.quantity:
        # one billing period, both of what is and of what was
        months = billing_months(line.line)
        was_worth = here.monthly * months if here is not None and here.end_on is None else _ZERO
        was_worth = was_worth or worth(before, start_on, last_day_after(start_on, months), reading.basis)
    else:
        # a quantity of zero ends the subscription, whatever the line's own end is
        was_worth = worth(before, start_on, end_on if line.line.quantity else None, reading.basis)
    quantity_before = here.quantity if here is not None else _ZERO
    price_before = here.unit_price if here is not None else _ZERO
    difference = line.line.quantity - quantity_before
    price = line.line.unit_price
    if not difference and price is not None and price != price_before:
        price = price - price_before
    return replace(
        line,
        amount=rounded(line.line.amount - was_worth, reading.currency),
        quantity=difference or line.line.quantity,
        unit_price=price,
    )
