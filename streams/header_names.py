"""Header names that are not UTF-8: a broker takes them, and clients in C or Go can write them.

Neither client library reads such a record: aiokafka refuses the whole fetch that it came in, confluent-kafka the
record's headers. Here both read it as a record that has no headers, so that it is carried through like any other.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from operator import methodcaller
from typing import Any, SupportsIndex, overload

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from confluent_kafka import Message

# confluent-kafka returns from a name that it cannot read with the exception set, and the interpreter, where it has seen
# a call often, does not look: the exception would come up in whatever is called next. This caller always looks.
_ask_for_headers = methodcaller("headers")
_OFFSET_AND_LENGTH = struct.Struct(">qi")
_WITH_HEADERS = 2  # the record format


def let_aiokafka_read_any() -> None:
    """From now on, aiokafka's consumers in this process read records with any header names."""
    fetcher.MemoryRecords = _Fetched


def headers_in(message: Message) -> Sequence[tuple[str, bytes | None]]:
    """The headers of a record that confluent-kafka read; none where a name is not UTF-8. To be asked for once."""
    return readable_headers(message) or ()


def readable_headers(message: Message) -> Sequence[tuple[str, bytes | None]] | None:
    """The same, but None where a name is not UTF-8. To be asked for once."""
    try:
        return _ask_for_headers(message) or ()
    except (SystemError, UnicodeDecodeError):
        return None


def headers_to_read(message: Message) -> list[tuple[str, bytes]]:
    """The same for a decoder: a header without a value has an empty one."""
    return [(name, value or b"") for name, value in headers_in(message)]


class _Fetched:
    """The batches of a fetch, as aiokafka's own reader gives them."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = memoryview(data), 0
        self._batches: Any = MemoryRecords(data)

    def size_in_bytes(self) -> int:
        size: int = self._batches.size_in_bytes()
        return size

    def has_next(self) -> bool:
        more: bool = self._batches.has_next()
        return more

    def next_batch(self) -> _Batch:
        batch = self._batches.next_batch()
        start = self._at
        self._at += _OFFSET_AND_LENGTH.size + _OFFSET_AND_LENGTH.unpack_from(self._data, start)[1]
        return _Batch(batch, self._data[start : self._at])


class _Batch:
    """A batch that is read a second time, with patience, where aiokafka's own reader fails."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except (UnicodeDecodeError, CorruptRecordException):
            if self._batch.magic < _WITH_HEADERS:
                raise
        return iter(_read_with_patience(self._data))


def _read_with_patience(data: memoryview) -> list[Any]:
    batch = _DefaultRecordBatchPy(data)
    batch._maybe_uncompress()
    batch._buffer = _Patient(batch._buffer)
    records = list(batch)
    for record in records:
        if not all(_is_text(name) for name, _ in record.headers):
            record.headers.clear()
    return records


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Patient(bytearray):
    """Bytes whose parts can be decoded whatever they are; the only texts in a batch are its header names."""

    @overload
    def __getitem__(self, key: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> _Patient: ...
    def __getitem__(self, key: SupportsIndex | slice) -> int | _Patient:
        part = super().__getitem__(key)
        return part if isinstance(part, int) else _Patient(part)

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return super().decode(encoding, errors)
