"""`nuestream replay`: what it is told, and what it tells."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import click
import msgspec

from projections.partitions import partition_of
from streams.console import results, table
from streams.errors import NuestreamError
from streams.pace import Pace
from streams.replay.report import Report, total
from streams.replay.run import Advance, Crew, Task, cores, replay_partition
from streams.replay.source import Source

INTERRUPTED = 130
T = TypeVar("T")
Extents = Mapping[int, tuple[int, int]]
Work = Callable[[int, tuple[int, int], Advance], T]
"""What is done with a partition: its number and extent, and who is told of each part of its records."""


class NothingToReplay(NuestreamError):
    """There is no such log, or none of the partitions that were asked for."""


def run_replay(task: Task, partitions: frozenset[int] | None, processes: int | None, as_json: bool) -> int:
    """Replay, and print the report; returns 0, or 130 where a person interrupted it.

    Raises:
        NuestreamError, RegistryUnavailable: the log is not there or cannot be read, a policy cannot be decided by, an
            output is there already.
    """
    extents = chosen(task, extents_of(task.source), partitions)
    began = time.monotonic()
    try:
        reports = on_all_cores(partial(replay_partition, task), extents, processes, "replay")
    except KeyboardInterrupt:
        click.echo("nuestream: interrupted; partitions that were complete by then keep their files", err=True)
        return INTERRUPTED
    found = total(reports.values())
    if as_json:
        click.echo(msgspec.json.encode(found).decode())
        return 0
    _print(found, time.monotonic() - began, counted=task.reports)
    if task.folder is not None:
        results.print(f"\n{', '.join(task.kinds)} written to {task.folder}", soft_wrap=True)
    return 0


def extents_of(source: Source) -> Extents:
    """What is there of a topic, per partition.

    Raises:
        NothingToReplay: there is no such topic.
        NuestreamError: it cannot be read.
    """
    with source.open() as log:
        extents = log.extents()
    if not extents:
        raise NothingToReplay(f"there is no topic {source.place}")
    return extents


def chosen(task: Task, extents: Extents, partitions: frozenset[int] | None = None) -> Extents:
    """The ``extents`` of the partitions that are to be read: those asked for, and of one customer only its own.

    Raises:
        NothingToReplay: one of the partitions is not there.
    """
    if partitions is None and task.customer is not None:
        partitions = frozenset({partition_of(task.customer.encode(), len(extents))})
    if partitions is None:
        return extents
    if missing := partitions - extents.keys():
        told = ", ".join(map(str, sorted(missing)))
        raise NothingToReplay(f"{task.source.place} has partitions 0 to {len(extents) - 1}, and no {told}")
    return {each: extents[each] for each in sorted(partitions)}


def on_all_cores(work: Work[T], extents: Extents, processes: int | None, doing: str) -> dict[int, T]:
    """Do ``work`` on every partition, on ``processes`` or else all cores, and show how it goes on.

    Raises what ``work`` raises.
    """
    with Pace(doing, sum(end - start for start, end in extents.values())) as pace:
        if (processes := min(processes or cores(), len(extents))) == 1:
            return {partition: work(partition, extent, pace.advance) for partition, extent in extents.items()}
        with Crew(processes) as crew:
            return crew.run(work, extents, pace.advance)


def _print(found: Report, seconds: float, *, counted: bool) -> None:
    rate = found.records / max(seconds, 0.001)
    results.print(
        f"{found.records:,} records of {found.partitions} partitions in {seconds:.1f} s ({rate:,.0f}/s): "
        f"{found.customers:,} customers with {found.subscriptions:,} subscriptions",
        soft_wrap=True,
    )
    if counted:
        _print_decisions(found)
    waiting = ", ".join(f"{count:,} {name.lower()}" for name, count in sorted(found.open_orders.items()))
    results.print(f"waiting at the end: {waiting or 'none'}", soft_wrap=True)
    if found.rejected:
        results.print(f"records with no place in the log, quarantined as they are: {found.rejected:,}", soft_wrap=True)


def _print_decisions(found: Report) -> None:
    rows = [
        (type_.lower().replace("_", " "), currency, f"{money.documents:,}", f"{money.amount:,f}")
        for type_, currencies in sorted(found.documents.items())
        for currency, money in sorted(currencies.items())
    ]
    if rows:
        results.print(table("documents", ("document", "currency", "number", "amount"), rows, ("number", "amount")))
    decided = ", ".join(f"{count:,} {name.lower().replace('_', ' ')}" for name, count in sorted(found.outcomes.items()))
    results.print(f"decisions: {decided or 'none'}", soft_wrap=True)
