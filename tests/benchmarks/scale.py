"""What an event costs with little state and with much, side by side: microseconds of the worker's CPU, and of time."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from schemas.order import OrderEvent
from tests.benchmarks.filled import (
    PARTITIONS,
    SUBSCRIPTIONS,
    Filled,
    busy_customer,
    change_of,
    cpu_of,
    customer_name,
    small_customers,
    subscription_name,
)

FEW_SUBSCRIPTIONS = 10_000
FEW_ORDERS = 10
BUSY = 8
_TEMPLATE = "busy-0000000"
_PATIENCE = 300.0
_Figures = dict[str, list[tuple[float, float]]]


def report(bootstrap: str, subscriptions: int, large: int, orders: int, runs: int) -> None:
    """Compare ``subscriptions`` with ten thousand, and customers of ``large`` orders with those of ten."""
    for store in ("memory", "rocksdb"):
        with tempfile.TemporaryDirectory(prefix="nuestream-bench-") as folder:
            _subscriptions(bootstrap, Path(folder), store, subscriptions, orders, runs)
        with tempfile.TemporaryDirectory(prefix="nuestream-bench-") as folder:
            _customers(bootstrap, Path(folder), store, large, orders, runs)


def _subscriptions(bootstrap: str, folder: Path, store: str, subscriptions: int, orders: int, runs: int) -> None:
    sides: dict[str, tuple[Filled, int, Iterator[OrderEvent]]] = {}
    try:
        for count in (FEW_SUBSCRIPTIONS, subscriptions):
            filled = _begun(bootstrap, folder / str(count))
            customers = count // SUBSCRIPTIONS
            for customer_id, key, value in small_customers(customers):
                filled.keep(customer_id, [(key, value)])
            sides[f"{count:,} subscriptions"] = (filled, _started(filled, store), _spread(customers))
        _compare(f"scale, {store}", sides, orders, runs)
    finally:
        for filled, _, _ in sides.values():
            filled.delete()


def _customers(bootstrap: str, folder: Path, store: str, large: int, orders: int, runs: int) -> None:
    sides: dict[str, tuple[Filled, int, Iterator[OrderEvent]]] = {}
    filled = _begun(bootstrap, folder / "customers", positions=large + 10)
    try:
        names: dict[int, list[str]] = defaultdict(list)
        # a small customer must not grow large while it is measured: each has one event a run
        few = busy_customer(_TEMPLATE, FEW_ORDERS)
        for number in range(orders):
            name = f"busy-{number:07d}"
            names[FEW_ORDERS].append(name)
            filled.keep(name, _renamed(few, name).items())
        for number in range(BUSY):
            names[large].append(f"large-{number}")
            filled.keep(names[large][-1], busy_customer(names[large][-1], large).items())
        pid = _started(filled, store)
        for length, own in names.items():
            sides[f"customers of {length:,} orders"] = (filled, pid, _in_turn(own))
        _compare(f"scale, {store}", sides, orders, runs)
    finally:
        filled.delete()


def _renamed(records: dict[bytes, bytes], name: str) -> dict[bytes, bytes]:
    template, own = _TEMPLATE.encode(), name.encode()
    return {key.replace(template, own): value.replace(template, own) for key, value in records.items()}


def _begun(bootstrap: str, folder: Path, positions: int = 10) -> Filled:
    folder.mkdir(parents=True)
    filled = Filled(bootstrap, folder)
    filled.begin({}, positions)
    return filled


def _started(filled: Filled, store: str) -> int:
    filled.flush()
    pid = filled.start("worker", store=store, data_dir=str(filled.folder / "state"))
    until = time.monotonic() + _PATIENCE
    while "Worker ready" not in filled.log_of("worker"):
        filled.check()
        if time.monotonic() > until:
            raise RuntimeError("the worker does not become ready")
        time.sleep(0.2)
    return pid


def _spread(customers: int) -> Iterator[OrderEvent]:
    number = 0
    while True:
        number = (number + 7919) % customers  # all over the state, each rarely
        yield change_of(customer_name(number), subscription_name(number))


def _in_turn(customers: Sequence[str]) -> Iterator[OrderEvent]:
    while True:
        for name in customers:
            yield change_of(name, f"SUB-{name}")


def _compare(title: str, sides: dict[str, tuple[Filled, int, Iterator[OrderEvent]]], orders: int, runs: int) -> None:
    figures: _Figures = {name: [] for name in sides}
    for run in range(runs + 1):
        for name, (filled, pid, events) in sides.items():
            figure = _cost(filled, pid, [next(events) for _ in range(orders)])
            if run:  # the first warms up
                figures[name].append(figure)
    print(f"{title}, {orders} events in each of {runs} runs, {PARTITIONS} partitions, µs per event, median:")
    for name, measured in figures.items():
        cpu, wall = (statistics.median(each) for each in zip(*measured, strict=True))
        print(f"  {name:<32} CPU {cpu:8.0f}   time {wall:8.0f}")
    few, many = (statistics.median(cpu for cpu, _ in measured) for measured in figures.values())
    ratios = [a / b for (a, _), (b, _) in zip(*reversed(figures.values()), strict=True)]
    print(f"  {'ratio of CPU':<32} {many / few:12.2f}   ({', '.join(f'{ratio:.2f}' for ratio in ratios)})", flush=True)


def _cost(filled: Filled, pid: int, events: Sequence[OrderEvent]) -> tuple[float, float]:
    contracts = filled.settings.topics.contracts
    before = sum(filled.ends(contracts).values())
    filled.publish(events)
    spent, began = cpu_of(pid), time.monotonic()
    # an order that changes one subscription makes two contract events; waited for until nothing is added any more
    while (done := sum(filled.ends(contracts).values()) - before) < 2 * len(events):
        filled.check()
        if time.monotonic() - began > _PATIENCE:
            raise RuntimeError(f"{done} contract events of {len(events)} orders")
        time.sleep(0.05)
    return (cpu_of(pid) - spent) / len(events) * 1e6, (time.monotonic() - began) / len(events) * 1e6
