"""Exports that are cut off at each of their writes, and continued."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from streams.archive import writing
from streams.archive.envelope import Archived
from streams.archive.exporting import alone
from streams.archive.kept_schemas import SchemasToKeep
from streams.archive.manifest import FORMAT, ArchivedTopic, Manifest, begin_topic
from streams.archive.reading import ArchiveError, ArchiveReader
from streams.archive.storage import Storage
from streams.archive.writing import PartitionWriter
from tests.streams.archive.making import DAY, NOON, TOPIC, record

RECORDS = [record(offset, NOON + offset // 4 * DAY) for offset in range(22) if offset != 13]


class Crash(BaseException):
    """The process is gone."""


class Failing(Storage):
    """Is gone at its ``moment``-th write: before it, in the middle of it or after it."""

    def __init__(self, url: str, moment: int, phase: str) -> None:
        super().__init__(url)
        self._left = moment
        self._phase = phase

    def write(self, name: str, data: bytes) -> None:
        self._left -= 1
        if self._left >= 0:
            super().write(name, data)
            return
        assert self.folder is not None
        if self._phase == "torn":
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            (path.parent / f".{path.name}.part").write_bytes(data[: len(data) // 2])
        elif self._phase == "after":
            super().write(name, data)
        raise Crash


def export(storage: Storage, log: list[Archived]) -> None:
    if storage.read(f"{TOPIC}/topic.json") is None:
        begin_topic(storage, ArchivedTopic(format=FORMAT, topic=TOPIC, role="orders", partitions=1))
    manifest = Manifest(storage, TOPIC, 0)
    writer = PartitionWriter(storage, manifest, SchemasToKeep(None), manifest.end)
    for each in log:
        if each.offset >= manifest.end:
            writer.add(each)
    writer.close()


def files(folder: Path) -> dict[str, bytes]:
    storage = Storage(str(folder))
    return {name: storage.read(name) or b"" for name in storage.names()}


@pytest.mark.parametrize("phase", ["before", "torn", "after"])
@pytest.mark.parametrize("every", [0.0, 3600.0], ids=["manifest-per-file", "one-manifest"])
def test_an_export_that_is_cut_off_anywhere_goes_on_to_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, phase: str, every: float
) -> None:
    monkeypatch.setattr(writing, "_MANIFEST_EVERY", every)
    export(Storage(str(tmp_path / "clean")), RECORDS)
    wanted = files(tmp_path / "clean")
    assert len(wanted) == 8  # six days, the manifest and the topic
    for moment in count():
        folder = tmp_path / str(moment)
        cut_off = False
        try:
            export(Failing(str(folder), moment, phase), RECORDS)
        except Crash:
            cut_off = True
        if cut_off and (folder / TOPIC / "topic.json").exists():
            reader = ArchiveReader(str(folder), TOPIC)  # what is there is whole
            found = list(reader.archived(0, 0, 99))
            assert found == RECORDS[: len(found)]
        export(Storage(str(folder)), RECORDS)
        assert files(folder) == wanted
        if not cut_off:
            assert moment >= 9
            return


def test_a_log_that_grew_meanwhile_is_continued_without_repetition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_MANIFEST_EVERY", 3600.0)
    for moment in range(2, 8):
        folder = tmp_path / str(moment)
        with pytest.raises(Crash):
            export(Failing(str(folder), moment, "after"), RECORDS[:18])
        export(Storage(str(folder)), RECORDS)
        assert list(ArchiveReader(str(folder), TOPIC).archived(0, 0, 99)) == RECORDS
        # whoever reads the files themselves, without the manifest, finds every record once
        names = [name for name in files(folder) if name.endswith(".avro")]
        assert len(names) in (6, 7)
        assert len(names) == len(Manifest(Storage(str(folder)), TOPIC, 0).entries)


def test_only_one_export_writes_to_a_folder_at_a_time(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path / "new"))
    with alone(storage), pytest.raises(ArchiveError, match="another export is writing"), alone(storage):
        pass
    with alone(storage):
        assert storage.names() == []


def test_an_export_beside_another_is_noticed_where_nothing_can_be_held(tmp_path: Path) -> None:
    storage = Storage(str(tmp_path))
    export(storage, RECORDS[:4])
    one, two = Manifest(storage, TOPIC, 0), Manifest(storage, TOPIC, 0)
    steps: list[Callable[[], None]] = []
    for manifest in (one, two):
        writer = PartitionWriter(storage, manifest, SchemasToKeep(None), manifest.end)
        for each in RECORDS[4:9]:
            writer.add(each)
        steps.append(writer.close)
    steps[0]()
    with pytest.raises(ArchiveError, match="changed by another export"):
        steps[1]()
