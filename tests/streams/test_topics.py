"""Topics: made as they must be, checked where they are there, and who may do what with them."""

from __future__ import annotations

import json
import shlex
import time
from typing import Any

import pytest
from confluent_kafka.admin import AclOperation, AdminClient, ConfigResource, NewTopic
from confluent_kafka.admin import ResourceType as Resource

from streams.access import as_commands, grants
from streams.cli_topics import PROCESSES
from streams.errors import KafkaUnavailable, NuestreamError, PolicyMissing
from streams.kafka import librdkafka_config
from streams.policy import activate_initial, first_policy_check, policies_in_log
from streams.reading import TopicReader
from streams.reconcile.reading import TopicsRead
from streams.reconcile.workbook import Workbook
from streams.sending import Sender
from streams.settings import Settings
from streams.topics import TopicAdmin, TopicFound, create_topics, differences, record_counts, topic_plans
from streams.topics_command import run_acls, run_create, run_show
from tests.environment import Kafka, SecureKafka
from tests.streams.own_topics import settings_on


def made(settings: Settings, name: str, partitions: int, config: dict[str, str]) -> None:
    admin = AdminClient(librdkafka_config(settings.kafka))
    admin.create_topics([NewTopic(name, partitions, 1, config=config)])[name].result(30)
    while name not in admin.list_topics(timeout=10).topics:
        time.sleep(0.1)


def configs(settings: Settings) -> dict[str, dict[str, str]]:
    admin = AdminClient(librdkafka_config(settings.kafka))
    asked = [ConfigResource(Resource.TOPIC, plan.name) for plan in topic_plans(settings)]
    return {
        resource.name: {name: entry.value for name, entry in answer.result(30).items()}
        for resource, answer in admin.describe_configs(asked).items()
    }


def test_what_is_made_is_as_it_must_be(kafka: Kafka, topic_prefix: str) -> None:
    settings = settings_on(kafka.bootstrap, topic_prefix, topics={"partitions": 3})
    created, found, begun = create_topics(settings, by="somebody")
    assert set(created) == {plan.name for plan in topic_plans(settings)}
    assert len(created) == 7
    assert {topic.partitions for topic in found} == {3}
    assert not any(topic.problems for topic in found)
    assert begun == [0, 1, 2]
    actual = configs(settings)
    for role in ("orders", "contracts", "commands", "quarantine", "dead_letters"):
        topic = actual[getattr(settings.topics, role)]
        assert (topic["cleanup.policy"], topic["retention.ms"], topic["retention.bytes"]) == ("delete", "-1", "-1")
    assert actual[settings.topics.outcomes]["cleanup.policy"] == "compact"
    assert actual[settings.changelog]["cleanup.policy"] == "compact"
    assert int(actual[settings.changelog]["min.compaction.lag.ms"]) >= 3_600_000


def test_the_log_begins_with_the_policy_on_every_partition_and_only_once(kafka: Kafka, topic_prefix: str) -> None:
    settings = settings_on(kafka.bootstrap, topic_prefix, topics={"partitions": 3}, policy={"mixed_orders": "split"})
    create_topics(settings, by="somebody")
    created, _, begun = create_topics(settings)
    assert (created, begun) == ([], [])
    policies = policies_in_log(settings)
    assert sorted(policies) == [0, 1, 2]
    for number, at in policies.items():
        assert at.offset == 0
        assert at.policy == settings.policy.to_policy()
        assert (at.activated.partition, at.activated.partitions, at.activated.activated_by) == (number, 3, "somebody")
    first_policy_check(settings)


def test_a_creation_that_was_stopped_half_way_is_completed(kafka: Kafka, topic_prefix: str) -> None:
    settings = settings_on(kafka.bootstrap, topic_prefix)
    admin = TopicAdmin(settings)
    half = [plan for plan in topic_plans(settings) if plan.role in ("orders", "commands")]
    admin.create(half)
    admin.settled(half)
    activate_initial(settings, [1], 4)
    created, _, begun = create_topics(settings)
    assert len(created) == 5
    assert begun == [0, 2, 3]
    first_policy_check(settings)


def test_a_topic_that_is_there_is_checked_and_never_changed(
    kafka: Kafka, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_on(kafka.bootstrap, topic_prefix)
    made(settings, settings.topics.commands, 2, {"retention.ms": "1000"})
    made(settings, settings.topics.outcomes, 4, {"cleanup.policy": "compact,delete"})
    enough = {"min.compaction.lag.ms": "7200000", "max.message.bytes": "9000000"}
    made(settings, settings.changelog, 4, {"cleanup.policy": "compact", **enough})
    create_topics(settings)
    before = configs(settings)
    assert run_create(settings, None) == 1
    told = capsys.readouterr().err
    assert f"{settings.topics.commands} has 2 partitions instead of 4" in told
    assert f"--entity-name {settings.topics.commands} --add-config retention.ms=-1" in told
    assert f"{settings.topics.outcomes} has cleanup.policy=compact,delete instead of compact" in told
    assert settings.changelog not in told
    assert configs(settings) == before


def test_an_orders_topic_with_the_wrong_number_of_partitions_gets_no_policy(kafka: Kafka, topic_prefix: str) -> None:
    settings = settings_on(kafka.bootstrap, topic_prefix)
    made(settings, settings.topics.orders, 2, {})
    _, found, begun = create_topics(settings)
    assert begun == []
    assert [topic.plan.role for topic in found if topic.problems] == ["orders"]
    assert policies_in_log(settings) == {}


def test_a_log_that_begins_with_something_else_is_an_error(kafka: Kafka, topic_prefix: str) -> None:
    settings = settings_on(kafka.bootstrap, topic_prefix)
    made(settings, settings.topics.orders, 4, {})
    sender = Sender(settings.kafka)
    sender.send(settings.topics.orders, b"acme", b"not ours", [], partition=2)
    sender.flush()
    with pytest.raises(PolicyMissing, match=r"\[2\] begins with another record"):
        create_topics(settings)


def test_fewer_replicas_than_wanted_are_told() -> None:
    plan = topic_plans(settings_on("none:1", ""))[0]
    found = TopicFound(plan, partitions=plan.partitions, replication=1, config=plan.config)
    assert differences(found, replication=1) == []
    assert differences(found, replication=3) == ["has 1 replicas instead of 3: reassign its partitions"]


def test_three_replicas_ask_for_two_that_are_in_sync() -> None:
    plans = topic_plans(settings_on("none:1", "", topics={"replication": 3}))
    assert {plan.config["min.insync.replicas"] for plan in plans} == {"2"}


def test_more_replicas_than_brokers_are_refused_in_kafka_s_words(kafka: Kafka, topic_prefix: str) -> None:
    settings = settings_on(kafka.bootstrap, topic_prefix, topics={"replication": 7})
    with pytest.raises(NuestreamError, match=r"cannot be made: .*(?i:replicat)"):
        create_topics(settings)


def test_show_counts_records_and_names_the_policy(
    kafka: Kafka, topic_prefix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_on(kafka.bootstrap, topic_prefix)
    assert run_show(settings, json_wanted=True) == 1
    assert {len(topic["problems"]) for topic in json.loads(capsys.readouterr().out)} == {1}
    create_topics(settings)
    sender = Sender(settings.kafka)
    for number in range(5):
        sender.send(settings.topics.commands, b"%d" % number, b"x", [])
    sender.flush()
    assert run_show(settings, json_wanted=True) == 0
    told: dict[str, dict[str, Any]] = {row["role"]: row for row in json.loads(capsys.readouterr().out)}
    assert told["orders"]["records"] == 4
    assert told["commands"]["records"] == 5
    assert told["orders"]["policies"] == [settings.policy.to_policy().policy_id]
    assert run_show(settings, json_wanted=False) == 0
    table = capsys.readouterr().out
    assert settings.policy.to_policy().policy_id in table
    assert all(plan.name in table for plan in topic_plans(settings))


def test_record_counts_are_those_of_the_topic(kafka: Kafka, topic_prefix: str) -> None:
    settings = settings_on(kafka.bootstrap, topic_prefix)
    _, found, _ = create_topics(settings)
    assert record_counts(settings, found)[settings.topics.orders] == 4
    assert record_counts(settings, found)[settings.topics.contracts] == 0


PRINCIPALS = {name: f"User:{name}" for name in PROCESSES}


def test_the_commands_grant_exactly_what_the_table_says() -> None:
    listed = grants(settings_on("host:9092", "acme."))
    granted = set()
    for line in as_commands(listed, PRINCIPALS, "host:9092"):
        words = shlex.split(line)
        assert words[:4] == ["kafka-acls", "--bootstrap-server", "host:9092", "--add"]
        principal = words[words.index("--allow-principal") + 1]
        operations = [words[at + 1] for at, word in enumerate(words) if word == "--operation"]
        granted |= {(principal, words[-2], words[-1], operation) for operation in operations}
    assert granted == {
        (f"User:{grant.process}", f"--{grant.resource.lower()}", grant.name, grant.operation) for grant in listed
    }
    assert len(granted) == len(listed)


def test_no_process_may_write_what_it_only_reads() -> None:
    settings = settings_on("host:9092", "acme.")
    writes = {(grant.process, grant.name) for grant in grants(settings) if grant.operation == "Write"}
    topics = settings.topics
    assert {process for process, name in writes if name == topics.orders} == {
        "publish",
        "project",
        "quarantine",
        "opening",
        "archive",
        "policy",
        "topics",
    }
    assert {process for process, name in writes if name == topics.commands} == {
        "project",
        "archive",
        "reconcile",
        "rebuild",
    }
    assert {process for process, name in writes if name == topics.outcomes} == {"apply", "archive", "rebuild"}
    assert {process for process, name in writes if name == topics.dead_letters} == {
        "apply",
        "deadletters",
        "archive",
        "rebuild",
    }
    assert not {name for process, name in writes if process in ("history", "held", "replay")}


def test_the_list_is_also_json(capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_on("host:9092", "acme.")
    assert run_acls(settings, "json", PRINCIPALS | {"apply": "User:CN=sink"}) == 0
    told = json.loads(capsys.readouterr().out)
    assert {row["principal"] for row in told if row["process"] == "apply"} == {"User:CN=sink"}
    assert len(told) == len(grants(settings))


def allow(broker: SecureKafka, settings: Settings, process: str, user: str) -> None:
    """Grant a user what `nuestream topics acls` lists for a process."""
    operations = {
        "Read": AclOperation.READ,
        "Write": AclOperation.WRITE,
        "Create": AclOperation.CREATE,
        "Describe": AclOperation.DESCRIBE,
        "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    }
    resources = {"Topic": Resource.TOPIC, "Group": Resource.GROUP}
    for grant in grants(settings):
        if grant.process == process:
            broker.allow(user, operations[grant.operation], resources[grant.resource], grant.name)


def as_user(broker: SecureKafka, prefix: str, user: str) -> Settings:
    return settings_on(
        broker.bootstrap,
        prefix,
        kafka={
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_username": user,
            "sasl_password": broker.add_user(user),
            "ssl_ca": broker.ca_path,
        },
    )


def test_the_administrator_needs_no_more_than_is_listed(secure_kafka: SecureKafka, topic_prefix: str) -> None:
    settings = as_user(secure_kafka, topic_prefix, f"{topic_prefix}topics")
    with pytest.raises(Exception, match=r"cannot be made: .*(?i:authorization)"):
        create_topics(settings)
    allow(secure_kafka, settings, "topics", f"{topic_prefix}topics")
    created, found, begun = create_topics(settings)
    assert len(created) == 7
    assert len(begun) == 4
    assert not any(topic.problems for topic in found)
    assert run_show(settings, json_wanted=True) == 0


def test_who_may_only_write_cannot_even_look_at_the_policy(secure_kafka: SecureKafka, topic_prefix: str) -> None:
    administrator = as_user(secure_kafka, topic_prefix, f"{topic_prefix}topics")
    allow(secure_kafka, administrator, "topics", f"{topic_prefix}topics")
    create_topics(administrator)
    user = f"{topic_prefix}writer"
    settings = as_user(secure_kafka, topic_prefix, user)
    secure_kafka.allow(user, AclOperation.WRITE, Resource.TOPIC, settings.topics.orders)
    with pytest.raises(KafkaUnavailable, match=r"(?i)authorization failed"):
        policies_in_log(settings)
    allow(secure_kafka, settings, "policy", user)
    assert len(policies_in_log(settings)) == 4


def test_reconcile_reads_the_topics_with_no_more_than_is_listed(secure_kafka: SecureKafka, topic_prefix: str) -> None:
    administrator = as_user(secure_kafka, topic_prefix, f"{topic_prefix}topics")
    allow(secure_kafka, administrator, "topics", f"{topic_prefix}topics")
    create_topics(administrator)
    user = f"{topic_prefix}reconcile"
    settings = as_user(secure_kafka, topic_prefix, user)
    allow(secure_kafka, settings, "reconcile", user)
    told: list[str] = []
    with TopicReader(settings.kafka, settings.groups.apply) as reader, Workbook() as workbook:
        TopicsRead(settings, reader, workbook, lambda topic, _done, _total: told.append(topic)).read_all()
    assert len(set(told)) == 6
