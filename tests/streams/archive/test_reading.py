"""An archived topic, read without Kafka."""

from __future__ import annotations

import pickle
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest

from projections.records import LogRecord
from schemas.catalog import schema_text
from schemas.codec import GUID_HEADER, Decoder, Encoder, Malformed
from schemas.policy import PolicyActivated
from streams.archive.kept_schemas import KeptSchemas, SchemasToKeep
from streams.archive.manifest import Manifest
from streams.archive.reading import ArchiveError, ArchiveReader
from streams.archive.storage import Storage
from streams.archive.writing import PartitionWriter
from tests.streams.archive.making import DAY, NOON, TOPIC, make, record
from tests.streams.crashes import activated


def everything(reader: ArchiveReader, partition: int) -> list[LogRecord]:
    return list(reader.records(partition, *reader.extents()[partition]))


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "archive") if request.param == "folder" else f"memory://{uuid.uuid4().hex}/archive"


def test_records_come_back_as_the_log_gives_them(url: str) -> None:
    odd = record(7, key=None, value=None, headers=(("a", b"1"), ("a", None), ("", b"")))
    make(url, {1: [record(5), odd]})
    reader = ArchiveReader(url, TOPIC)
    at = datetime(2025, 11, 25, 12, tzinfo=UTC)
    assert everything(reader, 1) == [
        LogRecord(TOPIC, 1, 5, at, b"key-5", b"value-5", {"ce_id": b"5"}),
        LogRecord(TOPIC, 1, 7, at, None, None, {"a": b"", "": b""}),
    ]
    assert list(reader.archived(1, 0, 9)) == [record(5), odd]


def test_the_extents_are_of_every_partition(url: str) -> None:
    make(url, {1: [record(5), record(7)], 3: [record(0)]})
    assert ArchiveReader(url, TOPIC).extents() == {0: (0, 0), 1: (5, 8), 2: (0, 0), 3: (0, 1)}


def test_a_range_of_offsets_is_read_whatever_files_it_is_in(url: str) -> None:
    make(url, {0: [record(offset, NOON + offset // 3 * DAY) for offset in range(12)]})
    reader = ArchiveReader(url, TOPIC)
    for start, end in ((0, 12), (2, 3), (2, 10), (5, 6), (11, 40), (4, 4)):
        found = [each.offset for each in reader.records(0, start, end)]
        assert found == list(range(start, min(end, 12)))


def test_a_file_holds_one_day_and_those_that_are_a_little_late(url: str) -> None:
    days = [0, 0, 1, 0, 1, 3, 1, 400, 3]
    storage = make(url, {0: [record(offset, NOON + day * DAY) for offset, day in enumerate(days)]})
    assert [(entry.file, entry.records) for entry in Manifest(storage, TOPIC, 0).entries] == [
        ("day=2025-11-25/00000000000000000000.avro", 2),
        ("day=2025-11-26/00000000000000000002.avro", 3),
        ("day=2025-11-28/00000000000000000005.avro", 1),
        ("day=2025-11-26/00000000000000000006.avro", 1),
        ("day=2026-12-30/00000000000000000007.avro", 1),
        ("day=2025-11-28/00000000000000000008.avro", 1),
    ]


def test_timestamps_that_no_date_can_tell_are_kept_and_read_as_in_the_log(url: str) -> None:
    make(url, {0: [record(0, -1), record(1, 2**62), record(2, 0)]})
    reader = ArchiveReader(url, TOPIC)
    assert [each.timestamp for each in reader.archived(0, 0, 3)] == [-1, 2**62, 0]
    assert [each.recorded_at.year for each in everything(reader, 0)] == [1969, 1970, 1970]


def test_a_large_day_is_several_files(url: str) -> None:
    storage = make(url, {0: [record(offset) for offset in range(10)]}, most_bytes=700)
    assert len(Manifest(storage, TOPIC, 0).entries) > 2
    assert [each.offset for each in everything(ArchiveReader(url, TOPIC), 0)] == list(range(10))


def test_appended_records_go_to_further_files_and_leave_the_others_alone(url: str) -> None:
    storage = make(url, {0: [record(0), record(1)]})
    before = {name: storage.read(name) for name in storage.names() if name.endswith(".avro")}
    make(url, {0: [record(2)]})
    after = {name: storage.read(name) for name in storage.names() if name.endswith(".avro")}
    assert len(after) == 2
    assert before.items() <= after.items()
    assert len(everything(ArchiveReader(url, TOPIC), 0)) == 3


def test_the_same_records_make_the_same_bytes(tmp_path: Path) -> None:
    added = {0: [record(offset, NOON + offset * DAY) for offset in range(3)], 2: [record(4)]}
    one, two = (make(str(tmp_path / name), added) for name in ("one", "two"))
    assert one.names() == two.names()
    assert all(one.read(name) == two.read(name) for name in one.names())


def test_a_topic_that_is_not_there_is_told_with_those_that_are(url: str) -> None:
    with pytest.raises(ArchiveError, match=r"has no topic nue\.orders\.v1; it has no topic at all"):
        ArchiveReader(url, TOPIC)
    make(url, {})
    with pytest.raises(ArchiveError, match=r"has no topic other; it has nue\.orders\.v1"):
        ArchiveReader(url, "other")


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:90] + b"\x00" + data[91:], lambda _: b""]
)
def test_nothing_of_a_damaged_file_is_read(url: str, damage) -> None:
    storage = make(url, {0: [record(0), record(1)]})
    name = next(name for name in storage.names() if name.endswith(".avro"))
    storage.write(name, damage(storage.read(name)))
    reader = ArchiveReader(url, TOPIC)
    with pytest.raises(ArchiveError, match=r"0000\.avro is damaged"):
        next(reader.records(0, 0, 2))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda lines: lines[:-5], "its last line is not complete"),
        (lambda lines: lines.split(b"\n", 1)[1].split(b"\n", 1)[1] + lines, "are missing or repeated"),
        (lambda lines: lines.replace(b'"end":1,', b'"end":9,'), "do not fit together"),
        (lambda lines: lines.replace(b'"sha256"', b'"sha"'), "line 1"),
    ],
)
def test_a_damaged_manifest_is_refused(url: str, damage, said: str) -> None:
    storage = make(url, {0: [record(0), record(1, NOON + DAY), record(2, NOON + 2 * DAY)]})
    name = f"{TOPIC}/partition=00000/manifest.jsonl"
    storage.write(name, damage(storage.read(name)))
    with pytest.raises(ArchiveError, match=said):
        ArchiveReader(url, TOPIC)


class OneSchema(KeptSchemas):
    """A registry that knows the policy's schema as number 7 and by a GUID."""

    def __init__(self) -> None:
        known = {"schema": schema_text(PolicyActivated)}
        super().__init__({"7": known, str(uuid.UUID(int=9)): known}.get)


def test_values_are_read_with_the_schemas_that_the_archive_keeps(url: str) -> None:
    body = Encoder(None).encode(TOPIC, activated())[10:]
    by_id = record(0, value=b"\x00\x00\x00\x00\x07" + body)
    by_guid = record(1, value=body, headers=((GUID_HEADER, b"\x01" + uuid.UUID(int=9).bytes),))
    unknown = record(2, value=b"\x00\x00\x00\x00\x08" + body)
    storage = make(url, {})
    writer = PartitionWriter(storage, Manifest(storage, TOPIC, 2), SchemasToKeep(OneSchema()), 0)
    for each in (by_id, by_guid, unknown):
        writer.add(each)
    writer.close()
    reader = pickle.loads(pickle.dumps(ArchiveReader))(url, TOPIC)
    decoder = Decoder(reader.registry())
    read = everything(reader, 2)
    assert [decoder.decode(each.value, list(each.headers.items())) for each in read[:2]] == [activated()] * 2
    with pytest.raises(Malformed, match="the archive has no schema 8"):
        decoder.decode(read[2].value, [])
    with pytest.raises(NotImplementedError):
        reader.registry().id_for(TOPIC, PolicyActivated)


def test_a_schema_that_a_later_export_found_is_found(url: str) -> None:
    body = Encoder(None).encode(TOPIC, activated())[10:]
    make(url, {0: [record(0, value=b"\x00\x00\x00\x00\x07" + body)]})  # without a registry
    with pytest.raises(Malformed, match="this process has none"):
        ArchiveReader(url, TOPIC).registry().schema_by_id(7)
    storage = Storage(url)
    manifest = Manifest(storage, TOPIC, 0)
    writer = PartitionWriter(storage, manifest, SchemasToKeep(OneSchema()), manifest.end)
    writer.add(record(1, value=b"\x00\x00\x00\x00\x07" + body))
    writer.close()
    assert ArchiveReader(url, TOPIC).registry().schema_by_id(7) == schema_text(PolicyActivated)


def test_an_archive_that_no_installed_package_can_reach_is_told(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"no place for an archive|Install"):
        ArchiveReader("nowhere://bucket/archive", TOPIC)
