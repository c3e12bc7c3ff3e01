"""Topics for archive tests: records as hostile as a producer can make them, and what a topic holds."""

from __future__ import annotations

import random
from collections.abc import Iterable

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.archive.envelope import Archived
from streams.archive.live import live_records
from streams.reading import TopicReader
from streams.settings import Settings
from tests.streams.archive.making import DAY, NOON

PARTITIONS = 4
LOG = {"retention.ms": "-1", "retention.bytes": "-1", "message.timestamp.type": "CreateTime"}


def create(settings: Settings, topic: str, partitions: int = PARTITIONS, **config: str) -> None:
    """Make a topic that keeps its records for ever."""
    admin = AdminClient({"bootstrap.servers": settings.kafka.bootstrap_servers, "log_level": 0})
    told = {name.replace("_", "."): value for name, value in config.items()}
    for made in admin.create_topics([NewTopic(topic, partitions, 1, config=LOG | told)]).values():
        made.result(20)


def odd_records(seed: int, count: int, days: int) -> list[tuple[int, Archived]]:
    """Records and their partitions: over some days, many at the same moment, with all that a record can lack."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        at = NOON + number * days // count * DAY + chance.choice([0, 0, 1, 999])
        key = chance.choice([None, b"", b"\xff\x00", b"key-%d" % chance.randrange(9)])
        value = chance.choice([None, b"", chance.randbytes(chance.randrange(2000)), b"\x00\x00\x00\x00\x07body"])
        names = chance.choices(["ce_id", "ce_id", "", "ü\U0001f600", "x" * 300], k=chance.randrange(5))
        headers = tuple((name, chance.choice([None, b"", b"\x00\xff", b"v" * 500])) for name in names)
        made.append((chance.randrange(PARTITIONS), Archived(0, at, 1, key, value, headers)))
    return made


def produce(settings: Settings, topic: str, records: Iterable[tuple[int, Archived]]) -> None:
    """Write records to their partitions."""
    servers = {"bootstrap.servers": settings.kafka.bootstrap_servers, "enable.idempotence": True}
    producer = Producer(servers | {"message.max.bytes": 8 << 20})
    for partition, each in records:
        headers = list(each.headers)
        producer.produce(topic, each.value, each.key, partition, timestamp=each.timestamp, headers=headers)
    assert producer.flush(30) == 0


def held(settings: Settings, topic: str) -> dict[int, list[Archived]]:
    """What a topic holds, by partition."""
    with TopicReader(settings.kafka) as reader:
        return {
            partition: [each.record for each in live_records(reader, topic, partition, *extent)]
            for partition, extent in reader.extents(topic).items()
        }
