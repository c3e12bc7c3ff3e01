"""Histories recorded with their documents, as an Avro archive: what later versions must decide alike.

``python -m tests.streams.replay.recording FOLDER`` records one with the rules as they are now. What is recorded in
tests/examples/recorded is never made anew: a change of rules adds a folder, and says in the changelog what changes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from projections.partitions import partition_of
from projections.records import LogRecord
from schemas.headers import headers_of
from schemas.policy import MixedOrders, Policy, PolicyActivated
from streams.archive.envelope import Archived
from tests.streams.archive.making import make
from tests.streams.crashes import AT, ENCODER, TOPICS, Durable, Worker
from tests.streams.eventful import eventful_log, waiting_log
from tests.streams.order_flow import arrivals

PARTITIONS = 2
TIMESTAMP = int(AT.timestamp() * 1000)


def recorded_log(seed: int = 17, orders: int = 250) -> dict[int, list[LogRecord]]:
    """A log of late, wrong and unreadable orders, of orders that wait, and of what is said of them; by partition."""
    log: dict[int, list[LogRecord]] = {partition: [] for partition in range(PARTITIONS)}
    records = arrivals(seed, orders, customers=12)
    half = len(records) // 2
    _activate(log, Policy())
    for record in records[:half]:
        _append(log, record.key, record.value, dict(record.headers))
    for record in (*eventful_log(), *waiting_log()):
        if not (record.key or b"").startswith(b"policy/"):
            _append(log, record.key, record.value, dict(record.headers))
    _activate(log, Policy(mixed_orders=MixedOrders.SPLIT, tenant_time_zone="Asia/Tokyo"))
    for record in records[half:]:
        _append(log, record.key, record.value, dict(record.headers))
    return log


def _append(
    log: dict[int, list[LogRecord]], key: bytes | None, value: bytes | None, headers: Mapping[str, bytes]
) -> None:
    partition = partition_of(key or b"", PARTITIONS)
    log[partition].append(LogRecord(TOPICS.orders, partition, len(log[partition]), AT, key, value, headers))


def _activate(log: dict[int, list[LogRecord]], policy: Policy) -> None:
    for partition, records in log.items():
        said = PolicyActivated(
            event_id=f"policy-{partition}-{len(records)}",
            partition=partition,
            partitions=PARTITIONS,
            activated_at=AT,
            activated_by="ada",
            policy=policy,
        )
        key, value = f"policy/{partition}".encode(), ENCODER.encode(TOPICS.orders, said)
        records.append(LogRecord(TOPICS.orders, partition, len(records), AT, key, value, dict(headers_of(said))))


def record(url: str, log: Mapping[int, list[LogRecord]]) -> None:
    """Write the log, and the commands that the projector makes of it, to a new archive."""
    orders = {partition: [_archived(each) for each in records] for partition, records in log.items()}
    commands = {partition: list(_commands(partition, records)) for partition, records in log.items()}
    make(url, orders, PARTITIONS, topic=TOPICS.orders, role="orders")
    make(url, commands, PARTITIONS, topic=TOPICS.commands, role="commands")


def _archived(each: LogRecord) -> Archived:
    return Archived(each.offset, TIMESTAMP, 1, each.key, each.value, tuple(each.headers.items()))


def _commands(partition: int, records: list[LogRecord]) -> Iterator[Archived]:
    durable = Durable()
    Worker(durable, partition=partition).run(records)
    said = [each for each in durable.outputs if each.topic == TOPICS.commands]
    for offset, each in enumerate(said):
        # where an upsert stands does not matter here: documents alone are compared
        yield Archived(offset, TIMESTAMP, 1, each.key, each.value, tuple(each.headers))


if __name__ == "__main__":
    record(str(Path(sys.argv[1]).resolve()), recorded_log())
