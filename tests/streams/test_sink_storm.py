"""Everything at once that NetSuite can do to a sink, and kills besides: its documents are those of one clean run.

`NUESTREAM_STORM_COMMANDS` (default 300) of `_CUSTOMERS` (30), `_KILLS` SIGKILLs (2), a tenth of the requests faulty,
`_SEED` where the chance starts; all are printed. Stalls last minutes on the sandbox's clock, which runs ten times as
fast here as time does.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from schemas.command import Command
from tests.environment import Kafka
from tests.normalized import documents_of
from tests.pipeline import Pipeline
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks import orders
from tests.streams.sinking import sales_order

COMMANDS, CUSTOMERS, KILLS = (
    int(os.environ.get(f"NUESTREAM_STORM_{name}", default))
    for name, default in (("COMMANDS", "300"), ("CUSTOMERS", "30"), ("KILLS", "2"))
)
SEED = int(os.environ.get("NUESTREAM_STORM_SEED", str(random.SystemRandom().randrange(1 << 30))))
ITEMS = [f"NUE-ITEM-{number}" for number in range(20)]
STALL_S, FASTER = 120, 10
MANY = 5000
RATES = {
    "no-answer-before": (0.01, {}),
    "no-answer-after": (0.015, {}),
    "error-before": (0.01, {}),
    "error-after": (0.015, {}),
    "reset": (0.01, {}),
    "stall": (0.01, {"seconds": STALL_S}),
    "in-flight": (0.01, {"seconds": STALL_S}),
    "twin": (0.01, {}),
    "too-many-requests": (0.003, {"requests": 4}),
    "maintenance": (0.002, {"requests": 4, "status": 503}),
}
SETTINGS = {
    "NETSUITE__CONCURRENCY": "15",
    "NETSUITE__TIMEOUT": "1.5",
    "NETSUITE__REQUEST_LIMIT": str(STALL_S / FASTER + 3),
    "APPLY__RETRY_INITIAL": "0.05",
    "APPLY__RETRY_MAX": "1",
    "APPLY__SESSION_TIMEOUT": "6",
}


def commands() -> list[Command]:
    """Items and customers, whose names change now and then, and documents of all kinds, each customer's in order."""
    chance = random.Random(SEED)
    asked: list[Command] = [orders.item(name) for name in ITEMS]
    asked += [orders.customer(f"NUE-CUST-c{number}", f"c{number}") for number in range(CUSTOMERS)]
    for number in range(COMMANDS - len(asked)):
        customer = chance.randrange(CUSTOMERS)
        if chance.random() < 0.05:
            asked.append(orders.customer(f"NUE-CUST-c{customer}", f"later-{number:06d}", name=f"C{customer}-{number}"))
            continue
        lines = tuple(
            orders.line(f"{number}-{at}", chance.choice(ITEMS), quantity=Decimal(chance.randrange(1, 99)))
            for at in range(chance.randrange(1, 4))
        )
        asked.append(sales_order(f"c{customer}", number, lines=lines))
    return asked


@contextmanager
def line(folder: Path, kafka: Kafka, prefix: str) -> Iterator[tuple[Pipeline, RunningSandbox]]:
    folder.mkdir()
    with (
        running_sandbox() as sandbox,
        closing(Pipeline(folder, kafka.bootstrap, prefix, sandbox, settings=SETTINGS)) as pipeline,
    ):
        pipeline.run("topics", "create")
        yield pipeline, sandbox


class FasterClock(threading.Thread):
    """Moves the sandbox's clock on, so that its minutes are seconds."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        super().__init__(daemon=True)
        self._sandbox = sandbox
        self.enough = threading.Event()

    def run(self) -> None:
        while not self.enough.wait(0.5):
            self._sandbox.admin("POST", "clock", {"advance": 0.5 * (FASTER - 1)})


@pytest.mark.timeout(7200)
def test_a_storm_of_faults_and_kills_leaves_the_documents_of_one_clean_run(
    kafka: Kafka, topic_prefix: str, tmp_path: Path
) -> None:
    print(f"\nseed {SEED}: {COMMANDS} commands of {CUSTOMERS} customers, {KILLS} kills")
    asked = commands()
    with line(tmp_path / "clean", kafka, f"{topic_prefix}clean-") as (clean, sandbox):
        clean.ask_for(asked)
        began = time.monotonic()
        clean.start("apply")
        clean.wait_for(lambda: clean.lag("apply", "commands") == 0, 1800, "apply")
        print(f"the clean run took {time.monotonic() - began:.0f} s")
        expected = documents_of(sandbox)
    with line(tmp_path / "storm", kafka, f"{topic_prefix}storm-") as (storm, sandbox):
        rates = [{"fault": {"kind": kind, **more}, "rate": rate} for kind, (rate, more) in RATES.items()]
        sandbox.admin("PUT", "faults", {"seed": SEED, "rates": rates})
        storm.ask_for(asked)
        began = time.monotonic()
        clock = FasterClock(sandbox)
        clock.start()
        _kill_now_and_then(storm)
        storm.wait_for(lambda: storm.lag("apply", "commands") == 0, 3600, "apply")
        passed = time.monotonic() - began
        sandbox.admin("DELETE", "faults")
        sandbox.admin("POST", "clock", {"advance": STALL_S})  # whatever is stalled still lands
        clock.enough.set()
        clock.join()
        told = sandbox.admin("GET", "report")
        found = documents_of(sandbox)
        print(f"the storm took {passed:.0f} s: {told['faults']}, {told['duplicatesRefused']} duplicates refused")
        assert storm.ends("dead_letters") == dict.fromkeys(storm.ends("dead_letters"), 0)
    assert len(expected.documents) > COMMANDS * 0.6
    assert found == expected
    assert told["transactionsUpdated"] == 0
    assert told["made"]["salesOrder"] == len(expected.documents)
    assert len(told["faults"]) >= (len(RATES) if COMMANDS >= MANY else 5)


def _kill_now_and_then(pipeline: Pipeline) -> None:
    chance = random.Random(f"kills/{SEED}")
    pipeline.start("apply")
    for number in range(1, KILLS + 1):
        wanted = COMMANDS * number // (KILLS + 1)
        pipeline.wait_for(lambda: sum(pipeline.ends("outcomes").values()) >= wanted, 1800, "apply")  # noqa: B023
        time.sleep(chance.uniform(0, 0.5))
        pipeline.kill("apply")
        pipeline.start("apply")
