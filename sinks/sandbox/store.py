"""The sandbox's records, in SQLite: in memory, or in a file that survives a restart."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Any

import msgspec

from sinks.sandbox.errors import user_error

Body = dict[str, Any]

FAMILY: Mapping[str, str] = {
    "salesOrder": "transaction",
    "returnAuthorization": "transaction",
    "customer": "entity",
    "nonInventorySaleItem": "item",
    "serviceSaleItem": "item",
    "inventoryItem": "item",
}
"""External ids are unique within a family, not within a record type."""

_CLASH = {
    "transaction": "This record already exists",
    "entity": "This entity already exists.",
    "item": "Uniqueness error - there is already an item with that name or name/parent combination.",
}
# fmt: off
_CURRENCIES = (
    "USD", "EUR", "JPY", "GBP", "CHF", "KWD", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK",
    "HUF", "RON", "BGN", "TRY", "ILS", "AED", "SAR", "QAR", "BHD", "OMR", "JOD", "EGP", "ZAR", "NGN",
    "KES", "INR", "PKR", "BDT", "LKR", "THB", "VND", "IDR", "MYR", "SGD", "PHP", "HKD", "TWD", "KRW",
    "CNY", "MXN", "BRL", "ARS", "CLP", "COP", "PEN", "UYU", "ISK", "TND",
)
# fmt: on
_TERMS = ("Net 15", "Net 30", "Net 45", "Net 60", "Net 90", "Due on receipt")
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it stands: its body without the item sublist, and the lines of a transaction by number."""

    id: int
    type: str
    external_id: str | None
    body: Body
    lines: tuple[tuple[int, Body], ...]
    total: Decimal | None


class Store:
    """Records and the reference tables. One change is one transaction of the database; safe to share among threads.

    ``tax_rate`` is added to every line's amount in a transaction's total, as an account with taxes would.
    """

    def __init__(self, path: str | None = None, *, tax_rate: Decimal = Decimal(0)) -> None:
        self.tax_rate = tax_rate
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA foreign_keys = ON")
        if path is not None:
            self._database.execute("PRAGMA journal_mode = WAL")
        script = resources.files("sinks.sandbox").joinpath("schema.sql").read_text(encoding="utf-8")
        self._database.executescript(script)
        self._seed()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def _seed(self) -> None:
        rows: list[tuple[str, str, str | None, str]] = [("subsidiary", "1", None, "Parent Company")]
        rows += [("currency", str(number), code, code) for number, code in enumerate(_CURRENCIES, 1)]
        rows += [("term", str(number), None, name) for number, name in enumerate(_TERMS, 1)]
        self._database.executemany("INSERT OR IGNORE INTO reference VALUES (?, ?, ?, ?)", rows)

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def create(self, record: str, body: Body, lines: Sequence[Body], total: Decimal | None) -> int:
        """Insert a record and return its internal id. Raises ``Refused`` where its external id or name is taken."""
        with self._changing() as database, _uniqueness(FAMILY[record]):
            row = database.execute(
                "INSERT INTO record (type, family, external_id, name, body, total) VALUES (?, ?, ?, ?, ?, ?)",
                (record, FAMILY[record], body.get("externalId"), name_of(record, body), _dump(body), _text(total)),
            )
            internal_id = int(row.lastrowid or 0)
            self._write_lines(internal_id, list(enumerate(lines, 1)))
        return internal_id

    def replace(self, stored: Stored, body: Body, lines: Sequence[tuple[int, Body]], total: Decimal | None) -> None:
        """Give a record another content. Raises ``Refused`` where its new external id or name is taken."""
        with self._changing() as database, _uniqueness(FAMILY[stored.type]):
            database.execute(
                "UPDATE record SET external_id = ?, name = ?, body = ?, total = ? WHERE id = ?",
                (body.get("externalId"), name_of(stored.type, body), _dump(body), _text(total), stored.id),
            )
            database.execute("DELETE FROM line WHERE record = ?", (stored.id,))
            self._write_lines(stored.id, lines)

    def _write_lines(self, record: int, lines: Sequence[tuple[int, Body]]) -> None:
        self._database.executemany(
            "INSERT INTO line (record, number, item, body, amount) VALUES (?, ?, ?, ?, ?)",
            [
                (record, number, int(line["item"]["id"]), _dump(line), _text(line.get("amount", Decimal(0))))
                for number, line in lines
            ],
        )

    def delete(self, stored: Stored) -> None:
        """Remove a record. Raises ``Refused`` for a customer or item that stands on a transaction."""
        with self._changing() as database:
            used = database.execute(
                "SELECT 1 FROM line WHERE item = :id UNION ALL "
                "SELECT 1 FROM suiteql_transaction WHERE entity = CAST(:id AS TEXT) LIMIT 1",
                {"id": stored.id},
            ).fetchone()
            if used and FAMILY[stored.type] != "transaction":
                raise user_error("This record cannot be deleted because it has dependent records.")
            database.execute("DELETE FROM record WHERE id = ?", (stored.id,))

    def get(self, record: str, internal_id: str) -> Stored | None:
        """A record by its internal id."""
        return self._one("type = ? AND id = ?", (record, internal_id)) if internal_id.isdigit() else None

    def get_external(self, record: str, external_id: str) -> Stored | None:
        """A record of this type by its external id, whatever the case."""
        return self._one("type = ? AND external_id = ?", (record, external_id))

    def get_family(self, family: str, internal_id: str) -> Stored | None:
        """A record of a family (``entity``, ``item``) by its internal id."""
        return self._one("family = ? AND id = ?", (family, internal_id)) if internal_id.isdigit() else None

    def all(self, family: str) -> list[Stored]:
        """Every record of a family, by internal id."""
        with self._lock:
            rows = self._database.execute("SELECT * FROM record WHERE family = ? ORDER BY id", (family,)).fetchall()
            return [self._stored(row) for row in rows]

    def _one(self, condition: str, values: Sequence[object]) -> Stored | None:
        with self._lock:
            query = f"SELECT * FROM record WHERE {condition}"  # noqa: S608  the condition is one of ours
            row = self._database.execute(query, values).fetchone()
            return self._stored(row) if row else None

    def _stored(self, row: sqlite3.Row) -> Stored:
        lines = self._database.execute("SELECT number, body FROM line WHERE record = ? ORDER BY number", (row["id"],))
        return Stored(
            id=row["id"],
            type=row["type"],
            external_id=row["external_id"],
            body=_load(row["body"]),
            lines=tuple((line["number"], _load(line["body"])) for line in lines.fetchall()),
            total=None if row["total"] is None else Decimal(row["total"]),
        )

    def reference(self, kind: str, internal_id: str) -> str | None:
        """The symbol or name of a currency, term or subsidiary, or None where there is none with this id."""
        with self._lock:
            row = self._database.execute(
                "SELECT COALESCE(symbol, name) AS shown FROM reference WHERE kind = ? AND id = ?", (kind, internal_id)
            ).fetchone()
            return str(row["shown"]) if row else None

    def query(self, sql: str, params: Sequence[object]) -> list[dict[str, Any]]:
        """The rows of a translated query. Raises ``sqlite3.Error`` for what SQLite cannot do with it."""
        with self._lock:
            self._database.execute("PRAGMA query_only = ON")
            try:
                return [dict(row) for row in self._database.execute(sql, params).fetchall()]
            finally:
                self._database.execute("PRAGMA query_only = OFF")


def name_of(record: str, body: Body) -> str | None:
    """What a record is called in lists: an item by its name, a customer by its company or person."""
    if FAMILY[record] == "item":
        return body.get("itemId")
    if record == "customer":
        return body.get("companyName") or " ".join(
            part for part in (body.get("firstName"), body.get("lastName")) if part
        )
    return None


@contextmanager
def _uniqueness(family: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise user_error(_CLASH[family]) from error


def _dump(body: Body) -> str:
    return _ENCODER.encode(body).decode()


def _load(text: str) -> Body:
    body: Body = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return body


def _text(number: Decimal | None) -> str | None:
    return None if number is None else f"{number:f}"
