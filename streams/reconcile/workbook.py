"""What was read from the topics, on disk: a history of any length is reconciled in the same memory.

The database is a temporary file without a name, so that nothing is left of it, however the process ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC
from decimal import Decimal
from importlib import resources
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from schemas.command import (
    Command,
    CreateReturnAuthorization,
    CreateSalesOrder,
    UpsertCustomer,
    UpsertItem,
)
from schemas.contract import DecidedDocument, DocumentType, OrderDecided
from schemas.outcome import DeadLetter, Outcome
from streams.reconcile.telling import record_of, signed

_TYPES: dict[str, type[Command]] = {
    "salesOrder": CreateSalesOrder,
    "returnAuthorization": CreateReturnAuthorization,
    "customer": UpsertCustomer,
    "item": UpsertItem,
}
_DECODERS = {record: msgspec.msgpack.Decoder(type_) for record, type_ in _TYPES.items()}
_ENCODER = msgspec.msgpack.Encoder()
_CACHE_KIB = 65_536
_AT_ONCE = 1000
# A copy of a command takes the place of what it repeats; of a customer or item, the newest version counts.
_TAKE_COMMAND = """
    INSERT INTO command
        (external_key, external_id, record, command_id, version, amount, currency, partition, place, content)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (external_key) DO UPDATE SET
        external_id = excluded.external_id, record = excluded.record, command_id = excluded.command_id,
        version = excluded.version, amount = excluded.amount, currency = excluded.currency,
        partition = excluded.partition, place = excluded.place, content = excluded.content
    WHERE excluded.version >= command.version
"""
_SOUGHT = """
    SELECT command.*, outcome.internal_id AS applied_id, outcome.command_id AS applied, letter.state AS letter,
        letter.words AS letter_words
    FROM command LEFT JOIN outcome USING (external_key) LEFT JOIN letter ON letter.command_id = command.command_id
"""


class Sought(NamedTuple):
    """A command, the last of its external id, and what the sink says of it.

    ``place`` is where its last copy stands. ``applied_id`` is the internal id of a recorded success under its external
    id, of whichever command; ``applied`` that command. ``letter`` is the state of its newest dead letter.
    """

    command: Command
    partition: int
    place: int
    applied_id: str | None
    applied: str | None
    letter: str | None
    letter_words: str | None


class Workbook:
    """The records of all topics, as far as a reconciliation needs them. A context manager."""

    def __init__(self) -> None:
        self.database = sqlite3.connect("", isolation_level=None)
        self.database.row_factory = sqlite3.Row
        self.database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        self.database.execute("PRAGMA journal_mode = OFF")
        self.database.execute("PRAGMA synchronous = OFF")
        self.database.executescript(resources.files("streams.reconcile").joinpath("workbook.sql").read_text("utf-8"))
        self.database.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.database.close()

    def take_command(self, command: Command, partition: int, offset: int) -> None:
        """A command at its place on the topic."""
        version, amount, currency = "", None, None
        if isinstance(command, UpsertCustomer | UpsertItem):
            instant = command.activated_at.astimezone(UTC).isoformat(timespec="microseconds")
            version = f"{instant}|{command.origin.order_id}"
        else:
            amount, currency = str(signed(command)), command.currency
        names = (key_of(command.external_id), command.external_id, record_of(command), command.command_id)
        row = (*names, version, amount, currency, partition, offset, _ENCODER.encode(command))
        self.database.execute(_TAKE_COMMAND, row)

    def take_decision(self, decided: OrderDecided) -> None:
        """A decision; of several on one event the one with the highest ordinal counts."""
        known = self.one("SELECT ordinal FROM decision WHERE event_id = ?", decided.event_id)
        if known is not None and known["ordinal"] >= decided.ordinal:
            return
        self.database.execute("DELETE FROM promised WHERE event_id = ?", (decided.event_id,))
        self.database.execute(
            "INSERT OR REPLACE INTO decision VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(decided.event_id, decided.ordinal, decided.order_id, decided.order_number, decided.customer_id),
                *(decided.outcome, decided.why, decided.currency, str(decided.order_total), str(decided.posted_total)),
                decided.decided_by is not None,
            ),
        )
        self.database.executemany(
            "INSERT OR REPLACE INTO promised VALUES (?, ?, ?, ?, ?)",
            [
                (decided.event_id, key_of(each.external_id), each.external_id, each.command_id, str(_signed(each)))
                for each in decided.documents
            ],
        )

    def take_outcome(self, outcome: Outcome) -> None:
        """What NetSuite holds by the sink's word; the newest of an external id counts."""
        row = (key_of(outcome.external_id), outcome.internal_id, outcome.command_id)
        self.database.execute("INSERT OR REPLACE INTO outcome VALUES (?, ?, ?)", row)

    def take_letter(self, letter: DeadLetter) -> None:
        """Where a refused command stands; the newest of a command counts."""
        who = f"by {letter.by}: {letter.why}" if letter.by else letter.reason
        row = (letter.command_id, letter.external_id, letter.state.lower(), who)
        self.database.execute("INSERT OR REPLACE INTO letter VALUES (?, ?, ?, ?)", row)

    def one(self, query: str, *values: object) -> sqlite3.Row | None:
        """The first row of a query."""
        row: sqlite3.Row | None = self.database.execute(query, values).fetchone()
        return row

    def all(self, query: str, *values: object) -> Iterator[sqlite3.Row]:
        """The rows of a query; what it reads is not to be changed meanwhile."""
        yield from self.database.execute(query, values)

    def sought(self, external_ids: Iterable[str]) -> dict[str, Sought]:
        """The commands under these external ids, by external id in lower case."""
        keys = list({key_of(each) for each in external_ids})
        found: dict[str, Sought] = {}
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            marks = ", ".join("?" * len(part))
            rows = self.all(f"{_SOUGHT} WHERE command.external_key IN ({marks})", *part)
            found |= {row["external_key"]: _sought(row) for row in rows}
        return found

    def absent(self) -> Iterator[Sought]:
        """The commands that nothing in NetSuite was found under, in the order of the topic."""
        for row in self.all(f"{_SOUGHT} WHERE command.internal_id IS NULL ORDER BY partition, place"):
            yield _sought(row)

    def applied_as(self, internal_id: str) -> Sought | None:
        """The document that NetSuite took under this internal id, where nothing was found under its external id."""
        where = "outcome.internal_id = ? AND command.version = '' AND command.internal_id IS NULL"
        row = self.one(f"{_SOUGHT} WHERE {where}", internal_id)
        return None if row is None else _sought(row)

    def applied_ids(self) -> dict[str, str]:
        """The internal ids that NetSuite gave to customers and items that were not found, by external id."""
        rows = self.all(f"{_SOUGHT} WHERE command.version <> '' AND command.internal_id IS NULL")
        return {row["external_key"]: row["applied_id"] for row in rows if row["applied_id"] is not None}

    def found(self, external_id: str, internal_id: str, number: str | None = None) -> None:
        """Something stands under the external id of a command."""
        self.database.execute(
            "UPDATE command SET internal_id = ?, number = ? WHERE external_key = ?",
            (internal_id, number, key_of(external_id)),
        )

    def stands(self, command: Command, state: str) -> None:
        """What became of a command, in a word."""
        self.database.execute(
            "UPDATE command SET state = ? WHERE external_key = ?", (state, key_of(command.external_id))
        )

    def count(self, what: str) -> int:
        """How many rows ``what``, the end of a query, has."""
        row = self.one(f"SELECT COUNT(*) AS number FROM {what}")  # noqa: S608  our own words
        return int(row["number"]) if row else 0


def key_of(external_id: str) -> str:
    """An external id as NetSuite compares it."""
    return external_id.casefold()


def _sought(row: Any) -> Sought:
    command = _DECODERS[row["record"]].decode(row["content"])
    said = (row["applied_id"], row["applied"], row["letter"], row["letter_words"])
    return Sought(command, row["partition"], row["place"], *said)


def _signed(document: DecidedDocument) -> Decimal:
    return document.amount if document.document_type is DocumentType.SALES_ORDER else -document.amount
