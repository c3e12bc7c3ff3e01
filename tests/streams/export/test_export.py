"""`nuestream export contracts`: every record once, every value exactly, and a result that is whole or not there."""

from __future__ import annotations

import csv
import dataclasses
import os
import re
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from projections.records import Step
from projections.state import CustomerState
from schemas.codec import Encoder
from schemas.command import CreateSalesOrder, Document, Upsert
from schemas.contract import OrderDecided, SubscriptionChanged
from schemas.headers import headers_of
from streams.cli import cli
from streams.errors import NuestreamError
from streams.export import command
from streams.export.command import run_export
from streams.export.layouts import place_of
from streams.sending import Sender
from streams.settings import Settings
from streams.topics import create_topics
from tests.environment import Kafka
from tests.projections.given import History, cancelled, changes, fewer, given, more, once, order, renewed, seats
from tests.projections.histories import folded, generated
from tests.streams.archive.making import make as make_archive
from tests.streams.archive.making import record as archived
from tests.streams.export.tables import Written, make, tables_of
from tests.streams.own_topics import settings_on

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", README, flags=re.DOTALL)
JULY = {"start_on": date(2025, 7, 1), "end_on": date(2025, 12, 31)}


def history() -> list[Step]:
    return [step for _, step in folded(generated(11, 60, 6)).steps]


def write(settings: Settings, steps: list[Step]) -> None:
    """All that the projector says, as at-least-once delivery may leave it: every third record twice."""
    create_topics(settings, "tests")
    sender, encoder = Sender(settings.kafka), Encoder()
    topics = settings.topics
    for step in steps:
        for topic, told in (
            (topics.commands, (*step.upserts, *step.documents)),
            (topics.contracts, step.contract_events),
        ):
            for number, record in enumerate(told):
                for _ in range(1 + (number % 3 == 0)):
                    sender.send(topic, b"customer", encoder.encode(topic, record), headers_of(record))
    sender.flush()


def run(settings: Settings, *arguments: str) -> tuple[int, str]:
    environment = {
        "NUESTREAM_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "NUESTREAM_TOPICS__CONTRACTS": settings.topics.contracts,
        "NUESTREAM_TOPICS__COMMANDS": settings.topics.commands,
    }
    done = CliRunner().invoke(cli, ["export", "contracts", *arguments], env=environment)
    return done.exit_code, done.output


def test_topics_become_tables_that_hold_every_record_once_and_every_value_exactly(
    kafka: Kafka, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = settings_on(kafka.bootstrap, topic_prefix)
    steps = history()
    write(settings, steps)
    status, told = run(settings)
    assert (status, told.splitlines()[-1]) == (0, "written to contracts.duckdb")
    assert os.listdir() == ["contracts.duckdb"]

    events = [each for step in steps for each in step.contract_events]
    documents = [each for step in steps for each in step.documents]
    changed = [each for each in events if isinstance(each, SubscriptionChanged)]
    with duckdb.connect("contracts.duckdb", read_only=True) as database:
        found = _records(database, "SELECT * EXCLUDE (change_types, documents) FROM changes")
        assert {row["change_id"]: row for row in found} == {
            each.change_id: {name: getattr(each, name) for name in found[0]} for each in changed
        }
        assert len(found) == len(changed)
        found = _records(database, "SELECT external_id, line_id, quantity, rate, amount, start_on FROM document_lines")
        assert sorted(tuple(row.values()) for row in found) == sorted(
            (each.external_id, line.line_id, line.quantity, line.rate, line.amount, line.start_on)
            for each in documents
            for line in each.lines
        )
        found = _records(database, "SELECT event_id, outcome, decisions, posted_total FROM orders")
        last = {each.event_id: each for each in events if isinstance(each, OrderDecided)}
        assert {tuple(row.values()) for row in found} == {
            (each.event_id, each.outcome.value, each.ordinal, each.posted_total) for each in last.values()
        }
        # what the documents of a contract come to is what its orders were decided to post
        (posted,) = database.execute("SELECT sum(posted) FROM contracts").fetchall()[0]
        assert posted == sum(each.posted_total for each in last.values())
        found = _records(database, "SELECT subscription_number, version, quantity, status FROM subscriptions")
        newest = {each.subscription_number: each for each in changed}
        assert sorted(tuple(row.values()) for row in found) == sorted(
            (number, each.version, each.quantity_after, each.status_after) for number, each in newest.items()
        )
    (tmp_path / "replaced").mkdir()
    _replaced_by_force_alone(settings, tmp_path / "replaced" / "tables")


def _replaced_by_force_alone(settings: Settings, out: Path) -> None:
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    status, told = run(settings, "--to", "csv", "--out", str(out))
    assert status == 2
    assert told.strip() == f"nuestream: {out} is there already: --force replaces it, --out names another place"
    assert os.listdir(out) == ["mine.txt"]
    status, told = run(settings, "--to", "csv", "--out", str(out), "--force")
    assert status == 0, told
    assert "changes.csv" in os.listdir(out)
    assert "mine.txt" not in os.listdir(out)
    assert os.listdir(out.parent) == [out.name]


def test_parquet_and_csv_say_the_same_as_the_database(tmp_path: Path) -> None:
    written = Written()
    opened = given(order("O1", seats("S1", 100, "120000.00"), once("12.34"))).steps[0]
    (document,) = opened.documents
    assert isinstance(document, CreateSalesOrder)
    odd = replace(document, memo='a "quoted", text\nof two lines', po_number="")
    written.write_steps([replace_documents(opened, odd)])
    for layout in ("duckdb", "parquet", "csv"):
        folder = tmp_path / layout
        folder.mkdir()
        assert make(written, folder, layout) == 0
    with duckdb.connect(str(tmp_path / "duckdb" / "result")) as database:
        database.execute("SET TimeZone = 'UTC'")
        names = [name for (name,) in database.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        assert len(names) == 9
        for name in names:
            file = tmp_path / "parquet" / "result" / f"{name}.parquet"
            kinds = f"SELECT column_name, column_type FROM (DESCRIBE FROM {name})"
            assert database.execute(kinds).fetchall() == database.execute(kinds.replace(name, f"'{file}'")).fetchall()
            assert database.execute(f"FROM {name}").fetchall() == database.execute(f"FROM '{file}'").fetchall()
    with (tmp_path / "csv" / "result" / "documents.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["memo"] == odd.memo
    assert (row["total"], row["tran_on"]) == ("120012.340000", "2025-03-15")
    text = (tmp_path / "csv" / "result" / "changes.csv").read_text(encoding="utf-8")
    (row,) = csv.DictReader(text.splitlines())
    assert (row["change_types"], row["documents"], row["status_before"]) == ("NEW", odd.external_id, "")
    assert (row["occurred_at"], row["delta_arr"]) == ("2025-03-15T12:00:00.000000Z", "120000.000000")


class Told(NamedTuple):
    """A decision whose documents say something else."""

    upserts: tuple[Upsert, ...]
    documents: tuple[Document, ...]


def replace_documents(step: Step, *documents: CreateSalesOrder) -> Step:
    return dataclasses.replace(step, decisions=(Told(step.upserts, documents),))


def test_a_record_that_cannot_be_read_is_told_and_the_others_are_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written = Written()
    written.write_bytes("contracts", b"\xc3\x01nonsense", {})
    written.write_bytes("contracts", b"", {"ce_type": b"nuestream.contracts.SubscriptionChanged"})
    written.write_bytes("contracts", b"not ours, and not asked for", {"ce_type": b"somebody.else"})
    written.write_steps(given(order("O1", seats("S1", 1, "12.00"))).steps)
    assert make(written, tmp_path) == 2
    assert "contracts[0] offset 1 is left out: the record has no value" in caplog.text
    with duckdb.connect(str(tmp_path / "result")) as database:
        assert database.execute("SELECT count(*) FROM changes").fetchall() == [(1,)]


def test_nothing_is_left_of_an_export_that_fails(tmp_path: Path) -> None:
    out = tmp_path / "contracts.duckdb"
    out.write_text("the one before")

    def fail() -> None:
        with place_of(out, force=True) as work:
            (work / "result").write_text("half")
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        fail()
    assert out.read_text() == "the one before"
    assert os.listdir(tmp_path) == ["contracts.duckdb"]


def test_a_disk_or_memory_that_does_not_suffice_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MEMORY", "1MB")
    url = str(tmp_path / "archive")
    archive(url, Settings(), Written())
    with pytest.raises(NuestreamError, match=r"contracts\.duckdb: cannot be written: Out of Memory Error: [^\n]*$"):
        run_export(Settings(), "duckdb", tmp_path / "contracts.duckdb", archive=url, force=False)
    assert os.listdir(tmp_path) == ["archive"]


def archive(url: str, settings: Settings, written: Written) -> None:
    """An archive of one partition per topic."""
    for role, records in (("contracts", written.of("contracts")), ("commands", written.of("commands"))):
        topic = getattr(settings.topics, role)
        told = [
            archived(each.offset, key=each.key, value=each.value, headers=tuple(each.headers.items()))
            for each in records
        ]
        make_archive(url, {0: told}, partitions=1, topic=topic, role=role)


def test_an_archive_of_the_topics_gives_the_same_tables(tmp_path: Path) -> None:
    written = Written()
    written.write_steps(history())
    (tmp_path / "made").mkdir()
    make(written, tmp_path / "made")
    url = str(tmp_path / "archive")
    archive(url, Settings(), written)
    out = tmp_path / "contracts.duckdb"
    assert run_export(Settings(), "duckdb", out, archive=url, force=False) == 0
    with duckdb.connect(str(out)) as database:
        database.execute(f"ATTACH '{tmp_path / 'made' / 'result'}' AS made")
        names = [name for (name,) in database.execute("SELECT DISTINCT table_name FROM duckdb_tables()").fetchall()]
        assert len(names) == 9
        for name in names:
            assert database.execute(f"FROM {name} EXCEPT ALL FROM made.{name}").fetchall() == []
            assert database.execute(f"FROM made.{name} EXCEPT ALL FROM {name}").fetchall() == []


def test_topics_that_are_not_there_are_told(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> None:
    with pytest.raises(NuestreamError, match="nuestream topics create"):
        run_export(settings_on(kafka.bootstrap, topic_prefix), "csv", tmp_path / "out", force=False)
    assert os.listdir(tmp_path) == []


def test_without_duckdb_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(NuestreamError, match=r"nuestream\[analytics\]"):
        run_export(Settings(), "csv", tmp_path / "out", force=False)


def test_the_questions_of_the_readme_have_the_right_answers(tmp_path: Path) -> None:
    assert len(QUERIES) == 4
    today = date.today()  # noqa: DTZ011  as the database has it
    running = {"start_on": (today - timedelta(days=200)).replace(day=1), "end_on": today}
    acme = given(
        order("O1", seats("S1", 100, "120000.00", unit_price=Decimal(100))),
        order("O2", more("S1", 10, "6000.00", **JULY)),
        order("O3", renewed("S1", 90, "108000.00", start_on=date(2026, 1, 1), end_on=date(2026, 12, 31))),
        order("O4", fewer("S1", 10, "9000.00", start_on=date(2026, 4, 1), end_on=date(2026, 12, 31))),
    )
    bolt = History(state=CustomerState("bolt"))
    sold = bolt.when(order("O5", seats("S2", 10, "1200.00", **running), customer_id="bolt"))
    bolt.when(order("O6", seats("S3", 10, "1200.00", **running), customer_id="bolt"))
    bolt.when(order("O7", cancelled("S3", 10, "1200.00", **running), customer_id="bolt"))
    with tables_of(*acme.steps, *bolt.steps, work=tmp_path) as database:
        waterfall, retention, expiring, expansions = (_records(database, query) for query in QUERIES)
    rows = {f"{row['month']:%Y-%m}": row for row in waterfall}
    july, january = rows["2025-07"], rows["2026-01"]
    assert (july["opening"], july["expansion"], july["closing"]) == (120000, 12000, 132000)
    assert (january["opening"], january["renewal"], january["closing"]) == (132000, -24000, 108000)
    assert [tuple(row.values())[1:] for row in retention] == [("USD", 1, 120000, 108000, 90.0)]
    (change,) = changes(sold)
    told = {row["contract_id"]: (row["end_on"], row["subscriptions"], row["expiring_arr"]) for row in expiring}
    assert told.pop("root-S2") == (today, 1, 12 * change.mrr_after)
    assert told.keys() <= {"root-S1"}, "what is cancelled is not up for renewal"
    assert [tuple(row.values()) for row in expansions] == [
        (date(2025, 7, 1), "No. O2", "S1", "USD", 12000, "NUE-SO-O2", "SALES_ORDER", 6000, "root-S1", 225000)
    ]


def _records(database: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    database.execute("SET TimeZone = 'UTC'")
    found = database.execute(query)
    names = [name for name, *_ in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
