"""The Faust host's own guards: what may be committed, and when a worker may no longer write."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from streams.progress import Progress
from tests.environment import Kafka
from tests.generator import activations
from tests.pipeline import Pipeline
from tests.sandbox_server import running_sandbox


class Thread:
    """Commits as Faust's does: it leaves out what is not assigned, and aiokafka refuses to commit nothing."""

    def __init__(self) -> None:
        self.assigned = {"seen"}

    def assignment(self) -> set[str]:
        return self.assigned

    async def _commit(self, offsets: Mapping[str, int]) -> bool:
        if not {place for place in offsets if place in self.assigned}:
            raise ValueError(offsets)
        return True


class Consumer:
    """Acknowledges, as Faust does when it stops, records that no agent ever saw."""

    def __init__(self) -> None:
        self._thread = Thread()

    def _new_offset(self, place: str) -> int | None:
        return {"seen": 10, "never seen": 7}.get(place)


def test_what_was_carried_through_is_committed_whatever_faust_holds_to_be_acknowledged() -> None:
    progress, consumer = Progress(), Consumer()
    progress.decide_commits(consumer)
    assert consumer._new_offset("seen") is None
    progress.begin("seen", 1, committed=3)
    assert consumer._new_offset("seen") == 3
    progress.carried("seen", 3)
    assert consumer._new_offset("seen") == 4
    assert consumer._new_offset("never seen") is None


async def test_a_commit_whose_partitions_all_went_to_others_meanwhile_commits_nothing_and_stops_nobody() -> None:
    consumer = Consumer()
    Progress().decide_commits(consumer)
    assert await consumer._thread._commit({"seen": 4, "gone": 9})
    consumer._thread.assigned = set()
    assert not await consumer._thread._commit({"seen": 4})


def test_a_new_generation_begins_where_the_group_stands() -> None:
    progress = Progress()
    progress.begin("p", 1, committed=None)
    assert progress.following("p") == 0
    progress.carried("p", 0)
    assert progress.knows("p", 1)
    assert not progress.knows("p", 2)
    progress.begin("p", 2, committed=9)
    assert progress.following("p") == 9


@pytest.fixture
def pipeline(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    with running_sandbox() as sandbox:
        made = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox, {"PROJECT__SESSION_TIMEOUT": "6"})
        try:
            made.run("topics", "create")
            yield made
        finally:
            made.close()


def test_a_worker_that_stood_still_for_longer_than_its_session_stops_and_says_so(pipeline: Pipeline) -> None:
    pipeline.start("project")
    pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 60, "project")
    process = pipeline.process("project")
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(7)
    pipeline.bus().publish(list(activations(seed=3, orders=20, customers=5)))
    os.kill(process.pid, signal.SIGCONT)

    assert pipeline.ended("project") == 1
    assert "project.session_timeout" in pipeline.tail("project")
    pipeline.start("project")
    pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 60, "project")


def test_orders_flow_while_a_second_worker_joins_and_leaves(pipeline: Pipeline) -> None:
    dynamic = {"PROJECT__INSTANCE_ID": ""}
    orders = list(activations(seed=5, orders=200, customers=40))
    bus = pipeline.bus()
    pipeline.start("project", over=dynamic)
    for place in range(0, len(orders), 20):
        if place == 40:
            pipeline.start_command("second", ["project"], dynamic)
        if place == 160:
            pipeline.wait_for(lambda: "Worker ready" in pipeline.tail("second", 1000), 60, "second")
            assert pipeline.stop("second") == 0
        bus.publish(orders[place : place + 20])
        time.sleep(1.0)
    pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 90, "project")
    assert pipeline.stop("project") == 0
    decided = pipeline.decided_orders()
    assert decided == {each["data"]["order"]["id"] for each in orders}
