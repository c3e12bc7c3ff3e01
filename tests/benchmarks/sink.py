"""How well the sink uses the requests that an account allows: `apply` on a real Kafka, against the sandbox.

A backlog of documents of many customers stands on the command topic; the sandbox takes its time from one distribution
for every limit. Measured is the share of the request slots that were in use between two moments with work for all of
them: the first document, and the one after which a tenth is left.
"""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.command import Command, UpsertCustomer
from tests.benchmarks.filled import memory_of
from tests.pipeline import Pipeline
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks import orders
from tests.streams.sinking import sales_order

LIMITS = (5, 15, 50)
CUSTOMERS = 1000
TAIL = 0.1
LATENCY = {"median": 0.5, "p99": 2.0, "seed": 1}
"""Seconds of a request: a sales order takes one to five in NetSuite; shorter here, so that a run ends."""
PATIENCE = 1200.0


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
    with _line(bootstrap, limit) as (pipeline, sandbox):
        customers = min(CUSTOMERS, documents)
        _prepare(pipeline, customers)
        sandbox.admin("PUT", "latency", LATENCY)
        sandbox.admin("PUT", "limits", {"concurrency": limit})
        pipeline.ask_for(sales_order(f"c{number % customers}", number) for number in range(documents))
        sandbox.admin("DELETE", "report")
        pipeline.start("apply")
        first, began = _when(pipeline, sandbox, 1)
        last, ended = _when(pipeline, sandbox, round(documents * (1 - TAIL)))
        memory = memory_of(pipeline.process("apply").pid) // 2**20
        assert pipeline.stop("apply") == 0
    made = _made(last) - _made(first)
    slots = last["slots"]["slotSeconds"] - first["slots"]["slotSeconds"]
    calls = sum(last["requests"].values()) - sum(first["requests"].values())
    passed = ended - began
    return Figures(name, made / passed, slots / (limit * passed), calls / made, last["peakConcurrency"], memory)


@contextmanager
def _line(bootstrap: str, limit: int) -> Iterator[tuple[Pipeline, RunningSandbox]]:
    with tempfile.TemporaryDirectory(prefix="nuestream-bench-") as folder, running_sandbox() as sandbox:
        prefix = f"bench-{uuid.uuid4().hex[:8]}."
        own = {"NETSUITE__CONCURRENCY": str(limit), "NETSUITE__REQUEST_LIMIT": "900"}
        with closing(Pipeline(Path(folder), bootstrap, prefix, sandbox, settings=own)) as pipeline:
            pipeline.run("topics", "create")
            yield pipeline, sandbox


def _prepare(pipeline: Pipeline, customers: int) -> None:
    """Bring in the customers and the item that the documents name."""
    upserts: list[Command] = [orders.item(), *(_customer(f"c{number}") for number in range(customers))]
    pipeline.ask_for(upserts)
    pipeline.start("apply")
    pipeline.wait_for(lambda: pipeline.lag("apply", "commands") == 0, PATIENCE, "apply")
    assert pipeline.stop("apply") == 0


def _customer(name: str) -> UpsertCustomer:
    return orders.customer(f"NUE-CUST-{name}", name)


def _when(pipeline: Pipeline, sandbox: RunningSandbox, made: int) -> tuple[dict[str, Any], float]:
    """The report when so many documents are made, and the instant."""
    until = time.monotonic() + PATIENCE
    while True:
        told, now = sandbox.admin("GET", "report"), time.monotonic()
        if _made(told) >= made:
            return told, now
        assert pipeline.is_running("apply"), pipeline.tail("apply")
        assert now < until, f"{_made(told)} of {made} documents"
        time.sleep(0.2)


def _made(told: dict[str, Any]) -> int:
    return int(told["made"].get("salesOrder", 0))
