"""Files of what a replay puts out: one per kind and partition, complete or not there at all.

The same log gives the same bytes on any machine, so that the files of a replay that several share are those of one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import IO, Final, Protocol

import fastavro
import msgspec
from fastavro.write import Writer

from projections.records import LogRecord, Step
from projections.state import CustomerState
from schemas.catalog import name_of
from schemas.codec import Encoder
from schemas.headers import headers_of
from schemas.quarantine import Reason
from streams.errors import NuestreamError
from streams.messages import Said, contract_events_of, documents_of, rejection_of, upserts_of, waiting_of
from streams.replay.state_rows import row_of

ENVELOPE: Final = {
    "type": "record",
    "name": "Said",
    "namespace": "nuestream.replay",
    "doc": "A record as the projector writes it to its topic, after the log record at `offset`.",
    "fields": [
        {"name": "offset", "type": "long"},
        {"name": "key", "type": "bytes"},
        {"name": "value", "type": "bytes", "doc": "Avro single-object encoding."},
        {"name": "headers", "type": {"type": "map", "values": "bytes"}},
    ],
}
_JSON = msgspec.json.Encoder(decimal_format="string")


class OutputExists(NuestreamError):
    """A file of that name is there; what a replay wrote is never written over."""


class _Form(Protocol):
    def put(self, offset: int, said: Said) -> None: ...
    def end(self) -> None: ...


class _Avro:
    def __init__(self, file: IO[bytes], name: str) -> None:
        self._encoder = Encoder(None)
        # the marker between blocks is chance elsewhere; here the same name gives the same bytes
        marker = hashlib.md5(name.encode(), usedforsecurity=False).digest()
        self._writer = Writer(file, fastavro.parse_schema(ENVELOPE), codec="deflate", sync_marker=marker)

    def put(self, offset: int, said: Said) -> None:
        for key, record in said:
            value = self._encoder.encode("", record)
            self._writer.write({"offset": offset, "key": key, "value": value, "headers": dict(headers_of(record))})

    def end(self) -> None:
        self._writer.flush()


class _Lines:
    def __init__(self, file: IO[bytes], _name: str) -> None:
        self._file = file

    def put(self, offset: int, said: Said) -> None:
        for key, record in said:
            told = {"offset": offset, "key": key.decode(errors="replace"), "type": name_of(type(record))}
            self._file.write(_JSON.encode({**told, "record": record}) + b"\n")

    def end(self) -> None:
        pass


class Files:
    """The files of one partition; a context manager that leaves nothing half written behind."""

    def __init__(self, folder: Path, partition: int, kinds: Iterable[str], form: str) -> None:
        """Raises :class:`OutputExists` where a file is there already."""
        self._paths: list[Path] = []
        self._open: dict[str, IO[bytes]] = {}
        self._forms: dict[str, _Form] = {}
        for kind in kinds:
            ending = "ndjson" if kind == "state" else form
            path = folder / kind / f"partition-{partition:05}.{ending}"
            if path.exists():
                raise OutputExists(f"{path} is there already: choose another folder, or remove it")
            path.parent.mkdir(parents=True, exist_ok=True)
            self._paths.append(path)
            self._open[kind] = file = _part(path).open("wb")
            if kind != "state":
                self._forms[kind] = (_Avro if form == "avro" else _Lines)(file, f"{kind}/{partition}")

    def take(self, record: LogRecord, followed: Step | Reason) -> None:
        """Put out what followed from a record."""
        for kind, form in self._forms.items():
            form.put(record.offset, _said(kind, record, followed))

    def end(self, states: Iterable[CustomerState], effective_on: date | None) -> None:
        """Put out the states, and let the files appear under their names."""
        if "state" in self._open:
            for state in states:
                self._open["state"].write(_JSON.encode(row_of(state, effective_on)) + b"\n")
        for form in self._forms.values():
            form.end()
        for file in self._open.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()
        for path in self._paths:
            _part(path).replace(path)

    def __enter__(self) -> Files:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._open.values():
            file.close()
        for path in self._paths:
            _part(path).unlink(missing_ok=True)


def read_said(path: Path) -> Iterator[dict[str, object]]:
    """The records of an Avro output, in their order, each with ``offset``, ``key``, ``value`` and ``headers``."""
    with path.open("rb") as file:
        for record in fastavro.reader(file):
            assert isinstance(record, dict)  # noqa: S101 - so says the schema inside
            yield record


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _said(kind: str, record: LogRecord, followed: Step | Reason) -> Said:
    if isinstance(followed, Reason):
        if kind == "quarantine":
            yield from rejection_of(record, followed)
        return
    key = record.key or b""
    if kind == "commands":
        yield from upserts_of(followed)
        yield from documents_of(followed, key)
    elif kind == "contracts":
        yield from contract_events_of(followed, key)
    else:
        yield from waiting_of(followed, key)
