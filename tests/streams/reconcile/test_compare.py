"""What counts as a difference, and what does not: the pure comparison, without Kafka or NetSuite."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from schemas.contract import OrderOutcome
from sinks.held import FIELD_COLUMNS, HeldDocument, HeldLine, HeldRecord, document_of
from sinks.translate import patch_for
from streams.reconcile.compare import Known, compare_document, compare_upsert, net_of, sign_of
from streams.reconcile.period import period_of
from streams.reconcile.tie import OrderFacts, Promised, untied
from tests.sinks import orders
from tests.sinks.orders import CUSTOMER, SEAT, SETUP

KNOWN = Known(
    ids={CUSTOMER.lower(): "1", SEAT.lower(): "2", SETUP.lower(): "3", "nue-cust-bolt": "4"},
    names={"1": CUSTOMER, "2": SEAT, "3": SETUP, "4": "NUE-CUST-bolt"},
    currencies={"USD": "9", "EUR": "8"},
)
LINES = (orders.line(), orders.line("line-2", SETUP, quantity=Decimal(-1), amount=Decimal("-500.00")))
ORDER = orders.sales_order(lines=LINES, total=Decimal("119500.00"))
RETURN = orders.return_authorization(lines=LINES, total=Decimal("119500.00"))
OURS = (HeldLine("line-1", "2", Decimal(100), Decimal(120000)), HeldLine("line-2", "3", Decimal(-1), Decimal(-500)))


def held(*lines: HeldLine, **changes: Any) -> HeldDocument:
    fields = {
        "internal_id": "77",
        "record": "salesOrder",
        "external_id": ORDER.external_id,
        "entity": "1",
        "currency": "9",
        "link": "root-subscription",
        "number": "SO77",
        "total": Decimal(130000),
    }
    return HeldDocument(lines=lines or OURS, **(fields | changes))


def kinds(found: HeldDocument) -> list[str]:
    return [each.kind for each in compare_document(ORDER, found, KNOWN)]


def flipped(line: HeldLine) -> HeldLine:
    return HeldLine(line.line_id, line.item, -(line.quantity or 0), -(line.amount or 0))


def test_a_document_as_it_was_posted_has_no_difference_whatever_its_total_with_tax() -> None:
    assert kinds(held()) == []
    assert kinds(held(total=Decimal(1))) == []


def test_sales_may_be_told_with_the_sign_that_they_have_in_the_books() -> None:
    books = held(*map(flipped, OURS))
    assert kinds(books) == []
    assert net_of(books, sign_of(ORDER.lines, books.lines)) == Decimal(119500)
    edited = HeldLine("line-1", "2", Decimal(-100), Decimal(-120001))
    assert kinds(held(edited, flipped(OURS[1]))) == ["amount"]


def test_a_free_document_has_the_sign_of_its_quantities() -> None:
    free = orders.sales_order(lines=(orders.line(rate=Decimal(0), amount=Decimal(0)),), total=Decimal(0))
    for quantity, told in ((100, []), (-100, []), (99, ["lines"]), (-99, ["lines"])):
        found = held(HeldLine("line-1", "2", Decimal(quantity), Decimal(0)))
        assert [each.kind for each in compare_document(free, found, KNOWN)] == told


def test_the_sign_of_one_line_alone_is_a_difference() -> None:
    assert kinds(held(OURS[0], flipped(OURS[1]))) == ["amount", "lines"]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"entity": "4"}, "entity"),
        ({"entity": None}, "entity"),
        ({"link": "another"}, "link"),
        ({"link": None}, "link"),
        ({"currency": "8"}, "currency"),
        ({"record": "returnAuthorization"}, "type"),
    ],
)
def test_every_field_of_ours_has_a_kind_of_its_own(changes: dict[str, Any], kind: str) -> None:
    assert kinds(held(**changes)) == [kind]


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ([OURS[0]], "lines"),
        ([*OURS, OURS[0]], "lines"),
        ([*OURS, HeldLine("line-9", "2", Decimal(1), Decimal(1))], "lines"),
        ([HeldLine("line-1", "2", Decimal(99), Decimal(120000)), OURS[1]], "lines"),
        ([HeldLine("line-1", "3", Decimal(100), Decimal(120000)), OURS[1]], "lines"),
        ([HeldLine("line-1", "2", Decimal(100), Decimal("119999.99")), OURS[1]], "amount"),
        ([HeldLine("line-1", "2", Decimal(100), None), OURS[1]], "amount"),
    ],
    ids=["removed", "doubled", "foreign", "quantity", "item", "amount", "no amount"],
)
def test_every_change_of_our_lines_is_told(lines: list[HeldLine], kind: str) -> None:
    assert kinds(held(*lines)) == [kind]


def test_two_kinds_of_change_are_told_apart_and_two_of_one_kind_together() -> None:
    told = compare_document(ORDER, held(OURS[0], entity="4", link="another"), KNOWN)
    assert [each.kind for each in told] == ["entity", "link", "lines"]
    words = {each.kind: each.words for each in told}
    assert words["entity"] == f"on customer NUE-CUST-bolt (internal id 4), not {CUSTOMER}"
    assert {(each.name, each.internal_id, each.amount) for each in told} == {
        (ORDER.external_id, "77", Decimal("119500.00"))
    }


def test_a_return_takes_away() -> None:
    (told,) = compare_document(RETURN, held(record="returnAuthorization", link="another"), KNOWN)
    assert (told.record, told.amount) == ("returnAuthorization", Decimal("-119500.00"))


def test_rows_of_suiteql_become_the_document() -> None:
    row = {"id": "77", "externalid": "NUE-SO-1", "type": "RtnAuth", "entity": "1", "foreigntotal": "-5.5"}
    line = {"custcol_nue_transactionlineid": "L", "item": "2", "quantity": "-1", "foreignamount": "-5.50"}
    made = document_of(row, [line])
    assert (made.record, made.link, made.total) == ("returnAuthorization", None, Decimal("-5.5"))
    assert made.lines == (HeldLine("L", "2", Decimal(-1), Decimal("-5.5")),)


def as_held(upsert: Any, table: str, **changes: Any) -> HeldRecord:
    columns = FIELD_COLUMNS[table]
    row = {columns[name]: value for name, value in patch_for(upsert, "1").body.items()}
    return HeldRecord("1", upsert.external_id, row | changes)


def test_customers_and_items_are_compared_by_every_field_that_stays_ours() -> None:
    customer = orders.customer(phone="+1 (555) 010-99", comments="one\ntwo", customer_since=orders.ACTIVATED.date())
    person = orders.customer(name="Eva Li", is_person=True)
    for upsert, table in ((customer, "customer"), (person, "customer"), (orders.item(), "item")):
        ours = as_held(upsert, table)
        assert compare_upsert(upsert, ours) == []
        for name in patch_for(upsert, "1").body:
            column = FIELD_COLUMNS[table][name]  # a field without a column would never be compared
            for value in ("another", None):
                (words,) = compare_upsert(upsert, as_held(upsert, table, **{column: value}))
                assert words.startswith(f"{name} is ")


def test_what_netsuite_writes_its_own_way_is_no_difference() -> None:
    customer = orders.customer(phone="+1 (555) 010-99", comments="one\ntwo ")
    assert compare_upsert(customer, as_held(customer, "customer", phone="155501099", comments="one\r\ntwo")) == []
    assert compare_upsert(orders.customer(email=None), as_held(orders.customer(), "customer")) == []


def facts(**changes: Any) -> OrderFacts:
    fields: dict[str, Any] = {
        "outcome": OrderOutcome.POSTED,
        "currency": "USD",
        "told": Decimal(70),
        "order_total": Decimal(70),
        "posted_total": Decimal(70),
        "waived": False,
        "promised": (promised("SO", 100), promised("RA", -30)),
    }
    return OrderFacts(**(fields | changes))


def promised(name: str, amount: int, **changes: Any) -> Promised:
    fields: dict[str, Any] = {"commanded_id": name, "commanded": Decimal(amount)}
    return Promised(external_id=f"NUE-{name}-1", command_id=name, amount=Decimal(amount), **(fields | changes))


def test_an_order_that_ties_with_its_decision_and_commands_is_not_told() -> None:
    assert untied(facts()) == []
    assert untied(facts(told=None)) == []
    assert untied(facts(order_total=Decimal(71), told=None, waived=True)) == []
    assert untied(facts(outcome=OrderOutcome.NO_OP, posted_total=Decimal(0), promised=())) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"told": Decimal(71)}, "the order is over 71.00 USD, but was decided as 70.00 USD"),
        ({"told": None, "order_total": Decimal(71)}, "70.00 USD was posted of 71.00 USD"),
        ({"promised": (promised("SO", 100),)}, "its documents are over 100.00 USD, not 70.00 USD"),
        (
            {"promised": (promised("SO", 100, commanded=None), promised("RA", -30))},
            "NUE-SO-1 was decided, but its command is not on the command topic",
        ),
        (
            {"promised": (promised("SO", 100), promised("RA", -30, commanded=Decimal(-31)))},
            "NUE-RA-1 was decided over -30.00 USD, its command is over -31.00 USD",
        ),
        (
            {"promised": (promised("SO", 100, commanded_id="other"), promised("RA", -30))},
            "another command than the one that was decided asks for NUE-SO-1",
        ),
    ],
)
def test_an_order_that_does_not_tie_is_told_with_both_amounts(changes: dict[str, Any], words: str) -> None:
    assert untied(facts(**changes)) == [words]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-10", "2026-10-01 2026-10-31"),
        ("2024-02", "2024-02-01 2024-02-29"),
        ("2026-10-05", "2026-10-05 2026-10-05"),
        ("2026-10..2026-12", "2026-10-01 2026-12-31"),
        ("2026-10-05..2026-11", "2026-10-05 2026-11-30"),
    ],
)
def test_a_period_is_a_month_a_day_or_two_of_these(text: str, days: str) -> None:
    assert " ".join(each.isoformat() for each in period_of(text)) == days


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-02-30", "october", "2026-11..2026-10", "2026-10.."])
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"neither|ends before"):
        period_of(text)
