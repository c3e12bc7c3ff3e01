"""A header name that is not UTF-8 costs its record the headers, and nothing else."""

import struct

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords

from streams.header_names import headers_in, let_aiokafka_read_any
from tests.streams.raw_headers import batch_of

BAD = [
    (b"k1", b"v1", [(b"plain", b"1")]),
    (b"k2", None, [(b"\xff\xfe", b"2"), (b"plain", b"3")]),
    (None, b"v3", [("ключ".encode(), b"4")]),
]
GOOD = [(b"k4", b"v4", [(b"plain", b"5")])]
READ = [
    (b"k1", b"v1", [("plain", b"1")]),
    (b"k2", None, []),
    (None, b"v3", [("ключ", b"4")]),
    (b"k4", b"v4", [("plain", b"5")]),
]


@pytest.fixture
def patched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher, "MemoryRecords", MemoryRecords)
    let_aiokafka_read_any()


def read(data: bytes) -> list[tuple[object, ...]]:
    fetched, found = fetcher.MemoryRecords(data), []
    while fetched.has_next():
        batch = fetched.next_batch()
        assert batch.validate_crc()
        found += [(each.key, each.value, list(each.headers)) for each in batch]
    return found


def test_without_help_aiokafka_reads_nothing_of_such_a_batch() -> None:
    with pytest.raises(UnicodeDecodeError):
        list(MemoryRecords(batch_of(BAD)).next_batch())


def test_the_record_has_no_headers_and_those_beside_it_are_as_they_were(patched: None) -> None:
    assert read(batch_of(BAD) + batch_of(GOOD)) == READ
    assert read(batch_of(GOOD) + batch_of(BAD)) == READ[3:] + READ[:3]


def test_offsets_and_times_are_those_of_the_batch(patched: None) -> None:
    data = bytearray(batch_of(BAD))
    struct.pack_into(">q", data, 0, 70)
    batch = fetcher.MemoryRecords(bytes(data)).next_batch()
    assert [(each.offset, each.timestamp) for each in batch] == [(at, 1_700_000_000_000) for at in (70, 71, 72)]
    assert batch.next_offset == 73


def test_what_is_no_batch_is_refused_as_before(patched: None) -> None:
    data = bytearray(batch_of(GOOD))
    data[-1] ^= 1
    assert not fetcher.MemoryRecords(bytes(data)).next_batch().validate_crc()


class Message:
    """A record of confluent-kafka whose headers cannot be decoded."""

    def headers(self) -> None:
        raise SystemError("returned a result with an exception set")


def test_read_directly_it_has_no_headers_either() -> None:
    assert list(headers_in(Message())) == []
