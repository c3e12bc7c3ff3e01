"""A log in memory, in place of Kafka or an archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from projections.records import LogRecord
from schemas.codec import Decoder


@dataclass(frozen=True)
class LogInMemory:
    """Stands for a source of one partition, and for the log that it opens."""

    log: Sequence[LogRecord]

    @contextmanager
    def open(self) -> Iterator[LogInMemory]:
        yield self

    @property
    def extent(self) -> tuple[int, int]:
        return 0, self.log[-1].offset + 1

    def extents(self) -> dict[int, tuple[int, int]]:
        return {0: self.extent}

    def records(self, partition: int, start: int, end: int) -> Iterator[LogRecord]:
        return (record for record in self.log if start <= record.offset < end)

    def decoder(self) -> Decoder:
        return Decoder(None)
