"""Which contract each line of an order belongs to.

The contract's name, its anchor, is what every one of its documents carries in
``custbody_nue_original_orderid``: the root id of the first top-level subscription of the order that opened it.
"""

from __future__ import annotations

from collections.abc import Sequence

from projections.lines import OrderedLine
from projections.state import CustomerState


def assign(state: CustomerState, order_id: str, lines: Sequence[OrderedLine]) -> dict[str, str]:
    """The contract of each line, by line id.

    A change belongs to its subscription's contract. New products join the contract if the order touches exactly
    one, else they open their own. One-time lines go with the contract that the order opens or joins, else with
    that of the first changed line. Every change must be of a subscription that the state knows.
    """
    touched = {line.line.line_id: _known_contract(state, line) for line in lines if line.is_change}
    contracts = list(dict.fromkeys(touched.values()))
    new = [line for line in lines if not line.is_change]
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
    if not recurring:
        return order_id
    linked = [line for line in recurring if line.line.root_subscription_id or line.line.subscription_id]
    if not linked:
        return order_id
    top_level = min(line.line.subscription_level or 1 for line in linked)
    first = next(line for line in linked if (line.line.subscription_level or 1) == top_level)
    return first.line.root_subscription_id or first.line.subscription_id or order_id


def _known_contract(state: CustomerState, line: OrderedLine) -> str:
    entry = state.subscription(line.subscription or "")
    if entry is None:
        raise LookupError(f"line {line.line.line_id} changes {line.subscription}, which is not in the state")
    return entry.contract_id
