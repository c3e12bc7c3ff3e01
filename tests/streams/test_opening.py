"""Opening balances: what finance writes down, checked before it reaches the log."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from projections.openings import objections_to
from projections.state import CustomerState
from schemas.codec import Decoder, Encoder
from streams.opening_check import Checked, check
from streams.opening_command import run_check, run_publish, run_template
from streams.opening_rows import COLUMNS, Problem, read_rows
from streams.settings import Settings

RAMP = {
    "customer_id": "cust-1",
    "contract_id": "root-1",
    "currency": "USD",
    "billing_account_id": "cust-1",
    "opened_on": "2026-01-01",
    "contract_posted_beside": "5000.00",
    "subscription_number": "SUB-1",
    "version": "3",
    "product_id": "seat",
    "status": "Active",
    "quantity": "100",
    "posted": "180000.00",
    "start_on": "2025-01-01",
    "end_on": "2026-12-31",
    "segment_start_on": "2025-01-01",
    "segment_end_on": "2025-12-31",
    "segment_quantity": "50",
    "net_price_per_month": "100.00",
}
SECOND = {
    "customer_id": "cust-1",
    "contract_id": "root-1",
    "subscription_number": "SUB-1",
    "segment_start_on": "2026-01-01",
    "segment_end_on": "2026-12-31",
    "segment_quantity": "100",
    "net_price_per_month": "100.00",
}
OTHER = {**RAMP, "contract_id": "root-2", "subscription_number": "SUB-2", "customer_id": "cust-2"}


def written(path: Path, *rows: dict[str, str], delimiter: str = ",") -> Path:
    """A CSV file of these rows; the first of them is on line 2."""
    lines = [COLUMNS, *(tuple(row.get(column, "") for column in COLUMNS) for row in rows)]
    path.write_text("\n".join(delimiter.join(cells) for cells in lines) + "\n", encoding="utf-8")
    return path


def checked(tmp_path: Path, *rows: dict[str, str], delimiter: str = ",") -> Checked:
    return check(read_rows(written(tmp_path / "opening.csv", *rows, delimiter=delimiter)))


def whole(**changes: str) -> dict[str, str]:
    """One subscription with one segment and a quantity that fits."""
    return {**RAMP, "segment_end_on": "2026-12-31", "segment_quantity": "100", **changes}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_ramp_is_one_opening_of_its_contract_to_the_last_digit(tmp_path: Path, delimiter: str) -> None:
    found = checked(tmp_path, RAMP, SECOND, delimiter=delimiter)
    assert found.problems == []
    (opening,) = found.openings
    assert (opening.contract_id, opening.currency, opening.posted) == ("root-1", "USD", Decimal(185000))
    (subscription,) = opening.subscriptions
    assert (subscription.version, subscription.posted) == (3, Decimal(180000))
    assert [(str(each.start_on), each.quantity, each.unit_price) for each in subscription.segments] == [
        ("2025-01-01", 50, 100),
        ("2026-01-01", 100, 100),
    ]
    assert found.totals() == {"USD": Decimal(185000)}
    assert Decoder(None).decode(Encoder().encode("orders", opening), []) == opening
    assert list(objections_to(CustomerState("cust-1"), opening)) == []


def test_the_same_content_has_the_same_event_id_in_whatever_order_and_spelling(tmp_path: Path) -> None:
    another = whole(subscription_number="SUB-9")
    first = checked(tmp_path, RAMP, SECOND, another).openings
    second = checked(tmp_path, {**another, "posted": "180000"}, {**SECOND, **RAMP}, SECOND).openings
    assert first == second
    other = checked(tmp_path, {**RAMP, "posted": "180000.01"}, SECOND, another).openings
    assert other[0].event_id != first[0].event_id


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("currency", "usd", "not an ISO 4217"),
        ("opened_on", "01.01.2026", "is not a date such as 2026-01-31"),
        ("opened_on", "", "is missing"),
        ("version", "0", "the first version is 1"),
        ("version", "1.5", "is not a whole number"),
        ("quantity", "1,000", "is not a number such as 1234.50"),
        ("posted", "-1.00", "is negative"),
        ("posted", "1.005", "more decimals than USD"),
        ("posted", "NaN", "is not a number"),
        ("posted", "1234567890123.00", "more than 12 digits"),
        ("contract_posted_beside", "-5", "is negative"),
        ("net_price_per_month", "0.12345678901", "more than 10 decimals"),
        ("end_on", "2024-12-31", "is before start_on"),
        ("segment_end_on", "2024-12-31", "is before segment_start_on"),
        ("segment_start_on", "2024-12-31", "is before start_on"),
        ("segment_end_on", "2027-01-01", "after end_on"),
        ("segment_end_on", "", "after end_on"),
        ("segment_quantity", "99", "the subscription's quantity is 100"),
        ("segment_quantity", "", "is missing"),
        ("product_id", "", "is missing"),
        ("customer_id", "", "every row has it"),
    ],
)
def test_every_mistake_is_told_with_its_line_and_column(tmp_path: Path, column: str, value: str, says: str) -> None:
    delimiter = ";" if "," in value else ","
    found = checked(
        tmp_path,
        OTHER | {"segment_quantity": "100", "segment_end_on": "2026-12-31"},
        whole(**{column: value}),
        delimiter=delimiter,
    )
    told = [problem for problem in found.problems if says in problem.text]
    assert [(each.line, each.column) for each in told] == [(3, column)]
    assert [each.contract_id for each in found.openings] == ["root-2"]


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    overlapping = {**SECOND, "segment_start_on": "2025-12-31"}
    bad = {**OTHER, "currency": "usd", "version": "x", "posted": "1e3"}
    found = checked(tmp_path, RAMP, overlapping, bad)
    assert [(each.line, each.column) for each in found.problems] == [
        (3, "segment_start_on"),
        (4, "currency"),
        (4, "version"),
        (4, "posted"),
    ]


def test_rows_of_one_contract_agree_or_say_nothing(tmp_path: Path) -> None:
    others = ("EUR", "cust-9", "2026-02-01", "3")
    columns = ("currency", "billing_account_id", "opened_on", "contract_posted_beside")
    for column, value in zip(columns, others, strict=True):
        found = checked(tmp_path, RAMP, {**SECOND, column: value})
        assert [(each.line, each.column) for each in found.problems] == [(3, column)]
    assert checked(tmp_path, RAMP, {**SECOND, "contract_posted_beside": "5000", "version": "3"}).problems == []


@pytest.mark.parametrize("column", ["contract_id", "customer_id"])
def test_a_subscription_is_in_one_contract_of_one_customer(tmp_path: Path, column: str) -> None:
    found = checked(tmp_path, whole(), whole(**{column: "another"}))
    assert (3, column) in [(each.line, each.column) for each in found.problems]


def test_comments_and_empty_rows_are_left_out_and_columns_are_checked(tmp_path: Path) -> None:
    file = written(tmp_path / "opening.csv", whole())
    file.write_text("# a remark\n\n" + file.read_text() + '"# quoted by a spreadsheet, as such"\n,,\n' + "\n")
    found = check(read_rows(file))
    assert len(found.openings) == 1
    assert found.problems == []
    file.write_text(file.read_text() + "cust-1,root-1\n")
    assert check(read_rows(file)).problems == [Problem(8, "", f"has 2 cells, and the heading {len(COLUMNS)}")]
    file.write_text("customer_id,contract,version\n1,2,3\n")
    told = {(problem.column, problem.text) for problem in check(read_rows(file)).problems}
    assert ("contract", "there is no such column") in told
    assert ("contract_id", "the column is missing") in told


def test_json_says_the_same_as_rows(tmp_path: Path) -> None:
    segments = [
        {key: value for key, value in row.items() if "segment" in key or "net" in key} for row in (RAMP, SECOND)
    ]
    subscription = {
        **{key: RAMP[key] for key in ("subscription_number", "product_id", "status", "start_on", "end_on")},
        "version": 3,
        "quantity": 100,
        "posted": 180000.00,
        "segments": segments,
    }
    contract = {key: RAMP[key] for key in COLUMNS[:6]} | {"subscriptions": [subscription]}
    file = tmp_path / "opening.ndjson"
    unknown = {**contract, "contract_id": "root-2", "version": 1}
    unknown["subscriptions"] = [{**subscription, "subscription_number": "SUB-2"}]
    file.write_text(json.dumps(contract) + "\n" + json.dumps(unknown) + "\n")
    found = check(read_rows(file))
    assert found.openings[:1] == checked(tmp_path, RAMP, SECOND).openings
    assert [(each.line, each.column) for each in found.problems] == [(2, "version")]
    file.write_text(json.dumps([contract], indent=1))
    assert check(read_rows(file)).openings == checked(tmp_path, RAMP, SECOND).openings


def test_the_template_explains_itself_and_its_example_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "template.csv"
    assert run_template(file) == 0
    assert run_template(file) == 1
    text = file.read_text()
    assert all(f"{column}" in text.partition("\ncustomer_id,")[0] for column in COLUMNS)
    assert run_check(file, as_json=False) == 0
    file.write_text(text.replace("# cust-1", "cust-1"))
    capsys.readouterr()
    assert run_check(file, as_json=True) == 0
    (contract,) = json.loads(capsys.readouterr().out)["contracts"]
    assert contract["posted"] == "191000.000000"


def test_nothing_is_published_where_there_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path / "opening.csv", whole(), {**OTHER, "currency": "usd"})
    assert run_publish(Settings(), file, None, yes=True, dry_run=False) == 1
    printed = capsys.readouterr().err
    assert f"{file}:3: currency: " in printed
    assert "nothing was published" in printed
