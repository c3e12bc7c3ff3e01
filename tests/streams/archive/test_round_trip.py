"""Topics of a real broker to files and back."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Producer
from msgspec import Struct

from projections.records import LogRecord
from schemas.codec import Decoder, Encoder, Malformed
from schemas.registry import Registry
from streams.archive.exporting import Export
from streams.archive.importing import Import
from streams.archive.kept_schemas import SchemasToKeep
from streams.archive.live import Chosen
from streams.archive.reading import ArchiveReader
from streams.archive.storage import Storage
from streams.cli import cli
from streams.errors import ArchiveError
from streams.reading import TopicReader
from streams.settings import Settings
from tests.environment import Kafka, SchemaRegistry
from tests.streams.archive.bus import PARTITIONS, create, held, odd_records, produce
from tests.streams.archive.making import NOON, record
from tests.streams.archive.people import NAME, archived, peopled
from tests.streams.eventful import eventful_log
from tests.streams.own_topics import settings_on
from tests.streams.raw_headers import publish


@pytest.fixture
def settings(kafka: Kafka, topic_prefix: str) -> Settings:
    return settings_on(kafka.bootstrap, topic_prefix)


def export(settings: Settings, url: str, topic: str, role: str | None = None, most_bytes: int = 20_000) -> int:
    with TopicReader(settings.kafka) as reader:
        done = Export(Storage(url), reader, SchemasToKeep(None), None, most_bytes).run([Chosen(role, topic)])
    return done[0].records


def import_(settings: Settings, url: str, topic: str, target: str) -> int:
    with TopicReader(settings.kafka) as reader:
        return Import(settings, reader).run({target: ArchiveReader(url, topic)})[0].records


def nuestream(settings: Settings, *arguments: str, registry: str = "") -> tuple[int, str]:
    environment = {
        "NUESTREAM_REGISTRY__URL": registry,
        "NUESTREAM_KAFKA__BOOTSTRAP_SERVERS": settings.kafka.bootstrap_servers,
        "NUESTREAM_TOPICS__ORDERS": settings.topics.orders,
        "NUESTREAM_TOPICS__CONTRACTS": settings.topics.contracts,
    }
    done = CliRunner().invoke(cli, arguments, env=environment, catch_exceptions=False)
    return done.exit_code, done.output


def test_a_topic_comes_back_as_it_was(settings: Settings, tmp_path: Path) -> None:
    topic, url = settings.topics.orders, str(tmp_path)
    create(settings, topic)
    produce(settings, topic, odd_records(1, 300, days=5))
    assert export(settings, url, topic, "orders") == 300
    files = {name: Storage(url).read(name) for name in Storage(url).names(topic) if name.endswith(".avro")}
    produce(settings, topic, odd_records(2, 60, days=2))
    assert export(settings, url, topic, "orders") == 60
    assert export(settings, url, topic, "orders") == 0
    after = {name: Storage(url).read(name) for name in Storage(url).names(topic) if name.endswith(".avro")}
    assert len(files) >= 20
    assert files.items() < after.items()
    status, output = nuestream(settings, "archive", "verify", "--from", url, "--against-topic")
    assert status == 1, output  # values name a schema 7 that was archived without its registry
    assert "need the registry" in output
    assert import_(settings, url, topic, f"{topic}.again") == 360
    assert held(settings, f"{topic}.again") == held(settings, topic)
    assert {len(records) > 50 for records in held(settings, topic).values()} == {True}


def test_an_import_that_was_cut_short_goes_on_where_it_ended(settings: Settings, tmp_path: Path) -> None:
    topic, target, url = settings.topics.orders, settings.topics.contracts, str(tmp_path)
    records = odd_records(3, 120, days=3)
    create(settings, topic)
    produce(settings, topic, records)
    export(settings, url, topic)
    create(settings, target)
    produce(settings, target, [each for number, each in enumerate(records) if number < 50 or each[0] == 2])
    assert 30 < import_(settings, url, topic, target) < 70
    assert held(settings, target) == held(settings, topic)
    assert import_(settings, url, topic, target) == 0


def test_what_transactions_leave_between_the_records_is_no_part_of_the_archive(
    settings: Settings, tmp_path: Path
) -> None:
    topic, url = settings.topics.orders, str(tmp_path)
    create(settings, topic, partitions=1)
    servers = {"bootstrap.servers": settings.kafka.bootstrap_servers, "log_level": 0}
    producer = Producer(servers | {"transactional.id": topic})
    producer.init_transactions(30)
    for number in range(4):
        producer.begin_transaction()
        for place in range(3):
            producer.produce(topic, b"%d/%d" % (number, place), b"key", 0, timestamp=NOON + number)
        assert producer.flush(30) == 0
        end = producer.abort_transaction if number == 1 else producer.commit_transaction
        end(30)
    wanted = held(settings, topic)[0]
    assert [each.offset for each in wanted] == [0, 1, 2, 8, 9, 10, 12, 13, 14]
    assert export(settings, url, topic, "orders") == 9
    status, output = nuestream(settings, "archive", "verify", "--from", url, "--against-topic")
    assert status == 0, output
    target = settings.topics.contracts
    status, output = nuestream(settings, "archive", "import", "--from", url, "--as", target)
    assert (status, "offsets of partition 0 have holes" in output) == (0, True)
    assert [each._replace(offset=0) for each in held(settings, target)[0]] == [
        each._replace(offset=0) for each in wanted
    ]
    assert import_(settings, url, topic, target) == 0
    assert export(settings, url, topic, "orders") == 0


def test_a_topic_that_is_in_the_way_is_refused_and_left_alone(settings: Settings, tmp_path: Path) -> None:
    topic, target, url = settings.topics.orders, settings.topics.contracts, f"memory://{uuid.uuid4().hex}"
    create(settings, topic)
    produce(settings, topic, odd_records(4, 40, days=2))
    export(settings, url, topic, "orders")
    create(settings, f"{target}.few", partitions=2)
    create(settings, f"{target}.stamped", message_timestamp_type="LogAppendTime")
    create(settings, f"{target}.short", retention_ms="604800000")
    create(settings, f"{target}.compact", cleanup_policy="compact")
    create(settings, target)
    produce(settings, target, [(3, record(0))])
    for name, said in (
        (f"{target}.few", "has 2 partitions, the archive 4"),
        (f"{target}.stamped", r"message\.timestamp\.type=CreateTime"),
        (f"{target}.short", "would delete old records"),
        (f"{target}.compact", r"cleanup\.policy=compact: it needs delete"),
        (target, "holds at offset 0 another record"),
    ):
        with pytest.raises(ArchiveError, match=said):
            import_(settings, url, topic, name)
    assert sum(len(records) for records in held(settings, target).values()) == 1


def test_an_archive_goes_on_only_with_the_topic_that_it_is_of(settings: Settings, tmp_path: Path) -> None:
    topic, other = settings.topics.orders, settings.topics.contracts
    create(settings, topic)
    produce(settings, topic, odd_records(5, 40, days=2))
    create(settings, other)
    produce(settings, other, odd_records(6, 60, days=2))
    export(settings, str(tmp_path), topic)
    (tmp_path / topic).rename(tmp_path / other)
    described = tmp_path / other / "topic.json"
    described.write_text(described.read_text().replace(topic, other))
    with pytest.raises(ArchiveError, match=r"is not the one that was archived|ends at offset"):
        export(settings, str(tmp_path), other)
    with pytest.raises(ArchiveError, match=r"there is no topic nowhere"):
        export(settings, str(tmp_path), "nowhere")


async def test_header_names_that_no_client_reads_are_told_however_many_there_are(
    settings: Settings, tmp_path: Path
) -> None:
    topic = settings.topics.orders
    create(settings, topic)
    both = [(b"k", b"v", [(b"\xff", b"1")]), (b"k", b"w", [(b"name", b"2")])]
    await publish(settings.kafka.bootstrap_servers, topic, 1, both * 50)
    status, output = nuestream(settings, "archive", "export", "--to", str(tmp_path), "--topics", "orders")
    assert status == 0
    assert "50 records have header names that are not UTF-8" in output
    read = list(ArchiveReader(str(tmp_path), topic).archived(1, 0, 100))
    assert [each.headers for each in read] == [(), (("name", b"2"),)] * 50


def test_every_difference_to_the_topic_is_told(settings: Settings, tmp_path: Path) -> None:
    topic, other, url = settings.topics.orders, settings.topics.contracts, str(tmp_path)
    create(settings, topic)
    create(settings, other)
    alike = [(number % PARTITIONS, record(0, value=b"v%d" % number)) for number in range(12)]
    produce(settings, topic, alike)
    alike[5] = (1, record(0, value=b"forged"))
    alike[6] = (2, record(0, value=b"v6", timestamp=NOON + 1))
    produce(settings, other, alike[:-1])
    export(settings, url, topic, "contracts")  # so that it is held against the other
    status, output = nuestream(settings, "archive", "verify", "--from", url, "--against-topic")
    assert status == 1
    assert f"{other}[1]: the record at offset 1 is another one in the archive" in output
    assert f"{other}[2]: the record at offset 1 is another one in the archive" in output
    assert f"{other}[3] has no record at offset 2, the archive has one" in output
    assert output.count("offset") == 3


def test_with_a_registry_the_archive_is_read_without_it_afterwards(
    settings: Settings, schema_registry: SchemaRegistry, tmp_path: Path
) -> None:
    topic = settings.topics.orders
    create(settings, topic)
    encoder = Encoder(Registry({"url": schema_registry.url}))
    log = [replace(each, value=encoder.encode(topic, content)) for each, content in readable(peopled(eventful_log()))]
    produce(settings, topic, [(0, archived(each)) for each in log])
    for folder, option in (("with", ()), ("without", ("--without-personal-data",))):
        to = ("--to", str(tmp_path / folder), "--topics", "orders")
        status, output = nuestream(settings, "archive", "export", *to, *option, registry=schema_registry.url)
        assert status == 0, output
        reader = ArchiveReader(str(tmp_path / folder), topic)
        decoder = Decoder(reader.registry())
        contents = [decoder.decode(each.value, list(each.headers.items())) for each in reader.records(0, 0, 99)]
        assert len(contents) == len(log) > 15
        assert any(NAME in str(content) for content in contents) == (folder == "with")
        status, output = nuestream(settings, "archive", "verify", "--from", str(tmp_path / folder))
        assert status == 0, output
        against = ("archive", "verify", "--against-topic", "--from", str(tmp_path / folder))
        status, output = nuestream(settings, *against, registry=schema_registry.url)
        assert status == 0, output
    status, output = nuestream(settings, "archive", "export", *to, registry=schema_registry.url)
    assert (status, "was begun without personal data, and stays so" in output) == (2, True)
    other = ("archive", "export", "--to", str(tmp_path / "state"), "--topics", topic + "x", "--without-personal-data")
    create(settings, topic + "x")
    status, output = nuestream(settings, *other)
    assert (status, "is not known: it cannot be left out" in output) == (2, True)


def readable(log: Iterable[LogRecord]) -> Iterator[tuple[LogRecord, Struct]]:
    for each in log:
        with suppress(Malformed):
            yield each, Decoder(None).decode(each.value, list(each.headers.items()))
