"""What another version or policy would decide otherwise; and that this version decides recorded histories as before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from msgspec import structs

from projections.fold import fold
from projections.state import CustomerState
from schemas.contract import OrderDecided
from streams.cli import cli
from streams.replay.diff import Change, Comparison
from streams.replay.outputs import read_said
from tests.projections.given import more, order, record_at, seats
from tests.streams.replay.recording import record, recorded_log

RECORDED = sorted(path.parents[1] for path in (Path(__file__).parents[2] / "examples").glob("recorded/*/*/topic.json"))
NOWHERE = {"NUESTREAM_KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run_diff(*arguments: str, **policy: str) -> Result:
    own = {f"NUESTREAM_POLICY__{name.upper()}": value for name, value in policy.items()}
    return CliRunner().invoke(cli, ["diff", "--processes", "1", *arguments], env=NOWHERE | own)


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
    assert all(each["why"].startswith("quarantined: ") and each["after"] is None for each in missing)
    by_type = {each["external_id"][:7]: float(each["before"]) for each in found["differences"] if each["before"]}
    assert by_type["NUE-SO-"] > 0 > by_type["NUE-RA-"]
    told = run_diff("--archive", small, "--policy", "settings", mixed_orders="quarantine").output
    assert "quarantined: " in told
    assert "USD: " in told


def test_of_one_customer_the_documents_of_others_are_not_missed(small: str) -> None:
    done = run_diff("--archive", small, "--customer", "acme", "--json")
    assert done.exit_code == 0
    assert 0 < json.loads(done.stdout)["documents_before"] < 30


def documents_of(*orders: object) -> tuple[list, list[OrderDecided]]:
    state, documents, decided = CustomerState("acme"), [], []
    for offset, event in enumerate(orders):
        step = fold(state, record_at(offset), event, POLICY)
        state, documents = step.state, [*documents, *step.documents]
        decided += [each for each in step.contract_events if isinstance(each, OrderDecided)]
    return documents, decided


def test_every_kind_of_change_is_found_named_and_summed() -> None:
    pass
