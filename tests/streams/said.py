"""Everything that projectors said on their topics, with the copies dropped that a reader drops."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from confluent_kafka import Message

from schemas.codec import Decoder
from schemas.command import UpsertCustomer, UpsertItem
from streams.reading import TopicReader
from streams.settings_connect import KafkaSettings


class Record(NamedTuple):
    """What has to be the same, to the byte: where a record stands, its key, its Avro body and its headers."""

    partition: int
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    @property
    def name(self) -> tuple[bytes, bytes]:
        """Which event it is; a reader drops all but the first record of one name."""
        named = dict(self.headers)
        return named["ce_source"], named["ce_id"]


class Lane(NamedTuple):
    """Within what the order is promised: one key of one topic, and of an upsert the customer whose orders it is from.

    An item is ordered by customers of several partitions, which run side by side.
    """

    role: str
    key: bytes
    customer_id: str | None


@dataclass
class Said:
    """Per lane the records in order, the first of each name. ``records`` counts them by type, ``copies`` the others."""

    lanes: dict[Lane, list[Record]] = field(default_factory=dict)
    records: Counter[str] = field(default_factory=Counter)
    copies: int = 0


def said(kafka: KafkaSettings, topics: dict[str, str]) -> Said:
    """What stands on ``topics``, names by role. A copy that differs from the first record of its name is an error."""
    all_of_it = Said()
    decoder = Decoder(None)
    with TopicReader(kafka) as reader:
        for role, topic in topics.items():
            first: dict[tuple[bytes, bytes], Record] = {}
            for message in reader.records(topic, reader.extents(topic)):
                record = _record(message)
                if (known := first.setdefault(record.name, record)) is not record:
                    assert known == record, f"{topic} says {record.name} twice, with other content"
                    all_of_it.copies += 1
                    continue
                content = decoder.decode(record.value, list(record.headers))
                customer_id = content.origin.customer_id if isinstance(content, UpsertCustomer | UpsertItem) else None
                all_of_it.lanes.setdefault(Lane(role, record.key, customer_id), []).append(record)
                all_of_it.records[type(content).__name__] += 1
    return all_of_it


def _record(message: Message) -> Record:
    headers = tuple(pair for pair in message.headers() or () if pair[0] != "traceparent")
    return Record(message.partition(), message.key() or b"", message.value(), headers)


def differences(found: Said, expected: Said) -> list[str]:
    """One line for each lane that is not the same in both."""
    lines = []
    for lane in found.lanes.keys() | expected.lanes.keys():
        ours, theirs = found.lanes.get(lane, []), expected.lanes.get(lane, [])
        if ours == theirs:
            continue
        lost = [record.name for record in theirs if record not in ours]
        more = [record.name for record in ours if record not in theirs]
        how = f"lost {lost}, more {more}" if lost or more else "in another order"
        lines.append(f"{lane.role} {lane.key!r}: {len(ours)} records instead of {len(theirs)}: {how}")
    return sorted(lines)
