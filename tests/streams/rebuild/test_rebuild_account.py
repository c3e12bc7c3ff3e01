"""An account that lost records is brought back by the sink, at the price of what was lost.

`NUESTREAM_REBUILD_ORDERS` orders (default 250) and `NUESTREAM_REBUILD_KILLS` SIGKILLs (3); the seed is printed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from schemas.codec import Decoder
from schemas.outcome import LetterState, Outcome
from sinks.sandbox.show import documents_of
from streams.reading import TopicReader
from tests.environment import Kafka
from tests.pipeline import ROOT
from tests.sandbox_server import running_sandbox
from tests.streams.reconcile.world import World

ORDERS = int(os.environ.get("NUESTREAM_REBUILD_ORDERS", "250"))
KILLS = int(os.environ.get("NUESTREAM_REBUILD_KILLS", "3"))
SEED = int(os.environ.get("NUESTREAM_REBUILD_SEED", str(random.SystemRandom().randrange(1 << 30))))


@pytest.fixture
def world(kafka: Kafka, topic_prefix: str) -> Iterator[World]:
    print(f"\nseed {SEED}")
    with running_sandbox() as sandbox:
        made = World(kafka.bootstrap, topic_prefix, sandbox, seed=SEED % 1000, orders=ORDERS, customers=ORDERS // 6)
        yield made


def rebuild(world: World, *arguments: str, text: str | None = None) -> Result:
    return world.nuestream("rebuild", "account", *arguments, text=text, APPLY__SESSION_TIMEOUT="6")


def filled(world: World) -> list[dict[str, Any]]:
    """Have the sink make everything; what then stands in the account."""
    world.unmade = world.untold = {*world.documents, *world.upserts}
    world.write()
    done = rebuild(world, "--yes")
    assert done.exit_code == 0, done.output
    world.unmade = world.untold = set()
    return standing(world)


def standing(world: World) -> list[dict[str, Any]]:
    """What a person sees of the account, without NetSuite's own numbers."""
    shown = documents_of(world.sandbox.store)["documents"]
    return sorted(({**each, "id": None} for each in shown), key=lambda each: str(each["externalId"]))


def lose(world: World, share: float) -> list[str]:
    """Delete a random share of the documents, as nobody should."""
    there = sorted(world.documents.keys() - world.unmade)
    lost = [name for name in there if random.Random(f"{SEED}/{name}").random() < share]
    for name in lost:
        stored = world.sandbox.store.get_external(world.record_type(name), name)
        assert stored is not None
        world.sandbox.store.delete(stored)
    return lost


def outcomes(world: World) -> list[Outcome]:
    topic, decoder = world.settings.topics.outcomes, Decoder(None)
    with TopicReader(world.settings.kafka) as reader:
        read = [decoder.decode(each.value(), each.headers()) for each in reader.records(topic, reader.extents(topic))]
    return [each for each in read if isinstance(each, Outcome)]


def calls(world: World) -> Counter[str]:
    return Counter(world.sandbox.admin("GET", "report")["requests"])


def test_documents_that_were_lost_are_made_again_and_nothing_else(world: World) -> None:
    before = filled(world)
    lost = lose(world, 0.3)
    assert len(lost) > ORDERS // 8
    began = calls(world)
    done = rebuild(world, "--yes")
    assert done.exit_code == 0, done.output
    assert standing(world) == before
    records = len(world.documents) + len(world.upserts)
    commands = len(world.documents) + len(world.projection.upserts)
    made = calls(world) - began
    spent = made.total()
    print(f"{spent} calls ({dict(made)}) for {len(lost)} lost documents of {records} records and {commands} commands")
    start = 0 if ORDERS >= 1000 else 50  # logging in, the catalog, currencies; portions of a small account are small
    assert spent <= 1.1 * len(lost) + 0.02 * commands + start
    assert {each.epoch for each in outcomes(world)} == {1, 2}
    assert f"lacks {len(lost):,} documents, 0 customers and 0 items" in done.output


def test_a_dry_run_tells_what_it_would_cost_and_changes_nothing(world: World) -> None:
    world.write()
    lost = lose(world, 0.3)
    told = rebuild(world, "--dry-run")
    assert told.exit_code == 0
    assert f"lacks {len(lost):,} documents" in told.output
    assert "begins epoch 1 of the account" in told.output
    assert rebuild(world, text="n\n").exit_code == 1
    assert not any(each.epoch for each in outcomes(world))
    assert len(standing(world)) == len(world.documents) - len(lost)


def test_what_a_person_discarded_is_not_made(world: World) -> None:
    name = min(world.documents)
    world.unmade.add(name)
    world.untold.add(name)
    world.letters[name] = LetterState.DISCARDED
    world.write()
    lost = lose(world, 0.2)
    assert rebuild(world, "--yes").exit_code == 0
    found = {each["externalId"] for each in standing(world)}
    assert found == world.documents.keys() - {name}
    assert lost


def test_an_empty_account_is_filled_to_the_last_record(world: World) -> None:
    assert {each["externalId"] for each in filled(world)} == world.documents.keys()
    again = rebuild(world, "--dry-run")
    assert "lacks 0 documents, 0 customers and 0 items" in again.output
    assert "begins epoch 2" in again.output


def test_a_rebuild_that_is_killed_goes_on_and_makes_nothing_twice(world: World, tmp_path: Path) -> None:
    before = filled(world)
    lose(world, 0.5)
    world.sandbox.admin("PUT", "latency", {"seconds": 0.05})
    chance = random.Random(SEED)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NUESTREAM_")}
    environment |= {name: str(value) for name, value in world.environment.items()}
    environment |= {"NUESTREAM_APPLY__SESSION_TIMEOUT": "6", "PYTHONPATH": str(ROOT)}
    for number in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "rebuild", "account", "--yes"],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        there = len(standing(world))
        until = time.monotonic() + 60
        while process.poll() is None and len(standing(world)) == there and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        out, _ = process.communicate()
        print(f"kill {number}: {len(standing(world))} of {len(before)} documents are there")
        assert process.returncode == -signal.SIGKILL, out
    world.sandbox.admin("PUT", "latency", {"seconds": 0.0})
    done = rebuild(world, "--yes")
    assert done.exit_code == 0, done.output
    assert standing(world) == before
    assert {each.epoch for each in outcomes(world)} == {1, 2}
    assert "goes on with epoch 2" in done.output
