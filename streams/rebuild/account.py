"""`nuestream rebuild account`: NetSuite brought to what the command topic says, whatever it holds now."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping
from dataclasses import dataclass

import click
from rich.progress import Progress

from schemas.codec import Decoder
from schemas.registry import RegistryUnavailable
from sinks.deliver import Misconfigured, Unauthorized
from streams.adoption import adopted_in
from streams.apply import Worker
from streams.console import progress_bar, results
from streams.errors import NuestreamError
from streams.group_members import check_no_members, forget_group
from streams.kafka import registry_of
from streams.lag import GroupLag
from streams.mapping import defaults_of
from streams.netsuite_login import client_of
from streams.netsuite_reading import lookups
from streams.pace import Pace
from streams.reading import TopicReader
from streams.rebuild.epochs import Epoch, begin, next_epoch
from streams.rebuild.survey import Asked, Estimate, asked_on, estimate_of, held_in
from streams.settings import Settings
from streams.sink_topics import partitions_of

DONE, STOPPED, INTERRUPTED = 0, 1, 130
_LOOK = 0.5

log = logging.getLogger("nuestream.rebuild")


@dataclass(frozen=True, slots=True)
class Plan:
    """A rebuild: its epoch, from where to where on each partition of the commands, and what it costs."""

    epoch: Epoch
    starts: Mapping[int, int]
    ends: Mapping[int, int]
    estimate: Estimate

    @property
    def left(self) -> int:
        """How many commands are to be gone through."""
        return sum(self.ends[number] - start for number, start in self.starts.items())


def run_rebuild_account(settings: Settings, *, dry_run: bool, yes: bool) -> int:
    """Survey, ask, and apply; returns 0 when it is through, 1 where something stopped it, 130 when interrupted.

    Raises:
        GroupInUse: a sink works on the account.
        NuestreamError, RegistryUnavailable: it cannot begin.
    """
    settings.require_netsuite("rebuild account")
    partitions_of(settings)
    check_no_members(settings, settings.groups.apply, settings.apply.session_timeout)
    plan = asyncio.run(_plan(settings))
    _print(settings, plan)
    if dry_run or not plan.estimate.commands:
        return DONE
    if not yes:
        click.confirm(f"Rebuild {settings.netsuite.account}?", abort=True, err=True)
    if not plan.epoch.is_resumed:
        begin(settings, plan.epoch, plan.starts)
    return asyncio.run(_carry_out(settings, plan))


async def _plan(settings: Settings) -> Plan:
    decoder, topic = Decoder(registry_of(settings.registry)), settings.topics.commands
    with TopicReader(settings.kafka, settings.groups.apply) as reader, progress_bar() as bar:
        epoch = await asyncio.to_thread(next_epoch, settings, reader, decoder)
        extents = reader.extents(topic)
        total = sum(end - start for start, end in extents.values())
        reading = bar.add_task(f"reading {topic}", total=total, rate=f"{total:,} commands")
        asked = await asyncio.to_thread(asked_on, reader, topic, decoder, lambda count: bar.advance(reading, count))
        estimate = await _estimate(settings, asked, bar)
        with GroupLag(settings.kafka, reader, epoch.group, topic) as lag:
            done = lag.committed()
    starts = {number: max(done[number] or 0, start) for number, (start, _) in extents.items()}
    return Plan(epoch, starts, {number: end for number, (_, end) in extents.items()}, estimate)


async def _estimate(settings: Settings, asked: Asked, bar: Progress) -> Estimate:
    netsuite = settings.netsuite
    total = sum(map(len, asked.names.values()))
    task = bar.add_task(f"asking {netsuite.account}", total=total, rate=f"{total:,} records")
    async with client_of(netsuite) as client:
        try:
            held = await held_in(
                lookups(client, "rebuild"), asked, netsuite.concurrency, lambda count: bar.advance(task, count)
            )
        except* (Unauthorized, NuestreamError) as group:
            raise NuestreamError(str(group.exceptions[0])) from None
    return estimate_of(asked, held, netsuite.concurrency)


def _print(settings: Settings, plan: Plan) -> None:
    estimate, account = plan.estimate, settings.netsuite.account
    missing = estimate.missing
    documents, customers, items = missing["transaction"], missing["customer"], missing["item"]
    held = estimate.records - sum(missing.values())
    results.print(
        f"{estimate.commands:,} commands ask for {estimate.records:,} records; {account} holds {held:,} of them and "
        f"lacks {documents:,} documents, {customers:,} customers and {items:,} items",
        soft_wrap=True,
    )
    minutes = estimate.seconds / 60
    time_left = f"some {minutes:,.0f} minutes" if minutes >= 1 else "under a minute"
    results.print(
        f"about {estimate.calls:,} calls to NetSuite, at {estimate.concurrency} at a time (netsuite.concurrency) "
        f"{time_left}",
        soft_wrap=True,
    )
    if plan.epoch.is_resumed:
        results.print(f"goes on with epoch {plan.epoch.number}: {plan.left:,} commands are left", soft_wrap=True)
    else:
        results.print(f"begins epoch {plan.epoch.number} of the account", soft_wrap=True)


async def _carry_out(settings: Settings, plan: Plan) -> int:
    netsuite = settings.netsuite
    own = settings.model_copy(
        update={
            "groups": settings.groups.model_copy(update={"apply": plan.epoch.group}),
            "apply": settings.apply.model_copy(update={"instance_id": None}),
        }
    )
    stop, interrupted = asyncio.Event(), asyncio.Event()

    def asked_to_end() -> None:
        interrupted.set()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_end)
    partitions = await asyncio.to_thread(partitions_of, own)
    async with client_of(netsuite) as client:
        worker = Worker(
            own, client, partitions, defaults_of(netsuite.mapping), adopted_in(netsuite.adopt), plan.epoch.number
        )
        watch = asyncio.create_task(_watch(worker, plan, stop))
        try:
            await worker.work(stop)
        except (NuestreamError, RegistryUnavailable, Misconfigured, Unauthorized) as error:
            log.error("stopped: %s; run it again to go on", " ".join(str(error).split()))
            return STOPPED
        finally:
            watch.cancel()
            (watched,) = await asyncio.gather(watch, return_exceptions=True)
        if isinstance(watched, Exception):
            raise watched
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(worker.told.items())) or "nothing to do"
    if interrupted.is_set() and not _is_through(worker, plan):
        click.echo(f"nuestream: interrupted ({told}); run it again to go on", err=True)
        return INTERRUPTED
    forget_group(own, plan.epoch.group)
    results.print(f"epoch {plan.epoch.number} of {netsuite.account} is through: {told}", soft_wrap=True)
    return DONE


async def _watch(worker: Worker, plan: Plan, stop: asyncio.Event) -> None:
    """Show how far it is, and end it when it is through."""
    try:
        with Pace("rebuild", plan.left) as pace:
            while not _is_through(worker, plan):
                pace.reach(
                    sum(max(0, worker.committed.get(number, start) - start) for number, start in plan.starts.items())
                )
                await asyncio.sleep(_LOOK)
    finally:
        stop.set()


def _is_through(worker: Worker, plan: Plan) -> bool:
    done = worker.committed
    return all(done.get(number, start) >= plan.ends[number] for number, start in plan.starts.items())
