"""From the lines of a decided order to its sales orders and return authorizations."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from tests.oracle.past import Past, Told, known, lines_of, quantity_after
from tests.oracle.reading import Line, Order

Policy = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A line of a document; ``quantity`` has the sign of ``amount``, and ``rate`` none."""

    line_id: str
    item: str
    quantity: Fraction
    rate: Fraction
    amount: Fraction
    start: date | None
    end: date | None


@dataclass(frozen=True)
class Paper:
    """A document: ``kind`` is SO or RA."""

    kind: str
    external_id: str
    contract: str
    entity: str
    currency: str
    on: date
    total: Fraction
    rows: tuple[Row, ...]
    memo: str
    po_number: str | None
    start: date | None
    end: date | None


def posted(told: list[Told]) -> list[Told]:
    """The lines that can stand on a document: a line with neither amount nor quantity cannot."""
    return [each for each in told if each.amount or each.quantity]


def is_new(told: list[Told]) -> bool:
    """Whether nothing in the order names an asset."""
    return not any(each.line.asset for each in posted(told))


def contracts_of(past: Past, order: Order) -> dict[str, str]:
    """The contract of every line, by the line's id."""
    found: dict[str, str] = {}
    for line in order.lines:
        was = known(past, line.subscription) if line.subscription else None
        if was:
            found[line.id] = was.contract
        elif line.asset:  # let through by a person, though nobody knows what it changes
            found[line.id] = str((line.made or {}).get("rootId") or (line.made or {}).get("id") or line.subscription)
    touched = list(dict.fromkeys(found.values()))
    fresh = [line for line in order.lines if line.id not in found and line.subscription]
    own = _anchor(order, fresh)
    home = touched[0] if len(touched) == 1 else own
    once = home if fresh or not touched else touched[0]
    for line in order.lines:
        if line.id not in found:
            found[line.id] = home if line.subscription else once
    return found


def _anchor(order: Order, fresh: list[Line]) -> str:
    for line in fresh:
        if line.made and line.made.get("subscriptionLevel") in (None, 1):
            return str(line.made.get("rootId") or line.made["id"])
    return order.id


def amounts_of(order: Order, told: list[Told], policy: Policy) -> dict[str, Fraction]:
    """What is posted of each line: whole minor units, and what rounding leaves over on the last that can bear it.

    Where more than rounding is missed, and a person let that through, the lines stay what they are.
    """
    amounts = _rounded(order, told)
    bearer = _bearer(order, amounts)
    if bearer and not order.snapshot and ties(order, told, policy):
        amounts[bearer] += _residual(order, amounts)
    return amounts


def ties(order: Order, told: list[Told], policy: Policy) -> bool:
    """Whether the lines miss the total by no more than rounding. A SNAPSHOT's total is that of its lines as told."""
    amounts = _rounded(order, [Told(line, line.quantity, line.amount, line.price) for line in order.lines])
    missed = abs(_residual(order, amounts))
    if missed > policy["tie_out_tolerance"] * order.minor * len(amounts):
        return False
    return not missed or order.snapshot or _bearer(order, amounts) is not None


def _rounded(order: Order, told: list[Told]) -> dict[str, Fraction]:
    return {each.line.id: round(each.amount / order.minor) * order.minor for each in posted(told)}


def _residual(order: Order, amounts: dict[str, Fraction]) -> Fraction:
    return round(order.total / order.minor) * order.minor - sum(amounts.values(), Fraction(0))


def _bearer(order: Order, amounts: dict[str, Fraction]) -> str | None:
    """The last line that has the same sign with what is left over as without it."""
    left = _residual(order, amounts)
    able = [line for line, amount in amounts.items() if amount * (amount + left) > 0]
    return able[-1] if able else None


def papers(past: Past, order: Order, told: list[Told], policy: Policy) -> list[Paper]:
    """The documents of the order, by their first lines."""
    amounts, contracts = amounts_of(order, told, policy), contracts_of(past, order)
    new = is_new(told) and sum(amounts.values(), Fraction(0)) >= 0  # else a person let its credit through
    return bundled(past, order, told, amounts, contracts, policy, [], new=new)


def bundled(
    past: Past, order: Order, told: list[Told], amounts: dict[str, Fraction], contracts: dict[str, str],
    policy: Policy, already: list[Paper], *, new: bool = False,
) -> list[Paper]:  # fmt: skip
    """The documents of the lines, numbered after those that the order has ``already``."""
    lines = posted(told)
    groups = [lines]
    if policy["split_by_contract"]:
        names = list(dict.fromkeys(contracts[each.line.id] for each in lines))
        groups = [[each for each in lines if contracts[each.line.id] == name] for name in names]
    parts = [part for group in groups for part in _parts(group, amounts, new, policy)]
    parts.sort(key=lambda part: min(lines.index(each) for each in part[1]))
    made: list[Paper] = []
    for kind, part in parts:
        number = 1 + sum(each.kind == kind for each in [*already, *made])
        rows = tuple(_row(past, order, each, amounts, kind, policy) for each in part)
        made.append(
            Paper(
                kind=kind,
                external_id=f"NUE-{kind}-{order.id}" + (f"-{number}" if number > 1 else ""),
                contract=contracts[part[0].line.id],
                entity=f"NUE-CUST-{order.payer}",
                currency=order.currency,
                on=dated(order, policy),
                total=sum((row.amount for row in rows), Fraction(0)),
                rows=rows,
                memo=order.title,
                po_number=order.po_number,
                start=order.start if kind == "SO" else None,
                end=order.end if kind == "SO" else None,
            )
        )
    return made


def is_split(group: list[Told], amounts: dict[str, Fraction]) -> bool:
    """Whether a contract's changes make two documents under every policy: even swaps, renewals that net negative."""
    total = sum(amounts[each.line.id] for each in group)
    money = any(amounts[each.line.id] for each in group)
    return (total == 0 and money) or (total < 0 and any(each.line.change == "Renew" for each in group))


def is_mixed(group: list[Told], amounts: dict[str, Fraction]) -> bool:
    """Whether some of a contract's lines go up and some down."""
    return len({amounts[each.line.id] > 0 for each in group if amounts[each.line.id]}) == 2


def _parts(group: list[Told], amounts: dict[str, Fraction], new: bool, policy: Policy) -> list[tuple[str, list[Told]]]:
    total = sum(amounts[each.line.id] for each in group)
    if not group:
        return []
    if new:
        skipped = total == 0 and policy["zero_orders"] == "skip"
        return [] if skipped else [("SO", group)]
    if not any(amounts[each.line.id] for each in group):
        return [("SO", group)] if any(each.line.change == "Renew" for each in group) else []
    if not is_split(group, amounts) and not (is_mixed(group, amounts) and policy["mixed_orders"] == "split"):
        return [("SO" if total > 0 else "RA", group)]
    down = [each for each in group if amounts[each.line.id] < 0]
    up = [each for each in group if amounts[each.line.id] >= 0]
    if any(amounts[each.line.id] > 0 or each.line.change == "Renew" for each in up):
        return [("SO", up), ("RA", down)] if down else [("SO", up)]
    return [("RA", group)]


def _row(past: Past, order: Order, told: Told, amounts: dict[str, Fraction], kind: str, policy: Policy) -> Row:
    line = told.line
    amount = amounts[line.id] if kind == "SO" else -amounts[line.id]
    size = abs(told.quantity)
    if not size and line.subscription:
        was = known(past, line.subscription)
        lines = lines_of(order, line.subscription)
        size = abs(quantity_after(order, was.quantity if was else Fraction(0), lines))
    size = size or Fraction(1)
    rate = abs(amount) / size
    if policy["line_rate"] == "per_period" and told.price is not None:
        rate = abs(told.price)
    return Row(
        line_id=line.id,
        item=f"NUE-ITEM-{line.product}",
        quantity=-size if amount < 0 else size,
        rate=Fraction(round(rate * 10**8), 10**8),
        amount=amount,
        start=line.start,
        end=line.end,
    )


def dated(order: Order, policy: Policy) -> date:
    """The date of the order's documents; nobody says when an order was cancelled, only when that was learned."""
    if order.is_cancelled and order.learned:
        return order.learned.astimezone(ZoneInfo(policy["tenant_time_zone"])).date()
    if policy["document_date"] == "effective":
        return order.effective
    if order.activated:
        return order.activated.astimezone(ZoneInfo(policy["tenant_time_zone"])).date()
    return order.placed or order.effective


def is_of_before(order: Order, policy: Policy) -> bool:
    """Whether the order is dated before the day from which on documents are posted."""
    return bool(policy["post_from"]) and dated(order, policy) < policy["post_from"]
