"""Bad records of every family among good orders: every order is decided, every bad record is in quarantine as it was.

`NUESTREAM_HOSTILE` (default 2,000) is how many bad records flow, `NUESTREAM_HOSTILE_SEED` where the chance starts;
both are printed, with the rate and the worker's memory.
"""

import os
import random
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from schemas.codec import Encoder, Malformed
from tests.environment import Kafka
from tests.pipeline import Pipeline
from tests.projections.histories import generated
from tests.sandbox_server import running_sandbox
from tests.streams.hostile import ODD_HEADERS, UNREADABLE, Hostile, hostile_records
from tests.streams.hostile_traffic import DECODER, GOOD, PARTITIONS, Memory, Traffic, account

HOSTILE = int(os.environ.get("NUESTREAM_HOSTILE", "2000"))
SEED = int(os.environ.get("NUESTREAM_HOSTILE_SEED", str(random.SystemRandom().randrange(1 << 30))))
ORDERS = max(200, HOSTILE // 20)
GROWTH_MB = 64


@pytest.fixture
def pipeline(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    with running_sandbox() as sandbox:
        made = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox, {"TOPICS__PARTITIONS": str(PARTITIONS)})
        try:
            made.run("topics", "create")
            yield made
        finally:
            made.close()


def mixed(seed: int, good: int, hostile: int) -> Iterator[Hostile]:
    """Good orders in their order, bad records of other customers between them."""
    chance = random.Random(f"mixed/{seed}")
    orders = iter(generated(seed, good, max(10, good // 20)))
    bad = hostile_records(seed, hostile)
    for event in orders:
        headers = chance.choice(ODD_HEADERS) if chance.random() < 0.1 else ()
        value = Encoder().encode("orders", event)
        yield Hostile(GOOD, event.order.customer_id.encode(), value, headers)
        yield from islice(bad, chance.randint(0, 2 * hostile // good))
    yield from bad


@pytest.mark.timeout(7200)
def test_every_good_order_is_decided_and_every_bad_record_quarantined_as_it_was_and_memory_stays_flat(
    pipeline: Pipeline,
) -> None:
    print(f"seed {SEED}, {HOSTILE} bad records, {ORDERS} good orders and their copies")
    pipeline.start("project")
    memory = Memory(pipeline.process("project").pid)
    memory.start()
    began = time.monotonic()
    traffic = Traffic(pipeline)
    for each in mixed(SEED, ORDERS, HOSTILE):
        traffic.send(each)
    traffic.flush()
    pipeline.wait_for(lambda: pipeline.lag("project", "orders") == 0, 6000, "project")
    took = time.monotonic() - began
    samples = memory.stop()
    assert pipeline.stop("project") == 0

    fates = account(pipeline, traffic.sent)
    print(f"{len(traffic.sent)} records in {took:.0f} s, {len(traffic.sent) / took:.0f}/s")
    for (family, fate), count in sorted(fates.items()):
        print(f"  {count:7} {family}: {fate}")
    print("resident memory in MB:", " ".join(f"{each:.0f}" for each in samples[:: max(1, len(samples) // 40)]))
    middle = len(samples) // 2
    growth = max(samples[middle:]) - max(samples[:middle])
    assert growth < GROWTH_MB, f"grew by {growth:.0f} MB in the second half"


@pytest.mark.parametrize("family", sorted(UNREADABLE))
def test_a_reader_of_bad_bytes_says_what_is_wrong(family: str) -> None:
    made = [each for each in hostile_records(7, 1500) if each.family == family]
    assert len(made) > 10
    for each in made:
        with pytest.raises(Malformed) as error:
            DECODER.decode(each.value, [(name, data or b"") for name, data in each.headers])
        assert 10 < len(str(error.value)) < 500
