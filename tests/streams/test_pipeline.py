"""The main job on a real Kafka: the documents, and what changes nothing in NetSuite."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import SchemaRegistryClient

from tests.environment import Kafka, SchemaRegistry
from tests.examples_of import expected_of, shape_of
from tests.normalized import documents_of
from tests.pipeline import TOPICS, Pipeline
from tests.sandbox_server import running_sandbox

EXAMPLES = Path(__file__).parents[1] / "examples"
ACTIVATIONS = (EXAMPLES / "activations.ndjson").read_text()
HISTORY = (EXAMPLES / "history-delta" / "activations.ndjson").read_text()
# Dynamic membership: a worker that ends leaves its group at once, and the group's offsets can be set.
DYNAMIC = {"PROJECT__INSTANCE_ID": "", "APPLY__INSTANCE_ID": ""}


@pytest.fixture
def pipeline(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    with running_sandbox() as sandbox:
        made = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox, DYNAMIC)
        try:
            made.run("topics", "create")
            yield made
        finally:
            made.close()


def _run_all(pipeline: Pipeline, text: str) -> None:
    for worker in ("project", "apply"):
        pipeline.start(worker)
    pipeline.run("publish", "-", text=text)
    pipeline.wait_until_applied()


def _rewind(kafka: Kafka, pipeline: Pipeline, group: str, topic: str) -> None:
    name, group = pipeline.prefix + TOPICS[topic], f"{pipeline.prefix}{group}"
    places = [TopicPartition(name, partition, 0) for partition in pipeline.ends(topic)]
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for done in admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, places)]).values():
        done.result(20)


def _writes(pipeline: Pipeline) -> dict[str, int]:
    with urllib.request.urlopen(f"{pipeline.sandbox.url}/sandbox/report", timeout=10) as answer:
        requests: dict[str, Any] = json.loads(answer.read())["requests"]
    return {kind: count for kind, count in requests.items() if kind.split()[0] in ("POST", "PATCH", "PUT", "DELETE")}


def test_the_histories_leave_the_documents_that_they_must(pipeline: Pipeline) -> None:
    _run_all(pipeline, HISTORY)
    assert shape_of(pipeline.sandbox) == expected_of(EXAMPLES / "history-delta" / "expected.json")
    assert sum(pipeline.ends("quarantine").values()) == 0
    assert sum(pipeline.ends("dead_letters").values()) == 0
    for worker in ("project", "apply"):
        assert pipeline.stop(worker) == 0


def test_records_in_the_registrys_wire_format_lead_to_the_same_documents(
    kafka: Kafka, schema_registry: SchemaRegistry, topic_prefix: str, tmp_path: Path
) -> None:
    with running_sandbox() as sandbox:
        settings = DYNAMIC | {"REGISTRY__URL": schema_registry.url}
        pipeline = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox, settings)
        try:
            pipeline.run("topics", "create")
            _run_all(pipeline, ACTIVATIONS)
            assert shape_of(sandbox) == expected_of(EXAMPLES / "expected.json")
            subjects = SchemaRegistryClient({"url": schema_registry.url}).get_subjects()
            used = {name for name in subjects if name.startswith(topic_prefix)}
            listed = json.loads(pipeline.run("schemas", "list", "--json").stdout)
            assert used
            assert used <= {f"{each['topic']}-{each['record']}" for each in listed}
        finally:
            pipeline.close()


def test_repeating_everything_changes_nothing_in_netsuite(kafka: Kafka, pipeline: Pipeline) -> None:
    _run_all(pipeline, HISTORY)
    first, writes = documents_of(pipeline.sandbox), _writes(pipeline)

    pipeline.run("publish", "-", text=HISTORY)
    pipeline.wait_until_applied()
    assert documents_of(pipeline.sandbox) == first, "published twice"

    pipeline.stop("project")
    _rewind(kafka, pipeline, "project", "orders")
    pipeline.start("project")
    pipeline.wait_until_applied()
    assert documents_of(pipeline.sandbox) == first, "project from offset zero with its state"

    pipeline.stop("project")
    commands = sum(pipeline.ends("commands").values())
    _lose_state(kafka, pipeline)
    _rewind(kafka, pipeline, "project", "orders")
    pipeline.start("project")
    pipeline.wait_until_applied()
    assert sum(pipeline.ends("commands").values()) > commands, "it decided everything again"
    assert documents_of(pipeline.sandbox) == first, "project from offset zero without its state"

    pipeline.stop("apply")
    _rewind(kafka, pipeline, "apply", "commands")
    pipeline.start("apply")
    pipeline.wait_until_applied()
    assert documents_of(pipeline.sandbox) == first, "apply from offset zero"
    assert _writes_of_records(_writes(pipeline)) == _writes_of_records(writes), "nothing was even tried"


def _writes_of_records(writes: dict[str, int]) -> dict[str, int]:
    return {kind: count for kind, count in writes.items() if "suiteql" not in kind}


def _lose_state(kafka: Kafka, pipeline: Pipeline) -> None:
    changelog = f"{pipeline.prefix}project-state-changelog"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.delete_topics([changelog])[changelog].result(20)
    pipeline.wait_for(lambda: changelog not in admin.list_topics(timeout=10).topics, 20, "project")
    pipeline.run("topics", "create")


def test_a_worker_whose_policy_is_not_the_logs_refuses_to_start_and_shows_the_difference(pipeline: Pipeline) -> None:
    done = pipeline.run("project", over={"POLICY__MIXED_ORDERS": "split"}, status=2)
    assert "mixed_orders is one_document in the log and split in the settings" in done.stderr

    pipeline.run("policy", "activate", "--yes", over={"POLICY__MIXED_ORDERS": "split"})
    pipeline.start("project", over={"POLICY__MIXED_ORDERS": "split"})
    pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 60, "project")
    assert pipeline.stop("project") == 0


def test_a_log_that_does_not_begin_with_a_policy_is_refused(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> None:
    with running_sandbox() as sandbox:
        pipeline = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox, DYNAMIC)
        assert "nuestream topics create" in pipeline.run("project", status=2).stderr
        assert "nuestream topics create" in pipeline.run("publish", "-", text=ACTIVATIONS, status=2).stderr
