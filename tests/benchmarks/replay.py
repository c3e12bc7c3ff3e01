"""How fast a log is folded again, beside what has to be done anyway, and beside stream processors on the same log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.settings import Settings, load_settings
from tests.benchmarks.filled import cpu_of, memory_of
from tests.benchmarks.replay_log import records

PARTITIONS = 4
WORKER_ORDERS = 20_000
"""So many orders, of the same kind, a stream processor is measured with: it is that much slower."""

ROOT = Path(__file__).parents[2]
STAGES = (
    ("consume", "consume", 1, "kafka"),
    ("consume + decode", "decode", 1, "kafka"),
    ("replay, no output", "fold", 1, "kafka"),
    ("replay, no output, 2 processes", "fold", 2, "kafka"),
    ("replay, commands", "commands", 1, "kafka"),
    ("replay, commands, 2 processes", "commands", 2, "kafka"),
    ("archive: consume", "consume", 1, "archive"),
    ("archive: consume + decode", "decode", 1, "archive"),
    ("archive: replay, no output", "fold", 1, "archive"),
    ("archive: replay, no output, 2 processes", "fold", 2, "archive"),
)


@dataclass(frozen=True)
class Figure:
    """What a stage took: microseconds of CPU and of time per order, and the most memory of one process."""

    cpu: float
    wall: float
    rss_mb: float


def report(bootstrap: str, sizes: list[int], runs: int, only: str | None = None) -> None:
    """Print a table for each size, and how the bars are met; the stages of a run follow each other.

    With ``only``, that stage alone is measured, and how its cost grows with the log.
    """
    stages = [each for each in STAGES if only in (None, each[0])]
    cost: dict[int, float] = {}
    for orders in sizes:
        with tempfile.TemporaryDirectory(prefix="nuestream-bench-") as folder, _Bench(bootstrap, Path(folder)) as bench:
            began = time.monotonic()
            size = bench.fill(orders)
            if any(place == "archive" for *_, place in stages):
                bench.command("archive", "export", "--to", str(bench.archive), "--topics", "orders")
            print(f"\n{orders:,} orders of {size:,.0f} bytes, made ready in {time.monotonic() - began:.0f} s")
            figures: dict[str, list[Figure]] = defaultdict(list)
            for _ in range(runs):
                for name, stage, processes, place in stages:
                    figures[name].append(bench.stage(stage, processes, place, orders))
            told = {name: min(found, key=lambda each: each.cpu) for name, found in figures.items()}
            best = {name: min(each.wall for each in found) for name, found in figures.items()}
            _print(told, best)
            if only is None:
                _ratios(told, best)
            cost[orders] = told[only or "replay, no output"].cpu
    if len(cost) > 1:
        (small, first), *_, (large, last) = sorted(cost.items())
        print(f"\nCPU per order of {large:,} orders to {small:,}: {last / first:.2f} (bar 1.15)")
    if only is not None:
        return
    with tempfile.TemporaryDirectory(prefix="nuestream-bench-") as folder, _Bench(bootstrap, Path(folder)) as bench:
        _others(bench)


def _print(told: dict[str, Figure], best: dict[str, float]) -> None:
    print(f"{'stage':42}{'µs CPU/order':>14}{'µs/order':>10}{'orders/s':>10}{'MB':>7}")
    for name, figure in told.items():
        wall = best[name]
        print(f"{name:42}{figure.cpu:14.1f}{wall:10.1f}{1e6 / wall:10,.0f}{figure.rss_mb:7.0f}")


def _ratios(told: dict[str, Figure], best: dict[str, float]) -> None:
    decode = told["consume + decode"].cpu
    for name, bar in (("replay, no output", "0.6"), ("replay, commands", "-")):
        print(f"{name} : consume + decode, by CPU: {decode / told[name].cpu:.2f} (bar {bar})")
    two = best["archive: replay, no output"] / best["archive: replay, no output, 2 processes"]
    print(f"two processes : one, from the archive, by time: {two:.2f} (bar 1.7)")


def _others(bench: _Bench) -> None:
    """The same orders through Faust, and through Quix Streams where it is installed in .venv-quix."""
    print(f"\nstream processors, {WORKER_ORDERS:,} orders, one worker, outputs and state on Kafka, µs per order:")
    faust = bench.worker()
    print(f"{'Faust':42}{faust.cpu:14.1f}{faust.wall:10.1f}{1e6 / faust.wall:10,.0f}{faust.rss_mb:7.0f}")
    python = ROOT / ".venv-quix" / "bin" / "python"
    if not python.exists():
        print(f"Quix Streams: not measured, there is no {python.relative_to(ROOT)}")
        return
    quix = bench.quix(python)
    print(f"{'Quix Streams':42}{quix.cpu:14.1f}{quix.wall:10.1f}{1e6 / quix.wall:10,.0f}{quix.rss_mb:7.0f}")


class _Bench:
    """Topics of one's own, and an archive of the orders; a context manager that leaves nothing behind."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        prefix = f"bench-{uuid.uuid4().hex[:8]}."
        names = ("orders", "contracts", "commands", "quarantine", "outcomes", "dead_letters")
        own = {f"NUESTREAM_TOPICS__{name.upper()}": prefix + name for name in names}
        own |= {"NUESTREAM_KAFKA__BOOTSTRAP_SERVERS": bootstrap, "NUESTREAM_GROUPS__PROJECT": f"{prefix}project"}
        own["NUESTREAM_TOPICS__PARTITIONS"] = str(PARTITIONS)
        self._environment = {**os.environ, **own, "PYTHONPATH": str(ROOT)}
        self._bootstrap, self._folder, self._prefix = bootstrap, folder, prefix
        self.archive = folder / "archive"
        kept = dict(os.environ)
        os.environ.update(own)
        try:
            self.settings: Settings = load_settings(None)
        finally:
            os.environ.clear()
            os.environ.update(kept)

    def __enter__(self) -> _Bench:
        self.command("topics", "create")
        return self

    def __exit__(self, *_: object) -> None:
        admin = AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 0})
        left = [topic for topic in admin.list_topics(timeout=10).topics if self._prefix in topic]
        for gone in (admin.delete_topics(left) if left else {}).values():
            gone.result(60)

    def command(self, *arguments: str) -> None:
        """Run a command of the command line."""
        self._run(sys.executable, "-m", "streams.cli", *arguments)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            arguments, cwd=self._folder, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise RuntimeError(f"{arguments} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def fill(self, orders: int) -> float:
        """Publish so many orders; returns the mean size of their values in bytes."""
        producer = Producer({"bootstrap.servers": self._bootstrap, "linger.ms": 20, "compression.type": "lz4"})
        size = 0
        for partition, key, value, headers in records(orders, PARTITIONS):
            size += len(value)
            while True:
                try:
                    producer.produce(self.settings.topics.orders, value, key, partition, headers=headers)
                    break
                except BufferError:
                    producer.poll(0.1)
            producer.poll(0)
        producer.flush()
        return size / orders

    def stage(self, stage: str, processes: int, place: str, orders: int) -> Figure:
        """Measure one stage."""
        source = "kafka" if place == "kafka" else str(self.archive)
        told = self._run(sys.executable, "-m", "tests.benchmarks.replay_stage", stage, str(processes), source)
        found = json.loads(told.splitlines()[-1])
        if found["records"] != orders + PARTITIONS:
            raise RuntimeError(f"{stage}: {found['records']} records instead of {orders + PARTITIONS}")
        return Figure(found["cpu"] / orders * 1e6, found["wall"] / orders * 1e6, found["rss_mb"])

    def worker(self) -> Figure:
        """Measure `nuestream project`, ready before the orders come."""
        return self._processor([sys.executable, "-m", "streams.cli", "project"], "Worker ready")

    def quix(self, python: Path) -> Figure:
        """Measure Quix Streams, with the same core and the same outputs."""
        self._environment["NUESTREAM_GROUPS__PROJECT"] = f"{self._prefix}quix"
        return self._processor(
            [str(python), "-m", "tests.benchmarks.quix_stage"], "is now processing incoming messages"
        )

    def _processor(self, command: list[str], ready: str) -> Figure:
        group = self._environment["NUESTREAM_GROUPS__PROJECT"]
        log = self._folder / "processor.log"
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=out, stderr=out)
        try:
            _wait(lambda: ready in log.read_text(errors="replace"), process, log)
            began, cpu = time.monotonic(), cpu_of(process.pid)
            self.fill(WORKER_ORDERS)
            with closing(Consumer({"bootstrap.servers": self._bootstrap, "group.id": group, "log_level": 0})) as reader:
                _wait(lambda: self._lag(reader) == 0, process, log)
            wall, spent = time.monotonic() - began, cpu_of(process.pid) - cpu
            memory = memory_of(process.pid) / 1e6
        finally:
            process.terminate()
            process.wait(60)
        return Figure(spent / WORKER_ORDERS * 1e6, wall / WORKER_ORDERS * 1e6, memory)

    def _lag(self, reader: Consumer) -> int:
        places = [TopicPartition(self.settings.topics.orders, each) for each in range(PARTITIONS)]
        ends = [reader.get_watermark_offsets(place, cached=False)[1] for place in places]
        committed = [max(place.offset, 0) for place in reader.committed(places)]
        return sum(ends) - sum(committed)


def _wait(condition: Callable[[], bool], process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 600
    while not condition():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"{process.args} is not through:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.1)
