"""`nuestream archive verify`, on archives that somebody or something has damaged."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.archive.manifest import Manifest
from streams.archive.storage import Storage
from streams.cli import cli
from tests.streams.archive.making import DAY, NOON, TOPIC, make, record

DAYS = {partition: [record(number, NOON + number * DAY) for number in range(4)] for partition in (0, 2)}
FILE = f"{TOPIC}/partition=00002/day=2025-11-27/00000000000000000002.avro"
MANIFEST = f"{TOPIC}/partition=00002/manifest.jsonl"


def verify(url: str, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(cli, ["archive", "verify", "--from", url, *options], catch_exceptions=False)
    return done.exit_code, done.output


@pytest.fixture
def url() -> str:
    return f"memory://{uuid.uuid4().hex}"


def change(name: str, how: Callable[[bytes], bytes]) -> Callable[[Storage], None]:
    return lambda storage: storage.write(name, how(storage.read(name) or b""))


def forge(storage: Storage) -> None:
    """Put another file in the place of one, as its manifest says."""
    entry = Manifest(storage, TOPIC, 2).entries[2]
    make("memory://forged", {2: [record(2, NOON + 2 * DAY, value=b"forged")]})
    forged = Storage("memory://forged")
    other = Manifest(forged, TOPIC, 2).entries[-1]
    storage.write(FILE, forged.read(f"{TOPIC}/partition=00002/{other.file}") or b"")
    said = storage.read(MANIFEST) or b""
    said = said.replace(entry.sha256.encode(), other.sha256.encode())
    said = said.replace(b'"bytes":%d' % entry.bytes, b'"bytes":%d' % other.bytes)
    storage.write(MANIFEST, said.replace(b'"records":1,', b'"records":2,'))


def test_a_sound_archive_is_told_to_be_sound(url: str) -> None:
    make(url, DAYS)
    status, output = verify(url, "--json")
    (told,) = json.loads(output)
    assert (status, told["sound"], told["records"], told["files"]) == (0, True, 8, 8)
    assert told["malformed"] == 8  # the values are no records of ours, and never were


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (change(FILE, lambda data: data[:60] + b"\x00" + data[61:]), f"{FILE} is damaged"),
        (change(FILE, lambda data: data[:-20]), f"{FILE} is damaged"),
        (lambda storage: storage._files.rm_file(f"{storage._root}/{FILE}"), f"{FILE} is missing"),
        (lambda storage: storage._files.rm_file(f"{storage._root}/{MANIFEST}"), f"{MANIFEST} is missing"),
        (change(MANIFEST, lambda data: data[:-30]), f"{MANIFEST} is damaged"),
        (change(MANIFEST, lambda data: b"".join(data.splitlines(keepends=True)[::2])), f"{MANIFEST} is damaged"),
        (
            change(f"{TOPIC}/topic.json", lambda data: data.replace(b'"partitions": 4', b'"partitions": "')),
            "topic.json",
        ),
        (forge, "its manifest tells another number of records"),
    ],
    ids=["flipped", "torn", "missing", "no-manifest", "torn-manifest", "gap", "topic", "miscounted"],
)
def test_what_is_damaged_is_named(url: str, damage: Callable[[Storage], None], said: str) -> None:
    storage = make(url, DAYS)
    damage(storage)
    status, output = verify(url)
    assert status == 1
    assert said in output.replace("\n", " ")


def test_all_that_is_damaged_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    storage = make(str(tmp_path), DAYS)
    for partition in (0, 2):
        change(FILE.replace("00002/", f"0000{partition}/", 1), lambda _: b"gone")(storage)
    (tmp_path / TOPIC / "partition=00000" / "day=2025-11-30").mkdir()
    (tmp_path / TOPIC / "partition=00000" / "day=2025-11-30" / "00000000000000000004.avro").write_bytes(b"stray")
    status, output = verify(str(tmp_path), "--json")
    (told,) = json.loads(output)
    assert (status, told["sound"], told["records"], len(told["damage"])) == (1, False, 6, 2)
    assert told["strays"] == [f"{TOPIC}/partition=00000/day=2025-11-30/00000000000000000004.avro"]


def test_what_is_no_archive_cannot_be_verified(tmp_path: Path) -> None:
    assert verify(str(tmp_path)) == (2, f"nuestream: {tmp_path} holds no archive\n")
    make(str(tmp_path), DAYS)
    status, output = verify(str(tmp_path), "--topics", "orders,contracts")
    assert (status, "has no topic contracts; it has nue.orders.v1" in output) == (2, True)
