"""Records with header names that are not UTF-8, as a client in C or Go may write them."""

from __future__ import annotations

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

BatchRecord = tuple[bytes | None, bytes | None, list[tuple[bytes, bytes]]]


class _Name(str):
    """A name that is written as the bytes that it was given."""

    raw: bytes

    def __new__(cls, raw: bytes) -> _Name:
        self = super().__new__(cls, "name")
        self.raw = raw
        return self

    def encode(self, *_: object) -> bytes:
        return self.raw


def _builder(records: list[BatchRecord]) -> _DefaultRecordBatchBuilderPy:
    builder = _DefaultRecordBatchBuilderPy(2, 1, 0, -1, -1, -1, 1_000_000)
    for offset, (key, value, headers) in enumerate(records):
        names = [(_Name(name), data) for name, data in headers]
        assert builder.append(offset, 1_700_000_000_000, key, value, names) is not None
    return builder


def batch_of(records: list[BatchRecord]) -> bytes:
    """A batch as a broker stores it: gzip-compressed keys, values and headers."""
    return bytes(_builder(records).build())


async def publish(bootstrap: str, topic: str, partition: int, records: list[BatchRecord]) -> int:
    """Publish records in one batch; gives the offset of the first."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        batch = producer.create_batch()
        batch._builder = _builder(records)
        batch._relative_offset = len(records)
        return (await (await producer.send_batch(batch, topic, partition=partition))).offset
    finally:
        await producer.stop()
