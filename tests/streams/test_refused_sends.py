"""A send that the broker refuses stops the worker with a clear message, and nothing is skipped."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from tests.environment import Kafka
from tests.generator import activations
from tests.normalized import documents_of
from tests.pipeline import TOPICS, Pipeline
from tests.sandbox_server import running_sandbox

ORDERS = list(activations(seed=7, orders=60, customers=12))


@pytest.fixture
def pipeline(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    with running_sandbox() as sandbox:
        made = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox)
        try:
            made.run("topics", "create")
            yield made
        finally:
            made.close()


def _limit(kafka: Kafka, topic: str, most: int) -> None:
    entry = ConfigEntry("max.message.bytes", str(most), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for done in admin.incremental_alter_configs([resource]).values():
        done.result(10)


@pytest.mark.parametrize("topic", ["commands", "contracts"])
def test_an_output_over_the_brokers_size_limit_stops_the_projector_and_is_sent_once_the_limit_is_raised(
    kafka: Kafka, pipeline: Pipeline, topic: str
) -> None:
    name = pipeline.prefix + TOPICS[topic]
    _limit(kafka, name, 700)
    pipeline.start("project")
    pipeline.publish(ORDERS)

    assert pipeline.ended("project") == 1
    told = pipeline.tail("project")
    assert f"the broker refused a record for {name}" in told
    assert "nothing was skipped" in told
    assert pipeline.lag("project", "orders") > 0

    _limit(kafka, name, 1_000_000)
    pipeline.start("project")
    pipeline.start("apply")
    pipeline.wait_until_applied()
    with running_sandbox() as other:
        assert documents_of(pipeline.sandbox).documents == _one_clean_run(kafka, pipeline, other).documents


def test_a_state_record_over_the_brokers_size_limit_stops_the_projector(kafka: Kafka, pipeline: Pipeline) -> None:
    changelog = f"{pipeline.prefix}project-state-changelog"
    _limit(kafka, changelog, 600)
    pipeline.start("project")
    pipeline.publish(ORDERS)

    assert pipeline.ended("project") == 1
    assert f"the broker refused a record for {changelog}" in pipeline.tail("project")


def _one_clean_run(kafka: Kafka, beside: Pipeline, sandbox: object) -> object:
    folder = beside.folder / "clean"
    folder.mkdir()
    clean = Pipeline(folder, kafka.bootstrap, f"{beside.prefix}clean-", sandbox)
    try:
        clean.run("topics", "create")
        clean.publish(ORDERS)
        clean.start("project")
        clean.start("apply")
        clean.wait_until_applied()
        return documents_of(sandbox)
    finally:
        clean.close()
