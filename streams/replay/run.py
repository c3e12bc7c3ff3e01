"""A replay of many partitions: each in a process, as many at a time as there are cores, with progress."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice, takewhile
from pathlib import Path
from queue import Empty
from typing import Any

from projections.as_of import WHOLE, View
from projections.records import LogRecord, Step
from schemas.policy import Policy
from schemas.quarantine import Reason
from streams.errors import NuestreamError
from streams.replay.folding import PartitionFold
from streams.replay.outputs import Files
from streams.replay.report import Report
from streams.replay.source import Log, Source
from streams.replay.span import EVERYTHING, Span

Advance = Callable[[int], None]
"""Told of each part of the records that were read, by their number."""

_PART = 250
_TICK = 0.2


class Interrupted(NuestreamError):
    """The replay was asked to end before it was through."""


@dataclass(frozen=True, slots=True)
class Task:
    """What is replayed and what is put out of it: ``kinds`` to files in ``folder``, in ``form``.

    Only records within ``span`` are put out and counted; those before it are folded all the same. With ``instead``,
    everything is decided by that policy, whatever the log says. Without ``reports``, decisions are not counted.
    """

    source: Source
    view: View = WHOLE
    span: Span = EVERYTHING
    customer: str | None = None
    instead: Policy | None = None
    folder: Path | None = None
    kinds: Sequence[str] = ()
    form: str = "avro"
    reports: bool = True


class Followed:
    """What follows from each record of a partition, as :class:`PartitionFold` folds it. Made to be iterated once."""

    def __init__(self, task: Task, partition: int, extent: tuple[int, int], advance: Advance) -> None:
        self._task, self._partition, self._extent, self._advance = task, partition, extent, advance
        self.records = 0
        self.fold: PartitionFold | None = None

    def __iter__(self) -> Iterator[tuple[LogRecord, Step | Reason]]:
        """The records within the span from which something follows, with what does.

        Raises:
            NuestreamError, RegistryUnavailable: the log cannot be read, or decided by.
        """
        task, span = self._task, self._task.span
        began = span.start is None
        with task.source.open() as log:
            tells = task.reports or bool({"contracts", "commands", "quarantine"} & set(task.kinds))
            fold = self.fold = PartitionFold(log.decoder(), task.view, task.customer, task.instead, tells=tells)
            records = self._records(log)
            while portion := list(islice(records, _PART)):
                for record, followed in fold.take(portion):
                    began = began or span.began(record)
                    if began:
                        yield record, followed
                self.records += len(portion)
                self._advance(len(portion))

    def _records(self, log: Log) -> Iterator[LogRecord]:
        (start, end), span = self._extent, self._task.span
        records = log.records(self._partition, start, end) if start < end else iter(())
        return takewhile(lambda record: not span.ended(record), records)


def replay_partition(task: Task, partition: int, extent: tuple[int, int], advance: Advance) -> Report:
    """Replay one partition in this process. Raises as :class:`Followed` does, and ``OutputExists``."""
    report = Report(partitions=1)
    followed = Followed(task, partition, extent, advance)
    with Files(task.folder, partition, task.kinds, task.form) if task.folder else nullcontext() as files:
        for record, step in followed:
            if isinstance(step, Reason):
                report.rejected += 1
            elif task.reports:
                report.take(step)
            if files is not None:
                files.take(record, step)
        report.records = followed.records
        if followed.fold is not None:
            report.end(followed.fold.states())
            if files is not None:
                files.end(followed.fold.states(), task.view.effective_on)
    return report


class Crew:
    """Processes that each take a partition at a time; a context manager that leaves none behind."""

    def __init__(self, processes: int) -> None:
        # Clients of Kafka run threads, which a forked process would lack.
        spawn = multiprocessing.get_context("spawn")
        self._told = spawn.Queue()
        self._stop = spawn.Event()
        self._pool = ProcessPoolExecutor(processes, spawn, _begin, (self._told, self._stop))

    def run(
        self,
        work: Callable[[int, tuple[int, int], Advance], Any],
        extents: Mapping[int, tuple[int, int]],
        advance: Advance,
    ) -> dict[int, Any]:
        """What ``work`` returns for each partition of ``extents``, the largest begun first.

        Raises whatever it raises, and :class:`NuestreamError` where a process is killed.
        """
        largest = sorted(extents, key=lambda each: extents[each][0] - extents[each][1])
        futures = {self._pool.submit(_work, work, each, extents[each]): each for each in largest}
        found: dict[int, Any] = {}
        left: set[Future[Any]] = set(futures)
        while left:
            done, left = wait(left, _TICK, FIRST_COMPLETED)
            self._hear(advance)
            for future in done:
                partition = futures[future]
                try:
                    found[partition] = future.result()
                except BrokenProcessPool:
                    raise NuestreamError(
                        "a process of the replay was killed, as systems do that run out of memory: give it fewer "
                        "--processes, or share the --partitions among machines"
                    ) from None
        return dict(sorted(found.items()))

    def _hear(self, advance: Advance) -> None:
        while True:
            try:
                advance(self._told.get_nowait())
            except Empty:
                return

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown(cancel_futures=True)
        self._hear(lambda _: None)


_OWN: list[Any] = []


def _begin(told: Any, stop: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told, and tells
    _OWN[:] = [told, stop]


def _work(work: Callable[..., Any], partition: int, extent: tuple[int, int]) -> Any:
    told, stop = _OWN
    without_collections()

    def advance(count: int) -> None:
        told.put(count)
        if stop.is_set():
            raise Interrupted("the replay was interrupted")

    return work(partition, extent, advance)


def without_collections() -> None:
    """Let this process, which only folds, not look for cycles in a state that grows and has none.

    Each look would go through all of the state: the larger it is, the more a record would cost.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 1000)


def cores() -> int:
    """How many processes this machine runs side by side, as far as this one may use them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
