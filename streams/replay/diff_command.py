"""`nuestream diff`: the history decided again, against what was decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import click
import msgspec

from schemas.codec import Malformed
from schemas.command import CreateReturnAuthorization, CreateSalesOrder
from schemas.contract import OrderDecided
from schemas.quarantine import Reason
from streams.chain_tables import money
from streams.console import results, table
from streams.errors import NuestreamError
from streams.replay.command import INTERRUPTED, chosen, extents_of, on_all_cores
from streams.replay.diff import Comparison, PartitionDiff, money_by_currency
from streams.replay.run import Advance, Followed, Task
from streams.replay.source import Source

SAME, DIFFERENT = 0, 1
MOST_SHOWN = 200
_JSON = msgspec.json.Encoder(decimal_format="string")


class UnevenTopics(NuestreamError):
    """Commands and orders have other numbers of partitions, so that a customer's are not on the same."""


@dataclass(frozen=True, slots=True)
class DiffTask(Task):
    """A replay, and the commands that it is compared with."""

    commands: Source | None = None


def run_diff(task: DiffTask, processes: int | None, as_json: bool) -> int:
    """Compare and print; returns 0 where nothing would change, 1 where something would, 130 when interrupted.

    Raises:
        NuestreamError, RegistryUnavailable: a topic is not there, or cannot be read or decided by.
    """
    assert task.commands is not None  # noqa: S101 - the command line gives it
    commands, log = len(extents_of(task.commands)), extents_of(task.source)
    if (orders := len(log)) != commands:
        raise UnevenTopics(
            f"{task.commands.place} has {commands} partitions and {task.source.place} has {orders}: they are not of "
            "one log"
        )
    extents = chosen(task, log)
    try:
        found = on_all_cores(partial(compare_partition, task), extents, processes, "diff")
    except KeyboardInterrupt:
        click.echo("nuestream: interrupted", err=True)
        return INTERRUPTED
    if as_json:
        click.echo(_JSON.encode(_told(found)).decode())
    else:
        _print(found)
    return DIFFERENT if any(part.differences for part in found.values()) else SAME


def compare_partition(task: DiffTask, partition: int, extent: tuple[int, int], advance: Advance) -> PartitionDiff:
    """The differences of one partition. Raises as :func:`run_diff`."""
    comparison = Comparison()
    _read_decided(task, partition, comparison)
    for _, step in Followed(task, partition, extent, advance):
        if isinstance(step, Reason):
            continue
        for document in step.documents:
            comparison.is_(document)
        for event in step.contract_events:
            if isinstance(event, OrderDecided):
                comparison.decided(event)
    return comparison.result()


def _read_decided(task: DiffTask, partition: int, comparison: Comparison) -> None:
    assert task.commands is not None  # noqa: S101 - as above
    customer = None if task.customer is None else task.customer.encode()
    with task.commands.open() as log:
        start, end = log.extents()[partition]
        decoder = log.decoder()
        for record in log.records(partition, start, end) if start < end else ():
            if customer not in (None, record.key):
                continue
            try:
                command = decoder.decode(record.value or b"", list(record.headers.items()))
            except Malformed as error:
                raise NuestreamError(f"{record.topic}[{partition}] offset {record.offset}: {error}") from None
            if isinstance(command, CreateSalesOrder | CreateReturnAuthorization):
                comparison.was(command)


def _told(found: Mapping[int, PartitionDiff]) -> dict[str, object]:
    return {
        "documents_before": sum(part.before for part in found.values()),
        "documents_now": sum(part.after for part in found.values()),
        "differences": [each for part in found.values() for each in part.differences],
        "money": money_by_currency(found),
    }


def _print(found: Mapping[int, PartitionDiff]) -> None:
    before, after = (sum(getattr(part, side) for part in found.values()) for side in ("before", "after"))
    differences = [each for part in found.values() for each in part.differences]
    results.print(f"{before:,} documents were decided, {after:,} are decided now", soft_wrap=True)
    if not differences:
        results.print("nothing would change")
        return
    rows = [
        (
            each.contract_id,
            each.external_id,
            each.change.value,
            "" if each.before is None else money(each.before, each.currency),
            "" if each.after is None else money(each.after, each.currency),
            each.currency,
            each.why,
        )
        for each in differences[:MOST_SHOWN]
    ]
    columns = ("contract", "document", "change", "before", "after", "", "why")
    results.print(table(None, columns, rows, ("before", "after")))
    if len(differences) > MOST_SHOWN:
        results.print(f"and {len(differences) - MOST_SHOWN:,} more: --json has them all")
    for currency, kinds in money_by_currency(found).items():
        told = ", ".join(f"{kind} {money(amount, currency)}" for kind, amount in sorted(kinds.items()))
        results.print(
            f"{currency}: {told}; together {money(sum(kinds.values(), Decimal(0)), currency)}", soft_wrap=True
        )
