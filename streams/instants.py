"""The timestamps of records as instants, whatever their producers put there."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

EPOCH = datetime.fromtimestamp(0, UTC)


def instant_of(timestamp: Any) -> datetime:
    """The instant in UTC so many seconds after 1970; 1970 itself for what is none, or none that a date can tell."""
    try:
        return datetime.fromtimestamp(timestamp, UTC)
    except (OverflowError, OSError, TypeError, ValueError):
        return EPOCH
