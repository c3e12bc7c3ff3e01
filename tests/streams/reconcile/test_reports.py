"""Reports to keep: the page and the table for spreadsheets."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from html.parser import HTMLParser

from msgspec.structs import replace

from streams.reconcile.export import as_csv
from streams.reconcile.findings import (
    Counts,
    Discrepancy,
    Explained,
    Kind,
    OrderRow,
    PostedDocument,
    Report,
    State,
    Sums,
)
from streams.reconcile.page import page_of
from tests.sinks.sandbox.test_show import words

EVIL = "<script>alert('x')</script>&\""
ORDER = OrderRow(
    order_number="O-1",
    order_id="order-1",
    customer_id="acme",
    dated=date(2026, 10, 5),
    event="activated",
    outcome="posted",
    why=EVIL,
    currency="USD",
    total=Decimal("1200.00"),
    posted=Decimal("1200.00"),
    documents=(PostedDocument(external_id="NUE-SO-1", state="posted", internal_id="77", number="SO77"),),
)
REPORT = Report(
    account="1234567",
    checked_at=datetime(2026, 11, 1, 8, tzinfo=UTC),
    counts=Counts(orders=3, documents=2, found=2, customers=1, items=1, unreadable=1),
    sums=(
        Sums(currency="JPY", orders=Decimal(5000), commands=Decimal(5000), netsuite=Decimal(5000)),
        Sums(
            currency="USD",
            orders=Decimal("1200.00"),
            commands=Decimal("1200.00"),
            explained=Decimal("-50.00"),
            netsuite=Decimal("1251.00"),
        ),
    ),
    discrepancies=(
        Discrepancy(
            kind=Kind.AMOUNT,
            record="salesOrder",
            name="NUE-SO-1",
            words=EVIL,
            internal_id="77",
            order_number="=1+1",
            currency="USD",
            amount=Decimal("-1200.00"),
        ),
    ),
    explained=(Explained(state=State.PARKED, record="returnAuthorization", name=EVIL, words="@SUM(A1)"),),
    first_on=date(2026, 10, 1),
    last_on=date(2026, 10, 31),
    orders=(ORDER, replace(ORDER, order_number="O-2", outcome="held", documents=(), currency="JPY", total=Decimal(5))),
)


def test_the_page_loads_nothing_and_runs_nothing_whatever_the_values_say() -> None:
    page = page_of(REPORT)
    assert "<script" not in page
    assert EVIL in words(page)
    assert not re.search(r"""(src|href)\s*=|url\(|@import|https?:""", page)
    unclosed: list[str] = []

    class Nesting(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            if tag not in ("meta", "br"):
                unclosed.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert unclosed.pop() == tag

    Nesting().feed(page)
    assert unclosed == []


def test_the_page_tells_the_sums_of_each_currency_and_every_order_of_the_period() -> None:
    text = words(page_of(REPORT))
    for each in ("1,251.00", "−50.00", "1.00", "5,000", "NUE-SO-1 (posted, SO77)", "1 posted, 1 held", "1 amount"):
        assert each in text
    assert "1 record could not be read" in text
    assert "Everything ties out" in words(page_of(replace(REPORT, discrepancies=())))


def test_the_table_for_spreadsheets_has_every_finding_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(REPORT))))
    assert [(row["section"], row["kind"]) for row in rows] == [
        ("discrepancy", "amount"),
        ("explained", "parked"),
        ("order", "posted"),
        ("document", "posted"),
        ("order", "held"),
    ]
    assert (rows[0]["order_number"], rows[0]["amount"], rows[1]["words"]) == ("'=1+1", "-1200.00", "'@SUM(A1)")
    assert (rows[3]["name"], rows[3]["internal_id"], rows[3]["document_number"]) == ("NUE-SO-1", "77", "SO77")
