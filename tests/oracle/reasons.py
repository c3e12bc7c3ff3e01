"""Why an order is held back."""

from collections.abc import Collection, Iterator
from fractions import Fraction

from tests.oracle.papers import (
    Policy,
    amounts_of,
    contracts_of,
    is_mixed,
    is_new,
    is_of_before,
    is_split,
    posted,
    ties,
)
from tests.oracle.past import (
    KEEPS_QUANTITY,
    STATES_A_CHANGE,
    Past,
    Told,
    changes,
    computed_quantity,
    known,
    lines_of,
    posted_in,
    posted_on,
    quantity_after,
    status_of,
    terms_of,
)
from tests.oracle.reading import CHANGES, Order

FOR_GOOD = ("line_type", "change_type", "conflict", "snapshot_cancellation")
"""What nobody can waive: there would be nothing to post."""


def reasons(past: Past, order: Order, policy: Policy, waived: Collection[str] = ()) -> set[str]:
    """The codes of what speaks against the order, those ``waived`` left out.

    One question after the other: whether it can be read at all, whether it follows on from something, whether its
    turn has come, whether its totals tie, whether its subscriptions and contracts bear it, whether it is mixed. What
    comes later is not asked where an earlier answer already speaks against the order.
    """
    told = changes(past, order, policy["term_basis"])
    for question in (_of_form, _of_descent, _of_turn, _of_totals, _of_substance, _of_mixture):
        found = standing(set(question(past, order, told, policy)), waived)
        if found:
            return found
    return set()


def has_gap(past: Past, order: Order) -> bool:
    """Whether a version is missing between what is known of a subscription and what the order makes of it."""
    return any(_version(past, order, number) == "version_gap" for number in _numbers(order))


def _version(past: Past, order: Order, number: str) -> str | None:
    was = known(past, number)
    last = was.version if was else 0
    stated = [line.version for line in lines_of(order, number) if line.version is not None]
    first = min(stated) if stated else last + 1
    return "stale_version" if first <= last else "version_gap" if first > last + 1 else None


def _numbers(order: Order) -> set[str]:
    return {line.subscription for line in order.lines if line.subscription}


def standing(found: Collection[str], waived: Collection[str]) -> set[str]:
    """Those of the codes that count although people waived some."""
    return {code for code in found if code not in waived or code in FOR_GOOD}


def _of_form(past: Past, order: Order, told: list[Told], policy: Policy) -> Iterator[str]:
    yield from unreadable(order)


def unreadable(order: Order) -> Iterator[str]:
    """What speaks against the order by itself."""
    if order.odd_types:
        yield "line_type"
    if any(line.change not in CHANGES for line in order.lines):
        yield "change_type"


def _of_descent(past: Past, order: Order, told: list[Told], policy: Policy) -> Iterator[str]:
    for number in _numbers(order):
        lines, was, version = lines_of(order, number), known(past, number), _version(past, order, number)
        if version:
            yield from {version} - {"version_gap"}
        elif was is None and any(line.asset for line in lines):
            yield "unknown_subscription"
        elif was and not any(line.asset for line in lines):
            yield "changed_without_asset"


def _of_turn(past: Past, order: Order, told: list[Told], policy: Policy) -> Iterator[str]:
    if has_gap(past, order):
        yield "version_gap"


def _of_totals(past: Past, order: Order, told: list[Told], policy: Policy) -> Iterator[str]:
    if not ties(order, told, policy):
        yield "totals_do_not_tie"


def _of_substance(past: Past, order: Order, told: list[Told], policy: Policy) -> Iterator[str]:
    for number in _numbers(order):
        yield from _of_subscription(past, order, told, policy, number)
    yield from _of_contracts(past, order, told, policy)


def _of_subscription(past: Past, order: Order, told: list[Told], policy: Policy, number: str) -> Iterator[str]:
    lines, was = lines_of(order, number), known(past, number)
    if was and was.dead and not (status_of(lines) == "active" and not _version(past, order, number)):
        yield "dead_subscription"
    if not order.snapshot:
        yield from _of_quantity(past, order, number)
    amounts = amounts_of(order, told, policy)
    net = sum((amounts.get(line.id, Fraction(0)) for line in lines), Fraction(0))
    so_far = posted_on(past, number, order.currency)
    if net < 0 and so_far is not None and so_far + net < -policy["tie_out_tolerance"] * order.minor:
        yield "credit_exceeds_remaining"
    if any(line.change == "Renew" and amounts.get(line.id, 0) < 0 for line in lines):
        yield "negative_renewal"


def _of_quantity(past: Past, order: Order, number: str) -> Iterator[str]:
    """Lines that state a change are checked; a ramp may have other quantities in its other segments."""
    lines, was = lines_of(order, number), known(past, number)
    before = was.quantity if was else Fraction(0)
    if _version(past, order, number) == "stale_version":
        return
    after, stated = computed_quantity(order, before, lines), quantity_after(order, before, lines)
    if stated < 0:
        yield "credit_exceeds_remaining"
    kinds = {line.change for line in lines}
    checked = kinds & set(STATES_A_CHANGE) and kinds <= {*STATES_A_CHANGE, *KEEPS_QUANTITY}
    if checked and not any(line.type == "RampItem" for line in lines) and stated != after:
        yield "quantity_mismatch"


def _of_contracts(past: Past, order: Order, told: list[Told], policy: Policy) -> Iterator[str]:
    contracts, amounts, new = contracts_of(past, order), amounts_of(order, told, policy), is_new(told)
    for contract in dict.fromkeys(contracts.values()):
        group = [each for each in posted(told) if contracts[each.line.id] == contract]
        net = sum((amounts[each.line.id] for each in group), Fraction(0))
        terms, so_far = terms_of(past, contract), posted_in(past, contract, order.currency)
        if terms and terms.currency != order.currency:
            yield "currency_mismatch"
        if terms and terms.payer != order.payer:
            yield "billing_account_mismatch"
        left = -policy["tie_out_tolerance"] * order.minor
        if terms and net < 0 and so_far is not None and so_far + net < left:
            yield "credit_exceeds_remaining"
    if new and sum(amounts.values(), Fraction(0)) < 0:
        yield "negative_new_order"


def _of_mixture(past: Past, order: Order, told: list[Told], policy: Policy) -> Iterator[str]:
    if policy["mixed_orders"] != "quarantine" or is_new(told) or is_of_before(order, policy):
        return
    contracts, amounts = contracts_of(past, order), amounts_of(order, told, policy)
    groups = [posted(told)]
    if policy["split_by_contract"]:
        groups = [
            [each for each in posted(told) if contracts[each.line.id] == name] for name in set(contracts.values())
        ]
    if any(is_mixed(group, amounts) and not is_split(group, amounts) for group in groups):
        yield "mixed_order"
