"""Run all benchmarks: the pure core, then the order of writing on a real Kafka where one can be had."""

from __future__ import annotations

import argparse

from tests.benchmarks import core, writing
from tests.environment import UnavailableError, find_kafka


def main() -> None:
    """Parse the arguments and print each benchmark's figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--orders", type=int, default=3000, help="orders in each run (default 3000)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each variant, in turn (default 3)")
    options = parser.parse_args()
    core.report(options.orders, options.runs)
    try:
        kafka = find_kafka()
    except UnavailableError as why:
        print(f"order of writing: not measured: {why}")
        return
    try:
        writing.report(kafka.bootstrap, options.orders, options.runs)
    finally:
        kafka.close()


if __name__ == "__main__":
    main()
