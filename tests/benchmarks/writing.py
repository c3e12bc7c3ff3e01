"""What the order of writing costs: the real worker on a real Kafka, waiting for acknowledgements and not."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from projections.forms import Record
from schemas.codec import Encoder
from schemas.headers import headers_of
from streams import faust_app, project
from streams.messages import Message
from streams.policy import activate_initial, first_policy_check
from streams.settings import Settings, load_settings
from streams.state_table import StateTable
from tests.benchmarks.core import events

PARTITIONS = 4


def report(bootstrap: str, orders: int, runs: int) -> None:
    """Run both variants in turn and print events per second and their ratio."""
    rates: dict[str, list[float]] = {"waiting": [], "not waiting": []}
    for _ in range(runs):
        for variant, measured in rates.items():
            measured.append(_run(bootstrap, orders, variant))
    print(f"order of writing, {orders} orders, {PARTITIONS} partitions, one worker, events/s, median of {runs} runs:")
    for variant, measured in rates.items():
        told = ", ".join(f"{rate:.0f}" for rate in measured)
        print(f"  {variant:<12} {statistics.median(measured):8.0f}   ({told})")
    ratios = [waited / sent for waited, sent in zip(rates["waiting"], rates["not waiting"], strict=True)]
    print(f"  ratio        {statistics.median(ratios):8.2f}")


def _run(bootstrap: str, orders: int, variant: str) -> float:
    prefix = f"bench-{uuid.uuid4().hex[:8]}."
    names = ("orders", "contracts", "commands", "quarantine", "outcomes", "dead_letters")
    own = {f"NUESTREAM_TOPICS__{name.upper()}": prefix + name for name in names}
    own |= {"NUESTREAM_KAFKA__BOOTSTRAP_SERVERS": bootstrap, "NUESTREAM_GROUPS__PROJECT": f"{prefix}project"}
    os.environ.update(own)
    settings = load_settings(None)
    admin = AdminClient({"bootstrap.servers": bootstrap})
    topics = [prefix + name for name in names] + [settings.changelog]
    for made in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in topics]).values():
        made.result(10)
    try:
        _fill(settings, bootstrap, orders)
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.writing", variant], stderr=subprocess.DEVNULL, env=os.environ
        )
        try:
            return _rate(bootstrap, settings.topics.contracts, orders)
        finally:
            worker.kill()
            worker.wait()
    finally:
        admin.delete_topics(topics)
        for name in own:
            del os.environ[name]


def _fill(settings: Settings, bootstrap: str, orders: int) -> None:
    activate_initial(settings, range(PARTITIONS), of=PARTITIONS, by="benchmark")
    producer, encoder = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"}), Encoder(None)
    topic = settings.topics.orders
    for event in events(orders):
        key = event.order.customer_id.encode()
        producer.produce(topic, key=key, value=encoder.encode(topic, event), headers=headers_of(event))
        producer.poll(0)
    producer.flush()


def _rate(bootstrap: str, topic: str, orders: int) -> float:
    """Events per second between the first tenth and the last decision, by the broker's own end offsets."""
    with closing(Consumer({"bootstrap.servers": bootstrap, "group.id": "benchmark"})) as consumer:

        def decided() -> int:
            places = [TopicPartition(topic, each) for each in range(PARTITIONS)]
            return sum(consumer.get_watermark_offsets(each, timeout=5, cached=False)[1] for each in places)

        while (first := decided()) < orders // 10:
            time.sleep(0.02)
        began, last, at = time.monotonic(), first, time.monotonic()
        while time.monotonic() - at < 3:
            now = decided()
            if now != last:
                last, at = now, time.monotonic()
            time.sleep(0.02)
        # contract events per order differ; the share of the orders is the share of the events
        return orders * (last - first) / last / (at - began)


class _Careless(StateTable):
    async def write(self, partition: int, records: Sequence[Record]) -> None:
        for key, value in records:
            await self.app.producer.send(self.changelog_topic_name, key, value, partition, None, None)
            self.take(partition, [(key, value)], None)


class _CarelessHost(project.Host):
    async def send(self, messages: Sequence[Message]) -> None:
        for each in messages:
            await self.app.producer.send(each.topic, each.key, each.value, None, None, list(each.headers))


def _work(variant: str) -> None:
    async def run() -> None:
        careless: Any = variant == "not waiting"
        if careless:
            faust_app.StateTable = _Careless  # type: ignore[misc]
        settings = load_settings(None)
        with tempfile.TemporaryDirectory() as folder:
            await (_CarelessHost if careless else project.Host)(
                settings, Path(folder), first_policy_check(settings)
            ).run()

    asyncio.run(run())


if __name__ == "__main__":
    _work(sys.argv[1])
