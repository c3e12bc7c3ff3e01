"""Archives for tests, made without Kafka."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from streams.archive.envelope import Archived
from streams.archive.kept_schemas import SchemasToKeep
from streams.archive.manifest import FORMAT, ArchivedTopic, Manifest, begin_topic
from streams.archive.storage import Storage
from streams.archive.writing import MOST_BYTES, PartitionWriter

TOPIC = "nue.orders.v1"
NOON = 1_764_072_000_000  # 2025-11-25T12:00Z
DAY = 86_400_000


def record(offset: int, timestamp: int = NOON, **over: object) -> Archived:
    """A record at `offset`; the fields `over` are its own."""
    plain = Archived(offset, timestamp, 1, b"key-%d" % offset, b"value-%d" % offset, (("ce_id", b"%d" % offset),))
    return plain._replace(**over)  # type: ignore[arg-type]


def make(
    url: str,
    records: Mapping[int, Iterable[Archived]],
    partitions: int = 4,
    most_bytes: int = MOST_BYTES,
    topic: str = TOPIC,
    role: str = "orders",
) -> Storage:
    """Append records, by their partitions, to the archive of a topic at `url`."""
    storage = Storage(url)
    begin_topic(storage, ArchivedTopic(format=FORMAT, topic=topic, role=role, partitions=partitions))
    for partition, added in records.items():
        manifest = Manifest(storage, topic, partition)
        writer = PartitionWriter(storage, manifest, SchemasToKeep(None), manifest.end, most_bytes)
        for each in added:
            writer.add(each)
        writer.close()
    return storage
