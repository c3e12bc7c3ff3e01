"""An order's lines as the rules see them: which are posted, for which subscription, at what amount."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from schemas.currency import minor_unit
from schemas.order import ChangeType, LineType, Order, OrderLine

_PROVISIONED = (LineType.LINE_ITEM, LineType.RAMP_ITEM)
_NUMBER = attrgetter("line_number", "line_id")


class OrderedLine(Struct, frozen=True):
    """A line that Nue provisioned, with its subscription and its amount in the currency's minor units.

    ``is_change`` says that it changes something that exists: a line of its subscription names an asset.
    ``quantity`` and ``unit_price`` are those of the change, as a document shows them. ``root`` is its subscription's
    root subscription, as far as the order tells. ``reverses`` says that the line takes back what an order did that Nue
    cancelled.
    """

    line: OrderLine
    subscription: str | None
    amount: Decimal
    is_change: bool
    quantity: Decimal
    unit_price: Decimal | None
    root: str | None = None
    reverses: bool = False

    @property
    def number(self) -> int:
        """Where the line stands in the order."""
        return self.line.line_number

    @property
    def is_posted(self) -> bool:
        """Whether the line can stand on a document; one with neither amount nor quantity says nothing there."""
        return bool(self.amount or self.quantity)

    @property
    def is_renewal(self) -> bool:
        """Whether the line renews a subscription."""
        return self.line.change_type is ChangeType.RENEW and not self.reverses


def ordered_lines(order: Order) -> tuple[OrderedLine, ...]:
    """The provisioned lines in the order of their line numbers.

    Summary and split lines are left out: they repeat what their ramp and item lines say. A ramp line belongs
    to the subscription of any sibling under the same parent, since Nue links the subscription to one of them.
    """
    owner = _subscription_by_parent(order.lines)
    provisioned = [line for line in order.lines if line.line_type in _PROVISIONED]
    belongs = {line.line_id: _own_subscription(line) or _of_sibling(line, owner) for line in provisioned}
    changed = {belongs[line.line_id] for line in provisioned if line.asset_number is not None}
    told = ((_own_subscription(line), line.root_subscription_id) for line in order.lines)
    roots = {own: root for own, root in told if own and root}
    return tuple(
        OrderedLine(
            line=line,
            subscription=(own := belongs[line.line_id]),
            amount=rounded(line.amount, order.currency),
            is_change=own in changed,
            quantity=line.quantity,
            unit_price=line.unit_price,
            root=line.root_subscription_id or roots.get(own or ""),
        )
        for line in sorted(provisioned, key=_NUMBER)
    )


def rounded(amount: Decimal, currency: str) -> Decimal:
    """``amount`` in the currency's minor units, half-even."""
    return +amount.quantize(minor_unit(currency), ROUND_HALF_EVEN)  # the plus makes -0 a 0


def _own_subscription(line: OrderLine) -> str | None:
    return line.subscription_number or line.asset_number


def _of_sibling(line: OrderLine, owner: dict[tuple[str, str | None], str]) -> str | None:
    if line.line_type is not LineType.RAMP_ITEM or line.parent_line_id is None:
        return None
    return owner.get((line.parent_line_id, line.product_id)) or owner.get((line.parent_line_id, None))


def _subscription_by_parent(lines: Sequence[OrderLine]) -> dict[tuple[str, str | None], str]:
    """Whose the ramps are, by parent line; two ramped products under one parent are told apart by the product."""
    owner: dict[tuple[str, str | None], str] = {}
    for line in lines:
        if line.line_type is LineType.LINE_ITEM:
            continue
        own = _own_subscription(line)
        if own is None:
            continue
        if line.line_type is LineType.RAMP_ITEM and line.parent_line_id:
            owner.setdefault((line.parent_line_id, line.product_id), own)
            owner.setdefault((line.parent_line_id, None), own)
        elif line.line_type is LineType.SUMMARY_ITEM:
            owner.setdefault((line.line_id, None), own)
    return owner


def expected_total(order: Order) -> Decimal:
    """What the posted lines must sum to: the order's total less its tax, which NetSuite reckons itself."""
    return rounded(order.total_amount - (order.tax_amount or 0), order.currency)


def tied_out(order: Order, lines: tuple[OrderedLine, ...], tolerance: Decimal) -> tuple[OrderedLine, ...] | None:
    """The lines made to sum to the order's total, or None where they miss it by more than rounding.

    ``tolerance`` is in minor units per posted line. The residual goes on the last line whose amount keeps its sign
    with it, so that the documents tie out to the cent.
    """
    posted = [line for line in lines if line.is_posted]
    residual = expected_total(order) - sum(line.amount for line in posted)
    if not residual:
        return lines
    bearer = next((line for line in reversed(posted) if line.amount * (line.amount + residual) > 0), None)
    if bearer is None or abs(residual) > tolerance * minor_unit(order.currency) * len(posted):
        return None
    corrected = replace(bearer, amount=bearer.amount + residual)
    return tuple(corrected if line is bearer else line for line in lines)


def by_subscription(lines: Sequence[OrderedLine]) -> dict[str, list[OrderedLine]]:
    """The lines of each subscription, in the order in which the subscriptions first appear."""
    groups: defaultdict[str, list[OrderedLine]] = defaultdict(list)
    for line in lines:
        if line.subscription is not None:
            groups[line.subscription].append(line)
    return dict(groups)


def first_version(lines: Sequence[OrderedLine], last: int) -> int:
    """The lowest version that an order makes of a subscription: as its lines say, else the one after ``last``."""
    stated = [line.line.subscription_version for line in lines if line.line.subscription_version is not None]
    return min(stated, default=0) or last + 1


def is_new_order(lines: Sequence[OrderedLine]) -> bool:
    """Whether none of the posted lines changes something that exists."""
    is_new = False
    for line in lines:
        if line.is_posted:
            if line.is_change:
                return False
            is_new = True
    return is_new
