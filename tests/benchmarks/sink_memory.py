"""The memory of a sink that runs on and on."""

from __future__ import annotations

import time
from itertools import islice

from tests.benchmarks.filled import memory_of
from tests.benchmarks.sink_line import PATIENCE, line
from tests.streams.order_stream import OrderStream

EVERY = 10_000


def report(bootstrap: str, commands: int) -> None:
    """Print the resident memory as ``commands`` of a stream of orders are applied, without any latency."""
    print(f"sink, memory: {commands} commands of a stream of orders, all on the topic at the start")
    with line(bootstrap, 15) as (pipeline, _sandbox):
        pipeline.ask_for(islice(OrderStream(1000, 100).take(commands), commands))
        began, wanted, megabytes = time.monotonic(), EVERY, list[float]()
        pipeline.start("apply")
        while wanted <= commands:
            left = [commands]

            def is_reached(wanted: int = wanted, left: list[int] = left) -> bool:
                left[0] = pipeline.lag("apply", "commands")
                return commands - left[0] >= wanted

            pipeline.wait_for(is_reached, PATIENCE, "apply")
            megabytes.append(memory_of(pipeline.process("apply").pid) / 2**20)
            done, passed = commands - left[0], time.monotonic() - began
            print(f"  {done:8} commands{passed:8.0f} s{megabytes[-1]:8.1f} MB", flush=True)
            wanted = (done // EVERY + 1) * EVERY
        assert pipeline.stop("apply") == 0
        letters = sum(pipeline.ends("dead_letters").values())
    half = megabytes[len(megabytes) // 2 :]
    print(f"  {half[-1] - half[0]:+.1f} MB in the second half; {letters} dead letters")
