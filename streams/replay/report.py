"""What a replay found in a partition, in numbers that add up over partitions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal

from msgspec import Struct, field

from projections.records import Step
from projections.state import CustomerState, SubscriptionEntry, WaitingEntry
from schemas.command import CreateSalesOrder
from schemas.contract import DocumentType, OrderDecided


class Money(Struct):
    """How many documents, and the sum of their amounts: positive, in one currency, before tax."""

    documents: int = 0
    amount: Decimal = Decimal(0)


class Report(Struct):
    """What was folded (``records`` and the size of the state at the end), and what was put out of it.

    ``outcomes`` counts decisions: an order that was held and then posted counts twice. ``documents`` is by type and
    currency, ``open_orders`` by what they are now.
    """

    partitions: int = 0
    records: int = 0
    rejected: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    documents: dict[str, dict[str, Money]] = field(default_factory=dict)
    upserts: int = 0
    contract_events: int = 0
    customers: int = 0
    subscriptions: int = 0
    open_orders: dict[str, int] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """Count what follows from one record."""
        self.upserts += len(step.upserts)
        self.contract_events += len(step.contract_events)
        for event in step.contract_events:
            if isinstance(event, OrderDecided):
                _count(self.outcomes, event.outcome.value)
        for document in step.documents:
            sold = isinstance(document, CreateSalesOrder)
            type_ = DocumentType.SALES_ORDER if sold else DocumentType.RETURN_AUTHORIZATION
            _add(self.documents, type_.value, document.currency, 1, document.total)

    def end(self, states: Iterable[CustomerState]) -> None:
        """Count the states that are left."""
        for state in states:
            self.customers += 1
            for _, entry in state.entries():
                if isinstance(entry, SubscriptionEntry):
                    self.subscriptions += 1
                elif isinstance(entry, WaitingEntry) and entry.is_open:
                    _count(self.open_orders, entry.outcome.value)


def total(reports: Iterable[Report]) -> Report:
    """The reports of several partitions as one."""
    whole = Report()
    for report in reports:
        for name in ("partitions", "records", "rejected", "upserts", "contract_events", "customers", "subscriptions"):
            setattr(whole, name, getattr(whole, name) + getattr(report, name))
        whole.outcomes = dict(Counter(whole.outcomes) + Counter(report.outcomes))
        whole.open_orders = dict(Counter(whole.open_orders) + Counter(report.open_orders))
        for type_, currencies in report.documents.items():
            for currency, money in currencies.items():
                _add(whole.documents, type_, currency, money.documents, money.amount)
    return whole


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1


def _add(found: dict[str, dict[str, Money]], type_: str, currency: str, documents: int, amount: Decimal) -> None:
    money = found.setdefault(type_, {}).setdefault(currency, Money())
    money.documents += documents
    money.amount += amount
