"""Publishing: every valid document is in the log, every bad one is told, and nothing is lost in between."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import Decoder
from schemas.order import OrderEvent, Source
from schemas.registry import RegistryUnavailable
from streams.activations import ActivationFile
from streams.errors import NuestreamError
from streams.policy import KEY_PREFIX
from streams.publish import Publication, Rejected, Tally, activations_of, publish_events
from streams.publish_command import run_publish
from streams.reading import TopicReader
from streams.sending import Sender
from streams.settings import Settings
from streams.topics import create_topics
from tests.environment import Kafka, OwnBroker, SchemaRegistry, SecureKafka
from tests.streams.own_topics import settings_on
from tests.streams.test_topics import allow, as_user

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "examples" / "activations.ndjson"
DOCUMENTS: list[str] = EXAMPLES.read_text(encoding="utf-8").splitlines()


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def log_on(bootstrap: str, prefix: str, **over: dict[str, Any]) -> Settings:
    settings = settings_on(bootstrap, prefix, **over)
    create_topics(settings)
    return settings


def published(settings: Settings) -> list[tuple[bytes, OrderEvent]]:
    """Keys and events of the log, partition by partition."""
    from streams.kafka import registry_of

    decoder = Decoder(registry_of(settings.registry))
    found = []
    with TopicReader(settings.kafka) as reader:
        for message in reader.records(settings.topics.orders, reader.extents(settings.topics.orders)):
            if not message.key().startswith(KEY_PREFIX):
                event = decoder.decode(message.value(), message.headers())
                assert isinstance(event, OrderEvent)
                found.append((message.key(), event))
    return found


def numbers(settings: Settings) -> list[str]:
    return sorted(event.order.order_number for _, event in published(settings))


EXPECTED = sorted(json.loads(text)["data"]["order"]["orderNumber"] for text in DOCUMENTS)


def written(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def pieces(path: str) -> list[tuple[int, str, str | None]]:
    with ActivationFile(path) as file:
        return [(each.line, each.text, each.problem) for each in file]


FORMS: dict[str, Callable[[list[str]], bytes]] = {
    "a.ndjson": lambda texts: "\n".join(texts).encode(),
    "b.jsonl": lambda texts: ("\n\n".join(texts) + "\r\n").encode(),
    "c.json": lambda texts: f"[{', '.join(texts)}]".encode(),
    "d.json": lambda texts: json.dumps([json.loads(text) for text in texts], indent=2).encode("utf-8-sig"),
    "e.json": lambda texts: "\n".join(json.dumps(json.loads(text), indent=1) for text in texts).encode(),
    "f.ndjson.gz": lambda texts: gzip.compress("\n".join(texts).encode()),
    "g": lambda texts: gzip.compress(f"\n[\n{','.join(texts)}]\n".encode()),
    "h.txt": lambda texts: "\n".join(texts).encode(),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_file_gives_the_same_documents(name: str, tmp_path: Path) -> None:
    found = pieces(written(tmp_path / name, FORMS[name](DOCUMENTS)))
    assert [problem for _, _, problem in found] == [None] * len(DOCUMENTS)
    assert [json.loads(text) for _, text, _ in found] == [json.loads(text) for text in DOCUMENTS]


def test_one_document_is_a_file_too(tmp_path: Path) -> None:
    assert [line for line, _, _ in pieces(written(tmp_path / "one.json", DOCUMENTS[0]))] == [1]
    pretty = json.dumps(json.loads(DOCUMENTS[0]), indent=4)
    assert [line for line, _, _ in pieces(written(tmp_path / "pretty.json", "\n\n" + pretty))] == [3]


def test_documents_know_the_line_that_they_begin_on(tmp_path: Path) -> None:
    array = '[\n  {"a":\n 1},\n\n  {"b": 2}, {"c": 3}\n]\n'
    assert [line for line, _, _ in pieces(written(tmp_path / "array.json", array))] == [2, 5, 5]
    lines = '{"a": 1}\n\n{"b": 2}\n'
    assert [line for line, _, _ in pieces(written(tmp_path / "lines.ndjson", lines))] == [1, 3]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'[{"a": 1}, {"b": \n', (1, "nothing behind it was read")),
        (b'[{"a": 1} x', (1, "not JSON")),
        (b'[{"a": 1}] trailing', (1, "not JSON")),
        (b'[{"a": 1}', (1, "not JSON")),
        (b'{"a": 1}\n\xff\xfe\n', (2, "not UTF-8")),
        (b"hello", (1, "not JSON")),
    ],
)
def test_what_cannot_be_cut_out_is_told_with_its_line(
    tmp_path: Path, content: bytes, expected: tuple[int, str]
) -> None:
    line, _, problem = pieces(written(tmp_path / "broken", content))[-1]
    assert line == expected[0]
    assert expected[1] in (problem or "")


def test_a_file_that_was_cut_off_gives_what_came_before(tmp_path: Path) -> None:
    whole = gzip.compress("\n".join(DOCUMENTS).encode())
    found = pieces(written(tmp_path / "cut.ndjson.gz", whole[:-20]))
    assert found[-1][2] is not None
    assert "ends early" in found[-1][2]
    assert found[0][1] == DOCUMENTS[0]


def test_memory_is_bounded_by_one_document_and_not_by_the_file(tmp_path: Path) -> None:
    import tracemalloc

    text = json.dumps({"text": "x" * 1000})
    lines = written(tmp_path / "large.ndjson", f"{text}\n" * 40_000)
    array = written(tmp_path / "large.json", f"[{','.join([text] * 40_000)}]")
    for path in (lines, array):
        tracemalloc.start()
        with ActivationFile(path) as file:
            count = sum(1 for _ in file)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == 40_000
        assert peak < 2 << 20


def test_a_document_without_end_is_cut_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.activations.MAX_DOCUMENT", 1000)
    endless = written(tmp_path / "endless.ndjson", '{"text": "' + "x" * 5000 + '\n{"b": 2}\n')
    found = pieces(endless)
    assert [(line, len(text), problem) for line, text, problem in found] == [
        (1, 1000, "the line is too long for one document"),
        (2, 8, None),
    ]


def test_the_rejects_name_file_line_reason_and_keep_the_text(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> None:
    settings = log_on(kafka.bootstrap, topic_prefix)
    no_customer = json.loads(DOCUMENTS[1])
    del no_customer["data"]["order"]["customerId"]
    bad = [DOCUMENTS[0], "{broken", json.dumps(no_customer), *DOCUMENTS[1:]]
    path = written(tmp_path / "some.ndjson", "\n".join(bad))
    assert run_publish(settings, [path], tmp_path / "rejects.ndjson", dry_run=False) == 1
    assert numbers(settings) == EXPECTED
    rejects = [json.loads(line) for line in (tmp_path / "rejects.ndjson").read_text().splitlines()]
    assert [(row["file"], row["line"], row["text"]) for row in rejects] == [(path, 2, bad[1]), (path, 3, bad[2])]
    assert "not readable as JSON" in rejects[0]["error"]
    assert "customerId" in rejects[1]["error"]


def test_all_good_is_status_0_and_leaves_no_rejects_file(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> None:
    settings = log_on(kafka.bootstrap, topic_prefix)
    assert run_publish(settings, [str(EXAMPLES)], None, dry_run=False) == 0
    assert list(tmp_path.iterdir()) == []


def test_an_event_carries_its_key_its_headers_and_what_was_said_about_it(kafka: Kafka, topic_prefix: str) -> None:
    settings = log_on(kafka.bootstrap, topic_prefix, publish={"source": "backfill", "tenant_id": "tenant-7"})
    for _ in range(2):
        assert run_publish(settings, [str(EXAMPLES)], None, dry_run=False) == 0
    found = published(settings)
    assert len(found) == 2 * len(DOCUMENTS)
    assert len({event.event_id for _, event in found}) == len(found)
    for key, event in found:
        assert key == event.order.customer_id.encode()
        assert (event.source, event.tenant_id) == (Source.BACKFILL, "tenant-7")
    assert len({event.content_hash for _, event in found}) == len(DOCUMENTS)


def test_a_dry_run_validates_and_reaches_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nowhere = settings_on("127.0.0.1:9", "", registry={"url": "http://127.0.0.1:9"})
    path = written(tmp_path / "some.ndjson", "\n".join([*DOCUMENTS, "{}"]))
    assert run_publish(nowhere, [path], tmp_path / "rejects", dry_run=True) == 1
    told = capsys.readouterr().err
    assert f"dry run: {len(DOCUMENTS)} valid, 1 rejected; nothing was published" in told


def test_without_the_log_nothing_is_published_and_the_message_says_what_to_run(
    kafka: Kafka, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_on(kafka.bootstrap, topic_prefix)
    assert run_publish(settings, [str(EXAMPLES)], None, dry_run=False) == 2
    assert "run `nuestream topics create`" in capsys.readouterr().err


def test_an_unreachable_kafka_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_publish(settings_on("127.0.0.1:9", ""), [str(EXAMPLES)], None, dry_run=False) == 2
    assert "Kafka at 127.0.0.1:9: " in capsys.readouterr().err


def test_records_go_out_in_the_wire_format_of_the_registry(
    kafka: Kafka, schema_registry: SchemaRegistry, topic_prefix: str
) -> None:
    settings = log_on(kafka.bootstrap, topic_prefix, registry={"url": schema_registry.url})
    assert run_publish(settings, [str(EXAMPLES)], None, dry_run=False) == 0
    assert numbers(settings) == EXPECTED
    with TopicReader(settings.kafka) as reader:
        values = [m.value() for m in reader.records(settings.topics.orders, reader.extents(settings.topics.orders))]
    assert {value[:1] for value in values} == {b"\x00"}


def test_a_registry_that_does_not_answer_stops_the_publisher_and_rejects_nothing(
    kafka: Kafka, topic_prefix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_on(kafka.bootstrap, topic_prefix)
    settings = settings_on(kafka.bootstrap, topic_prefix, registry={"url": "http://127.0.0.1:9"})
    assert run_publish(settings, [str(EXAMPLES)], None, dry_run=False) == 2
    assert "0 published" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    publication = Publication.of(settings)
    with pytest.raises(RegistryUnavailable):
        publish_events(publication, activations_of([str(EXAMPLES)]), Tally(), lambda _: None)


def test_a_record_that_the_broker_refuses_stops_the_publisher(
    new_kafka: Callable[[dict[str, str]], OwnBroker], topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = log_on(new_kafka({"message.max.bytes": "1500"}).bootstrap, topic_prefix)
    assert run_publish(settings, [str(EXAMPLES)], None, dry_run=False) == 2
    told = capsys.readouterr().err
    assert f"{settings.topics.orders}[" in told
    assert "refused a record" in told
    assert "too large" in told
    assert "0 rejected" in told


def test_a_revoked_permission_stops_the_publisher(
    secure_kafka: SecureKafka, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    administrator, publisher = f"{topic_prefix}topics", f"{topic_prefix}publish"
    settings = as_user(secure_kafka, topic_prefix, administrator)
    allow(secure_kafka, settings, "topics", administrator)
    create_topics(settings)
    settings = as_user(secure_kafka, topic_prefix, publisher)
    allow(secure_kafka, settings, "publish", publisher)
    assert run_publish(settings, [str(EXAMPLES)], None, dry_run=False) == 0
    from confluent_kafka.admin import AclOperation

    secure_kafka.revoke(publisher, AclOperation.WRITE)
    capsys.readouterr()
    assert run_publish(settings, [str(EXAMPLES)], None, dry_run=False) == 2
    told = capsys.readouterr().err
    assert "authorization failed" in told
    assert "0 published" in told


def test_a_record_over_the_producer_s_limit_is_rejected_alone(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> None:
    settings = log_on(kafka.bootstrap, topic_prefix)
    large = json.loads(DOCUMENTS[0])
    large["data"]["order"]["description"] = "x" * 1_100_000
    rejected: list[Rejected] = []
    path = written(tmp_path / "large.ndjson", "\n".join([json.dumps(large), *DOCUMENTS]))
    tally = Tally()
    publish_events(Publication.of(settings), activations_of([path]), tally, rejected.append)
    assert [each.activation.line for each in rejected] == [1]
    assert "too large" in rejected[0].reason
    assert (tally.acknowledged, tally.rejected) == (len(DOCUMENTS), 1)
    assert numbers(settings) == EXPECTED


def test_the_hook_is_called_before_each_event_is_sent(kafka: Kafka, topic_prefix: str) -> None:
    settings = log_on(kafka.bootstrap, topic_prefix)
    seen: list[str] = []
    publication = Publication.of(settings)
    assert publication.sender is not None
    sender: Sender = publication.sender
    waiting: list[int] = []

    def hook(event: OrderEvent) -> None:
        sender.flush()
        waiting.append(sender.acknowledged)
        seen.append(event.order.order_number)

    publish_events(publication, activations_of([str(EXAMPLES)]), Tally(), lambda _: None, hook)
    assert sorted(seen) == EXPECTED
    assert waiting == list(range(len(DOCUMENTS)))


def test_a_fault_in_the_hook_is_no_rejected_document(kafka: Kafka, topic_prefix: str) -> None:
    settings = log_on(kafka.bootstrap, topic_prefix)

    def hook(_: OrderEvent) -> None:
        raise ValueError("the reader is gone")

    with pytest.raises(ValueError, match="the reader is gone"):
        publish_events(Publication.of(settings), activations_of([str(EXAMPLES)]), Tally(), lambda _: None, hook)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(NuestreamError, match=r"absent\.json: cannot be read: No such file"):
        list(activations_of(["absent.json"]))


def test_ctrl_c_says_how_many_are_in_the_log(kafka: Kafka, topic_prefix: str) -> None:
    settings = log_on(kafka.bootstrap, topic_prefix)
    names = {field: getattr(settings.topics, field) for field in ("orders",)}
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "NUESTREAM_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "NUESTREAM_TOPICS__ORDERS": names["orders"],
        "NUESTREAM_GROUPS__PROJECT": settings.groups.project,
    }
    with subprocess.Popen(
        [sys.executable, "-m", "streams.cli", "publish", "-"],
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write("\n".join(DOCUMENTS) + "\n")
        process.stdin.flush()
        until = time.monotonic() + 60
        while len(published(settings)) < len(DOCUMENTS) and time.monotonic() < until:
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        told = process.stderr.read()
    assert process.returncode == 130
    assert f"interrupted: {len(DOCUMENTS)} published to {settings.topics.orders}, 0 rejected" in told
    assert "Traceback" not in told
