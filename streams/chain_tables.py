"""Chains for people, as tables of at most a hundred columns, and for other programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from schemas.currency import minor_units
from streams.chains import Chain, Link, NotPosted, Standing

WIDTH = 100
"""Columns that a report takes at most, wherever it goes."""

_SPOKEN = {"salesOrder": "sales order", "returnAuthorization": "return authorization"}
_GAP = "  "
_NUMBERS = (3, 4)
_STEP_STYLE = {"order": "green", "change": "cyan", "renewal": "magenta"}


def show(console: Console, part: RenderableType) -> None:
    """Print one part of a report."""
    console.print(part, width=min(console.width, WIDTH), soft_wrap=False)


def money(amount: Decimal, currency: str) -> str:
    """An amount with the decimals of its currency and a true minus sign: ``−30,000.00``."""
    return f"{amount:,.{_places(amount, currency)}f}".replace("-", "−")


def _amount(amount: Decimal, currency: str) -> str:
    return f"{amount:.{_places(amount, currency)}f}"


def _places(amount: Decimal, currency: str) -> int:
    """The decimals of a currency, or more where the amount has more: none is ever rounded away."""
    return max(minor_units(currency), -int(amount.normalize().as_tuple().exponent))


def plain(columns: Sequence[str], right: Iterable[str] = ()) -> Table:
    """A table without lines; the columns named in ``right`` hold numbers."""
    table = Table(box=None, pad_edge=False, padding=(0, 1), header_style="bold", show_header=any(columns))
    numbers = set(right)
    for column in columns:
        table.add_column(column, justify="right" if column in numbers else "left", overflow="fold")
    return table


def chain_title(chain: Chain, customer: str) -> Text:
    """The line above a chain's table."""
    return Text.assemble(
        (customer, "bold"), " · contract ", chain.contract_id, f" · {chain.currency}", opened_text(chain)
    )


def opened_text(chain: Chain) -> str:
    """What the contract brought along, where it had an opening balance; its value has that from the first order on."""
    if not chain.opened:
        return ""
    posted = sum((each.delta_tcv for each in chain.opened), Decimal(0))
    return f"\nopened {chain.opened[0].effective_on} with {money(posted, chain.currency)} of {_count(chain.opened)}"


def _count(opened: Sequence[object]) -> str:
    return f"{len(opened)} subscription" + ("" if len(opened) == 1 else "s")


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a chain in columns, and the lines under it, each with what stands in the order column."""

    cells: tuple[Text, ...]
    below: tuple[tuple[str, Text], ...] = ()


def chain_text(chain: Chain) -> Text:
    """One contract: its orders, the documents of each with type, ids, link field and amount, and its value.

    Identifiers stand on lines of their own, whole, so that they can be copied from a terminal of eighty columns.
    """
    heading = tuple(Text(word, style="bold") for word in ("step", "order", "in NetSuite", "amount", "value so far"))
    rows = [_Row(heading), *(row for link in chain.links for row in _rows(link, chain.currency))]
    widths = [max(cell.cell_len for cell in column) for column in zip(*(row.cells for row in rows), strict=True)]
    lines: list[Text] = []
    for row in rows:
        for column, cell in enumerate(row.cells):
            cell.align("right" if column in _NUMBERS else "left", widths[column])
        lines.append(Text(_GAP).join(row.cells))
        for order, text in row.below:
            lines.append(Text.assemble(" " * widths[0], _GAP, (order.ljust(widths[1]), "dim"), _GAP, text))
    for line in lines:
        line.rstrip()
    return Text("\n").join(lines)


def _rows(link: Link, currency: str) -> Iterator[_Row]:
    step = Text(link.step, style=_STEP_STYLE[link.step])
    order, day = Text(link.decided.order_number), f"{link.decided.occurred_at:%Y-%m-%d}"
    why = Text(link.decided.why, style="dim italic")
    value = Text(money(link.value, currency))
    if not link.documents:
        elsewhere = Text("the documents of this order are in another contract", style="dim italic")
        none = Text("no document", style="yellow")
        yield _Row((step, order, none, Text(), value), ((day, elsewhere if link.decided.documents else why),))
    for place, document in enumerate(link.documents, start=1):
        is_last = place == len(link.documents)
        below = [Text(document.external_id, style="dim")]
        if document.problem:
            below.append(Text(document.problem, style="red"))
        below.append(Text.assemble(("link ", "dim"), (document.link, "dim") if document.link else ("none", "red")))
        below += [why] if is_last else []
        yield _Row(
            (step, order, _document(document), Text(money(document.signed, currency)), value if is_last else Text()),
            tuple(zip((day, *[""] * len(below)), below, strict=False)),
        )
        step, order, day = Text(), Text(), ""


def _document(document: Standing) -> Text:
    name = _SPOKEN.get(document.record_type, document.record_type)
    return Text.assemble(name, (f" #{document.internal_id}", "bold") if document.internal_id else (" missing", "red"))


def not_posted_table(orders: Iterable[NotPosted]) -> Table:
    """What made no document, and why."""
    table = plain(("order", "outcome", "why"))
    for order in orders:
        table.add_row(order.order_number or "(unreadable)", Text(order.outcome, style="yellow"), Text(order.why))
    return table


def chain_as_dict(chain: Chain) -> dict[str, Any]:
    """A chain for other programs; amounts are strings, since JSON readers turn numbers into floats."""
    return {
        "contract": chain.contract_id,
        "customer": chain.customer_id,
        "currency": chain.currency,
        "opening": _opening_as_dict(chain) if chain.opened else None,
        "orders": [_link_as_dict(link) for link in chain.links],
    }


def _opening_as_dict(chain: Chain) -> dict[str, Any]:
    return {
        "openedOn": str(chain.opened[0].effective_on),
        "subscriptions": {
            each.subscription_number: {"quantity": _text(each.quantity_after), "posted": _text(each.delta_tcv)}
            for each in chain.opened
        },
    }


def _link_as_dict(link: Link) -> dict[str, Any]:
    return {
        "step": link.step,
        "order": link.decided.order_id,
        "orderNumber": link.decided.order_number,
        "activatedAt": link.decided.occurred_at.isoformat(),
        "knownAt": link.decided.known_at.isoformat(),
        "outcome": link.decided.outcome.value,
        "why": link.decided.why,
        "policy": link.decided.policy_id,
        "rulesVersion": link.decided.rules_version,
        "changes": [
            {
                "subscription": change.subscription_number,
                "version": change.version,
                "types": [each.value for each in change.change_types],
                "product": change.product_id,
                "quantityBefore": _text(change.quantity_before),
                "quantityAfter": _text(change.quantity_after),
                "statusAfter": change.status_after,
                "amount": _amount(change.amount, change.currency),
            }
            for change in link.changes
        ],
        "documents": [
            {
                "recordType": document.record_type,
                "externalId": document.external_id,
                "internalId": document.internal_id,
                "custbody_nue_original_orderid": document.link,
                "amount": _amount(document.amount, document.currency),
                "problem": document.problem,
            }
            for document in link.documents
        ],
        "amount": _amount(link.amount, link.decided.currency),
        "contractValue": _amount(link.value, link.decided.currency),
    }


def not_posted_as_dict(order: NotPosted) -> dict[str, Any]:
    """An order without a document, for other programs."""
    return {
        "order": order.order_id,
        "orderNumber": order.order_number,
        "customer": order.customer_id,
        "outcome": order.outcome,
        "why": order.why,
        "contracts": list(order.contracts),
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"
