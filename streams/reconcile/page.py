"""A report as one HTML page that finance can keep: nothing to load, every value escaped, made to be printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from html import escape

from streams.reconcile.findings import OrderRow, Report
from streams.reconcile.tables import RECORDS, document_text, lead, money, outcomes, verdict

_STYLE = """
:root { --line: #d5d5d5; --soft: #666; --good: #1b6e3c; --bad: #b3261e; }
* { box-sizing: border-box; }
body { font: 14px/1.45 system-ui, "Liberation Sans", sans-serif; color: #1a1a1a; background: #fff;
  max-width: 1320px; margin: 2rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .25rem; }
p { margin: .25rem 0; color: var(--soft); }
.verdict { border-left: 5px solid var(--good); padding: .6rem 1rem; margin: 1rem 0; font-weight: 600;
  color: var(--good); background: #f0f7f2; }
.verdict.bad { border-color: var(--bad); color: var(--bad); background: #fbf0ef; }
table { border-collapse: collapse; width: 100%; margin-top: .5rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .8rem .3rem 0; border-top: 1px solid var(--line);
  overflow-wrap: anywhere; }
th { border-top: 0; border-bottom: 2px solid var(--line); font-size: .8rem; color: var(--soft); white-space: nowrap; }
td.brief { white-space: nowrap; overflow-wrap: normal; }
td.id { font-size: .85em; min-width: 13em; }
td.words { min-width: 22em; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.off { color: var(--bad); font-weight: 600; }
footer { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: .5rem; font-size: .85rem;
  color: var(--soft); }
@page { size: A4 landscape; margin: 12mm; }
@media print {
  body { margin: 0; padding: 0; max-width: none; font-size: 10px; }
  thead { display: table-header-group; } tr { break-inside: avoid; } h2 { break-after: avoid; }
  .verdict { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
"""
_HOW = (
    "Compared are the fields and lines that come from Nue: of a document its customer, contract, currency, and item, "
    "quantity and amount of each line with a Nue line id. Tax and lines that NetSuite or finance added are left out. "
    "Amounts are before tax; return authorizations count negative."
)


def page_of(report: Report) -> str:
    """The page."""
    bad = "" if report.ties_out else " bad"
    title = f"Reconciliation of NetSuite account {report.account}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1><p>{escape(lead(report))}</p>"
        f'<div class="verdict{bad}">{escape(verdict(report))}</div>'
        f"{_sums(report)}{_discrepancies(report)}{_explained(report)}{_orders(report)}"
        f"<footer>{escape(_HOW)}</footer></body></html>\n"
    )


def _sums(report: Report) -> str:
    rows = [
        [
            _brief(each.currency),
            *(_amount(money(n, each.currency)) for n in (each.orders, each.commands, each.explained, each.netsuite)),
            _amount(money(each.difference, each.currency), off=bool(each.difference)),
        ]
        for each in report.sums
    ]
    columns = ("Currency", "Orders in Nue", "Commands", "Explained", "In NetSuite", "Difference")
    return "<h2>Three ways</h2>" + _table(columns, rows, numbers=columns[1:])


def _discrepancies(report: Report) -> str:
    if not report.discrepancies:
        return ""
    rows = [
        [
            *(_brief(each.kind), _brief(RECORDS.get(each.record, each.record)), _id(each.name)),
            *(_brief(each.internal_id or ""), _brief(each.order_number or ""), _id(each.contract_id or "")),
            *(_amount(_sum(each.amount, each.currency)), _words(each.words)),
        ]
        for each in report.discrepancies
    ]
    columns = ("Kind", "Record", "Name", "Internal id", "Order", "Contract", "Amount", "What")
    return f"<h2>Discrepancies ({len(rows):,})</h2>" + _table(columns, rows, numbers=("Amount",))


def _explained(report: Report) -> str:
    if not report.explained:
        return ""
    rows = [
        [
            *(_brief(each.state), _brief(RECORDS.get(each.record, each.record)), _id(each.name)),
            *(
                _brief(each.order_number or ""),
                _amount(_sum(each.amount, each.currency)),
            ),
            _words(each.words),
        ]
        for each in report.explained
    ]
    columns = ("State", "Record", "Name", "Order", "Amount", "Why")
    return f"<h2>Explained ({len(rows):,})</h2>" + _table(columns, rows, numbers=("Amount",))


def _orders(report: Report) -> str:
    if report.first_on is None:
        return ""
    columns = ("Order", "Day", "Event", "Outcome", "Customer", "Total", "Posted", "Documents")
    return (
        f"<h2>Orders from {report.first_on} to {report.last_on}</h2><p>{escape(outcomes(report.orders))}</p>"
        + _totals(report.orders)
        + _table(columns, map(_order, report.orders), numbers=("Total", "Posted"))
    )


def _order(order: OrderRow) -> list[str]:
    documents = "<br>".join(escape(document_text(each)) for each in order.documents)
    return [
        *(_brief(order.order_number), _brief(order.dated.isoformat()), _brief(order.event), _cell(order.outcome)),
        _id(order.customer_id),
        *(_amount(_sum(n, order.currency)) for n in (order.total, order.posted)),
        f'<td class="id">{documents or escape(order.why)}</td>',
    ]


def _totals(orders: Sequence[OrderRow]) -> str:
    rows = []
    for currency in sorted({order.currency for order in orders}):
        own = [order for order in orders if order.currency == currency]
        sums = [sum(amounts, Decimal(0)) for amounts in zip(*((each.total, each.posted) for each in own), strict=True)]
        rows.append([_brief(currency), _amount(f"{len(own):,}"), *(_amount(money(n, currency)) for n in sums)])
    columns = ("Currency", "Orders", "Total", "Posted")
    return _table(columns, rows, numbers=columns[1:])


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> str:
    head = "".join(f'<th class="number">{name}</th>' if name in numbers else f"<th>{name}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def _words(text: str) -> str:
    return f'<td class="words">{escape(text)}</td>'


def _id(text: str) -> str:
    return f'<td class="id">{escape(text)}</td>'


def _brief(text: str) -> str:
    return f'<td class="brief">{escape(text)}</td>'


def _amount(text: str, *, off: bool = False) -> str:
    return f'<td class="number{" off" if off else ""}">{escape(text)}</td>'


def _sum(amount: Decimal | None, currency: str | None) -> str:
    """An amount with its currency."""
    return f"{money(amount, currency)} {currency or ''}".strip()
