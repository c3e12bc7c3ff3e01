"""`nuestream project --rebuild-state`: the state folded again from the log and written to the changelog."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import click

from projections.forms import Record, UnreadableState, position_of
from projections.in_force import policy_key
from streams.console import progress_bar
from streams.group_members import check_no_members
from streams.lag import GroupLag
from streams.policy import first_policy_check
from streams.reading import TopicReader
from streams.refold import Advance, Refold, Stored, read_stored
from streams.sending import Sender
from streams.settings import Settings
from streams.state_folder import drop_state


@dataclass(frozen=True, slots=True)
class Plan:
    """What makes the changelog of a partition say what was folded. ``put`` and ``deleted`` are numbers of records."""

    records: list[Record]
    put: int
    deleted: int


def run_rebuild(settings: Settings) -> int:
    """Fold the state of every partition again, up to where the group has read, and write what differs; returns 0.

    Stopped half way, the partition that it was at has no policy, without which no worker starts; it is completed by
    the next call.

    Raises:
        GroupInUse: the projector's group has members.
        KafkaUnavailable, PolicyMissing, RegistryUnavailable: it could not be done.
        SettingsError: a worker uses the folder of ``project.data_dir``.
    """
    first_policy_check(settings)
    _check_no_projectors(settings)
    drop_state(settings)
    with TopicReader(settings.kafka, settings.groups.project) as reader, progress_bar() as bar:
        topic = settings.topics.orders
        with GroupLag(settings.kafka, reader, settings.groups.project, topic) as group:
            committed = group.committed()
        for partition, until in sorted(committed.items()):
            task = bar.add_task(f"partition {partition}", total=None, rate="")

            def advance(count: int, task: object = task) -> None:
                bar.advance(task, count)  # type: ignore[arg-type]

            stored = read_stored(settings, reader, partition, advance)
            # A group whose offsets have expired begins again, and passes over what its state contains.
            end = stored.highest(partition) + 1 if until is None else until
            plan = plan_of(partition, stored, asyncio.run(_folded(settings, reader, partition, end, advance)))
            _check_no_projectors(settings)
            write(settings, partition, plan)
            bar.remove_task(task)
            click.echo(
                f"{topic}[{partition}]: folded up to offset {end}; {plan.put} records written to {settings.changelog}, "
                f"{plan.deleted} deleted"
            )
    return 0


async def _folded(
    settings: Settings, reader: TopicReader, partition: int, end: int, advance: Advance
) -> dict[bytes, bytes]:
    return await Refold(settings, reader).fold(partition, end, lambda _: True, advance)


def plan_of(partition: int, stored: Stored, folded: dict[bytes, bytes]) -> Plan:
    """What is to be written, in this order, so that the changelog says what was ``folded`` and nothing else. Pure."""
    policy = policy_key(partition)
    changes = {
        key: folded.get(key) for key in sorted(stored.last.keys() | folded.keys()) if _differs(key, stored, folded)
    }
    if not changes:
        return Plan([], 0, 0)
    # The policy goes first and comes back last: without it no worker starts, should this be interrupted.
    changes.pop(policy, None)
    records: list[Record] = [(policy, None)]
    for key, value in changes.items():
        records += _replacing(key, value, stored)
    if policy in folded:
        records.append((policy, folded[policy]))
    deleted = sum(1 for value in changes.values() if value is None)
    return Plan(records, len(changes) - deleted, deleted)


def _differs(key: bytes, stored: Stored, folded: dict[bytes, bytes]) -> bool:
    return not stored.counts.get(key) == stored.last.get(key) == folded.get(key)


def _replacing(key: bytes, value: bytes | None, stored: Stored) -> Iterator[Record]:
    before = stored.counts.get(key)
    if value is None or (before is not None and not _is_later(value, before)):
        yield key, None  # of two records the higher position would count
    if value is not None:
        yield key, value


def _is_later(value: bytes, before: bytes) -> bool:
    try:
        return position_of(value) >= position_of(before)
    except UnreadableState:
        return False


def write(settings: Settings, partition: int, plan: Plan) -> None:
    """Write a plan to the changelog; its first record is acknowledged before the others, its last after them.

    Raises:
        KafkaUnavailable: a record was refused.
    """
    if not plan.records:
        return
    sender = Sender(settings.kafka)
    for part in (plan.records[:1], plan.records[1:-1], plan.records[1:][-1:]):
        for key, value in part:
            sender.send(settings.changelog, key, value, [], partition)
        sender.flush()


def _check_no_projectors(settings: Settings) -> None:
    check_no_members(settings, settings.groups.project, settings.project.session_timeout)
