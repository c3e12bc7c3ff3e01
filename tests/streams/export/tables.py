"""Records as a source gives them, and the tables that the export makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from msgspec import Struct

from projections.records import LogRecord, Step
from schemas.codec import Decoder, Encoder
from schemas.headers import headers_of
from streams.console import progress_bar
from streams.export.command import export
from streams.export.layouts import Layout

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

    def count(self, topic: str) -> int:
        """How many records there are."""
        return len(self._topics[topic])

    def records(self, topic: str) -> Iterator[LogRecord]:
        """All of them."""
        yield from self._topics[topic]


def make(written: Written, work: Path, layout: Layout = "duckdb") -> int:
    """Make the tables; how many records could not be read."""
    with progress_bar() as bar:
        _, unreadable = export(written, (CONTRACTS, COMMANDS), Decoder(None), layout, work, bar)
    return unreadable


@contextmanager
def tables_of(*steps: Step, work: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables of what the projector says in these steps."""
    written = Written()
    written.write_steps(steps)
    assert make(written, work) == 0
    with duckdb.connect(str(work / "result"), read_only=True) as database:
        yield database
