"""`nuestream archive export` and `import` as processes that are killed at random moments, and run again."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from streams.archive.exporting import Export
from streams.archive.importing import Import
from streams.archive.kept_schemas import SchemasToKeep
from streams.archive.live import Chosen
from streams.archive.reading import ArchiveReader
from streams.archive.storage import Storage
from streams.reading import TopicReader
from streams.settings import Settings
from tests.environment import Kafka
from tests.streams.archive.bus import PARTITIONS, create, held, produce
from tests.streams.archive.making import DAY, NOON, record
from tests.streams.own_topics import settings_on

KILLS = int(os.environ.get("NUESTREAM_ARCHIVE_KILLS", "1"))
RECORDS = 4_000
DAYS = 15
ROOT = Path(__file__).parents[3]


@pytest.fixture
def settings(kafka: Kafka, topic_prefix: str) -> Settings:
    made = settings_on(kafka.bootstrap, topic_prefix)
    create(made, made.topics.orders)
    chance = random.Random(1)
    records = (record(0, NOON + number * DAYS // RECORDS * DAY) for number in range(RECORDS))
    produce(made, made.topics.orders, ((chance.randrange(PARTITIONS), each) for each in records))
    return made


def started(settings: Settings, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUESTREAM_")} | {
        "PYTHONPATH": str(ROOT),
        "NUESTREAM_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "NUESTREAM_TOPICS__ORDERS": settings.topics.orders,
    }
    command = [sys.executable, "-m", "streams.cli", "archive", *arguments, "--topics", "orders"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def killed(process: subprocess.Popen[bytes], begun: Callable[[], bool], longest: float, chance: random.Random) -> bool:
    """Kill a process some time after its work has `begun`; whether it was still at it."""
    until = time.monotonic() + 60
    while not begun() and process.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.005)
    time.sleep(chance.uniform(0, longest))
    process.kill()
    said = process.communicate()[0].decode()
    assert process.returncode in (0, -9), said
    return process.returncode == -9


def export(settings: Settings, url: str) -> None:
    with TopicReader(settings.kafka) as reader:
        Export(Storage(url), reader, SchemasToKeep(None), None).run([Chosen("orders", settings.topics.orders)])


def files(url: str) -> dict[str, bytes]:
    return {name: Storage(url).read(name) or b"" for name in Storage(url).names()}


def test_exports_that_are_killed_leave_the_files_of_one_clean_export(settings: Settings, tmp_path: Path) -> None:
    topic, chance, at_work = settings.topics.orders, random.Random(2), 0
    clean, url = str(tmp_path / "clean"), str(tmp_path / "killed")
    began = time.monotonic()
    export(settings, clean)
    longest = time.monotonic() - began
    wanted = files(clean)
    assert len(wanted) == DAYS * PARTITIONS + PARTITIONS + 1
    for number in range(KILLS):
        if number % 5 == 0:
            shutil.rmtree(url, ignore_errors=True)  # a later one would have nothing left to do
        described = Path(url, topic, "topic.json")
        at_work += killed(started(settings, "export", "--to", url), described.exists, longest / 3, chance)
        reader = ArchiveReader(url, topic)
        for partition, extent in reader.extents().items():
            offsets = [each.offset for each in reader.archived(partition, *extent)]
            assert offsets == list(range(len(offsets)))
    print(f"{at_work} of {KILLS} exports were killed at work")
    assert at_work >= KILLS // 2
    export(settings, url)
    assert files(url) == wanted


def test_imports_that_are_killed_write_every_record_once(settings: Settings, tmp_path: Path) -> None:
    topic, url, chance, at_work = settings.topics.orders, str(tmp_path), random.Random(3), 0
    export(settings, url)
    wanted = held(settings, topic)
    for number in range(max(1, KILLS // 5)):
        target = f"{topic}.again-{number}"
        with TopicReader(settings.kafka) as reader:

            def begun(reader: TopicReader = reader, target: str = target) -> bool:
                return any(high for _, high in reader.extents(target).values())

            for _ in range(min(5, KILLS)):
                process = started(settings, "import", "--from", url, "--as", target)
                at_work += killed(process, begun, 0.3, chance)
            done = Import(settings, reader).run({target: ArchiveReader(url, topic)})
        assert sum(len(records) for records in wanted.values()) == done[0].found + done[0].records
        assert held(settings, target) == wanted
    print(f"{at_work} imports were killed at work")
    assert at_work >= KILLS // 5
