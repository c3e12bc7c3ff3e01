"""Where the projector's state is kept on this machine: in memory, or in RocksDB on a disk that survives.

Both keep each partition apart, and beside its records the offset of the changelog up to which they are complete.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from faust.stores import memory, rocksdb
from faust.types import TP

from projections.forms import Record
from streams.errors import NuestreamError

_FAMILY = 2  # keys begin with what they are, so that those of one kind are found without looking at all
_MIB = 1 << 20

ROCKSDB_OPTIONS = {
    "block_cache_size": 64 * _MIB,
    "write_buffer_size": 32 * _MIB,
    "max_write_buffer_number": 2,
    "bloom_filter_size": 10,
    "max_open_files": 256,
}
"""Per partition; Faust's own defaults are two gigabytes of cache and nine tenths of all file handles."""


class UnusableStore(NuestreamError):
    """The state that this machine keeps cannot be used; the text says what to do."""


class PartitionStore(Protocol):
    """What both stores do, beyond what Faust asks of them."""

    def read(self, partition: int, key: bytes) -> bytes | None:
        """A record, or None."""

    def write(self, partition: int, records: Iterable[Record], offset: int | None) -> None:
        """Put or delete ``records`` in their order; the partition is then complete up to ``offset``, if one is given.

        All of it or nothing survives a crash. A partition that is not held is left alone.
        """

    def keys_with(self, partition: int, prefix: bytes) -> Iterator[bytes]:
        """The keys of a partition that begin with ``prefix``, as they are at this moment."""


class MemoryStore(memory.Store):  # type: ignore[misc]
    """Faust's ``memory://``, with partitions apart: a standby keeps what it has read when it takes over."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._held: dict[int, dict[bytes, dict[bytes, bytes]]] = {}
        self._offsets: dict[int, int] = {}

    def read(self, partition: int, key: bytes) -> bytes | None:
        """See :class:`PartitionStore`."""
        families = self._held.get(partition)
        family = families.get(key[:_FAMILY]) if families else None
        return family.get(key) if family else None

    def write(self, partition: int, records: Iterable[Record], offset: int | None) -> None:
        """See :class:`PartitionStore`."""
        families = self._held.get(partition)
        if families is None:  # revoked meanwhile: what is there would not be complete
            return
        for key, value in records:
            if value is not None:
                families.setdefault(key[:_FAMILY], {})[key] = value
            elif family := families.get(key[:_FAMILY]):
                family.pop(key, None)
        if offset is not None:
            self._offsets[partition] = max(offset, self._offsets.get(partition, -1))

    def keys_with(self, partition: int, prefix: bytes) -> Iterator[bytes]:
        """See :class:`PartitionStore`."""
        families = self._held.get(partition, {})
        near = [name for name in families if name.startswith(prefix[:_FAMILY])]
        return iter([key for name in near for key in families[name] if key.startswith(prefix)])

    def persisted_offset(self, tp: TP) -> int | None:
        """The changelog offset up to which the partition is complete; memory is as good as a disk while it lasts."""
        return self._offsets.get(tp.partition)

    def set_persisted_offset(self, tp: TP, offset: int) -> None:
        """Offsets are written with the records that they stand for."""

    async def on_rebalance(
        self,
        assigned: set[TP],  # noqa: ARG002  Faust's signature
        revoked: set[TP],
        newly_assigned: set[TP],
        generation_id: int = 0,  # noqa: ARG002
    ) -> None:
        """Let go of what others own now, and make room for what is new."""
        topics = self.table.changelog_topic.topics
        for place in revoked:
            if place.topic in topics:
                self._held.pop(place.partition, None)
                self._offsets.pop(place.partition, None)
        for place in newly_assigned:
            if place.topic in topics:
                self._held.setdefault(place.partition, {})

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Faust would drop here what standbys have read."""


class RocksStore(rocksdb.Store):  # type: ignore[misc]
    """Faust's ``rocksdb://``, asked by partition, with handles that are closed when they are let go."""

    def read(self, partition: int, key: bytes) -> bytes | None:
        """See :class:`PartitionStore`."""
        found: bytes | None = self._db_for_partition(partition).get(key)
        return found

    def write(self, partition: int, records: Iterable[Record], offset: int | None) -> None:
        """See :class:`PartitionStore`."""
        batch = rocksdb.WriteBatch(raw_mode=True)
        for key, value in records:
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        if offset is not None:
            batch.put(self.offset_key, str(offset).encode())
        self._db_for_partition(partition).write(batch)

    def keys_with(self, partition: int, prefix: bytes) -> Iterator[bytes]:
        """See :class:`PartitionStore`."""
        for key in self._db_for_partition(partition).keys(from_key=prefix):
            if not key.startswith(prefix):
                return
            if key != self.offset_key:
                yield key

    def revoke_partitions(self, table: Any, tps: set[TP]) -> None:
        """Close the databases of partitions that others own now."""
        for place in tps:
            if place.topic in table.changelog_topic.topics and (db := self._dbs.pop(place.partition, None)) is not None:
                db.close()

    async def stop(self) -> None:
        """Close all databases."""
        for db in self._dbs.values():
            db.close()
        self._dbs.clear()
        gc.collect()

    async def _try_open_db_for_partition(self, partition: int, *_: Any, **__: Any) -> Any:
        # The folder is this worker's alone: to wait for another to let go of it would be in vain.
        return self._db_for_partition(partition)

    def _open_for_partition(self, partition: int) -> Any:
        path: Path = self.partition_path(partition)
        try:
            return self.rocksdb_options.open(path)
        except Exception as error:  # rocksdict has no narrower one
            raise UnusableStore(
                f"the state kept in {path} cannot be read ({error}): delete that folder, and the worker reads the "
                "state from its changelog again"
            ) from error


def new_store(store: str, table: Any) -> Any:
    """A store for ``table``, by its name in the settings: ``memory`` or ``rocksdb``."""
    kind, options = (MemoryStore, {}) if store == "memory" else (RocksStore, dict(ROCKSDB_OPTIONS))
    return kind(
        f"{store}://",
        table.app,
        table,
        table_name=table.name,
        key_type=bytes,
        value_type=bytes,
        key_serializer="raw",
        value_serializer="raw",
        loop=table.loop,
        options=options,
    )
