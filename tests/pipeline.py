"""The whole line as real processes: `project` and `apply` on a Kafka, against a NetSuite sandbox."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.codec import Decoder, Encoder
from schemas.command import Command
from schemas.contract import OrderDecided
from schemas.headers import headers_of
from schemas.nue import parse_json, read_activation
from schemas.order import Source
from sinks.entry import subject_of
from tests.generator import to_json

ROOT = Path(__file__).parents[1]
TOPICS = {
    "orders": "nue.orders.v1",
    "contracts": "nue.contracts.v1",
    "commands": "netsuite.commands.v1",
    "quarantine": "nue.quarantine.v1",
    "outcomes": "netsuite.outcomes.v1",
    "dead_letters": "netsuite.deadletters.v1",
}


class Pipeline:
    """Processes that share topics named by `prefix`, a folder for their logs and, where one is given, a sandbox."""

    def __init__(
        self,
        folder: Path,
        bootstrap: str,
        prefix: str,
        sandbox: Any = None,
        settings: Mapping[str, str] | None = None,
        client: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.bootstrap = bootstrap
        self.prefix = prefix
        self.sandbox = sandbox
        self._client = {"bootstrap.servers": bootstrap, **(client or {})}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.settings = {
            "KAFKA__BOOTSTRAP_SERVERS": bootstrap,
            **{f"TOPICS__{field.upper()}": prefix + name for field, name in TOPICS.items()},
            "TOPICS__PARTITIONS": "4",
            "GROUPS__PROJECT": f"{prefix}project",
            "GROUPS__APPLY": f"{prefix}apply",
            "PROJECT__SESSION_TIMEOUT": "10",
            "PROJECT__INSTANCE_ID": "project-0",
            "APPLY__SESSION_TIMEOUT": "10",
            "APPLY__INSTANCE_ID": "apply-0",
            **({} if sandbox is None else _account(sandbox)),
            **(settings or {}),
        }

    def topic(self, role: str) -> str:
        """The name of the topic that the setting `role` names."""
        return self.settings[f"TOPICS__{role.upper()}"]

    def environment(self, over: Mapping[str, str] | None = None) -> dict[str, str]:
        """What the processes get: this pipeline's settings and nobody else's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("NUESTREAM_")}
        own = {f"NUESTREAM_{name}": value for name, value in {**self.settings, **(over or {})}.items()}
        # a process that is killed leaves its temporary folder where the test's own are removed
        return {**kept, **own, "PYTHONPATH": str(ROOT), "TMPDIR": str(self.folder)}

    def run(
        self, *arguments: str, text: str | None = None, over: Mapping[str, str] | None = None, status: int | None = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run one command of the command line to its end, and check its exit status."""
        done = subprocess.run(
            [sys.executable, "-m", "streams.cli", *arguments],
            input=text or "",
            env=self.environment(over),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        if status is not None and done.returncode != status:
            raise AssertionError(f"{arguments} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, name: str, over: Mapping[str, str] | None = None) -> None:
        """Start the worker `name`; its output is appended to `name`.log."""
        self.start_command(name, [name], over)

    def start_command(self, name: str, arguments: Sequence[str], over: Mapping[str, str] | None = None) -> None:
        """Start a command that runs until it is told to stop, known as `name`."""
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", *arguments],
                env=self.environment(over),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def process(self, name: str) -> subprocess.Popen[bytes]:
        """The running worker `name`."""
        return self._running[name]

    def decided_orders(self) -> set[str]:
        """The ids of all orders that stand in the contract events as decided."""
        name, found, left = self.topic("contracts"), set(), self.ends("contracts")
        left = {partition: end for partition, end in left.items() if end}
        decoder = Decoder(None)
        with self._reader() as reader:
            reader.assign([TopicPartition(name, partition, 0) for partition in left])
            while left:
                message = reader.poll(10)
                assert message is not None, "no answer"
                assert message.error() is None, message.error()
                record = decoder.decode(message.value(), message.headers())
                if isinstance(record, OrderDecided):
                    found.add(record.order_id)
                if message.offset() + 1 >= left.get(message.partition(), 0):
                    left.pop(message.partition(), None)
        return found

    def log(self, name: str) -> Path:
        """Where a worker's output goes."""
        return self.folder / f"{name}.log"

    def kill(self, name: str) -> None:
        """SIGKILL, as a machine that goes away."""
        worker = self._running.pop(name)
        worker.kill()
        worker.wait()

    def stop(self, name: str) -> int:
        """SIGTERM, and the exit status."""
        worker = self._running.pop(name)
        worker.send_signal(signal.SIGTERM)
        return worker.wait(timeout=60)

    def ended(self, name: str, timeout: float = 60) -> int:
        """Wait for a worker that stops by itself; its exit status."""
        return self._running.pop(name).wait(timeout=timeout)

    def is_running(self, name: str) -> bool:
        """Whether a worker that was started is still there."""
        return name in self._running and self._running[name].poll() is None

    def close(self) -> None:
        """Leave nothing running."""
        for worker in self._running.values():
            worker.kill()
            worker.wait()
        self._running.clear()

    def publish(self, activations: Iterable[Mapping[str, Any] | str]) -> None:
        """Publish activation documents as a user does, through standard input."""
        lines = (each if isinstance(each, str) else to_json(each).decode() for each in activations)
        self.run("publish", "-", text="\n".join(lines) + "\n")

    def ask_for(self, commands: Iterable[Command]) -> None:
        """Put commands on their topic, keyed as the projector keys them."""
        producer = Producer({**self._client, "partitioner": "murmur2_random", "acks": "all", "log_level": 0})
        topic, encoder = self.topic("commands"), Encoder(None)
        for command in commands:
            key = subject_of(command).lane.encode()
            producer.produce(topic, encoder.encode(topic, command), key, headers=headers_of(command))
            producer.poll(0)
        left = producer.flush(60)
        assert left == 0, f"{left} records were not acknowledged"

    def bus(self) -> Bus:
        """The orders topic, for a publisher that stays."""
        return Bus(self._client, self.topic("orders"))

    def _reader(self, group: str = "offsets-only") -> closing[Consumer]:
        return closing(Consumer({**self._client, "group.id": group, "log_level": 0}))

    def ends(self, topic: str) -> dict[int, int]:
        """The end offset of each partition of a topic, by the name of its setting."""
        with self._reader() as reader:
            name = self.topic(topic)
            partitions = reader.list_topics(name, timeout=10).topics[name].partitions
            return {
                each: reader.get_watermark_offsets(TopicPartition(name, each), timeout=10, cached=False)[1]
                for each in partitions
            }

    def lag(self, group: str, topic: str) -> int:
        """How many records of a topic a group has not committed."""
        name = self.topic(topic)
        ends = self.ends(topic)
        with self._reader(f"{self.prefix}{group}") as reader:
            committed = reader.committed([TopicPartition(name, each) for each in ends], timeout=10)
        return sum(ends[each.partition] - max(each.offset, 0) for each in committed)

    def wait_until_applied(self, timeout: float = 120) -> None:
        """Wait until every order is decided and every command applied or dead-lettered."""
        self.wait_for(lambda: self.lag("project", "orders") == 0, timeout, "project")
        self.wait_for(lambda: self.lag("apply", "commands") == 0, timeout, "apply")

    def wait_for(self, condition: Callable[[], bool], timeout: float, worker: str) -> None:
        """Wait for a condition while a worker runs."""
        until = time.monotonic() + timeout
        while not condition():
            if worker in self._running and not self.is_running(worker):
                raise AssertionError(f"{worker} ended:\n{self.tail(worker)}")
            if time.monotonic() > until:
                raise AssertionError(f"not done within {timeout} s; {worker} said:\n{self.tail(worker)}")
            time.sleep(0.2)

    def tail(self, worker: str, lines: int = 40) -> str:
        """The last of what a worker wrote."""
        return "\n".join(self.log(worker).read_text(errors="replace").splitlines()[-lines:])


def _account(sandbox: Any) -> dict[str, str]:
    login = sandbox.credentials
    return {
        "NETSUITE__ACCOUNT": login.account,
        "NETSUITE__URL": sandbox.url,
        "NETSUITE__CONSUMER_KEY": login.consumer_key,
        "NETSUITE__CONSUMER_SECRET": login.consumer_secret.get_secret_value(),
        "NETSUITE__TOKEN_ID": login.token_id,
        "NETSUITE__TOKEN_SECRET": login.token_secret.get_secret_value(),
        "NETSUITE__REQUEST_LIMIT": "5",
    }


class Bus:
    """Publishes to the log from within the test, without starting a process each time."""

    def __init__(self, client: Mapping[str, str], topic: str) -> None:
        self._producer = Producer({**client, "partitioner": "murmur2_random", "acks": "all", "log_level": 0})
        self._encoder = Encoder(None)
        self._topic = topic

    def publish(self, activations: Iterable[Mapping[str, Any]]) -> None:
        """Publish activation documents and wait until they are acknowledged."""
        for each in activations:
            event = read_activation(
                parse_json(to_json(each)),
                published_at=datetime.now(UTC),
                event_id=str(uuid.uuid4()),
                source=Source.MANUAL,
                tenant_id=None,
            )
            value = self._encoder.encode(self._topic, event)
            key = event.order.customer_id.encode()
            self._producer.produce(self._topic, key=key, value=value, headers=headers_of(event))
        left = self._producer.flush(30)
        assert left == 0, f"{left} records were not acknowledged"
