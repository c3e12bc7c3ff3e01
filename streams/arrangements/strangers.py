"""Documents that NetSuite holds for a contract and no command asked for: those of years before. Pure.

Finance merges them with the rest all the same. Of what they change nothing is known but their date.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from sinks.arrangements import Arranged, Arrangements
from streams.arrangements.families import RETURN_AUTHORIZATION, SALES_ORDER, Family, SourceDocument


def with_strangers(families: Iterable[Family], told: Arrangements) -> list[Family]:
    """The families, and in them what NetSuite has beside: in the newest of its contract that had begun on its day."""
    listed = list(families)
    known = {document.external_id.casefold() for family in listed for document in family.documents}
    places: dict[str, list[int]] = {}
    for place, family in enumerate(listed):
        places.setdefault(family.contract_id, []).append(place)
    for name, found in told.documents.items():
        if name in known or found.contract_id not in places:
            continue
        own = places[found.contract_id]
        begun = [place for place in own if _has_begun(listed[place], found.tran_on)] or own[:1]
        family = listed[begun[-1]]
        documents = sorted((*family.documents, _source_document(found, family)), key=lambda each: each.tran_on)
        listed[begun[-1]] = replace(family, documents=tuple(documents))
    return listed


def _has_begun(family: Family, on: date | None) -> bool:
    return family.begins_on is None or on is None or family.begins_on <= on


def _source_document(found: Arranged, family: Family) -> SourceDocument:
    return SourceDocument(
        external_id=found.name,
        record_type=RETURN_AUTHORIZATION if found.is_return else SALES_ORDER,
        contract_id=family.contract_id,
        customer=family.customer,
        currency=found.currency,
        order_id="",
        order_number=found.number,
        tran_on=found.tran_on or family.documents[0].tran_on,
        amount=found.amount,
    )
