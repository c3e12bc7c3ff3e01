"""Writing the files of a partition: which records share one, and in what order files and manifest appear.

A file holds consecutive records of one day (UTC, by their timestamps); one that is up to a day late stays with those
around it. Where a file ends follows from the records alone, so that an export that was interrupted makes the same
files when it runs again. A file counts once the manifest names it, and is never written again afterwards.
"""

from __future__ import annotations

import hashlib
import time
from datetime import date, timedelta
from typing import Final

from streams.archive.envelope import Archived, container
from streams.archive.kept_schemas import SchemasToKeep, schema_named
from streams.archive.manifest import FileEntry, Manifest
from streams.archive.storage import Storage
from streams.instants import instant_of

MOST_BYTES: Final = 64 << 20
"""How much a file holds before it is compressed, give or take a record; it is built in memory."""

_LATE: Final = timedelta(days=1)
_OVERHEAD: Final = 200  # of a record in memory, beside its bytes
_MANIFEST_EVERY: Final = 2.0  # seconds: an interruption costs no more work than that


class PartitionWriter:
    """Appends records to the archive of one partition."""

    def __init__(
        self, storage: Storage, manifest: Manifest, schemas: SchemasToKeep, start: int, most_bytes: int = MOST_BYTES
    ) -> None:
        """``start`` is the first offset that the next file covers, with or without a record."""
        self._storage = storage
        self._manifest = manifest
        self._schemas = schemas
        self._start = start
        self._most_bytes = most_bytes
        self._day = date.min
        self._records: list[Archived] = []
        self._bytes = 0
        self._nameless = 0
        self._told_at = time.monotonic()

    def add(self, record: Archived, *, nameless: bool = False) -> None:
        """Append a record; ``nameless`` says that it had headers whose names no client can read.

        Raises:
            ArchiveError: the storage refuses a file.
            RegistryUnavailable: the schema that the value names cannot be had.
        """
        day = instant_of(record.timestamp / 1000).date()
        if self._records and (self._bytes >= self._most_bytes or not self._day - _LATE <= day <= self._day):
            self._finish_file()
        if not self._records:
            self._day = day
        self._records.append(record)
        self._bytes += _size(record)
        self._nameless += nameless

    def close(self) -> None:
        """Write what is left; then everything that was added is in the archive. Errors as in :meth:`add`."""
        if self._records:
            self._finish_file()
        self._manifest.write()

    def _finish_file(self) -> None:
        records = self._records
        first, last = records[0].offset, records[-1].offset
        named = sorted({name for each in records if (name := schema_named(each.value, each.headers)) is not None})
        file = f"day={self._day.isoformat()}/{first:020d}.avro"
        path = f"{self._manifest.folder}/{file}"
        data = container(path, records, {name: self._schemas[name] for name in named})
        self._storage.write(path, data)
        self._manifest.entries.append(
            FileEntry(
                file=file,
                start=self._start,
                end=last + 1,
                first_offset=first,
                last_offset=last,
                records=len(records),
                bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                least_timestamp=min(each.timestamp for each in records),
                greatest_timestamp=max(each.timestamp for each in records),
                schemas=tuple(named),
                nameless=self._nameless,
            )
        )
        self._start, self._records, self._bytes, self._nameless = last + 1, [], 0, 0
        if time.monotonic() - self._told_at > _MANIFEST_EVERY:
            self._manifest.write()
            self._told_at = time.monotonic()


def _size(record: Archived) -> int:
    headers = sum(len(name) + len(value or b"") for name, value in record.headers)
    return _OVERHEAD + len(record.key or b"") + len(record.value or b"") + headers
