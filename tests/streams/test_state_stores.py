"""What both stores of the projector's state do alike: partitions apart, deletions, and offsets with their records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from streams.state_stores import UnusableStore, new_store
from streams.state_table import StateTable, what_counts

CHANGELOG = "stored-state-changelog"


def at(position: int, content: str = "") -> bytes:
    """A table record as it was written at a log position."""
    return b"\x01" + position.to_bytes(8, "big", signed=True) + content.encode()


def store_in(folder: Path, kind: str) -> Any:
    app = faust.App("stored", broker="kafka://nowhere", datadir=str(folder), store=f"{kind}://")
    table = StateTable(app, name="state", store=kind, on_fault=lambda _: None)
    app.conf.tabledir.mkdir(parents=True, exist_ok=True)
    return new_store(kind, table)


@pytest.fixture(params=["memory", "rocksdb"])
def reopen(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Any]:
    return lambda: store_in(tmp_path, request.param)


async def holding(store: Any, *partitions: int) -> Any:
    places = {TP(CHANGELOG, each) for each in partitions}
    await store.on_rebalance(places, set(), places)
    return store


async def test_partitions_are_kept_apart(reopen: Callable[[], Any]) -> None:
    store = await holding(reopen(), 0, 1)
    store.write(0, [(b"c\x00one", b"a")], 4)
    store.write(1, [(b"c\x00one", b"b")], 9)
    assert (store.read(0, b"c\x00one"), store.read(1, b"c\x00one")) == (b"a", b"b")
    assert [store.persisted_offset(TP(CHANGELOG, each)) for each in (0, 1)] == [4, 9]


async def test_records_are_put_and_deleted_in_their_order(reopen: Callable[[], Any]) -> None:
    store = await holding(reopen(), 0)
    store.write(0, [(b"w\x00a", b"1"), (b"w\x00a", None), (b"w\x00b", None), (b"w\x00b", b"2")], 3)
    assert (store.read(0, b"w\x00a"), store.read(0, b"w\x00b")) == (None, b"2")
    store.write(0, [(b"w\x00b", None), (b"w\x00never", None)], 4)
    assert store.read(0, b"w\x00b") is None


async def test_keys_are_found_by_their_beginning(reopen: Callable[[], Any]) -> None:
    store = await holding(reopen(), 0)
    keys = [b"w\x00cust\x001", b"w\x00cust\x002", b"w\x00custard\x003", b"c\x00cust", b"policy\x000"]
    store.write(0, [(key, b"x") for key in keys], 5)
    assert sorted(store.keys_with(0, b"w\x00cust\x00")) == keys[:2]
    assert sorted(store.keys_with(0, b"w\x00")) == keys[:3]
    assert sorted(store.keys_with(0, b"")) == sorted(keys)
    assert list(store.keys_with(0, b"x")) == []


async def test_a_partition_that_was_let_go_is_not_added_to(tmp_path: Path) -> None:
    store = await holding(store_in(tmp_path, "memory"), 0)
    store.write(0, [(b"c\x00one", b"a")], 4)
    await store.on_rebalance(set(), {TP(CHANGELOG, 0)}, set())
    store.write(0, [(b"c\x00two", b"b")], 5)
    await holding(store, 0)
    assert store.persisted_offset(TP(CHANGELOG, 0)) is None
    assert store.read(0, b"c\x00two") is None


async def test_a_disk_keeps_records_with_their_offset_and_lets_go_of_its_files(tmp_path: Path) -> None:
    store = await holding(store_in(tmp_path, "rocksdb"), 0, 1)
    store.write(0, [(b"c\x00one", b"a")], 4)
    store.write(1, [(b"c\x00two", b"b")], 6)
    await store.on_rebalance({TP(CHANGELOG, 0)}, {TP(CHANGELOG, 1)}, set())
    other = store_in(tmp_path, "rocksdb")
    assert other.read(1, b"c\x00two") == b"b"  # would be locked, were it still open
    await store.stop()
    assert other.read(0, b"c\x00one") == b"a"
    assert other.persisted_offset(TP(CHANGELOG, 0)) == 4
    await other.stop()


async def test_a_damaged_disk_is_told_with_what_to_do(tmp_path: Path) -> None:
    store = await holding(store_in(tmp_path, "rocksdb"), 0)
    await store.stop()
    for manifest in store.partition_path(0).glob("MANIFEST*"):
        manifest.write_bytes(b"not what RocksDB wrote")
    with pytest.raises(UnusableStore, match="delete that folder"):
        store.read(0, b"c\x00one")


def test_of_two_records_the_one_with_the_higher_position_counts_whenever_it_was_written() -> None:
    held = {b"a": at(5), b"b": at(5), b"c": at(5)}
    batch = [(b"a", at(4)), (b"b", at(6)), (b"b", at(5, "late")), (b"c", at(5, "again")), (b"d", at(0))]
    assert what_counts(batch, held.get) == {b"b": at(6), b"c": at(5, "again"), b"d": at(0)}


def test_a_deletion_goes_by_its_place_in_the_changelog() -> None:
    assert what_counts([(b"a", None)], {b"a": at(5)}.get) == {b"a": None}
    assert what_counts([(b"a", None), (b"a", at(3))], {b"a": at(5)}.get) == {b"a": at(3)}
    assert what_counts([(b"a", at(6)), (b"a", None)], {b"a": at(5)}.get) == {b"a": None}


RECORDS = st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.none() | st.integers(0, 9).map(at)), max_size=12)


@given(RECORDS, st.integers(0, 12))
def test_it_makes_no_difference_how_the_changelog_is_cut_into_batches(
    records: list[tuple[bytes, bytes | None]], cut: int
) -> None:
    whole = what_counts(records, {}.get)
    first = what_counts(records[:cut], {}.get)
    second = what_counts(records[cut:], first.get)
    assert {**first, **second} == whole
