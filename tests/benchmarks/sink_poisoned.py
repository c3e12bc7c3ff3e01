"""What one customer whom NetSuite refuses, keeps waiting or never answers costs the others, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.command import Command
from tests.benchmarks.sink import prepare
from tests.benchmarks.sink_line import line, made, when
from tests.sinks import orders
from tests.streams.sinking import negative, of_customer, sales_order

LIMIT, WINDOW, CUSTOMERS = 15, 100, 300
SHARE = 0.1
"""Of the documents, the poisoned customer's: more than the window takes."""
BAD = "bad"
LATENCY = {"median": 0.25, "p99": 1.0, "seed": 1}
TAIL = 0.1
SLOW_S = 10.0
FAULTS: dict[str, dict[str, Any] | None] = {
    "without it": None,
    "all its documents refused": {},
    f"{SLOW_S:.0f} s for each of its documents": {"kind": "stall", "seconds": SLOW_S},
    "its documents never answered": {"kind": "no-answer-before", "seconds": 1.0},
    "its documents fail inside NetSuite": {"kind": "error-before"},
}


def report(bootstrap: str, documents: int) -> None:
    """Measure the others' documents per second without it and with it, and print the ratios."""
    print(
        f"sink, one customer poisoned: {documents} documents of {CUSTOMERS} others, its own {SHARE:.0%} of all, "
        f"limit {LIMIT}, window {WINDOW}"
    )
    print(f"  {'':40}{'others/s':>10}{'ratio':>8}")
    alone = 0.0
    for name, fault in FAULTS.items():
        rate = _measured(bootstrap, documents, fault)
        alone = alone or rate
        print(f"  {name:40}{rate:10.1f}{rate / alone:8.2f}", flush=True)


def _measured(bootstrap: str, documents: int, fault: dict[str, Any] | None) -> float:
    with line(bootstrap, LIMIT, APPLY__WINDOW=str(WINDOW), APPLY__SHUTDOWN_TIMEOUT="1") as (pipeline, sandbox):
        prepare(pipeline, (BAD, *(f"c{number}" for number in range(CUSTOMERS))))
        sandbox.admin("PUT", "latency", LATENCY)
        sandbox.admin("PUT", "limits", {"concurrency": LIMIT})
        if fault:
            # its documents are returns, so that they are told apart
            rule = {"fault": fault, "match": {"method": "POST", "record": "returnAuthorization"}, "times": None}
            sandbox.admin("PUT", "faults", {"requests": [rule]})
        pipeline.ask_for(_documents(documents, fault))
        sandbox.admin("DELETE", "report")
        pipeline.start("apply")
        first, began = when(pipeline, sandbox, lambda told: made(told) >= 1)
        last, ended = when(pipeline, sandbox, lambda told: made(told) >= documents * (1 - TAIL))
        assert pipeline.stop("apply") == 0
    return (made(last) - made(first)) / (ended - began)


def _documents(number: int, fault: dict[str, Any] | None) -> Iterator[Command]:
    every = round(1 / SHARE) - 1
    for at in range(number):
        yield sales_order(f"c{at % CUSTOMERS}", at)
        if fault is not None and at % every == 0:
            yield _bad(at) if fault else negative(BAD, at)


def _bad(number: int) -> Command:
    return of_customer(orders.return_authorization(f"NUE-RA-{BAD}-{number}", entity=f"NUE-CUST-{BAD}"), BAD)
