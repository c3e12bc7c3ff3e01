"""A log and a state of any size, as a fold makes them, written without folding every order through a worker."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from projections.fold import fold
from projections.in_force import PolicyInForce, dump_policy
from projections.pages import dump, load
from projections.partitions import partition_of
from projections.records import LogRecord
from projections.state import OrderEntry
from schemas.codec import Encoder
from schemas.headers import headers_of
from schemas.order import OrderEvent
from schemas.policy import Policy
from streams.policy import activate_initial, first_policy_check
from streams.settings import Settings, load_settings
from streams.topics import topic_plans
from tests.projections.given import NOON, more, order, seats

PARTITIONS = 4
SUBSCRIPTIONS = 5  # of a customer
ROOT = Path(__file__).parents[2]
_WIDTH = 16


def names_of(number: int) -> list[str]:
    """The names in a small customer's state, as long and as unlike each other as real ids are: the customer's own, the
    order's, and those of the subscriptions."""
    digest = hashlib.blake2b(str(number).encode(), digest_size=64).hexdigest()
    return [digest[start : start + _WIDTH] for start in range(0, _WIDTH * (2 + SUBSCRIPTIONS), _WIDTH)]


def customer_name(number: int) -> str:
    """The id of a small customer."""
    return f"customer-{names_of(number)[0]}"


def subscription_name(number: int) -> str:
    """The first subscription of a small customer."""
    return f"SUB-{names_of(number)[2]}"


def change_of(customer_id: str, subscription: str) -> OrderEvent:
    """An order that adds a seat to a subscription."""
    name = uuid.uuid4().hex
    return order(f"order-{name}", more(subscription, 1, 100), customer_id=customer_id, event_id=f"event-{name}")


class Folding:
    """Folds orders into table records, each customer's in turn, at the positions 1, 2, ..."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}
        self._position: Counter[str] = Counter()

    def take(self, event: OrderEvent) -> None:
        """Fold one order."""
        customer_id = event.order.customer_id
        self._position[customer_id] += 1
        position = self._position[customer_id]
        record = LogRecord("orders", 0, position, NOON, customer_id.encode(), None)
        step = fold(load(customer_id, self.records.get), record, event, Policy())
        writes = dump(step.state, self.records.get)
        for key, value in writes.in_order():
            if value is None:
                del self.records[key]
            else:
                self.records[key] = value


def small_customers(count: int) -> Iterator[tuple[str, bytes, bytes]]:
    """The table record of each of ``count`` customers with one order: the first is folded, the others renamed."""
    customer, own, *subscriptions = names_of(-1)
    lines = (seats(f"SUB-{each}", 5, 1200) for each in subscriptions)
    first = order(f"order-{own}", *lines, customer_id=f"customer-{customer}")
    folding = Folding()
    folding.take(first)
    ((key, value),) = folding.records.items()
    state = load(first.order.customer_id, folding.records.get)
    content = next(entry.content for _, entry in state.entries() if isinstance(entry, OrderEntry))
    template = [name.encode() for name in names_of(-1)]
    for number in range(count):
        renamed = value.replace(
            content, hashlib.blake2b(f"content {number}".encode(), digest_size=len(content)).digest()
        )
        for old, new in zip(template, names_of(number), strict=True):
            renamed = renamed.replace(old, new.encode())
        name = customer_name(number)
        yield name, key.replace(template[0], name.removeprefix("customer-").encode()), renamed


def busy_customer(customer_id: str, orders: int) -> dict[bytes, bytes]:
    """The table records of a customer with ``orders`` orders, folded one by one."""
    folding = Folding()
    folding.take(order(f"{customer_id}-first", seats(f"SUB-{customer_id}", 5, 1200), customer_id=customer_id))
    for _ in range(orders - 1):
        folding.take(change_of(customer_id, f"SUB-{customer_id}"))
    return folding.records


@dataclass
class Filled:
    """Topics of one's own with a state in them, and the workers on them. ``written`` is bytes of table records."""

    bootstrap: str
    folder: Path
    own: dict[str, str] = field(default_factory=dict)
    written: int = 0
    records: int = 0
    _workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        prefix = f"bench-{uuid.uuid4().hex[:8]}."
        names = ("orders", "contracts", "commands", "quarantine", "outcomes", "dead_letters")
        self.own = {f"NUESTREAM_TOPICS__{name.upper()}": prefix + name for name in names} | self.own
        self.own["NUESTREAM_KAFKA__BOOTSTRAP_SERVERS"] = self.bootstrap
        self.own["NUESTREAM_GROUPS__PROJECT"] = f"{prefix}project"
        kept = dict(os.environ)
        os.environ.update({name: value for name, value in self.own.items() if "__PROJECT__" not in name})
        try:
            self.settings: Settings = load_settings(None)
        finally:
            os.environ.clear()
            os.environ.update(kept)
        self._producer = Producer(
            {"bootstrap.servers": self.bootstrap, "partitioner": "murmur2_random", "compression.type": "gzip"}
        )
        self._encoder = Encoder(None)

    def begin(self, config: Mapping[str, str], positions: int) -> None:
        """Make the topics, and a log whose first ``positions`` offsets per partition are taken and committed."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        plans = topic_plans(self.settings)
        state = self.settings.changelog
        new = [
            NewTopic(each.name, PARTITIONS, 1, config={**each.config, **(config if each.name == state else {})})
            for each in plans
        ]
        for made in admin.create_topics(new).values():
            made.result(10)
        activate_initial(self.settings, range(PARTITIONS), of=PARTITIONS, by="benchmark")
        for partition in range(PARTITIONS):
            for _ in range(positions):
                self._produce(self.settings.topics.orders, b"filler", b"", partition)
        self._producer.flush()
        with closing(Consumer({"bootstrap.servers": self.bootstrap, "group.id": self.settings.groups.project})) as own:
            places = [TopicPartition(self.settings.topics.orders, each, positions + 1) for each in range(PARTITIONS)]
            own.commit(offsets=places, asynchronous=False)
        for partition, log_id in first_policy_check(self.settings).items():
            in_force = PolicyInForce(0, log_id, PARTITIONS, self.settings.policy.to_policy())
            key, value = dump_policy(partition, in_force)
            self._produce(state, key, value, partition)

    def keep(self, customer_id: str, records: Iterable[tuple[bytes, bytes]]) -> None:
        """Write table records of a customer to the changelog."""
        partition = partition_of(customer_id.encode(), PARTITIONS)
        for key, value in records:
            self._produce(self.settings.changelog, key, value, partition)
            self.written += len(key) + len(value)
            self.records += 1

    def publish(self, events: Iterable[OrderEvent]) -> None:
        """Put orders into the log, and wait for the broker."""
        topic = self.settings.topics.orders
        for event in events:
            key, value = event.order.customer_id.encode(), self._encoder.encode(topic, event)
            self._produce(topic, key, value, None, headers_of(event))
        self.flush()

    def flush(self) -> None:
        """Wait until everything is acknowledged."""
        if left := self._producer.flush(120):
            raise RuntimeError(f"{left} records were not acknowledged")

    def _produce(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        partition: int | None,
        headers: list[tuple[str, bytes]] | None = None,
    ) -> None:
        place = {} if partition is None else {"partition": partition}
        while True:
            try:
                self._producer.produce(topic, key=key, value=value, headers=headers or [], **place)
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return

    def start(self, name: str, **project: str) -> int:
        """Start a worker with these settings of [project]; returns its process id."""
        given = {f"NUESTREAM_PROJECT__{key.upper()}": value for key, value in project.items()}
        with (self.folder / f"{name}.log").open("ab") as log:
            self._workers[name] = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "project"],
                env={**os.environ, **self.own, **given, "PYTHONPATH": str(ROOT)},
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self._workers[name].pid

    def log_of(self, name: str) -> str:
        """What a worker wrote."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def check(self) -> None:
        """Raise where a worker ended by itself."""
        for name, worker in self._workers.items():
            if worker.poll() is not None:
                raise RuntimeError(f"{name} ended with {worker.returncode}:\n{self.log_of(name)[-3000:]}")

    def kill(self, name: str) -> None:
        """SIGKILL."""
        worker = self._workers.pop(name)
        worker.kill()
        worker.wait()

    def kill_all(self) -> None:
        """SIGKILL to all of them."""
        for name in list(self._workers):
            self.kill(name)

    def ends(self, topic: str) -> dict[int, int]:
        """The end offset of each partition."""
        with closing(Consumer({"bootstrap.servers": self.bootstrap, "group.id": "benchmark-ends"})) as reader:
            places = [TopicPartition(topic, each) for each in range(PARTITIONS)]
            return {each.partition: reader.get_watermark_offsets(each, timeout=10, cached=False)[1] for each in places}

    def wait_beyond(self, topic: str, before: Mapping[int, int], timeout: float, every: bool = True) -> float:
        """The monotonic time at which every partition (or any) of ``topic`` has grown."""
        until = time.monotonic() + timeout
        with closing(Consumer({"bootstrap.servers": self.bootstrap, "group.id": "benchmark-ends"})) as reader:
            places = [TopicPartition(topic, each) for each in before]
            while time.monotonic() < until:
                grown = [
                    reader.get_watermark_offsets(each, timeout=10, cached=False)[1] > before[each.partition]
                    for each in places
                ]
                if all(grown) if every else any(grown):
                    return time.monotonic()
                self.check()
                time.sleep(0.05)
        raise RuntimeError(f"nothing new in {topic} within {timeout:.0f} s")

    def delete(self) -> None:
        """Leave nothing on the broker."""
        self.kill_all()
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for gone in admin.delete_topics([each.name for each in topic_plans(self.settings)]).values():
            gone.result(30)


def memory_of(pid: int) -> int:
    """Resident bytes of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) * 1024


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
