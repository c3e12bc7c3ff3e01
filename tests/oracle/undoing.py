"""An order that Nue cancels after it was posted: what it posted is taken back, and nothing else."""

from dataclasses import replace
from fractions import Fraction

from tests.oracle.papers import Paper, Policy, amounts_of, bundled, contracts_of, is_of_before
from tests.oracle.past import Decided, Past, Told, known, lines_of, posted_in, posted_on, terms_of
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
    if not order.snapshot:
        found |= _of_money(past, order, done, policy)
    asks = policy["order_cancellations"] == "hold" and not is_of_before(order, policy)
    if asks and any(line.amount for line in order.lines):
        found.add("order_cancelled")
    return found


def _of_money(past: Past, order: Order, done: Decided, policy: Policy) -> set[str]:
    found = {"credit_exceeds_remaining"} if _too_much(past, order, done, policy) else set()
    for terms in (terms_of(past, contract) for contract in taken_back(past, order, done, policy)[1].values()):
        if terms and terms.currency != order.currency:
            found.add("currency_mismatch")
        if terms and terms.payer != order.payer:
            found.add("billing_account_mismatch")
    return found


def taken_back(past: Past, order: Order, done: Decided, policy: Policy) -> tuple[dict[str, Fraction], dict[str, str]]:
    """The amounts by line, and the contracts: what was posted, or what a cancellation that differs says was posted."""
    if order.content == done.order.content:
        return {line: -amount for line, amount in done.amounts.items()}, done.contracts
    told = [Told(line, line.quantity, line.amount, line.price) for line in order.lines]
    return {line: -amount for line, amount in amounts_of(order, told, policy).items()}, contracts_of(past, order)


def _too_much(past: Past, order: Order, done: Decided, policy: Policy) -> bool:
    """Whether more is taken back from a subscription or a contract than is posted there."""
    amounts, contracts = taken_back(past, order, done, policy)
    left = -policy["tie_out_tolerance"] * order.minor

    def exceeds(lines: list[str], so_far: Fraction | None) -> bool:
        net = sum((amounts.get(line, Fraction(0)) for line in lines), Fraction(0))
        return net < 0 and so_far is not None and so_far + net < left

    for number in {line.subscription for line in order.lines if line.subscription}:
        if exceeds([line.id for line in lines_of(order, number)], posted_on(past, number, order.currency)):
            return True
    for contract in filter(lambda each: terms_of(past, each), set(contracts.values())):
        own = [line for line, home in contracts.items() if home == contract]
        if exceeds(own, posted_in(past, contract, order.currency)):
            return True
    return False


def undone(past: Past, order: Order, done: Decided, made: list[Paper], policy: Policy) -> tuple[list[Paper], Decided]:
    """The documents that take back what ``done`` posted in ``made``, and the cancellation as it was decided."""
    amounts, contracts = taken_back(past, order, done, policy)
    told = [
        Told(replace(line, change="Undone"), -line.quantity, amounts[line.id], line.price)
        for line in order.lines
        if line.id in amounts
    ]
    decided = Decided(order, contracts, amounts, undone=True)
    if is_of_before(order, policy):
        return [], decided
    return bundled([], order, told, amounts, contracts, policy, made), decided
