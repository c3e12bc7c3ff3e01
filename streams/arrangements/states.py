"""Where the arrangements of a family stand, and what is to be merged. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sinks.arrangements import Arranged, Arrangements
from streams.arrangements.families import Family, SourceDocument

MOST_ELEMENTS = 10_000
"""So many elements NetSuite merges at once."""


class State(StrEnum):
    """Where the arrangements of a family stand.

    ``TO_MERGE``: all are there, in more than one; ``MERGED``: all documents stand in one. ``NOT_GENERATED``: NetSuite
    has not made some yet, which it does some hours after a document is approved. ``MISSING``: NetSuite does not hold
    some document. ``BARRED``: NetSuite merges only within one customer, subsidiary and currency, and not too many
    elements at once. ``UNKNOWN``: NetSuite was not asked, or does not show its arrangements.
    """

    TO_MERGE = "to_merge"
    NOT_GENERATED = "not_generated"
    MISSING = "missing"
    BARRED = "barred"
    MERGED = "merged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Member:
    """A document of a family, and what is known of its arrangement. ``arrangements`` are internal ids."""

    document: SourceDocument
    state: State
    internal_id: str | None = None
    exchange_rate: Decimal | None = None
    arrangements: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """A family, and what there is to do. ``arrangements`` are the internal ids of those to be merged."""

    family: Family
    state: State
    members: tuple[Member, ...]
    arrangements: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def newest_on(self) -> date:
        """The date of its newest document."""
        return max(member.document.tran_on for member in self.members)


@dataclass(frozen=True, slots=True)
class Manner:
    """How to merge: the date of the new arrangement where it is not that of the newest document, and whether only
    what is not recognized yet is merged.
    """

    on: date | None = None
    prospective: bool = False


def standing_of(family: Family, told: Arrangements | None) -> Standing:
    """Where ``family`` stands by what NetSuite told; ``None`` where it was not asked."""
    if told is None or told.silence is not None:
        found = [told.of(each.external_id) if told else None for each in family.documents]
        members = [
            Member(each, State.UNKNOWN, known.internal_id if known else None, known.exchange_rate if known else None)
            for each, known in zip(family.documents, found, strict=True)
        ]
        reason = (
            "NetSuite was not asked" if told is None else f"NetSuite does not show revenue elements: {told.silence}"
        )
        return Standing(family, State.UNKNOWN, tuple(members), notes=(reason,))
    rate = _first_rate(family, told)
    members = [_member(each, told.of(each.external_id), told, rate) for each in family.documents]
    arrangements = tuple(sorted({name for member in members for name in member.arrangements}, key=_numerically))
    notes = tuple(member.note for member in members if member.note)
    for state in (State.MISSING, State.NOT_GENERATED):
        if any(member.state is state for member in members):
            return Standing(family, state, tuple(members), (), notes)
    if len(arrangements) == 1:
        return Standing(family, State.MERGED, tuple(members), (), notes)
    if barred := _why_not(family, told):
        return Standing(family, State.BARRED, tuple(members), (), (*notes, barred))
    return Standing(family, State.TO_MERGE, tuple(members), arrangements, notes)


def task_of(standing: Standing, manner: Manner) -> dict[str, Any]:
    """The properties that SuiteScript's ``MergeArrangementsTask`` takes, beside whose they are."""
    return {
        "contract": standing.family.name,
        "customer": standing.family.customer,
        "documents": [member.document.external_id for member in standing.members],
        "arrangements": [int(each) for each in standing.arrangements],
        "revenueArrangementDate": (manner.on or standing.newest_on).isoformat(),
        "mergeResidualRevenueAmounts": manner.prospective,
        "recalculateResidualFairValue": False,
    }


def _member(document: SourceDocument, known: Arranged | None, told: Arrangements, rate: Decimal | None) -> Member:
    if known is None:
        return Member(document, State.MISSING)
    named = {element.arrangement for element in known.elements}
    # elements that were merged stand in the arrangement that they came from too, where only the rest was merged
    own = tuple(sorted(named - told.merged or named, key=_numerically))
    state = State.TO_MERGE if own else State.NOT_GENERATED
    note = ""
    if document.is_return and rate is not None and known.exchange_rate not in (None, rate):
        note = (
            f"{document.external_id} has the exchange rate {known.exchange_rate:f}, the first sales order of its "
            f"family {rate:f}: a merge does not tie what it takes back to what was sold"
        )
    return Member(document, state, known.internal_id, known.exchange_rate, own, note)


def _first_rate(family: Family, told: Arrangements) -> Decimal | None:
    for document in family.documents:
        known = told.of(document.external_id)
        if known is not None and not document.is_return:
            return known.exchange_rate
    return None


def _why_not(family: Family, told: Arrangements) -> str | None:
    elements = [
        element
        for document in family.documents
        if (known := told.of(document.external_id)) is not None
        for element in known.elements
        if element.arrangement not in told.merged
    ]
    for place, what in enumerate(("customers", "subsidiaries", "currencies")):
        if len(ids := {element.books[place] for element in elements}) > 1:
            return f"its elements are of several {what} ({_listed(ids)}), which NetSuite does not merge"
    if len(elements) > MOST_ELEMENTS:
        return f"it has {len(elements)} elements; NetSuite merges {MOST_ELEMENTS} at once"
    return None


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids, key=_numerically))


def _numerically(internal_id: str) -> tuple[int, str]:
    return len(internal_id), internal_id
