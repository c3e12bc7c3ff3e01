"""The outcomes of documents, of which there are ever more: kept in a file, so that they take no memory."""

from __future__ import annotations

import sqlite3

import msgspec

from schemas.outcome import Outcome

_CACHE_KIB = 4096


class OutcomeFile:
    """Outcomes by external id, in a temporary file of this process that nobody else sees and that goes with it.

    SQLite makes it where temporary files go (``SQLITE_TMPDIR``, ``TMPDIR``), once it is larger than its cache.
    """

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute("CREATE TABLE outcome (external_id TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID")
        self._decoder = msgspec.msgpack.Decoder(Outcome)

    def keep(self, outcome: Outcome) -> None:
        """Keep the newest outcome of its external id."""
        row = (outcome.external_id, msgspec.msgpack.encode(outcome))
        self._file.execute("INSERT OR REPLACE INTO outcome VALUES (?, ?)", row)

    def get(self, external_id: str) -> Outcome | None:
        """The outcome that was kept last."""
        row = self._file.execute("SELECT content FROM outcome WHERE external_id = ?", (external_id,)).fetchone()
        return None if row is None else self._decoder.decode(row[0])
