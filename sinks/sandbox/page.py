"""The sandbox's page: what stands in this NetSuite, grouped by contract. Plain HTML, nothing to load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #777; --accent: #0a6ebd; --back: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --soft: #aaa; --accent: #6db8f2; --back: #f2938c; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1180px; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
.lead { color: var(--soft); margin-top: .25rem; }
section { border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.25rem; margin: 1rem 0; }
section h3 { font-size: 1.05rem; margin: 0; }
section p { margin: 0; color: var(--soft); font-size: .85rem; }
code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
td code { white-space: nowrap; font-size: 12px; }
table { border-collapse: collapse; width: 100%; margin-top: .75rem; }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-top: 1px solid var(--line); vertical-align: top; }
th { border-top: 0; font-size: .8rem; font-weight: 600; color: var(--soft); white-space: nowrap; }
td.kind, td.brief { white-space: nowrap; }
td.number, th.number { text-align: right; padding-right: 0; font-variant-numeric: tabular-nums; white-space: nowrap; }
.salesOrder { color: var(--accent); } .returnAuthorization { color: var(--back); }
tr.line td { border-top: 0; padding-top: 0; font-size: .85rem; color: var(--soft); }
tr.sum td { font-weight: 600; } tr.sum td span { font-weight: 400; color: var(--soft); }
.empty { border: 1px dashed var(--line); border-radius: 10px; padding: 2rem; text-align: center; color: inherit; }
"""
_KIND = {
    "salesOrder": "Sales order",
    "returnAuthorization": "Return authorization",
    "customer": "Customer",
    "nonInventorySaleItem": "Non-inventory item",
    "serviceSaleItem": "Service item",
    "inventoryItem": "Inventory item",
}
_LINK = "custbody_nue_original_orderid"

Shown = Mapping[str, Any]


def page_of(held: Mapping[str, list[dict[str, Any]]]) -> str:
    """The page as HTML; every value is escaped."""
    documents, customers, items = held["documents"], held["customers"], held["items"]
    sales = sum(1 for each in documents if each["recordType"] == "salesOrder")
    lead = (
        f"{_count(sales, 'sales order')}, {_count(len(documents) - sales, 'return authorization')}, "
        f"{_count(len(customers), 'customer')}, {_count(len(items), 'item')}"
    )
    body = "".join(_contract(*group) for group in _by_contract(documents)) or (
        '<p class="empty">Nothing has been posted yet. Documents appear here as soon as they are created.</p>'
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>NetSuite sandbox</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><h1>NetSuite sandbox</h1>"
        f'<p class="lead">{lead}</p><h2>Documents by contract</h2>{body}'
        f"{_records('Customers', customers)}{_records('Items', items)}</body></html>"
    )


def _by_contract(documents: Iterable[Shown]) -> list[tuple[str, list[Shown]]]:
    groups: dict[str, list[Shown]] = {}
    for document in documents:
        groups.setdefault(document.get(_LINK) or "", []).append(document)
    return list(groups.items())


def _contract(contract: str, documents: Sequence[Shown]) -> str:
    link = f"<code>{_LINK} = {escape(contract)}</code>" if contract else f"without <code>{_LINK}</code>"
    customers = list(dict.fromkeys(_customer(each) for each in documents))
    rows = "".join(_document(each) for each in documents)
    return (
        f"<section><h3>{', '.join(customers)}</h3><p>{link}</p>"
        '<div class="wide"><table><thead><tr><th>Document</th><th>External id</th><th>Customer</th><th>Memo</th>'
        f'<th>Date</th><th class="number">Total</th></tr></thead><tbody>{rows}{_sums(documents)}</tbody></table></div>'
        "</section>"
    )


def _document(document: Shown) -> str:
    kind = document["recordType"]
    lines = "".join(_line(each) for each in document["lines"])
    return (
        f'<tr><td class="kind {kind}">{_KIND[kind]} #{escape(document["id"])}</td>'
        f"<td><code>{_text(document['externalId'])}</code></td><td>{_customer(document)}</td>"
        f'<td class="brief">{_text(document["memo"])}</td><td class="brief">{_text(document["tranDate"])}</td>'
        f'<td class="number">{_money(Decimal(document["total"]), document["currency"])}</td></tr>{lines}'
    )


def _line(line: Shown) -> str:
    start, end = (_text(line.get(name)) for name in ("custcol_nue_start_date", "custcol_nue_end_date"))
    days = f"{start or '…'} to {end or '…'}" if start or end else ""
    priced = f"{_number(line['quantity'])} × {_number(line['rate'])}" if line["rate"] else _number(line["quantity"])
    return (
        f'<tr class="line"><td></td><td><code>{_text(line["item"])}</code></td><td class="brief">{days}</td>'
        f'<td colspan="2">{priced}</td><td class="number">{Decimal(line["amount"]):,f}</td></tr>'
    )


def _sums(documents: Sequence[Shown]) -> str:
    """What was sold, what was returned and what remains, in each currency: amounts of two are never added."""
    rows = ""
    for currency in dict.fromkeys(each["currency"] for each in documents):
        totals: dict[str, Decimal] = {"salesOrder": Decimal(0), "returnAuthorization": Decimal(0)}
        for each in documents:
            if each["currency"] == currency:
                totals[each["recordType"]] += Decimal(each["total"])
        sold, returned = totals.values()
        back = f" − return authorizations {_money(returned, currency)}" if returned else ""
        rows += (
            f'<tr class="sum"><td>Net</td><td colspan="4"><span>sales orders {_money(sold, currency)}{back}</span></td>'
            f'<td class="number">{_money(sold - returned, currency)}</td></tr>'
        )
    return rows


def _records(title: str, records: Sequence[Shown]) -> str:
    if not records:
        return ""
    rows = "".join(
        f'<tr><td class="kind">{_KIND[each["recordType"]]} #{escape(each["id"])}</td><td>{_text(each["name"])}</td>'
        f"<td><code>{_text(each['externalId'])}</code></td></tr>"
        for each in records
    )
    return (
        f'<h2>{title}</h2><div class="wide"><table><thead><tr><th>Record</th><th>Name</th><th>External id</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _customer(document: Shown) -> str:
    return _text(document["entityName"] or document["entity"])


def _text(value: str | None) -> str:
    return escape(value or "")


def _number(value: str) -> str:
    return f"{Decimal(value).normalize():,f}"


def _money(amount: Decimal, currency: str | None) -> str:
    return f"{amount:,f} {escape(currency or '')}".rstrip()


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
