"""The sandbox's records, in SQLite: in memory, or in a file that survives a restart."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from importlib import resources
from typing import Any

from schemas.currency import UnknownCurrency, minor_units
from sinks.sandbox import views
from sinks.sandbox.account import CURRENCIES, DEFAULT_CUSTOM_FIELDS, FAMILY, TERMS, CustomFields, checked
from sinks.sandbox.account_rules import AccountRules
from sinks.sandbox.errors import user_error
from sinks.sandbox.rows import Body, dump, is_internal_id, key_of, load, number_text, uniqueness
from sinks.sandbox.totals import complete, merged, total_of

_NONE: Mapping[int, Body | None] = {}
_VERSION = 1
_STEPS, _MOST_STEPS = 100_000, 200_000_000  # a query holds up every other request


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
    """Records and the reference tables. Safe to share among threads.

    ``path`` is a file, or None for memory. ``tax_rate`` is the share of the lines that is added to a transaction's
    total, as an account with taxes would. An account refuses a second item of the same name, and one that numbers
    its customers by hand a second customer: ``unique_item_names``, ``unique_entity_names``. With ``signs_of_books``
    SuiteQL tells the lines of sales orders as credits. Raises ``ValueError`` for a custom field that cannot be, and for
    a file of another version.
    """

    def __init__(
        self,
        path: str | None = None,
        *,
        tax_rate: Decimal = Decimal(0),
        custom_fields: CustomFields = DEFAULT_CUSTOM_FIELDS,
        unique_entity_names: bool = False,
        unique_item_names: bool = True,
        signs_of_books: bool = False,
    ) -> None:
        self.tax_rate = tax_rate
        self.custom_fields = checked(custom_fields)
        self._lock = threading.RLock()
        self._database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._database.row_factory = sqlite3.Row
        try:
            self._prepare(path, signs_of_books)
            self._keep_names_unique("entity", wanted=unique_entity_names)
            self._keep_names_unique("item", wanted=unique_item_names)
        except BaseException:
            self._database.close()
            raise

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._database.close()

    def _prepare(self, path: str | None, signs_of_books: bool) -> None:
        execute = self._database.execute
        execute("PRAGMA foreign_keys = ON")
        if path is not None:
            execute("PRAGMA journal_mode = WAL")
        is_new = execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone() is None
        if not is_new and execute("PRAGMA user_version").fetchone()[0] != _VERSION:
            raise ValueError(f"{path} was not written by this version of the sandbox")
        script = resources.files("sinks.sandbox").joinpath("schema.sql").read_text(encoding="utf-8")
        self._database.executescript(script)
        execute(f"PRAGMA user_version = {_VERSION}")
        for statement in views.statements(self.custom_fields, signs_of_books=signs_of_books):
            execute(statement)
        self.apply(AccountRules())

    def apply(self, rules: AccountRules) -> None:
        """Go by other rules from now on; what is there already stays."""
        self.rules = rules
        rows: list[tuple[str, str, str | None, str]] = [("subsidiary", "1", None, "Parent Company")]
        rows += [("currency", str(number), code, code) for number, code in enumerate(CURRENCIES, 1)]
        rows += [("term", str(number), None, name) for number, name in enumerate(TERMS, 1)]
        rows += [(kind, each.id, None, each.name) for kind, given in rules.references.items() for each in given]
        with self.changing():
            self._database.execute("DELETE FROM reference")
            self._database.executemany("INSERT OR REPLACE INTO reference VALUES (?, ?, ?, ?)", rows)
            self._database.execute("DELETE FROM inactive")
            keys = {key_of(external_id) for external_id in rules.inactive}
            self._database.executemany("INSERT INTO inactive VALUES (?)", [(key,) for key in keys])

    def is_inactive(self, stored: Stored) -> bool:
        """Whether a customer or item takes no new transactions: by its own field, or by the account's rules."""
        with self._lock:
            named = self._database.execute(
                "SELECT 1 FROM inactive WHERE external_key = ?", (key_of(stored.external_id),)
            )
            return bool(stored.body.get("isInactive")) or named.fetchone() is not None

    def _keep_names_unique(self, family: str, *, wanted: bool) -> None:
        self._database.execute(f"DROP INDEX IF EXISTS {family}_name")
        if wanted:
            self._database.execute(f"CREATE UNIQUE INDEX {family}_name ON record (name_key) WHERE family = '{family}'")

    @contextmanager
    def changing(self) -> Iterator[None]:
        """One transaction of the database: what is read inside stays true until what is written stands. Nests."""
        with self._lock:
            if self._database.in_transaction:
                yield
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                self._database.execute("ROLLBACK")
                raise

    def create(self, record: str, body: Body, lines: Sequence[Body]) -> int:
        """Insert a record and return its internal id.

        Raises ``Refused`` where its external id or name is taken, or its total is negative.
        """
        digits = self._digits(body)
        numbered = [(number, complete(line, digits)) for number, line in enumerate(lines, 1)]
        with self.changing(), uniqueness(FAMILY[record]):
            row = self._database.execute(
                "INSERT INTO record (type, family, external_id, external_key, name, name_key, body, total) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (record, FAMILY[record], *self._columns(record, body, numbered)),
            )
            internal_id = int(row.lastrowid or 0)
            self._write_lines(internal_id, numbered)
        return internal_id

    def keep(self, record: str, family: str, body: Body) -> int:
        """Insert what NetSuite makes by itself, of a family that the record service does not know; its internal id."""
        row = self._database.execute(
            "INSERT INTO record (type, family, body) VALUES (?, ?, ?)", (record, family, dump(body))
        )
        return int(row.lastrowid or 0)

    def rewrite(self, internal_id: int, body: Body) -> None:
        """Give what was kept so another body."""
        self._database.execute("UPDATE record SET body = ? WHERE id = ?", (dump(body), internal_id))

    def replace(self, stored: Stored, body: Body, lines: Sequence[tuple[int, Body]]) -> None:
        """Give a record another content. Raises ``Refused`` as :meth:`create` does."""
        with self.changing(), uniqueness(FAMILY[stored.type]):
            self._database.execute(
                "UPDATE record SET external_id = ?, external_key = ?, name = ?, name_key = ?, body = ?, total = ? "
                "WHERE id = ?",
                (*self._columns(stored.type, body, lines), stored.id),
            )
            self._database.execute("DELETE FROM line WHERE record = ?", (stored.id,))
            self._write_lines(stored.id, lines)

    def edit(self, record: str, external_id: str, changes: Body, lines: Mapping[int, Body | None] = _NONE) -> None:
        """Change a record as a person in NetSuite would, without the checks of the record service.

        ``changes`` are fields by name, None empties one; ``lines`` are changes by line number, None removes a line.
        Raises ``KeyError`` where there is no such record.
        """
        with self.changing():
            stored = self.get_external(record, external_id)
            if stored is None:
                raise KeyError(external_id)
            body = {name: value for name, value in (stored.body | changes).items() if value is not None}
            kept = [(number, line) for number, line in stored.lines if lines.get(number, line) is not None]
            given = [{**line, "line": number} for number, line in lines.items() if line is not None]
            self.replace(stored, body, merged(kept, given, self._digits(body), replace=False))

    def updated_lines(self, stored: Stored, body: Body, lines: Sequence[Body], *, replace: bool) -> list[Any]:
        """The numbered lines of a transaction after its sublist was sent again."""
        return merged(stored.lines, lines, self._digits(body), replace=replace)

    def _columns(self, record: str, body: Body, lines: Sequence[tuple[int, Body]]) -> tuple[str | None, ...]:
        total = total_of(lines, self.tax_rate, self._digits(body)) if FAMILY[record] == "transaction" else None
        external_id, name = body.get("externalId"), name_of(record, body)
        return external_id, key_of(external_id), name, key_of(name), dump(body), number_text(total)

    def _digits(self, body: Body) -> int:
        currency = body.get("currency")
        symbol = self.reference("currency", str(currency["id"])) if currency else None
        try:
            return minor_units(symbol or "")
        except UnknownCurrency:
            return 2

    def _write_lines(self, record: int, lines: Sequence[tuple[int, Body]]) -> None:
        self._database.executemany(
            "INSERT INTO line (record, number, item, body, amount) VALUES (?, ?, ?, ?, ?)",
            [
                (record, number, int(line["item"]["id"]), dump(line), number_text(line["amount"]))
                for number, line in lines
            ],
        )

    def delete(self, stored: Stored) -> None:
        """Remove a record. Raises ``Refused`` for a customer or item that stands on a transaction."""
        with self.changing():
            used = self._database.execute(
                "SELECT 1 FROM line WHERE item = :id UNION ALL "
                "SELECT 1 FROM suiteql_transaction WHERE entity = CAST(:id AS TEXT) LIMIT 1",
                {"id": stored.id},
            ).fetchone()
            if used and FAMILY[stored.type] != "transaction":
                raise user_error("This record cannot be deleted because it has dependent records.")
            self._database.execute("DELETE FROM record WHERE id = ?", (stored.id,))

    def get(self, record: str, internal_id: str) -> Stored | None:
        """A record by its internal id."""
        return self._one("type = ? AND id = ?", record, internal_id) if is_internal_id(internal_id) else None

    def get_external(self, record: str, external_id: str) -> Stored | None:
        """A record of this type by its external id, whatever the case."""
        return self._one("type = ? AND external_key = ?", record, key_of(external_id))

    def get_family(self, family: str, internal_id: str) -> Stored | None:
        """A record of a family (``entity``, ``item``) by its internal id."""
        return self._one("family = ? AND id = ?", family, internal_id) if is_internal_id(internal_id) else None

    def all(self, family: str) -> list[Stored]:
        """Every record of a family, by internal id."""
        return self._several("family = ?", family)

    def _one(self, condition: str, *values: object) -> Stored | None:
        return next(iter(self._several(condition, *values)), None)

    def _several(self, condition: str, *values: object) -> list[Stored]:
        chosen = f"FROM record WHERE {condition}"  # the condition is one of ours
        with self._lock:
            rows = self._database.execute(f"SELECT * {chosen} ORDER BY id", values).fetchall()
            found: dict[int, list[tuple[int, Body]]] = {}
            for line in self._database.execute(
                f"SELECT record, number, body FROM line WHERE record IN (SELECT id {chosen}) ORDER BY record, number",  # noqa: S608
                values,
            ):
                found.setdefault(line["record"], []).append((line["number"], load(line["body"])))
        return [_stored(row, found.get(row["id"], [])) for row in rows]

    def reference(self, kind: str, internal_id: str) -> str | None:
        """The symbol or name of a currency, term or subsidiary, or None where there is none with this id."""
        with self._lock:
            row = self._database.execute(
                "SELECT COALESCE(symbol, name) AS shown FROM reference WHERE kind = ? AND id = ?", (kind, internal_id)
            ).fetchone()
            return str(row["shown"]) if row else None

    def query(self, sql: str, params: Sequence[object], most: int) -> list[dict[str, Any]]:
        """At most so many rows of a translated query. Raises ``sqlite3.Error`` where SQLite cannot, or not soon."""
        with self._lock:
            self._database.execute("PRAGMA query_only = ON")
            calls = itertools.count(1)
            self._database.set_progress_handler(lambda: next(calls) * _STEPS > _MOST_STEPS, _STEPS)
            try:
                return [dict(row) for row in self._database.execute(sql, params).fetchmany(most)]
            finally:
                self._database.set_progress_handler(None, 0)
                self._database.execute("PRAGMA query_only = OFF")


def name_of(record: str, body: Body) -> str | None:
    """What a record is called in lists: an item by its name, a customer by its company or person."""
    if FAMILY[record] == "item":
        return body.get("itemId")
    if record == "customer":
        names = (body.get("firstName"), body.get("lastName"))
        return body.get("companyName") or " ".join(part for part in names if part) or None
    return None


def _stored(row: sqlite3.Row, lines: Sequence[tuple[int, Body]]) -> Stored:
    return Stored(
        id=row["id"],
        type=row["type"],
        external_id=row["external_id"],
        body=load(row["body"]),
        lines=tuple(lines),
        total=None if row["total"] is None else Decimal(row["total"]),
    )
