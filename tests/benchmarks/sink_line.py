"""The sink's benchmarks: `apply` as a process on a real Kafka, the sandbox beside it."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.pipeline import Pipeline
from tests.sandbox_server import RunningSandbox, running_sandbox

PATIENCE = 3600.0


@contextmanager
def line(bootstrap: str, concurrency: int, **own: str) -> Iterator[tuple[Pipeline, RunningSandbox]]:
    """Topics and an account for one measurement; ``own`` are settings of the sink."""
    with tempfile.TemporaryDirectory(prefix="nuestream-bench-") as folder, running_sandbox() as sandbox:
        prefix = f"bench-{uuid.uuid4().hex[:8]}."
        settings = {"NETSUITE__CONCURRENCY": str(concurrency), "NETSUITE__REQUEST_LIMIT": "900", **own}
        with closing(Pipeline(Path(folder), bootstrap, prefix, sandbox, settings=settings)) as pipeline:
            pipeline.run("topics", "create")
            yield pipeline, sandbox


def apply_all(pipeline: Pipeline, group: str = "apply", over: Mapping[str, str] | None = None) -> None:
    """Run the sink until nothing is left to apply."""
    pipeline.start("apply", over)
    pipeline.wait_for(lambda: pipeline.lag(group, "commands") == 0, PATIENCE, "apply")
    assert pipeline.stop("apply") == 0


def when(
    pipeline: Pipeline, sandbox: RunningSandbox, holds: Callable[[dict[str, Any]], bool]
) -> tuple[dict[str, Any], float]:
    """The first report of which it holds, and the instant."""
    until = time.monotonic() + PATIENCE
    while True:
        told, now = sandbox.admin("GET", "report"), time.monotonic()
        if holds(told):
            return told, now
        assert pipeline.is_running("apply"), pipeline.tail("apply")
        assert now < until, f"{told} is all that came about"
        time.sleep(0.2)


def calls(sandbox: RunningSandbox) -> int:
    """Requests since this was asked last."""
    told = sandbox.admin("GET", "report")["requests"]
    sandbox.admin("DELETE", "report")
    return sum(told.values())


def made(told: Mapping[str, Any]) -> int:
    """Sales orders that a report tells of."""
    return int(told["made"].get("salesOrder", 0))
