"""Records as a source gives them, and the tables that the export makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from msgspec import Struct

from projections.records import LogRecord, Step
from schemas.codec import Encoder
from schemas.headers import headers_of
from streams.console import progress_bar
from streams.export.command import export
from streams.export.layouts import Layout
from tests.streams.replay.in_memory import LogInMemory

CONTRACTS, COMMANDS = "contracts", "commands"


class Written:
    """Topics of one partition that hold what a test wrote: what the archive or Kafka would give."""

    def __init__(self) -> None:
        self._topics: dict[str, list[LogRecord]] = {CONTRACTS: [], COMMANDS: []}

    def write(self, topic: str, *records: Struct) -> None:
        """Append records as the projector would."""
        for record in records:
            self.write_bytes(topic, Encoder().encode(topic, record), dict(headers_of(record)))

    def write_bytes(self, topic: str, value: bytes, headers: dict[str, bytes]) -> None:
        """Append any bytes."""
        place = len(self._topics[topic])
        self._topics[topic].append(LogRecord(topic, 0, place, datetime.now(UTC), b"key", value, headers))

    def write_steps(self, steps: Iterable[Step]) -> None:
        """Append all that the projector says."""
        for step in steps:
            self.write(CONTRACTS, *step.contract_events)
            self.write(COMMANDS, *step.upserts, *step.documents)

    def of(self, topic: str) -> list[LogRecord]:
        """What was written to a topic."""
        return self._topics[topic]

    def sources(self) -> list[Any]:
        """What there is to read."""
        return [_InMemory(topic, LogInMemory(records)) for topic, records in self._topics.items() if records]


@dataclass(frozen=True)
class _InMemory:
    """Stands for a source that has a name."""

    topic: str
    log: LogInMemory
    place: str = "memory"

    def open(self) -> AbstractContextManager[LogInMemory]:
        return self.log.open()


def make(written: Written, work: Path, layout: Layout = "duckdb") -> int:
    """Make the tables; how many records could not be read."""
    with progress_bar() as bar:
        _, unreadable = export(written.sources(), layout, work, bar)
    return unreadable


@contextmanager
def tables_of(*steps: Step, work: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of what the projector says in these steps."""
    written = Written()
    written.write_steps(steps)
    assert make(written, work) == 0
    with duckdb.connect(str(work / "result"), read_only=True) as database:
        yield database
