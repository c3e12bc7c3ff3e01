"""Records on their way into tables: decoded, written in portions, and read from there by DuckDB, so that memory stays
bounded however long the topics are.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec
from msgspec import Struct

from projections.records import LogRecord
from schemas.catalog import name_of, schema_text
from schemas.codec import Decoder, Malformed
from schemas.command import CreateReturnAuthorization, CreateSalesOrder
from schemas.contract import OrderDecided, SubscriptionChanged
from schemas.headers import headers_of
from streams.export.duck_types import duck_type

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

STAGES: Mapping[type[Struct], str] = {
    OrderDecided: "decided",
    SubscriptionChanged: "changed",
    CreateSalesOrder: "sold",
    CreateReturnAuthorization: "returned",
}
"""The records that tables are made of, and the staging table of each."""

_LOG = logging.getLogger("nuestream.export")
_WANTED = {name_of(type_).encode() for type_ in STAGES}
_PORTION = 8 * 1024 * 1024
_LONGEST = 1024 * 1024
_TOLD = 5


class Staged(Struct, frozen=True):
    """One row: who the record is, and the record."""

    ce_id: str
    record: Struct


@dataclass
class _Portion:
    """Rows of one staging table that DuckDB has not read yet."""

    path: Path
    file: BinaryIO
    longest: int = 0


class Staging:
    """The staging tables of the database ``stage``, which is attached to ``database``; ``folder`` is for portions."""

    def __init__(self, database: DuckDBPyConnection, folder: Path) -> None:
        self._database = database
        self._folder = folder
        self._portions: dict[type[Struct], _Portion] = {}
        self._encoder = msgspec.json.Encoder()
        self._columns = {type_: duck_type(json.loads(schema_text(type_))) for type_ in STAGES}
        self.unreadable = 0
        """Records that could not be read and are in no table."""
        for type_, name in STAGES.items():
            database.execute(f"CREATE TABLE stage.{name} (ce_id VARCHAR, record {self._columns[type_]})")

    def take(self, record: LogRecord, decoder: Decoder) -> None:
        """Take in a record; one that belongs in no table is left out, one that cannot be read is counted and told.

        Raises:
            RegistryUnavailable: the registry gives no answer about a schema.
        """
        kind = record.headers.get("ce_type")
        if kind is not None and kind not in _WANTED:
            return  # not worth decoding
        try:
            content = decoder.decode(record.value, list(record.headers.items()))
        except Malformed as why:
            self.unreadable += 1
            if self.unreadable <= _TOLD:
                _LOG.warning("%s[%d] offset %d is left out: %s", record.topic, record.partition, record.offset, why)
            return
        if type(content) in STAGES:
            self._write(_id_of(record, content), content)

    def finish(self) -> None:
        """Let DuckDB read what is left."""
        for type_ in list(self._portions):
            self._hand_over(type_)

    def _write(self, ce_id: str, record: Struct) -> None:
        portion = self._portions.get(type(record))
        if portion is None:
            path = self._folder / f"{STAGES[type(record)]}.ndjson"
            portion = self._portions[type(record)] = _Portion(path, path.open("wb"))
        line = self._encoder.encode(Staged(ce_id, record)) + b"\n"
        portion.longest = max(portion.longest, len(line))
        portion.file.write(line)
        if portion.file.tell() >= _PORTION:
            self._hand_over(type(record))

    def _hand_over(self, type_: type[Struct]) -> None:
        portion = self._portions.pop(type_)
        portion.file.close()
        self._database.execute(
            f"INSERT INTO stage.{STAGES[type_]} SELECT ce_id, record FROM read_json(?, "  # noqa: S608  names of ours
            f"format = 'newline_delimited', columns = {{ce_id: 'VARCHAR', record: '{self._columns[type_]}'}}, "
            f"maximum_object_size = {max(_LONGEST, 2 * portion.longest)})",
            [str(portion.path)],
        )
        portion.path.unlink()


def _id_of(record: LogRecord, content: Struct) -> str:
    # whoever wrote it without headers wrote the same event
    given = record.headers.get("ce_id") or dict(headers_of(content))["ce_id"]
    return given.decode("utf-8", "replace")
