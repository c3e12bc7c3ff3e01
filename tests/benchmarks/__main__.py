"""Measurements. Without a name: the pure core, then the order of writing on a real Kafka where one can be had."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tests.benchmarks import core, recovery, replay, scale, sink, sink_calls, sink_memory, sink_poisoned, writing
from tests.environment import UnavailableError, find_kafka

SINK: dict[str, Callable[[str, argparse.Namespace], None]] = {
    "slots": lambda bootstrap, options: sink.report(bootstrap, options.documents),
    "calls": lambda bootstrap, options: sink_calls.report(bootstrap, options.documents // 2),
    "poisoned": lambda bootstrap, options: sink_poisoned.report(bootstrap, options.documents // 2),
    "memory": lambda bootstrap, options: sink_memory.report(bootstrap, options.commands),
}


def main() -> None:
    """Parse the arguments and print each benchmark's figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["all", "recovery", "replay", "scale", "sink"], default="all")
    parser.add_argument("--orders", type=int, default=3000, help="orders in each run (default 3000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each variant, in turn (default 3)")
    parser.add_argument("--subscriptions", type=int, default=20_000, help="of recovery and scale (default 20000)")
    parser.add_argument("--updates", type=int, default=5, help="recovery: records per customer (default 5)")
    parser.add_argument("--customer-orders", type=int, default=1000, help="scale: of a large customer (default 1000)")
    parser.add_argument("--documents", type=int, default=4000, help="sink: at the highest limit (default 4000)")
    parser.add_argument("--sizes", default="100000,1000000", help="replay: orders of each log (default 100000,1000000)")
    parser.add_argument("--stage", choices=[each[0] for each in replay.STAGES], help="replay: this alone")
    parser.add_argument("--part", choices=sorted(SINK), help="sink: this alone")
    parser.add_argument("--commands", type=int, default=100_000, help="sink: of the memory (default 100000)")
    options = parser.parse_args()
    if options.what == "recovery":
        _on_kafka(lambda bootstrap: recovery.report(bootstrap, options.subscriptions, options.updates))
    elif options.what == "scale":
        large = options.customer_orders
        _on_kafka(lambda each: scale.report(each, options.subscriptions, large, options.orders, options.runs))
    elif options.what == "replay":
        sizes = [int(size) for size in options.sizes.split(",")]
        _on_kafka(lambda bootstrap: replay.report(bootstrap, sizes, options.runs, options.stage))
    elif options.what == "sink":
        for name in SINK if options.part is None else [options.part]:
            _on_kafka(lambda bootstrap, part=SINK[name]: part(bootstrap, options))
    else:
        core.report(options.orders, options.runs)
        _on_kafka(lambda bootstrap: writing.report(bootstrap, options.orders, options.runs))


def _on_kafka(measure: Callable[[str], None]) -> None:
    try:
        kafka = find_kafka()
    except UnavailableError as why:
        print(f"not measured: {why}")
        return
    try:
        measure(kafka.bootstrap)
    finally:
        kafka.close()


if __name__ == "__main__":
    main()
