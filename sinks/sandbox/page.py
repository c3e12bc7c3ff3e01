"""The sandbox's page: what stands in this NetSuite, grouped by contract. Plain HTML, nothing to load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: #8883; --soft: #8888; --accent: #0a6ebd; --back: #b3261e; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1120px; margin: 2rem auto; padding: 0 1.25rem; }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
.lead { color: var(--soft); margin-top: .25rem; }
section.contract { border: 1px solid var(--line); border-radius: 10px; padding: 1rem 1.25rem; margin: 1rem 0; }
section.contract header { display: flex; flex-wrap: wrap; gap: .25rem 2rem; align-items: baseline; }
section.contract header strong { font-size: 1.05rem; }
.net { margin-left: auto; font-variant-numeric: tabular-nums; font-weight: 600; }
code { font: 13px ui-monospace, monospace; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin-top: .75rem; }
th, td { text-align: left; padding: .35rem .6rem .35rem 0; border-top: 1px solid var(--line); vertical-align: top; }
th { border-top: 0; font-size: .8rem; font-weight: 600; color: var(--soft); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.salesOrder { color: var(--accent); } .returnAuthorization { color: var(--back); }
tr.line td { border-top: 0; padding-top: 0; font-size: .85rem; color: var(--soft); }
.empty { border: 1px dashed var(--line); border-radius: 10px; padding: 2rem; text-align: center; }
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


def _by_contract(documents: Iterable[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for document in documents:
        groups.setdefault(document[_LINK] or "", []).append(document)
    return list(groups.items())


def _contract(contract: str, documents: list[dict[str, Any]]) -> str:
    first = documents[0]
    net = sum((_signed(each) for each in documents), Decimal(0))
    rows = "".join(_document(each) for each in documents)
    name = f"<code>{escape(contract)}</code>" if contract else "without a link to a contract"
    return (
        f'<section class="contract"><header><strong>{escape(first["entityName"] or "")}</strong>'
        f'<span title="{_LINK}">{name}</span><span class="net">net {_money(net, first["currency"])}</span></header>'
        '<div class="wide"><table><thead><tr><th>Document</th><th>External id</th><th>Order</th><th>Date</th>'
        f'<th class="number">Total</th></tr></thead><tbody>{rows}</tbody></table></div></section>'
    )


def _document(document: Mapping[str, Any]) -> str:
    kind = document["recordType"]
    lines = "".join(_line(each) for each in document["lines"])
    return (
        f'<tr><td class="{kind}">{_KIND[kind]} #{escape(document["id"])}</td>'
        f"<td><code>{escape(document['externalId'] or '')}</code></td><td>{escape(document['memo'] or '')}</td>"
        f"<td>{escape(document['tranDate'] or '')}</td>"
        f'<td class="number">{_money(Decimal(document["total"]), document["currency"])}</td></tr>{lines}'
    )


def _line(line: Mapping[str, Any]) -> str:
    days = " to ".join(line[name] for name in ("custcol_nue_start_date", "custcol_nue_end_date") if line.get(name))
    quantity, rate = f"{Decimal(line['quantity']):,f}", line["rate"]
    priced = f" × {Decimal(rate).normalize():,f}" if rate is not None else ""
    return (
        f'<tr class="line"><td></td><td><code>{escape(line["item"] or "")}</code></td>'
        f'<td>{quantity}{priced}</td><td>{escape(days)}</td><td class="number">{Decimal(line["amount"]):,f}</td></tr>'
    )


def _records(title: str, records: list[dict[str, Any]]) -> str:
    if not records:
        return ""
    rows = "".join(
        f"<tr><td>{_KIND[each['recordType']]} #{escape(each['id'])}</td><td>{escape(each['name'] or '')}</td>"
        f"<td><code>{escape(each['externalId'] or '')}</code></td></tr>"
        for each in records
    )
    return (
        f'<h2>{title}</h2><div class="wide"><table><thead><tr><th>Record</th><th>Name</th><th>External id</th></tr>'
        f"</thead><tbody>{rows}</tbody></table></div>"
    )


def _signed(document: Mapping[str, Any]) -> Decimal:
    total = Decimal(document["total"])
    return total if document["recordType"] == "salesOrder" else -total


def _money(amount: Decimal, currency: str | None) -> str:
    return f"{amount:,f} {escape(currency or '')}".rstrip()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
