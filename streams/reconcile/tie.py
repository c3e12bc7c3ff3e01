"""The first way beside the second: what an order says, what was decided about it, and the commands. Pure."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from schemas.contract import OrderOutcome
from streams.reconcile.telling import in_currency


class Promised(Struct, frozen=True, kw_only=True):
    """A document that a decision names, and what the command topic has under its external id.

    Amounts are signed as :class:`~streams.reconcile.findings.About` says; ``commanded`` is None where there is none.
    """

    external_id: str
    command_id: str
    amount: Decimal
    commanded_id: str | None = None
    commanded: Decimal | None = None


class OrderFacts(Struct, frozen=True, kw_only=True):
    """One decision, the newest on its event.

    ``told`` is what the order itself says it is over, None where its lines have to be read against the history to know
    that. ``waived``: a person has released it, and its totals may differ for that.
    """

    outcome: OrderOutcome
    currency: str
    told: Decimal | None
    order_total: Decimal
    posted_total: Decimal
    waived: bool
    promised: tuple[Promised, ...] = ()


def untied(order: OrderFacts) -> list[str]:
    """Where an order, its decision and its commands do not tie, each in words."""

    def money(amount: Decimal) -> str:
        return f"{in_currency(amount, order.currency)} {order.currency}"

    words: list[str] = []
    if order.outcome is OrderOutcome.POSTED:
        if order.told is not None and order.told != order.order_total:
            words.append(f"the order is over {money(order.told)}, but was decided as {money(order.order_total)}")
        if order.posted_total != order.order_total and not order.waived:
            words.append(f"{money(order.posted_total)} was posted of {money(order.order_total)}")
        if (decided := sum((each.amount for each in order.promised), Decimal(0))) != order.posted_total:
            words.append(f"its documents are over {money(decided)}, not {money(order.posted_total)}")
    for each in order.promised:
        if each.commanded is None:
            words.append(f"{each.external_id} was decided, but its command is not on the command topic")
        elif each.commanded_id != each.command_id:
            words.append(f"another command than the one that was decided asks for {each.external_id}")
        elif each.commanded != each.amount:
            words.append(
                f"{each.external_id} was decided over {money(each.amount)}, its command is over {money(each.commanded)}"
            )
    return words
