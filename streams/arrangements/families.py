"""Which documents of a contract make one revenue contract, so that their arrangements are merged. Pure.

A renewal is a new promise at a new price, which revenue accounting usually treats as a contract of its own: so each
sales order that renews begins a family, unless renewals are to be included. What comes later joins the newest family
that holds one of its subscriptions and has begun by its effective day; a product added later joins the newest of all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from itertools import groupby

SALES_ORDER, RETURN_AUTHORIZATION = "salesOrder", "returnAuthorization"


@dataclass(frozen=True, slots=True)
class SourceDocument:
    """A document that brings a revenue arrangement.

    ``amount`` is positive on both types, in ``currency``, before tax. ``customer`` is the external id of the entity.
    ``subscriptions`` are those that its lines change, ``effective_on`` the first day that they concern; ``renews``
    says that one of them is renewed.
    """

    external_id: str
    record_type: str
    contract_id: str
    customer: str
    currency: str
    order_id: str
    order_number: str
    tran_on: date
    amount: Decimal
    subscriptions: frozenset[str] = frozenset()
    effective_on: date | None = None
    renews: bool = False

    @property
    def is_return(self) -> bool:
        """Whether its elements are negative."""
        return self.record_type == RETURN_AUTHORIZATION


@dataclass(frozen=True, slots=True)
class Family:
    """Documents of one contract whose arrangements belong together, in the order in which they were decided.

    NetSuite merges within one customer and currency only: a contract that has documents of several has a family of
    each. ``number`` counts the families of a contract from 1. ``begins_on`` is the first day that the renewal
    concerns which begins it.
    """

    contract_id: str
    number: int
    customer: str
    currency: str
    documents: tuple[SourceDocument, ...]
    begins_on: date | None = None

    @property
    def name(self) -> str:
        """What it is called: the contract's anchor, and its number where it is not the first."""
        return self.contract_id if self.number == 1 else f"{self.contract_id} ({self.number})"


@dataclass(slots=True)
class _Term:
    """A family in the making. ``begins_on`` is the first day that its renewal concerns."""

    begins_on: date | None = None
    subscriptions: set[str] = field(default_factory=set)
    documents: list[SourceDocument] = field(default_factory=list)

    def has_begun_by(self, day: date | None) -> bool:
        return self.begins_on is None or day is None or self.begins_on <= day


def families_of(documents: Iterable[SourceDocument], *, include_renewals: bool) -> list[Family]:
    """The families of all contracts. ``documents`` are in the order of decision, contract by contract."""
    contracts: dict[str, list[SourceDocument]] = {}
    for document in documents:
        contracts.setdefault(document.contract_id, []).append(document)
    return [
        family
        for contract_id, own in contracts.items()
        for family in _numbered(contract_id, _terms(own, include_renewals=include_renewals))
    ]


def _terms(documents: list[SourceDocument], *, include_renewals: bool) -> list[_Term]:
    terms: list[_Term] = []
    for _, same in groupby(documents, lambda document: document.order_id):
        # of one order, what is sold says where what is given back belongs
        for document in sorted(same, key=lambda document: document.is_return):
            begins = document.renews and not document.is_return and not include_renewals
            if not terms or begins:
                terms.append(_Term(document.effective_on if terms else None))
            term = terms[-1] if begins or include_renewals else _term_for(document, terms)
            term.documents.append(document)
            term.subscriptions |= document.subscriptions
    return terms


def _term_for(document: SourceDocument, terms: list[_Term]) -> _Term:
    begun = [term for term in reversed(terms) if term.has_begun_by(document.effective_on)] or terms[:1]
    return next((term for term in begun if term.subscriptions & document.subscriptions), begun[0])


def _numbered(contract_id: str, terms: list[_Term]) -> list[Family]:
    found: list[Family] = []
    for term in terms:
        apart: dict[tuple[str, str], list[SourceDocument]] = {}
        for document in term.documents:
            apart.setdefault((document.customer, document.currency), []).append(document)
        for (customer, currency), own in apart.items():
            found.append(Family(contract_id, len(found) + 1, customer, currency, tuple(own), term.begins_on))
    return found


def with_changes(document: SourceDocument, changes: Iterable[tuple[str, date | None, bool]]) -> SourceDocument:
    """The document with what it changes: subscriptions, the first day each concerns, and whether it is renewed."""
    listed = list(changes)
    days = [day for _, day, _ in listed if day is not None]
    renewals = [day for _, day, renews in listed if renews and day is not None]
    return replace(
        document,
        subscriptions=frozenset(number for number, _, _ in listed),
        effective_on=min(renewals or days, default=None),
        renews=any(renews for _, _, renews in listed),
    )
