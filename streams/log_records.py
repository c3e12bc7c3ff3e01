"""Faust's messages as records of the log, whatever a producer put on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from projections.fold import LogRecord

EPOCH = datetime.fromtimestamp(0, UTC)


def log_record(message: Any) -> LogRecord:
    """The record that Faust's ``message`` carries: its place, its bytes, and its timestamp where it has a real one."""
    return LogRecord(
        topic=message.topic,
        partition=message.partition,
        offset=message.offset,
        recorded_at=_instant(message.timestamp),
        key=message.key,
        value=message.value,
        headers={name: value or b"" for name, value in _pairs(message.headers)},
    )


def _instant(timestamp: Any) -> datetime:
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (OverflowError, OSError, TypeError, ValueError):
        return EPOCH


def _pairs(headers: Any) -> Iterable[tuple[str, bytes | None]]:
    return headers.items() if isinstance(headers, Mapping) else headers or ()
