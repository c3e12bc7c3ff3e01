"""SIGKILL at random moments while orders flow: NetSuite ends up with the documents of one clean run.

`NUESTREAM_KILLS` (default 2) is how often each worker is killed, `NUESTREAM_KILL_ORDERS` how many orders flow,
`NUESTREAM_KILL_SEED` where the chance starts; all are printed.
"""

import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import Kafka
from tests.generator import activations
from tests.normalized import documents_of
from tests.pipeline import Pipeline
from tests.sandbox_server import running_sandbox

KILLS = int(os.environ.get("NUESTREAM_KILLS", "2"))
ORDERS = int(os.environ.get("NUESTREAM_KILL_ORDERS", str(max(200, KILLS * 100))))
SEED = int(os.environ.get("NUESTREAM_KILL_SEED", str(random.SystemRandom().randrange(1 << 30))))


class Publisher(threading.Thread):
    """Publishes in small portions for as long as workers are to be killed, and then the rest at once."""

    def __init__(self, pipeline: Pipeline, documents: list[dict[str, object]], portion: int) -> None:
        super().__init__(daemon=True)
        self._bus = pipeline.bus()
        self._waiting = documents
        self._portion = portion
        self.hurry = threading.Event()
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while self._waiting:
                size = len(self._waiting) if self.hurry.is_set() else self._portion
                portion, self._waiting = self._waiting[:size], self._waiting[size:]
                self._bus.publish(portion)
                self.hurry.wait(1.0)
        except BaseException as error:
            self.error = error

    @property
    def left(self) -> int:
        """How many are not yet published."""
        return len(self._waiting)


@pytest.fixture
def orders() -> list[dict[str, object]]:
    return list(activations(seed=SEED % 1000, orders=ORDERS, customers=max(10, ORDERS // 20)))


def _pipeline(folder: Path, kafka: Kafka, prefix: str) -> Iterator[Pipeline]:
    folder.mkdir()
    with running_sandbox() as sandbox:
        pipeline = Pipeline(folder, kafka.bootstrap, prefix, sandbox)
        try:
            pipeline.run("topics", "create")
            yield pipeline
        finally:
            pipeline.close()


@pytest.mark.timeout(3600)
def test_kills_at_random_moments_leave_the_documents_of_one_clean_run(
    kafka: Kafka, topic_prefix: str, tmp_path: Path, orders: list[dict[str, object]]
) -> None:
    print(f"seed {SEED}, {ORDERS} orders, {KILLS} kills of each worker")
    for clean in _pipeline(tmp_path / "clean", kafka, f"{topic_prefix}clean-"):
        clean.start("project")
        clean.start("apply")
        clean.publish(orders)
        clean.wait_until_applied(600)
        expected = documents_of(clean.sandbox)
    for killed in _pipeline(tmp_path / "killed", kafka, f"{topic_prefix}killed-"):
        kills = _kill_while_orders_flow(killed, orders)
        killed.wait_until_applied(600)
        assert killed.ends("dead_letters") == dict.fromkeys(killed.ends("dead_letters"), 0)
        found = documents_of(killed.sandbox)
    print(kills)
    assert len(expected.documents) > ORDERS // 2
    assert found == expected


def _kill_while_orders_flow(pipeline: Pipeline, orders: list[dict[str, object]]) -> str:
    chance = random.Random(SEED)
    victims = ["project", "apply"] * KILLS
    chance.shuffle(victims)
    for name in ("project", "apply"):
        pipeline.start(name)
    publisher = Publisher(pipeline, orders, portion=max(1, len(orders) // (len(victims) * 15)))
    publisher.start()
    told = []
    for number, victim in enumerate(victims, 1):
        topic = {"project": "contracts", "apply": "outcomes"}[victim]
        before = sum(pipeline.ends(topic).values())
        pipeline.wait_for(lambda: sum(pipeline.ends(topic).values()) > before, 120, victim)  # noqa: B023
        time.sleep(chance.uniform(0, 0.5))
        assert publisher.error is None
        assert publisher.left or number == len(victims), "the orders ran out before the last kill"
        pipeline.kill(victim)
        pipeline.start(victim)
        told.append(f"{victim} killed with {publisher.left} orders to come")
    publisher.hurry.set()
    publisher.join()
    assert publisher.error is None
    return "\n".join(told)
