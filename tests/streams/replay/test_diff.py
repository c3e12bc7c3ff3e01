"""What another version or policy would decide otherwise; and that this version decides recorded histories as before."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from schemas.command import CreateSalesOrder
from streams.cli import cli
from streams.replay.diff import Change, Comparison, money_by_currency
from tests.projections.given import given, order, seats
from tests.streams.replay.recording import record, recorded_log

RECORDED = sorted(path.parents[1] for path in (Path(__file__).parents[2] / "examples").glob("recorded/*/*/topic.json"))
NOWHERE = {"NUESTREAM_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run_diff(*arguments: str, **policy: str) -> Result:
    own: dict[str, str | None] = dict.fromkeys(name for name in os.environ if name.startswith("NUESTREAM_"))
    own |= {f"NUESTREAM_POLICY__{name.upper()}": value for name, value in policy.items()}
    return CliRunner().invoke(cli, ["diff", "--processes", "1", *arguments], env=own | NOWHERE)


@pytest.mark.parametrize("archive", sorted({str(path) for path in RECORDED}))
def test_a_recorded_history_is_decided_as_it_was(archive: str) -> None:
    done = run_diff("--archive", archive)
    assert done.exit_code == 0, done.output
    assert "nothing would change" in done.output


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> str:
    archive = str(tmp_path_factory.mktemp("recorded") / "archive")
    record(archive, recorded_log(seed=5, orders=40))
    return archive


def test_another_policy_shows_what_it_would_change_and_by_how_much(small: str) -> None:
    done = run_diff("--archive", small, "--policy", "settings", "--json", mixed_orders="quarantine")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    missing = [each for each in found["differences"] if each["change"] == "missing"]
    assert missing
    assert all(each["why"].startswith(("quarantined: ", "held: ")) and each["after"] is None for each in missing)
    by_type = {each["external_id"][:7]: float(each["before"]) for each in found["differences"] if each["before"]}
    assert by_type["NUE-SO-"] > 0 > by_type["NUE-RA-"]
    told = run_diff("--archive", small, "--policy", "settings", mixed_orders="quarantine").output
    assert "quarantined: " in told
    assert "USD: " in told


def test_of_one_customer_the_documents_of_others_are_not_missed(small: str) -> None:
    done = run_diff("--archive", small, "--customer", "acme", "--json")
    assert done.exit_code == 0
    assert 0 < json.loads(done.stdout)["documents_before"] < 30


def sold(*amounts: str) -> list[CreateSalesOrder]:
    """Sales orders of one order each, by the rules as they are."""
    chain = given()
    return [
        document
        for number, amount in enumerate(amounts)
        for document in chain.when(order(f"O{number}", seats(f"S{number}", 1, amount))).documents
    ]


def test_every_kind_of_change_is_found_and_named() -> None:
    first, second, third = sold("10.00", "20.00", "30.00")
    comparison = Comparison()
    for document in (first, second, second):
        comparison.was(document)
    cheaper = structs.replace(second.lines[0], amount=Decimal("15.00"))
    for document in (structs.replace(second, total=Decimal("15.00"), lines=(cheaper,)), third, third):
        comparison.is_(document)
    found = comparison.result()
    assert (found.before, found.after) == (2, 2)
    assert [(each.change, each.external_id, each.amount, each.why) for each in found.differences] == [
        (Change.MISSING, "NUE-SO-O0", Decimal(-10), ""),
        (Change.DIFFERENT, "NUE-SO-O1", Decimal(-5), "lines[0].amount, total"),
        (Change.ADDED, "NUE-SO-O2", Decimal(30), ""),
    ]
    assert money_by_currency({0: found}) == {"USD": {"missing": -10, "different": -5, "added": 30}}


def test_what_only_later_versions_carry_is_no_difference_and_what_both_say_is() -> None:
    (document,) = sold("10.00")
    before = structs.replace(document, lines=(structs.replace(document.lines[0], root_subscription_id=None),))
    after = structs.replace(document, custom_fields={"Region__c": "north"})
    for was, now, why in (
        (before, after, []),
        (after, structs.replace(after, custom_fields={"Region__c": "south"}), ["custom_fields"]),
        (document, before, ["lines[0].root_subscription_id"]),
    ):
        comparison = Comparison()
        comparison.was(was)
        comparison.is_(now)
        assert [each.why for each in comparison.result().differences] == why


def test_who_decided_is_no_difference_and_neither_is_how_a_number_is_written() -> None:
    (document,) = sold("10.00")
    comparison = Comparison()
    comparison.was(document)
    origin = structs.replace(document.origin, policy_id="another", rules_version=99)
    comparison.is_(structs.replace(document, origin=origin, total=Decimal("10.0000")))
    assert comparison.result().differences == []
