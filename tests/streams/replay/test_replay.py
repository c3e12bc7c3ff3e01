"""On a real Kafka: what Faust's workers said, a replay says again, from the topic and from its archive.

How much of it: `NUESTREAM_REPLAY_ORDERS` orders (default 400), from `NUESTREAM_REPLAY_SEED`; both are printed.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from projections.partitions import partition_of
from schemas.codec import Decoder
from schemas.command import UpsertCustomer, UpsertItem
from streams.replay.outputs import read_said
from streams.sending import Sender
from streams.settings_connect import KafkaSettings
from tests.environment import Kafka
from tests.pipeline import Pipeline
from tests.streams.order_flow import Arrival, Person, arrivals
from tests.streams.said import Lane, Record, Said, differences, said

ORDERS = int(os.environ.get("NUESTREAM_REPLAY_ORDERS", "400"))
SEED = int(os.environ.get("NUESTREAM_REPLAY_SEED", str(random.SystemRandom().randrange(1 << 30))))
ROLES = ("contracts", "commands", "quarantine")
PARTITIONS = 4
ANOTHER_POLICY = {"POLICY__MIXED_ORDERS": "split", "POLICY__TENANT_TIME_ZONE": "America/New_York"}


@pytest.fixture(scope="module")
def decided(kafka: Kafka, module_prefix: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A log with late, wrong and unreadable orders, what people said of them, and a policy change: all decided."""
    print(f"\nseed {SEED}: {ORDERS} orders")
    pipeline = Pipeline(tmp_path_factory.mktemp("replay"), kafka.bootstrap, module_prefix)
    records = arrivals(SEED % 1000, ORDERS, customers=max(30, ORDERS // 20))
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap)
    person = Person(settings, pipeline.topic("quarantine"), PARTITIONS, pipeline.topic("orders"))
    try:
        pipeline.run("topics", "create")
        pipeline.start("project")
        person.start()
        began = time.monotonic()
        publish(settings, pipeline, records[: ORDERS // 2])
        pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 900, "project")
        pipeline.run("policy", "activate", "--yes", over=ANOTHER_POLICY)
        publish(settings, pipeline, records[ORDERS // 2 :])
        pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 900, "project")
        time.sleep(1)  # the person reads the last of it
        person.gone.set()
        person.join()
        assert person.error is None
        assert person.said
        pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 60, "project")
        print(f"decided by Faust in {time.monotonic() - began:.1f} s; {dict(person.said)}")
        assert pipeline.stop("project") == 0
        yield pipeline
    finally:
        pipeline.close()


def publish(settings: KafkaSettings, pipeline: Pipeline, records: list[Arrival]) -> None:
    sender = Sender(settings)
    for record in records:
        sender.send(pipeline.topic("orders"), *record)
    sender.flush()


def said_by_faust(pipeline: Pipeline) -> Said:
    return said(KafkaSettings(bootstrap_servers=pipeline.bootstrap), {role: pipeline.topic(role) for role in ROLES})


def said_in(folder: Path) -> Said:
    """What a replay wrote, on the partitions on which Kafka would have it."""
    found, decoder = Said(), Decoder(None)
    for role in ROLES:
        for path in sorted((folder / role).iterdir()):
            for each in read_said(path):
                key, value, headers = each["key"], each["value"], tuple(each["headers"].items())
                content = decoder.decode(value, headers)
                customer = content.origin.customer_id if isinstance(content, UpsertCustomer | UpsertItem) else None
                record = Record(partition_of(key, PARTITIONS), key, value, headers)
                found.lanes.setdefault(Lane(role, key, customer), []).append(record)
                found.records[type(content).__name__] += 1
    return found


def test_a_replay_says_to_the_byte_what_faust_said(decided: Pipeline, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    told = decided.run("replay", "--out", out, "--write", ",".join(ROLES), "--json")
    expected = said_by_faust(decided)
    assert differences(said_in(tmp_path / "out"), expected) == []
    print(expected.records)
    for name in ("OrderDecided", "Held", "Quarantined", "Settled", "CreateSalesOrder", "CreateReturnAuthorization"):
        assert expected.records[name] > 0, name
    report = json.loads(told.stdout)
    assert report["records"] == sum(decided.ends("orders").values())
    assert sum(report["outcomes"].values()) == expected.records["OrderDecided"]


def test_a_replay_of_the_archive_says_the_same(decided: Pipeline, tmp_path: Path) -> None:
    archive = str(tmp_path / "archive")
    decided.run("archive", "export", "--to", archive, "--topics", "orders")
    out = str(tmp_path / "out")
    nowhere = {"KAFKA__BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    decided.run("replay", "--archive", archive, "--out", out, "--write", ",".join(ROLES), over=nowhere)
    assert differences(said_in(tmp_path / "out"), said_by_faust(decided)) == []


def test_machines_that_share_a_replay_put_its_files_together(decided: Pipeline, tmp_path: Path) -> None:
    kinds = "commands,contracts,quarantine,state"
    for name, partitions in (("first", "0-1"), ("second", "3,2"), ("whole", "0-3")):
        more = ("--processes", "1") if name == "first" else ()
        decided.run("replay", "--partitions", partitions, "--out", str(tmp_path / name), "--write", kinds, *more)
    shutil.copytree(tmp_path / "second", tmp_path / "first", dirs_exist_ok=True)
    assert contents(tmp_path / "first") == contents(tmp_path / "whole")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_replay_that_is_interrupted_says_so_and_leaves_no_process_behind(decided: Pipeline, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "streams.cli", "replay", "--out", str(tmp_path / "out"), "--write", "state"]
    replay = subprocess.Popen(
        command,
        env=decided.environment(),
        cwd=decided.folder,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    time.sleep(0.7)
    os.killpg(replay.pid, signal.SIGINT)
    _, remarks = replay.communicate(timeout=60)
    # it may have been through, or not yet have begun
    assert "Traceback" not in remarks, remarks
    assert replay.returncode in (0, 1, 130, -signal.SIGINT)
    assert not list(tmp_path.rglob("*.part"))
    with pytest.raises(ProcessLookupError):
        os.killpg(replay.pid, 0)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--partitions", "9"), "has partitions 0 to 3, and no 9"),
        (("--known-at", "yesterday"), "'yesterday' is no instant such as"),
        (("--write", "commands"), "--write and --out go together"),
        (("--write", "invoices", "--out", "x"), "invoices: there are commands, contracts, quarantine, state"),
        (("--archive", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_replayed_is_told_in_a_sentence(
    decided: Pipeline, arguments: tuple[str, ...], told: str
) -> None:
    done = decided.run("replay", *arguments, status=2)
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_topic_that_is_not_there_is_named(decided: Pipeline) -> None:
    done = decided.run("replay", over={"TOPICS__ORDERS": "no-such-topic"}, status=2)
    assert "there is no topic no-such-topic in" in done.stderr
