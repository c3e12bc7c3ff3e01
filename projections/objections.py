"""What speaks against an order, given everything that was decided before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from projections.changes import SubscriptionChange, change_reasons
from projections.effects import Reading
from projections.lines import OrderedLine, expected_total, is_new_order, rounded
from projections.state import ContractEntry, CustomerState
from schemas.currency import minor_unit
from schemas.order import Order
from schemas.policy import Policy
from schemas.quarantine import Reason

_ZERO = Decimal(0)


def objections(
    state: CustomerState,
    order: Order,
    lines: Sequence[OrderedLine],
    changes: Sequence[SubscriptionChange],
    homes: Mapping[str, str],
    policy: Policy,
    reading: Reading,
) -> Iterator[Reason]:
    """Every reason to hold the order back, subscription by subscription, then contract by contract."""
    for change in changes:
        yield from change_reasons(change, money_tolerance(order, policy), reading)
    yield from contract_objections(state, order, lines, homes, policy)
    if is_new_order(lines) and sum((line.amount for line in lines), _ZERO) < 0:
        yield Reason(code="negative_new_order", detail="a new order has a negative total")


def money_tolerance(order: Order, policy: Policy) -> Decimal:
    """By how much an amount may miss another, in the order's currency."""
    return policy.tie_out_tolerance * minor_unit(order.currency)


def contract_objections(
    state: CustomerState, order: Order, lines: Sequence[OrderedLine], homes: Mapping[str, str], policy: Policy
) -> Iterator[Reason]:
    """What speaks against the order on the contracts that its lines belong to: other money, more credit than was
    posted, another payer."""
    for contract_id in dict.fromkeys(homes.values()):
        contract = state.contract(contract_id)
        if contract is not None:
            total = sum((line.amount for line in lines if homes[line.line.line_id] == contract_id), _ZERO)
            yield from _contract_objections(contract_id, contract, order, total, money_tolerance(order, policy))


def _contract_objections(
    contract_id: str, contract: ContractEntry, order: Order, total: Decimal, tolerance: Decimal
) -> Iterator[Reason]:
    if contract.currency != order.currency:
        yield Reason(
            code="currency_mismatch",
            detail=f"contract {contract_id} is in {contract.currency}, the order in {order.currency}",
        )
    elif total < 0 and contract.posted + total < -tolerance:
        yield Reason(
            code="credit_exceeds_remaining",
            detail=f"contract {contract_id}: a credit of {-total} is more than the {contract.posted} posted",
        )
    if contract.billing_account_id != order.billing_account_id:
        yield Reason(
            code="billing_account_mismatch",
            detail=f"contract {contract_id} is billed to {contract.billing_account_id}, the order to "
            f"{order.billing_account_id}",
        )


def totals_do_not_tie(order: Order, lines: Sequence[OrderedLine], reading: Reading) -> Reason:
    """The lines miss the order's total by more than rounding."""
    posted = [line.line.amount if reading.is_snapshot else line.amount for line in lines if line.is_posted]
    return Reason(
        code="totals_do_not_tie",
        detail=f"the posted lines sum to {sum(posted)}, the order's total before tax is "
        f"{expected_total(order)} {order.currency}",
    )


def told_totals_tie(order: Order, lines: Sequence[OrderedLine], policy: Policy) -> bool:
    """Whether lines that state the subscription after the change sum to the total as told.

    The tolerance counts once for each line that says something: of a quantity or of an amount.
    """
    told = [rounded(line.line.amount, order.currency) for line in lines if line.line.amount or line.line.quantity]
    return abs(sum(told) - expected_total(order)) <= money_tolerance(order, policy) * len(told)
