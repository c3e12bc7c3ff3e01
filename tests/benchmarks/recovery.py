"""From SIGKILL to the first new command, with state of a given size: on a kept disk, with a standby, with nothing."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from projections.partitions import partition_of
from tests.benchmarks.filled import (
    PARTITIONS,
    SUBSCRIPTIONS,
    Filled,
    change_of,
    customer_name,
    memory_of,
    small_customers,
    subscription_name,
)

_PATIENCE = 600.0


def report(bootstrap: str, subscriptions: int, updates: int) -> None:
    """Print the seconds of each case, and the bytes that a subscription takes.

    ``updates`` is how many records of each customer the changelog has where it is not compacted.
    """
    customers = subscriptions // SUBSCRIPTIONS
    print(f"recovery, {subscriptions:,} subscriptions of {customers:,} customers, {PARTITIONS} partitions, one worker")
    print("  seconds from SIGKILL to the first command, and until every partition has decided an order (of two workers")
    print("  the other's partitions go on meanwhile, so that only the latter counts):")
    with tempfile.TemporaryDirectory(prefix="nuestream-bench-") as folder:
        for times, name in ((1, "compacted"), (updates, f"{updates} records per customer")):
            filled = _filled(bootstrap, Path(folder) / name.replace(" ", "-"), customers, times)
            try:
                if times == 1:
                    _kept(filled, subscriptions)
                    _standby(filled, "memory")
                    _standby(filled, "rocksdb")
                _nothing(filled, "memory", name, subscriptions)
                _nothing(filled, "rocksdb", name, subscriptions)
            finally:
                filled.delete()


def _filled(bootstrap: str, folder: Path, customers: int, times: int) -> Filled:
    folder.mkdir()
    filled = Filled(bootstrap, folder)
    filled.begin({} if times == 1 else {"min.compaction.lag.ms": "86400000"}, positions=10)
    for _ in range(times):
        for customer_id, key, value in small_customers(customers):
            filled.keep(customer_id, [(key, value)])
    filled.flush()
    return filled


def _kept(filled: Filled, subscriptions: int) -> None:
    own = {"store": "rocksdb", "data_dir": str(filled.folder / "kept"), "instance_id": "one"}
    pid = filled.start("kept", **own)
    _decide(filled)
    disk = sum(each.stat().st_size for each in (filled.folder / "kept").rglob("*") if each.is_file())
    _tell_bytes(filled, subscriptions, {"rocksdb, on disk": disk, "rocksdb, resident": memory_of(pid)})
    _measure(filled, "disk kept", lambda: _again(filled, "kept", own))
    filled.kill("kept")
    _let_go(filled)


def _nothing(filled: Filled, store: str, name: str, subscriptions: int) -> None:
    folder = filled.folder / "lost"
    own = {"store": store, "data_dir": str(folder), "instance_id": "one"}
    pid = filled.start("lost", **own)
    _decide(filled)
    if store == "memory":
        resident = memory_of(pid)
        print(f"    {'memory, resident':<46} {resident / 1e6:8.0f} MB, {resident / subscriptions:.0f} per subscription")

    def again() -> None:
        filled.kill("lost")
        shutil.rmtree(folder, ignore_errors=True)
        filled.start("lost", **own)

    _measure(filled, f"nothing on disk, {store}, {name}", again)
    filled.kill("lost")
    _let_go(filled)


def _standby(filled: Filled, store: str) -> None:
    for name in ("first", "second"):
        own = {"store": store, "data_dir": str(filled.folder / f"{store}-{name}"), "standby_replicas": "1"}
        filled.start(f"{store}-{name}", **own, instance_id=name)
        _decide(filled)
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and "Worker ready" not in filled.log_of(f"{store}-second"):
        time.sleep(0.2)
    time.sleep(10 + filled.records / 5000)  # a standby reads at Faust's own pace
    _decide(filled)
    _measure(filled, f"standby worker, {store}", lambda: filled.kill(f"{store}-first"))
    filled.kill_all()
    _let_go(filled)


def _again(filled: Filled, name: str, own: dict[str, str]) -> None:
    filled.kill(name)
    filled.start(name, **own)


def _decide(filled: Filled) -> None:
    before = filled.ends(filled.settings.topics.contracts)
    _publish(filled)
    filled.wait_beyond(filled.settings.topics.contracts, before, _PATIENCE)


def _measure(filled: Filled, name: str, kill: Callable[[], None]) -> None:
    contracts, commands = filled.settings.topics.contracts, filled.settings.topics.commands
    before, made = filled.ends(contracts), filled.ends(commands)
    began = time.monotonic()
    kill()
    _publish(filled)
    first = filled.wait_beyond(commands, made, _PATIENCE, every=False) - began
    every = filled.wait_beyond(contracts, before, _PATIENCE) - began
    print(f"    {name:<46} {first:8.1f} {every:8.1f}", flush=True)


def _publish(filled: Filled) -> None:
    """One order on each partition."""
    missing, number = set(range(PARTITIONS)), 0
    events = []
    while missing:
        customer_id = customer_name(number)
        if (partition := partition_of(customer_id.encode(), PARTITIONS)) in missing:
            missing.discard(partition)
            events.append(change_of(customer_id, subscription_name(number)))
        number += 1
    filled.publish(events)


def _let_go(filled: Filled) -> None:
    time.sleep(filled.settings.project.session_timeout + 1)


def _tell_bytes(filled: Filled, subscriptions: int, of: dict[str, int]) -> None:
    print(
        f"    {filled.records:,} table records, {filled.written / subscriptions:.0f} bytes per subscription as written"
    )
    for name, size in of.items():
        print(f"    {name:<46} {size / 1e6:8.0f} MB, {size / subscriptions:.0f} per subscription")
