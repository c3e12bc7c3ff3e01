"""State on a disk that survives: taken up again after a kill, and refused where it is not this worker's."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from tests.environment import Kafka
from tests.generator import activations
from tests.pipeline import Pipeline
from tests.sandbox_server import running_sandbox


@pytest.fixture
def pipeline(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    own = {"PROJECT__STORE": "rocksdb", "PROJECT__DATA_DIR": str(tmp_path / "state")}
    with running_sandbox() as sandbox:
        made = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox, own)
        try:
            made.run("topics", "create")
            yield made
        finally:
            made.close()


def recovered(pipeline: Pipeline) -> list[int]:
    """How many changelog records each start read."""
    return [int(count) for count in re.findall(r"recovery: (\d+) records read", pipeline.tail("project", 1000))]


def decide(pipeline: Pipeline, seed: int) -> set[str]:
    orders = list(activations(seed=seed, orders=30, customers=6))
    pipeline.bus().publish(orders)
    pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 60, "project")
    return {each["data"]["order"]["id"] for each in orders}


def test_a_killed_worker_takes_up_what_its_disk_kept_and_reads_the_rest(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.start("project")
    first = decide(pipeline, 1)
    pipeline.kill("project")
    pipeline.start("project")
    second = decide(pipeline, 2)
    assert pipeline.stop("project") == 0
    assert pipeline.decided_orders() == first | second
    shutil.rmtree(tmp_path / "state")
    pipeline.start("project")
    decide(pipeline, 3)
    fresh, kept, lost = recovered(pipeline)
    assert fresh == kept == 0
    assert lost > 30


def test_without_a_folder_or_with_an_impossible_one_the_setting_is_named(pipeline: Pipeline, tmp_path: Path) -> None:
    missing = pipeline.run("project", over={"PROJECT__DATA_DIR": ""}, status=2)
    assert "project.data_dir (NUESTREAM_PROJECT__DATA_DIR) is not set" in missing.stderr
    (tmp_path / "file").write_text("")
    impossible = pipeline.run("project", over={"PROJECT__DATA_DIR": str(tmp_path / "file")}, status=2)
    assert "project.data_dir (NUESTREAM_PROJECT__DATA_DIR)" in impossible.stderr
    assert "cannot be used" in impossible.stderr


def test_two_workers_do_not_share_a_folder(pipeline: Pipeline) -> None:
    pipeline.start("project")
    pipeline.wait_for(lambda: "Worker ready" in pipeline.tail("project", 1000), 60, "project")
    second = pipeline.run("project", over={"PROJECT__INSTANCE_ID": "project-1"}, status=2)
    assert "is used by another worker" in second.stderr


def test_state_of_a_changelog_that_was_made_anew_is_refused(pipeline: Pipeline, kafka: Kafka) -> None:
    pipeline.start("project")
    decide(pipeline, 1)
    assert pipeline.stop("project") == 0
    changelog = f"{pipeline.prefix}project-state-changelog"
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.delete_topics([changelog])[changelog].result(10)
    admin.create_topics([NewTopic(changelog, 4, 1)])[changelog].result(10)
    refused = pipeline.run("project", status=2)
    assert "delete the folder" in refused.stderr
