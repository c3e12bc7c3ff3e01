"""Which contract each line of an order belongs to.

The contract's name, its anchor, is what every one of its documents carries in
``custbody_nue_original_orderid``: the root id of the first top-level subscription of the order that opened it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from projections.lines import OrderedLine, by_subscription
from projections.state import CustomerState, SubscriptionEntry


def assign(state: CustomerState, order_id: str, lines: Sequence[OrderedLine]) -> dict[str, str]:
    """The contract of each line, by line id.

    A line belongs to the contract of its subscription, if that is known. New products join the contract if the
    order touches exactly one, else they open their own. One-time lines go with the contract that the order opens or
    joins, else with that of the first changed line. A change of a subscription that is not known, which only a person
    lets through, is taken for one of the contract that its root id names.
    """
    known = {number: state.subscription(number) for line in lines if (number := line.subscription) is not None}
    touched = {
        line.line.line_id: _known_contract(known[line.subscription], line.subscription, line)
        for line in lines
        if line.subscription is not None and (line.is_change or known[line.subscription] is not None)
    }
    contracts = list(dict.fromkeys(touched.values()))
    new = [line for line in lines if line.line.line_id not in touched]
    recurring = [line for line in new if line.subscription is not None]
    if len(contracts) == 1:
        home = contracts[0]
    elif recurring or not contracts:
        home = anchor_of(order_id, recurring)
    else:
        home = contracts[0]
    return touched | {line.line.line_id: home for line in new}


def anchor_of(order_id: str, recurring: Sequence[OrderedLine]) -> str:
    """The anchor of the contract that ``recurring`` new lines open; an order without any is its own anchor."""
    opened = [_Opened.by(own) for own in by_subscription(recurring).values()]
    named = [each for each in opened if each.root is not None]
    if not named:
        return order_id
    top_level = min(each.level for each in named)
    return next(each.root for each in named if each.level == top_level) or order_id


@dataclass(frozen=True, slots=True)
class _Opened:
    """A new subscription: its level in the hierarchy (1 is the top) and its root's id."""

    level: int
    root: str | None

    @classmethod
    def by(cls, lines: Sequence[OrderedLine]) -> _Opened:
        """As its lines say; of a ramp only one segment carries the link to the subscription."""
        levels = [line.line.subscription_level for line in lines if line.line.subscription_level is not None]
        roots = [line.line.root_subscription_id or line.line.subscription_id for line in lines]
        return cls(min(levels, default=1), next((root for root in roots if root), None))


def _known_contract(entry: SubscriptionEntry | None, number: str, line: OrderedLine) -> str:
    if entry is not None:
        return entry.contract_id
    return line.line.root_subscription_id or line.line.subscription_id or number
