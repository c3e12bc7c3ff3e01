"""Workers and brokers of a cluster crash while orders flow: all that is said is what one clean run says.

How much of it: `NUESTREAM_CLUSTER_ORDERS` orders (default 300), `_KILLS` SIGKILLs of workers (2), `_BROKER_KILLS` of
brokers (1), `_STOPS` workers that stand still for longer than their session (1), `_SEED` where the chance starts; all
are printed, with what was done.
"""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from streams.reading import TopicReader
from streams.settings_connect import KafkaSettings
from tests.environment import Cluster, OwnBroker
from tests.pipeline import Pipeline
from tests.streams.orchestrated import Workers
from tests.streams.order_flow import Person, Publisher, arrivals
from tests.streams.said import Said, differences, said

ORDERS, KILLS, BROKER_KILLS, STOPS = (
    int(os.environ.get(f"NUESTREAM_CLUSTER_{name}", default))
    for name, default in (("ORDERS", "300"), ("KILLS", "2"), ("BROKER_KILLS", "1"), ("STOPS", "1"))
)
SEED = int(os.environ.get("NUESTREAM_CLUSTER_SEED", str(random.SystemRandom().randrange(1 << 30))))
WORKERS = ("project-0", "project-1")
PARTITIONS = 3
SESSION_S = 6  # as short as Kafka lets it be
FAULT_S = 12  # what a fault and the recovery from it take, about: the pace of the orders
TOPICS = ("contracts", "commands", "quarantine")
SETTINGS = {
    "TOPICS__PARTITIONS": str(PARTITIONS),
    "TOPICS__REPLICATION": "3",
    "PROJECT__SESSION_TIMEOUT": str(SESSION_S),
}


class Faults:
    """What goes wrong, each time only after every partition has moved on, or on purpose at once after the last.

    Nothing is waited for after the last fault: a partition may have said all that it has to say.
    """

    def __init__(self, cluster: Cluster, pipeline: Pipeline, workers: Workers, publisher: Publisher) -> None:
        self._chance = random.Random(SEED)
        self._cluster = cluster
        self._contracts = pipeline.topic("contracts")
        self._reader = TopicReader(KafkaSettings(bootstrap_servers=cluster.bootstrap))
        self._workers = workers
        self._publisher = publisher
        self._repairs = ThreadPoolExecutor(1)
        self._repair: Future[None] | None = None
        self._began = time.monotonic()
        self.done: Counter[str] = Counter()

    def carry_out(self) -> None:
        """All of them, in an order left to chance."""
        faults: list[Callable[[], None]] = [self._kill_worker] * KILLS
        faults += [self._kill_broker] * BROKER_KILLS + [self._stop_worker] * STOPS
        self._chance.shuffle(faults)
        for number, fault in enumerate(faults, 1):
            self._publisher.faults_left = len(faults) - number
            if self._chance.random() < 0.8:
                self.wait_until_all_move()
                time.sleep(self._chance.uniform(0, 0.5))
            else:  # also while the workers still recover
                time.sleep(self._chance.uniform(0, SESSION_S))
            assert self._publisher.error is None
            assert self._publisher.left or number == len(faults), "the orders ran out before the last fault"
            fault()

    def end(self) -> None:
        """Every broker is up again."""
        if self._repair is not None:
            self._repair.result()
        self._repairs.shutdown()

    def _kill_worker(self) -> None:
        victim = self._chance.choice(WORKERS)
        self._tell("worker killed", victim)
        self._workers.kill(victim)

    def _kill_broker(self) -> None:
        if self._repair is not None:
            self._repair.result()  # one at a time: two that are down are an outage
        victim = self._chance.choice(self._cluster.brokers)
        self._tell("broker killed", victim.bootstrap)
        victim.kill()
        self._repair = self._repairs.submit(self._start_after, victim, self._chance.uniform(2, 15))

    def _start_after(self, broker: OwnBroker, pause: float) -> None:
        time.sleep(pause)
        broker.start()

    def _stop_worker(self) -> None:
        victim = self._chance.choice(WORKERS)
        self._tell("worker stopped", victim)
        self.wait_until_all_move()  # it has to be in the group

        def until_another_took_over() -> None:
            time.sleep(SESSION_S + self._chance.uniform(1, 3))
            self.wait_until_all_move()

        ending = self._workers.stand_still(victim, until_another_took_over)
        assert ending.status == 1
        assert "nothing was skipped: this worker stood still" in ending.last_line

    def wait_until_all_move(self) -> None:
        """Wait until there is something new in every partition of the contract events."""
        began = time.monotonic()
        before = self._ends()
        while any(end <= before[partition] for partition, end in self._ends().items()):
            assert time.monotonic() < began + 180, f"nothing moves: {before}, {self._workers.endings}"
            assert self._publisher.error is None
            time.sleep(0.1)
        self._tell("all move", f"after {time.monotonic() - began:.1f} s")

    def _ends(self) -> dict[int, int]:
        # to be asked while a broker is down, as a worker asks that starts
        return {partition: end for partition, (_, end) in self._reader.extents(self._contracts).items()}

    def _tell(self, what: str, about: str) -> None:
        self.done[what] += 1
        passed, left = time.monotonic() - self._began, self._publisher.left
        print(f"{passed:7.1f} s  {what:14} {about:16} {left} records to come", flush=True)


@pytest.mark.timeout(7200)
def test_crashes_of_workers_and_brokers_leave_on_every_topic_what_one_clean_run_says(
    cluster: Cluster, tmp_path: Path
) -> None:
    print(f"\nseed {SEED}: {ORDERS} orders, {KILLS} workers and {BROKER_KILLS} brokers killed, {STOPS} workers stopped")
    (tmp_path / "crashed").mkdir()
    (tmp_path / "clean").mkdir()
    crashed = Pipeline(tmp_path / "crashed", cluster.bootstrap, "crashed.", settings=SETTINGS)
    crashed.run("topics", "create")
    _run_into_faults(cluster, crashed)
    # the same log, read by a group of its own that writes to topics of its own
    the_log = {"TOPICS__ORDERS": crashed.topic("orders")}
    clean = Pipeline(tmp_path / "clean", cluster.bootstrap, "clean.", settings=SETTINGS | the_log)
    clean.run("topics", "create")
    try:
        began = time.monotonic()
        clean.start("project")
        clean.wait_for(lambda: clean.lag("project", "orders") == 0, 1800, "project")
        print(f"the clean run took {time.monotonic() - began:.0f} s")
        assert clean.stop("project") == 0
    finally:
        clean.close()

    found, expected = _said(cluster, crashed), _said(cluster, clean)
    print(f"{expected.records}, and {found.copies} copies where it crashed")
    assert expected.copies == 0
    assert differences(found, expected) == []
    assert expected.records["OrderDecided"] > ORDERS // 2
    assert expected.records["Held"] > 0
    assert expected.records["Quarantined"] > 0


def _run_into_faults(cluster: Cluster, pipeline: Pipeline) -> None:
    kafka = KafkaSettings(bootstrap_servers=cluster.bootstrap)
    records = arrivals(SEED % 1000, ORDERS, customers=max(30, ORDERS // 20))
    publisher = Publisher(kafka, pipeline.topic("orders"), records, FAULT_S)
    person = Person(kafka, pipeline.topic("quarantine"), PARTITIONS, pipeline.topic("orders"))
    publisher.faults_left = KILLS + BROKER_KILLS + STOPS
    with Workers(pipeline, WORKERS) as workers:
        publisher.start()
        person.start()
        faults = Faults(cluster, pipeline, workers, publisher)
        try:
            faults.carry_out()
        finally:
            faults.end()
            publisher.hurry.set()
            publisher.join()
            person.gone.set()
            person.join()
        assert (publisher.error, person.error) == (None, None)
        pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 900, WORKERS[0])
        assert workers.stop() == [0, 0]
    print(f"{dict(faults.done)}, {dict(person.said)}")
    for ending in workers.endings:
        print(f"{ending.worker} ended by itself with {ending.status}: {ending.last_line}")
    assert len(workers.endings) == STOPS, "a worker that was not stopped ended by itself"


def _said(cluster: Cluster, pipeline: Pipeline) -> Said:
    topics = {role: pipeline.topic(role) for role in TOPICS}
    return said(KafkaSettings(bootstrap_servers=cluster.bootstrap), topics)
