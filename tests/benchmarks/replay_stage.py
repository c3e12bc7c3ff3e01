"""One stage of the replay benchmark, in a process of its own: prints what it took as JSON."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from projections.as_of import WHOLE
from streams.replay.command import on_all_cores
from streams.replay.run import Advance, Followed, Task, replay_partition, without_collections
from streams.replay.source import Source
from streams.settings import load_settings

Extent = tuple[int, int]


def consume(task: Task, partition: int, extent: Extent, advance: Advance) -> int:
    """Read the records, whatever they say."""
    with task.source.open() as log:
        count = sum(1 for _ in log.records(partition, *extent))
    advance(count)
    return count


def decode(task: Task, partition: int, extent: Extent, advance: Advance) -> int:
    """Read the records and decode each to the frozen types of the full order event."""
    count = 0
    with task.source.open() as log:
        decoder = log.decoder()
        for record in log.records(partition, *extent):
            decoder.decode(record.value or b"", list(record.headers.items()))
            count += 1
    advance(count)
    return count


def fold(task: Task, partition: int, extent: Extent, advance: Advance) -> int:
    """Replay without output: the states alone."""
    followed = Followed(task, partition, extent, advance)
    for _ in followed:
        pass
    return followed.records


def write(task: Task, partition: int, extent: Extent, advance: Advance) -> int:
    """Replay with commands, to files."""
    return replay_partition(task, partition, extent, advance).records


STAGES: dict[str, Callable[[Task, int, Extent, Advance], int]] = {
    "consume": consume,
    "decode": decode,
    "fold": fold,
    "commands": write,
}


def main() -> None:
    """Arguments: the stage, the number of processes, and the address of an archive or ``kafka``."""
    stage, processes, archive = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    settings = load_settings(None)
    source = Source(settings, settings.topics.orders, None if archive == "kafka" else archive)
    with source.open() as log:
        extents = log.extents()
    with TemporaryDirectory(prefix="nuestream-bench-") as folder:
        writes = stage == "commands"
        task = Task(
            source, WHOLE, folder=Path(folder) if writes else None, kinds=("commands",) if writes else (), reports=False
        )
        without_collections()
        began, cpu = time.monotonic(), _cpu()
        found = on_all_cores(partial(STAGES[stage], task), extents, processes, stage)
        wall, spent = time.monotonic() - began, _cpu() - cpu
    usage = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps({"records": sum(found.values()), "wall": wall, "cpu": spent, "rss_mb": max(usage) / 1024}))


def _cpu() -> float:
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


if __name__ == "__main__":
    main()
