"""The servers that other tests rely on do what a real Kafka and a real registry do."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer
from confluent_kafka.admin import AclOperation, AdminClient, NewTopic, ResourceType
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from tests.environment import Kafka, OwnBroker, SchemaRegistry, SecureKafka, UnavailableError, artifacts, refuse
from tests.environment.availability import REQUIRED
from tests.environment.processes import listens

ORDER_SCHEMA = '{"type": "record", "name": "Order", "fields": [{"name": "id", "type": "string"}]}'


def create_topic(admin: AdminClient, topic: str) -> None:
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])[topic].result(30)


def send(settings: Mapping[str, str], topic: str, value: bytes) -> KafkaError | None:
    """What the broker answered to one record: None if it took it."""
    answers: list[KafkaError | None] = []
    producer = Producer(
        {**settings, "message.timeout.ms": 10_000, "topic.metadata.propagation.max.ms": 500, "log_level": 0}
    )
    producer.produce(topic, value, on_delivery=lambda error, _: answers.append(error))
    producer.flush(20)
    (answer,) = answers
    return answer


def read_one(settings: Mapping[str, str], topic: str) -> Message:
    consumer = Consumer({**settings, "group.id": f"{topic}-readers", "auto.offset.reset": "earliest", "log_level": 0})
    consumer.subscribe([topic])
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            message = consumer.poll(1)
            if message is not None:
                return message
        raise AssertionError(f"nothing arrived from {topic}")
    finally:
        consumer.close()


def test_a_record_makes_the_round_trip_through_the_shared_broker(kafka: Kafka, topic_prefix: str) -> None:
    client = {"bootstrap.servers": kafka.bootstrap}
    topic = f"{topic_prefix}orders"
    create_topic(AdminClient(client), topic)

    assert send(client, topic, b"an order") is None

    message = read_one(client, topic)
    assert message.error() is None
    assert message.value() == b"an order"
    assert message.offset() == 0


def test_a_topic_that_nobody_created_is_refused(kafka: Kafka, topic_prefix: str) -> None:
    answer = send({"bootstrap.servers": kafka.bootstrap}, f"{topic_prefix}misspelt", b"an order")

    assert answer is not None
    assert answer.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)


def test_a_broker_of_its_own_keeps_to_its_properties_and_keeps_its_log_over_a_crash(
    new_kafka: Callable[[Mapping[str, str] | None], OwnBroker],
) -> None:
    broker = new_kafka({"message.max.bytes": "2000", "broker.session.timeout.ms": "2000"})
    client = {"bootstrap.servers": broker.bootstrap}
    create_topic(AdminClient(client), "orders")

    refused = send(client, "orders", b"x" * 3000)
    assert refused is not None
    assert refused.code() == KafkaError.MSG_SIZE_TOO_LARGE
    assert send(client, "orders", b"small") is None

    broker.kill()
    with pytest.raises(KafkaException):
        AdminClient({**client, "log_level": 0}).list_topics(timeout=1)
    broker.start()

    assert read_one(client, "orders").value() == b"small"


def test_a_broker_ends_with_the_process_that_started_it(kafka: Kafka, tmp_path: Path) -> None:
    if "jars" not in kafka.origin:
        pytest.skip("only a broker from its jars is a process of ours")
    script = (
        "from tests.environment import start_kafka; import sys, time;"
        "print(start_kafka().bootstrap, flush=True); time.sleep(600)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}  # nobody will be there to remove the broker's folder
    with subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline().rpartition(":")[2])
        assert listens(port)
        parent.kill()

    deadline = time.monotonic() + 10
    while listens(port) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not listens(port)


def test_a_schema_is_registered_and_fetched_by_its_id(schema_registry: SchemaRegistry, topic_prefix: str) -> None:
    client = SchemaRegistryClient({"url": schema_registry.url})
    subject = f"{topic_prefix}orders-value"

    schema_id = client.register_schema(subject, Schema(ORDER_SCHEMA, "AVRO"))

    fetched = client.get_schema(schema_id)
    assert fetched.schema_str is not None
    assert '"Order"' in fetched.schema_str
    assert client.get_latest_version(subject).schema_id == schema_id


def test_a_user_may_write_on_the_secured_broker_only_while_an_acl_says_so(secure_kafka: SecureKafka) -> None:
    create_topic(secure_kafka.admin(), "acl-orders")
    publisher = secure_kafka.client("publisher", secure_kafka.add_user("publisher"))

    without = send(publisher, "acl-orders", b"an order")
    assert without is not None
    assert without.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED

    secure_kafka.allow("publisher", AclOperation.WRITE, ResourceType.TOPIC, "acl-", prefixed=True)
    assert send(publisher, "acl-orders", b"an order") is None

    secure_kafka.revoke("publisher")
    revoked = send(publisher, "acl-orders", b"an order")
    assert revoked is not None
    assert revoked.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_wrong_password_is_refused_by_the_secured_broker(secure_kafka: SecureKafka) -> None:
    secure_kafka.add_user("visitor")
    errors: list[KafkaError] = []
    settings = {**secure_kafka.client("visitor", "guessed"), "error_cb": errors.append, "log_level": 0}
    visitor = AdminClient(settings)

    with pytest.raises(KafkaException):
        visitor.list_topics(timeout=5)
    visitor.poll(1)

    assert KafkaError._AUTHENTICATION in {error.code() for error in errors}


def test_a_listener_that_demands_client_certificates_serves_only_those_who_show_one() -> None:
    with demanding_certificates() as broker:
        admin = broker.client(broker.admin_user, broker.admin_password)
        certificate, key = broker.client_certificate("worker")
        shown = {"ssl.certificate.location": str(certificate), "ssl.key.location": str(key)}

        assert AdminClient({**admin, **shown}).list_topics(timeout=10).brokers
        with pytest.raises(KafkaException):
            AdminClient({**admin, "log_level": 0}).list_topics(timeout=3)


def demanding_certificates() -> SecureKafka:
    try:
        return SecureKafka({"listener.name.sasl_ssl.ssl.client.auth": "required"})
    except UnavailableError as why:
        refuse("A secured Apache Kafka", why)


def test_what_cannot_be_had_skips_on_a_laptop_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    why = UnavailableError("no java on the PATH")

    monkeypatch.delenv(REQUIRED, raising=False)
    with pytest.raises(pytest.skip.Exception, match="no java on the PATH"):
        refuse("Kafka", why)

    monkeypatch.setenv(REQUIRED, "1")
    with pytest.raises(pytest.fail.Exception, match="no java on the PATH"):
        refuse("Kafka", why)


def test_a_machine_without_maven_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnavailableError, match="no Maven"):
        artifacts.kafka_jars()


def test_two_processes_that_fetch_at_once_leave_one_complete_folder(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    maven = tools / "mvn"  # a slow stand-in: what is tried here is the lock and the rename, not the network
    maven.write_text(
        f'#!/bin/sh\necho run >> "{tmp_path}/runs"\nfor a; do case $a in -Dfolder=*) d=${{a#-Dfolder=}};; esac; done\n'
        'sleep 1; echo jar > "$d/kafka.jar"\n'
    )
    maven.chmod(0o755)
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PATH": f"{tools}:{os.environ['PATH']}"}
    script = "from tests.environment import artifacts; print(artifacts.kafka_jars())"

    started = [
        subprocess.Popen([sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    folders = {process.communicate(timeout=60)[0].strip() for process in started}

    assert [process.returncode for process in started] == [0, 0]
    (folder,) = folders
    assert re.fullmatch(r"kafka-[\d.]+-[0-9a-f]{8}", Path(folder).name)
    assert [file.name for file in Path(folder).iterdir()] == ["kafka.jar"]
    assert (tmp_path / "runs").read_text().splitlines() == ["run"]
    assert [left.name for left in (tmp_path / "nuestream").iterdir() if left.name.startswith(".kafka")] == []
