"""What the orders decided so far say about a subscription or a contract, found by going through all of them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction

from tests.oracle.reading import Line, Order
from tests.oracle.terms import months

STATES_A_CHANGE = ("New", "UpdateQuantity", "Cancel")
KEEPS_QUANTITY = ("AdjustPrice", "UpdateTerm", "CoTerm")
CANCELLED = ("cancelled", "canceled")
FOR_EVER = date.max - timedelta(days=1)


@dataclass
class Told:
    """A line and what it means for the documents: a change, whichever way the order tells it."""

    line: Line
    quantity: Fraction
    amount: Fraction
    price: Fraction | None


@dataclass
class Decided:
    """An order that found its place. ``amounts`` are what its lines posted, by line; a discarded one has none.

    ``undone`` says that Nue cancelled the order afterwards, and that was let through.
    """

    order: Order
    contracts: dict[str, str]
    amounts: dict[str, Fraction] = field(default_factory=dict)
    discarded: bool = False
    undone: bool = False


Past = list[Decided]


@dataclass
class Known:
    """A subscription as the past leaves it."""

    version: int
    quantity: Fraction
    dead: bool
    contract: str


def lines_of(order: Order, number: str) -> list[Line]:
    """The lines of ``order`` about the subscription ``number``."""
    return [line for line in order.lines if line.subscription == number]


def known(past: Past, number: str) -> Known | None:
    """The subscription, or None where no order has been about it."""
    found: Known | None = None
    for decided in past:
        lines = lines_of(decided.order, number)
        if not lines:
            continue
        if found is None:
            found = Known(version=0, quantity=Fraction(0), dead=False, contract=decided.contracts[lines[0].id])
        stated = [line.version for line in lines if line.version is not None]
        version = max(stated) if stated else found.version + 1
        if version <= found.version:  # it came too late to say what the subscription is like now
            continue
        if decided.undone and not found.version:
            found.dead = True
        found.version = version
        if not decided.undone:
            found.quantity = quantity_after(decided.order, found.quantity, lines)
            found.dead = _is_dead(lines, found)
    return found


def quantity_after(order: Order, before: Fraction, lines: list[Line]) -> Fraction:
    """What the newest version says, else what follows from the lines."""
    newest = _newest(lines)
    if newest and newest.get("quantity") is not None:
        return Fraction(newest["quantity"])
    return computed_quantity(order, before, lines)


def computed_quantity(order: Order, before: Fraction, lines: list[Line]) -> Fraction:
    """The quantity that follows from the lines; the segments of one ramp say theirs once."""
    if order.snapshot:
        return lines[-1].quantity
    after, ramps = before, set()
    for line in lines:
        if line.type == "RampItem" and line.parent:
            if (line.parent, line.change) in ramps:
                continue
            ramps.add((line.parent, line.change))
        if line.change == "Renew":
            after = line.quantity
        elif line.change in STATES_A_CHANGE:
            after += line.quantity
    return after


def status_of(lines: list[Line]) -> str | None:
    """The status that Nue reports with the newest version."""
    newest = _newest(lines)
    return newest["status"].lower() if newest and newest.get("status") else None


def posted_on(past: Past, number: str, currency: str) -> Fraction | None:
    """What is posted for the subscription, credits taken off; None where that is other money.

    Money is never converted: where a person let an order in another currency through, counting begins again.
    """
    about = [each for each in past if lines_of(each.order, number)]
    return _counted(about, lambda each: [line.id for line in lines_of(each.order, number)], currency)


def posted_in(past: Past, contract: str, currency: str) -> Fraction | None:
    """What is posted for the contract, credits taken off; None where that is other money."""
    about = [each for each in past if contract in each.contracts.values()]
    return _counted(about, lambda each: [line for line in each.contracts if each.contracts[line] == contract], currency)


def _counted(about: Past, lines: Callable[[Decided], list[str]], currency: str) -> Fraction | None:
    total, counts_in = Fraction(0), None
    for decided in _that_hold(about):
        if decided.order.currency != counts_in:
            total, counts_in = Fraction(0), decided.order.currency
        total += sum((decided.amounts.get(line, Fraction(0)) for line in lines(decided)), Fraction(0))
    return total if counts_in in (None, currency) else None


def _that_hold(about: Past) -> Past:
    """Those that were not discarded, else the first, which at least began it."""
    return [decided for decided in about if not decided.discarded] or about[:1]


def terms_of(past: Past, contract: str) -> Order | None:
    """The order whose currency and billing account hold for the contract: the last that was not discarded."""
    about = [decided for decided in past if contract in decided.contracts.values()]
    return _that_hold(about)[-1].order if about else None


def changes(past: Past, order: Order, basis: str) -> list[Told]:
    """The lines as changes. A SNAPSHOT line is what its dates are worth now less what they were worth before."""
    if not order.snapshot:
        return [Told(line, line.quantity, line.amount, line.price) for line in order.lines]
    told, segments = (
        [],
        {number: _segments(past, order, number) for number in {line.subscription for line in order.lines}},
    )
    late = {number for number in segments if number and _is_late(past, order, number)}
    for line in order.lines:
        if line.subscription in late:
            told.append(
                Told(line, Fraction(0), Fraction(0), line.price)
            )  # a later one was compared with what was before
            continue
        if line.subscription is None or line.start is None:
            told.append(Told(line, line.quantity, line.amount, line.price))
            continue
        before = segments[line.subscription]
        amount = line.amount - sum((_worth(each, line, basis) for each in before), Fraction(0))
        here = next((each for each in before if each.start <= line.start <= each.end), None)
        more = line.quantity - (here.quantity if here else 0)
        price = line.price
        if not more and here and price is not None and price != here.price:
            price -= here.price
        told.append(Told(line, more or line.quantity, amount, price))
        segments[line.subscription] = _replaced(before, line)
    return told


def _is_late(past: Past, order: Order, number: str) -> bool:
    """Whether the order makes a version that is not above the last one of the subscription."""
    was = known(past, number)
    made = [line.version for line in lines_of(order, number) if line.version is not None]
    return was is not None and bool(made) and min(made) <= was.version


@dataclass
class _Segment:
    start: date
    end: date
    quantity: Fraction
    price: Fraction


def _segments(past: Past, order: Order, number: str | None) -> list[_Segment]:
    """The terms of a subscription that is told as SNAPSHOT, each with its quantity and price per month."""
    found: list[_Segment] = []
    counts_in = order.currency
    for place, decided in enumerate(past):
        if decided.order.snapshot and number and _is_late(past[:place], decided.order, number):
            continue
        same = decided.order.currency == counts_in
        for line in decided.order.lines if not decided.undone else []:
            if not number or line.subscription != number or not line.start:
                continue
            if decided.discarded and found and not same:
                continue
            found = _replaced(found if decided.order.currency == counts_in else [], line)
            counts_in = decided.order.currency
    return found if counts_in == order.currency else []


def _replaced(segments: list[_Segment], line: Line) -> list[_Segment]:
    """The segments with the dates of ``line`` taken over by it; a quantity of zero ends everything from its start."""
    start, end = line.start or date.min, line.end if line.end and line.quantity else FOR_EVER
    kept = []
    for each in segments:
        if each.start < start:
            kept.append(_Segment(each.start, min(each.end, start - timedelta(days=1)), each.quantity, each.price))
        if each.end > end:
            kept.append(_Segment(max(each.start, end + timedelta(days=1)), each.end, each.quantity, each.price))
    if line.quantity:
        kept.append(_Segment(start, end, line.quantity, line.price or Fraction(0)))
    return sorted(kept, key=lambda each: each.start)


def _worth(segment: _Segment, line: Line, basis: str) -> Fraction:
    """What the dates of ``line`` were worth in ``segment``."""
    last = line.end if line.end and line.quantity else FOR_EVER  # a quantity of zero ends everything from its start
    start, end = max(segment.start, line.start or date.min), min(segment.end, last)
    return segment.quantity * segment.price * months(basis, start, end) if start <= end else Fraction(0)


def _newest(lines: list[Line]) -> dict[str, object] | None:
    made = [line.made for line in lines if line.made]
    return max(made, key=lambda each: each["subscriptionVersion"]) if made else None


def _is_dead(lines: list[Line], known_: Known) -> bool:
    """Cancelled by Nue's word; where it says nothing, by a cancellation that leaves nothing."""
    status = status_of(lines)
    if status is not None:
        return status in CANCELLED
    return known_.dead or (any(line.change == "Cancel" for line in lines) and known_.quantity == 0)
