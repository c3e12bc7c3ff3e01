"""An archived record, and the Avro container files that such records stand in.

A file is complete in itself: its header has the schema of the envelope and, of the schemas that the values were
written with, those that only a registry would know. The same records give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from typing import Any, Final, NamedTuple

import fastavro

from streams.errors import ArchiveDamaged

Headers = tuple[tuple[str, bytes | None], ...]
SCHEMAS_KEY: Final = "nuestream.schemas"
_CODEC: Final = "deflate"  # whatever reads Avro reads it
_LEVEL: Final = 6
_BLOCK_BYTES: Final = 64_000
_TIMESTAMP_TYPES: Final = ("NOT_AVAILABLE", "CREATE_TIME", "LOG_APPEND_TIME")

SCHEMA: Final[dict[str, Any]] = {
    "type": "record",
    "name": "ArchivedRecord",
    "namespace": "nuestream.archive",
    "doc": "A record of a Kafka topic as it was: its place, its timestamp and its bytes.",
    "fields": [
        {"name": "offset", "type": "long", "doc": "The record's offset in its partition."},
        {"name": "timestamp", "type": "long", "doc": "Milliseconds since 1970-01-01T00:00Z; -1 where it has none."},
        {
            "name": "timestamp_type",
            "type": {"type": "enum", "name": "TimestampType", "symbols": list(_TIMESTAMP_TYPES)},
            "doc": "Who set the timestamp: the producer (CREATE_TIME) or the broker (LOG_APPEND_TIME).",
        },
        {"name": "key", "type": ["null", "bytes"], "doc": "The key, null where the record has none."},
        {"name": "value", "type": ["null", "bytes"], "doc": "The value, framing included; null for a tombstone."},
        {
            "name": "headers",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Header",
                    "fields": [{"name": "name", "type": "string"}, {"name": "value", "type": ["null", "bytes"]}],
                },
            },
            "doc": "The headers in their order; a name may stand more than once.",
        },
    ],
}
_PARSED: Final = fastavro.parse_schema(SCHEMA)


class Archived(NamedTuple):
    """A record as it stands in an archive. ``timestamp`` is in milliseconds, ``timestamp_type`` is Kafka's number."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def container(name: str, records: Iterable[Archived], schemas: Mapping[str, Mapping[str, str]]) -> bytes:
    """The container file called ``name`` with these records; ``schemas`` are those that only a registry knows."""
    out = BytesIO()
    fastavro.writer(
        out,
        _PARSED,
        map(_plain, records),
        codec=_CODEC,
        codec_compression_level=_LEVEL,
        sync_interval=_BLOCK_BYTES,
        sync_marker=hashlib.sha256(name.encode()).digest()[:16],
        metadata={SCHEMAS_KEY: json.dumps(schemas, sort_keys=True, separators=(",", ":"))} if schemas else {},
    )
    return out.getvalue()


def plain_records(name: str, data: bytes) -> Iterator[Any]:
    """The records of a container file, with the names of :data:`SCHEMA`.

    Raises:
        ArchiveDamaged: it is none, or not to its end.
    """
    try:
        yield from fastavro.reader(BytesIO(data))
    except Exception as error:
        raise _unreadable(name, error) from None


def archived_records(name: str, data: bytes) -> Iterator[Archived]:
    """The records of a container file; errors as in :func:`plain_records`."""
    for each in plain_records(name, data):
        headers = tuple((header["name"], header["value"]) for header in each["headers"])
        kind = _TIMESTAMP_TYPES.index(each["timestamp_type"])
        yield Archived(each["offset"], each["timestamp"], kind, each["key"], each["value"], headers)


def schemas_in(name: str, data: bytes) -> dict[str, dict[str, str]]:
    """The schemas that a container file keeps, by the id or GUID that the values name them by.

    Raises:
        ArchiveDamaged: it is no container file.
    """
    try:
        metadata = fastavro.reader(BytesIO(data)).metadata
        kept: dict[str, dict[str, str]] = json.loads(metadata.get(SCHEMAS_KEY, "{}"))
    except Exception as error:
        raise _unreadable(name, error) from None
    return kept


def _plain(record: Archived) -> dict[str, Any]:
    return {
        "offset": record.offset,
        "timestamp": record.timestamp,
        "timestamp_type": _TIMESTAMP_TYPES[record.timestamp_type],
        "key": record.key,
        "value": record.value,
        "headers": [{"name": name, "value": value} for name, value in record.headers],
    }


def _unreadable(name: str, error: Exception) -> ArchiveDamaged:
    return ArchiveDamaged(f"{name} is damaged: {type(error).__name__}: {error}")
