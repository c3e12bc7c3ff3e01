"""How well the sink uses the requests that an account allows: `apply` on a real Kafka, against the sandbox.

A backlog of documents of many customers stands on the command topic; the sandbox takes its time from one distribution
for every limit. Measured is the share of the request slots that were in use between two moments with work for all of
them: the first document, and the one after which a tenth is left.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from schemas.command import Command
from tests.benchmarks.filled import memory_of
from tests.benchmarks.sink_line import apply_all, line, made, when
from tests.pipeline import Pipeline
from tests.sinks import orders
from tests.streams.sinking import sales_order

LIMITS = (5, 15, 50)
CUSTOMERS = 1000
TAIL = 0.1
LATENCY = {"median": 0.5, "p99": 2.0, "seed": 1}
"""Seconds of a request: a sales order takes one to five in NetSuite; shorter here, so that a run ends."""


@dataclass(frozen=True)
class Figures:
    """One run: documents and requests per second, share of slots in use, requests per document, the most at once."""

    name: str
    documents_per_second: float
    share: float
    calls: float
    peak: int
    memory_mb: int


def report(bootstrap: str, documents: int) -> None:
    """Measure each limit and a sink that sends one request after the other, and print them as a table."""
    print(
        f"sink: {documents} sales orders of {CUSTOMERS} customers, latency log-normal, median {LATENCY['median']} s, "
        f"99 % below {LATENCY['p99']} s; the last {TAIL:.0%} left out"
    )
    print(f"  {'':24}{'documents/s':>12}{'slots in use':>14}{'calls/document':>16}{'peak':>6}{'memory MB':>11}")
    # a run with few slots takes no more documents than it needs to be measured
    sides = [("one by one", 1, documents // 20), *((f"limit {limit}", limit, documents) for limit in LIMITS)]
    for name, limit, number in sides:
        figures = _measured(bootstrap, name, limit, max(100, number * min(limit, 50) // 50))
        print(
            f"  {figures.name:24}{figures.documents_per_second:12.1f}{figures.share:14.1%}{figures.calls:16.2f}"
            f"{figures.peak:6}{figures.memory_mb:11}",
            flush=True,
        )


def _measured(bootstrap: str, name: str, limit: int, documents: int) -> Figures:
    with line(bootstrap, limit) as (pipeline, sandbox):
        customers = min(CUSTOMERS, documents)
        prepare(pipeline, (f"c{number}" for number in range(customers)))
        sandbox.admin("PUT", "latency", LATENCY)
        sandbox.admin("PUT", "limits", {"concurrency": limit})
        pipeline.ask_for(sales_order(f"c{number % customers}", number) for number in range(documents))
        sandbox.admin("DELETE", "report")
        pipeline.start("apply")
        first, began = when(pipeline, sandbox, lambda told: made(told) >= 1)
        last, ended = when(pipeline, sandbox, lambda told: made(told) >= documents * (1 - TAIL))
        memory = memory_of(pipeline.process("apply").pid) // 2**20
        assert pipeline.stop("apply") == 0
    came = made(last) - made(first)
    slots = last["slots"]["slotSeconds"] - first["slots"]["slotSeconds"]
    calls = sum(last["requests"].values()) - sum(first["requests"].values())
    passed = ended - began
    return Figures(name, came / passed, slots / (limit * passed), calls / came, last["peakConcurrency"], memory)


def prepare(pipeline: Pipeline, customers: Iterable[str]) -> None:
    """Bring in the customers and the item that the documents name."""
    upserts: list[Command] = [orders.item(), *(orders.customer(f"NUE-CUST-{name}", name) for name in customers)]
    pipeline.ask_for(upserts)
    apply_all(pipeline)
