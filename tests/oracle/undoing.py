"""An order that Nue cancels after it was posted: what it posted is taken back, and nothing else."""

from dataclasses import replace
from fractions import Fraction

from tests.oracle.papers import Paper, Policy, bundled, dated
from tests.oracle.past import Decided, Past, Told, known
from tests.oracle.reading import Order


def reasons_against(past: Past, order: Order, done: Decided, policy: Policy) -> set[str]:
    """The codes of what speaks against taking back what ``done`` posted."""
    found = set()
    if order.snapshot:
        found.add("snapshot_cancellation")
    if order.content != done.order.content:
        found.add("cancellation_differs")
    for line in order.lines:
        was = known(past, line.subscription) if line.subscription else None
        if was and line.version is not None and was.version > line.version:
            found.add("changed_since")
    if policy["order_cancellations"] == "hold" and any(line.amount for line in order.lines):
        found.add("order_cancelled")
    return found


def undone(order: Order, done: Decided, made: list[Paper], policy: Policy) -> tuple[list[Paper], dict[str, Fraction]]:
    """The documents that take back what ``done`` posted in ``made``, and their amounts by line."""
    amounts = {line: -amount for line, amount in done.amounts.items()}
    told = [
        Told(replace(line, change="Undone"), -line.quantity, amounts[line.id], line.price)
        for line in order.lines
        if line.id in amounts
    ]
    if policy["post_from"] and dated(order, policy) < policy["post_from"]:
        return [], amounts
    return bundled([], order, told, amounts, done.contracts, policy, made), amounts
