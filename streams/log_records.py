"""Records of the log, from Faust's messages and read directly, whatever a producer put on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from projections.records import LogRecord
from streams.header_names import headers_to_read
from streams.instants import instant_of
from streams.policy import KEY_PREFIX
from streams.reading import TopicReader


def log_record(message: Any) -> LogRecord:
    """The record that Faust's ``message`` carries: its place, its bytes, and its timestamp where it has a real one."""
    return LogRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        recorded_at=instant_of(message.timestamp),
        key=message.key,
        value=message.value,
        headers={name: value or b"" for name, value in _pairs(message.headers)},
    )


def records_between(reader: TopicReader, topic: str, partition: int, start: int, end: int) -> Iterator[LogRecord]:
    """The records of a partition from offset ``start`` up to, but not with, ``end``. Some offsets may have none.

    Raises:
        KafkaUnavailable: the brokers stop answering, or refuse.
    """
    for message in reader.records(topic, {partition: (start, end)}):
        yield LogRecord(
            topic=topic,
            partition=partition,
            offset=message.offset(),
            recorded_at=instant_of(message.timestamp()[1] / 1000),
            key=message.key(),
            value=message.value(),
            headers=dict(headers_to_read(message)),
        )


def has_records(reader: TopicReader, topic: str, partition: int, start: int, end: int) -> bool:
    """Whether a partition has any record from offset ``start`` up to, but not with, ``end``.

    Raises:
        KafkaUnavailable: the brokers stop answering, or refuse.
    """
    return next(reader.records(topic, {partition: (start, end)}), None) is not None


def is_policy(record: LogRecord) -> bool:
    """Whether a record of the log is a policy, by its key."""
    return record.key is not None and record.key.startswith(KEY_PREFIX)


def _pairs(headers: Any) -> Iterable[tuple[str, bytes | None]]:
    return headers.items() if isinstance(headers, Mapping) else headers or ()
