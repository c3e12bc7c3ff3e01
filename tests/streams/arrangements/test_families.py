"""Which documents make one revenue contract: changes join, renewals begin anew unless they are to be included."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sinks.arrangements import Arranged, Arrangements, Element
from streams.arrangements.families import RETURN_AUTHORIZATION, SALES_ORDER, Family, SourceDocument, families_of
from streams.arrangements.states import MOST_ELEMENTS, Manner, State, standing_of, task_of
from streams.arrangements.strangers import with_strangers


def sold(number: int, *subscriptions: str, on: date = date(2025, 1, 1), **fields: Any) -> SourceDocument:
    stated = {
        "external_id": f"NUE-SO-O{number}",
        "record_type": SALES_ORDER,
        "contract_id": "root",
        "customer": "NUE-CUST-acme",
        "currency": "USD",
        "order_id": f"O{number}",
        "order_number": f"No. O{number}",
        "tran_on": date(2025, 1, number),
        "amount": Decimal(100),
        "subscriptions": frozenset(subscriptions),
        "effective_on": on,
    }
    return SourceDocument(**(stated | fields))


def returned(number: int, *subscriptions: str, **fields: Any) -> SourceDocument:
    return sold(
        number, *subscriptions, **{"external_id": f"NUE-RA-O{number}", "record_type": RETURN_AUTHORIZATION, **fields}
    )


def families(*documents: SourceDocument, include_renewals: bool = False) -> list[list[str]]:
    found = families_of(documents, include_renewals=include_renewals)
    return [[document.external_id.removeprefix("NUE-") for document in family.documents] for family in found]


NEXT = date(2026, 1, 1)
FIRST, CHANGE = sold(1, "S1", "S2"), sold(2, "S1", on=date(2025, 7, 1))
RENEWAL = sold(3, "S1", on=NEXT, renews=True)


def test_an_order_and_its_changes_and_returns_are_one_family() -> None:
    assert families(FIRST, CHANGE, returned(3, "S2")) == [["SO-O1", "SO-O2", "RA-O3"]]


def test_a_renewal_begins_a_family_unless_it_is_to_be_included() -> None:
    assert families(FIRST, CHANGE, RENEWAL) == [["SO-O1", "SO-O2"], ["SO-O3"]]
    assert families(FIRST, CHANGE, RENEWAL, include_renewals=True) == [["SO-O1", "SO-O2", "SO-O3"]]


@pytest.mark.parametrize(
    ("later", "with_the_renewal"),
    [
        (sold(4, "S1", on=date(2026, 3, 1)), True),
        (sold(4, "S1", on=date(2025, 11, 1)), False),  # it was renewed early, and this concerns the term before
        (sold(4, "S2", on=date(2026, 3, 1)), False),  # not renewed: still in its first term
        (sold(4, "S3", on=date(2026, 3, 1)), True),  # new, and sold beside the newest term
        (sold(4, "S3", on=date(2025, 11, 1)), False),
        (returned(4, "S1", on=date(2026, 3, 1)), True),
        (returned(3, "S1", on=NEXT, renews=True), True),  # of the same order, in whichever order they were decided
    ],
)
def test_what_comes_after_a_renewal_joins_the_term_that_it_concerns(
    later: SourceDocument, with_the_renewal: bool
) -> None:
    name = later.external_id.removeprefix("NUE-")
    expected = [["SO-O1"], ["SO-O3", name]] if with_the_renewal else [["SO-O1", name], ["SO-O3"]]
    assert families(FIRST, RENEWAL, later) == expected
    if later.order_id == RENEWAL.order_id:
        assert families(FIRST, later, RENEWAL) == expected


def test_what_netsuite_never_merges_is_kept_apart() -> None:
    abroad = sold(2, "S1", currency="EUR")
    elsewhere = sold(3, "S1", customer="NUE-CUST-bolt")
    another = sold(4, "S9", contract_id="root-9")
    assert families(FIRST, abroad, elsewhere, another) == [["SO-O1"], ["SO-O2"], ["SO-O3"], ["SO-O4"]]


def in_netsuite(number: int, name: str, **fields: Any) -> Arranged:
    return Arranged(
        internal_id=str(number), name=name, displayed=f"Sales Order #{number}", number=str(number), **fields
    )


def told(*known: tuple[SourceDocument, str, str], **more: Any) -> Arrangements:
    """Documents with the arrangement and the exchange rate that NetSuite has for them."""
    documents = {
        document.external_id.casefold(): in_netsuite(
            number,
            document.external_id,
            exchange_rate=Decimal(rate),
            elements=(Element(internal_id="1", arrangement=name, books=("7", "1", "1")),) if name else (),
        )
        for number, (document, name, rate) in enumerate(known, 1)
    }
    return Arrangements(**({"documents": documents} | more))


def family(*documents: SourceDocument) -> Family:
    (found,) = families_of(documents, include_renewals=False)
    return found


@pytest.mark.parametrize(
    ("arrangements", "state"),
    [
        (told((FIRST, "100", "1"), (CHANGE, "101", "1")), State.TO_MERGE),
        (told((FIRST, "100", "1"), (CHANGE, "100", "1")), State.MERGED),
        (told((FIRST, "100", "1"), (CHANGE, "", "1")), State.NOT_GENERATED),
        (told((FIRST, "100", "1")), State.MISSING),
        (told((FIRST, "100", "1"), (CHANGE, "101", "1"), silence="no such table"), State.UNKNOWN),
        (None, State.UNKNOWN),
    ],
)
def test_a_family_stands_where_its_documents_do(arrangements: Arrangements | None, state: State) -> None:
    assert standing_of(family(FIRST, CHANGE), arrangements).state is state


def test_a_task_names_arrangements_by_number_and_the_day_of_the_newest_document() -> None:
    standing = standing_of(family(FIRST, CHANGE), told((FIRST, "1000", "1"), (CHANGE, "99", "1")))
    assert task_of(standing, Manner()) == {
        "contract": "root",
        "customer": "NUE-CUST-acme",
        "documents": ["NUE-SO-O1", "NUE-SO-O2"],
        "arrangements": [99, 1000],
        "revenueArrangementDate": "2025-01-02",
        "mergeResidualRevenueAmounts": False,
        "recalculateResidualFairValue": False,
    }
    other = task_of(standing, Manner(date(2026, 2, 1), prospective=True))
    assert (other["revenueArrangementDate"], other["mergeResidualRevenueAmounts"]) == ("2026-02-01", True)


def test_a_return_with_another_exchange_rate_is_noted_and_still_merged() -> None:
    back = returned(3, "S1")
    standing = standing_of(family(FIRST, back), told((FIRST, "100", "1.1"), (back, "101", "1.25")))
    assert standing.state is State.TO_MERGE
    (note,) = standing.notes
    assert note.startswith("NUE-RA-O3 has the exchange rate 1.25, the first sales order of its family 1.1:")
    assert standing_of(family(FIRST, back), told((FIRST, "100", "1.10"), (back, "101", "1.1"))).notes == ()


def test_more_elements_than_netsuite_merges_at_once_are_not_a_task() -> None:
    one = Element(internal_id="1", arrangement="100", books=("7", "1", "1"))
    many = tuple(Element(internal_id="2", arrangement="101", books=("7", "1", "1")) for _ in range(MOST_ELEMENTS))
    documents = {
        FIRST.external_id.casefold(): in_netsuite(1, FIRST.external_id, elements=(one,)),
        CHANGE.external_id.casefold(): in_netsuite(2, CHANGE.external_id, elements=many),
    }
    standing = standing_of(family(FIRST, CHANGE), Arrangements(documents=documents))
    assert (standing.state, standing.notes) == (State.BARRED, ("it has 10001 elements; NetSuite merges 10000 at once",))


def test_documents_of_years_before_join_the_family_of_their_day() -> None:
    def before(number: int, on: date | None, contract_id: str = "root") -> Arranged:
        return in_netsuite(number, f"Sales Order #{number}", contract_id=contract_id, tran_on=on, currency="USD")

    strangers = [before(7, date(2024, 6, 1)), before(8, date(2026, 2, 1)), before(9, None), before(6, None, "other")]
    known = [before(1, None), before(2, None)]
    documents = {each.name.casefold(): each for each in (*strangers, *known)}
    ours = [sold(1, "S1", external_id="Sales Order #1"), RENEWAL]
    found = with_strangers(families_of(ours, include_renewals=False), Arrangements(documents=documents))
    names = [[document.external_id for document in family.documents] for family in found]
    assert names == [
        ["Sales Order #7", "Sales Order #1"],
        ["NUE-SO-O3", "Sales Order #9", "Sales Order #2", "Sales Order #8"],
    ]
