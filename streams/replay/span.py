"""Which records of a partition a replay puts out: a beginning and an end, as offsets or instants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from projections.records import LogRecord

Bound = int | datetime


class NotABound(ValueError):
    """A text that is neither an offset nor an instant."""


def bound_of(text: str) -> Bound:
    """An offset (``1200``), or an instant in ISO 8601; one without a zone is UTC, a day its first instant.

    Raises:
        NotABound: it is neither.
    """
    if text.isdecimal():
        return int(text)
    return parsed_instant(text)


def parsed_instant(text: str) -> datetime:
    """An instant in ISO 8601, in UTC. Raises :class:`NotABound`."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise NotABound(f"{text!r} is no instant such as 2026-06-30T23:59:59Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` on, up to and without ``end``.

    An instant stands for the first record that Kafka dates at it or later, as Kafka itself finds offsets by time.
    """

    start: Bound | None = None
    end: Bound | None = None

    def began(self, record: LogRecord) -> bool:
        """Whether ``record``, and so all after it, are within or behind the span."""
        return self.start is None or _reached(self.start, record)

    def ended(self, record: LogRecord) -> bool:
        """Whether ``record``, and so all after it, are behind the span."""
        return self.end is not None and _reached(self.end, record)


EVERYTHING = Span()


def _reached(bound: Bound, record: LogRecord) -> bool:
    return record.offset >= bound if isinstance(bound, int) else record.recorded_at >= bound
