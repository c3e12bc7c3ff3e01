"""While orders flow, nothing is told but what is on its way; afterwards everything ties out."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from tests.environment import Kafka
from tests.generator import activations
from tests.pipeline import Pipeline
from tests.sandbox_server import running_sandbox

ORDERS = 600


@pytest.mark.soak
def test_nothing_is_told_but_what_is_on_its_way_while_orders_flow(
    kafka: Kafka, topic_prefix: str, tmp_path: Path
) -> None:
    with running_sandbox(latency=0.05) as sandbox:
        line = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox)
        line.run("topics", "create")
        line.start("project")
        line.start("apply")
        publisher = threading.Thread(target=line.publish, args=(list(activations(3, ORDERS, 40)),))
        publisher.start()
        looks, pending = 0, 0
        try:
            while publisher.is_alive() or line.lag("apply", "commands") or line.lag("project", "orders"):
                told = json.loads(line.run("reconcile", "--json", status=None).stdout)
                assert told["discrepancies"] == []
                assert {each["state"] for each in told["explained"]} <= {"pending"}
                looks, pending = looks + 1, pending + len(told["explained"])
            publisher.join()
            line.wait_until_applied()
            told = json.loads(line.run("reconcile", "--json", "--period", "2000-01..2100-12").stdout)
        finally:
            line.close()
    print(f"{looks} looks, {pending} records on their way; {told['counts']}")
    assert looks > 2
    assert pending > 0
    assert told["explained"] == []
    assert {each["outcome"] for each in told["orders"]} <= {"posted", "NoOp"}
    assert len(told["orders"]) == told["counts"]["outcomes"]["posted"] + told["counts"]["outcomes"].get("NoOp", 0)
