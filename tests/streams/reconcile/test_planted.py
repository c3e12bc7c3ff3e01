"""Every planted discrepancy is found and called by its kind and name; nothing else is."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.environment import Kafka
from tests.sandbox_server import running_sandbox
from tests.streams.reconcile.planted import Planted
from tests.streams.reconcile.world import World

SEEDS = int(os.environ.get("NUESTREAM_RECONCILE_SEEDS", "1"))
PLANTED = int(os.environ.get("NUESTREAM_RECONCILE_PLANTED", "500"))


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_every_planted_discrepancy_is_named_and_nothing_else_is_told(
    kafka: Kafka, topic_prefix: str, seed: int
) -> None:
    print(f"seed {seed}, {PLANTED} planted")
    # whichever sign an account tells sales with
    with running_sandbox(signs_of_books=seed % 2 == 1) as sandbox:
        world = World(kafka.bootstrap, topic_prefix, sandbox, seed=seed, orders=PLANTED + 100, customers=PLANTED // 4)
        planted = Planted(world, seed)
        planted.plant(PLANTED)
        told = world.told(status=1)
        calls = sum(sandbox.admin("GET", "report")["requests"].values())
    found = [(each["kind"], each["name"]) for each in told["discrepancies"]]
    print(Counter(kind for kind, _ in found))
    assert (set(found) - planted.expected, planted.expected - set(found)) == (set(), set())
    assert len(found) == PLANTED
    assert len({kind for kind, _ in found}) >= 10
    assert told["explained"] == []
    # a page of each table and the empty one after it, the lines of 250 documents at a time, four currencies
    assert calls <= 3 * 2 + told["counts"]["documents"] // 250 + 2 + 4
