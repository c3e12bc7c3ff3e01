"""The sink: takes commands from their topic and has NetSuite hold what they say, each once.

One command in, one effect. Which command may go next is decided by ``sinks.lanes``, what is said to NetSuite by
``sinks.deliver``; here are the topics around them. An offset is committed only when everything below it has an
acknowledged outcome or an acknowledged dead letter. Whatever cannot be sent or read stops the worker.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from typing import Any

from schemas.codec import Decoder, Encoder
from schemas.command import Command
from schemas.outcome import Outcome
from schemas.registry import RegistryUnavailable
from schemas.requests import Request
from sinks.client import NetSuiteClient
from sinks.defaults import Defaults
from sinks.deliver import Deliverer, Misconfigured, Unauthorized
from sinks.lanes import Lanes
from sinks.slots import Slots
from streams.acknowledged import AckSender
from streams.adoption import adopted_in
from streams.command_reader import CommandReader, Read
from streams.command_records import Rereader
from streams.deliveries import LOST, Deliveries
from streams.errors import NuestreamError
from streams.kafka import registry_of
from streams.mapping import defaults_of
from streams.netsuite_login import client_of
from streams.outcomes import Follower
from streams.settings import Settings
from streams.sink_topics import partitions_of

log = logging.getLogger("nuestream.apply")

COMMIT_EVERY = 1.0
TELL_EVERY = 10.0
LEAVE_WITHIN = 5.0
# Below max.poll.interval.ms, five minutes, after which the group would give this worker up again.
REJOIN_WITHIN = 120.0
# Deliveries for each request that may be under way: while one awaits Kafka or a retry, the other asks NetSuite.
DELIVERIES = 2
# Documents that wait for a customer or item are held beside the window, this many times its size.
WAITING_WINDOWS = 10


class Worker:
    """One sink process between Kafka and NetSuite."""

    def __init__(
        self,
        settings: Settings,
        client: NetSuiteClient,
        partitions: dict[str, int],
        defaults: Defaults,
        adopted: Mapping[str, str],
        epoch: int = 0,
    ) -> None:
        """Of the outcomes those from ``epoch`` on are believed; a rebuild begins a new one."""
        netsuite, apply = settings.netsuite, settings.apply
        registry = registry_of(settings.registry)
        self._settings = settings
        self._lanes = Lanes(
            slots=Slots(netsuite.concurrency * DELIVERIES, quiet_limit=apply.window),
            window=apply.window,
            waiting_limit=apply.window * WAITING_WINDOWS,
            reference_timeout=netsuite.reference_timeout,
            request_limit=netsuite.request_limit,
            await_parents=defaults.parents != "ignored",
            adopted=adopted,
        )
        self._deliverer = Deliverer(
            client,
            account=netsuite.account,
            defaults=defaults,
            adopted=adopted,
            request_limit=netsuite.request_limit,
            retry_initial=apply.retry_initial,
            retry_max=apply.retry_max,
        )
        self._follower = Follower(settings, Decoder(registry), partitions, self._learn, self._refuse, self._ask, epoch)
        self._sender = AckSender(settings.kafka, Encoder(registry))
        self._rereader = Rereader(settings, Decoder(registry))
        self._deliveries = Deliveries(
            settings,
            self._lanes,
            self._deliverer,
            self._sender,
            self._rereader,
            self._follower.wrote,
            lambda: self._follower.epoch,
        )
        self._reader = CommandReader(settings, Decoder(registry), self._assigned, self._revoked, self._lost)
        self._committed: dict[int, int] = {}
        self._assignment: set[int] = set()
        self._stopping = asyncio.Event()

    @property
    def committed(self) -> Mapping[int, int]:
        """How far each partition is done, as far as this worker has committed."""
        return self._committed

    @property
    def told(self) -> Mapping[str, int]:
        """How many commands ended how, in words."""
        return self._deliveries.told

    async def work(self, stop: asyncio.Event) -> None:
        """Work until ``stop``, then let end what is in flight. Raises what stopped it otherwise."""
        follow = asyncio.create_task(self._follower.follow())
        taking = asyncio.create_task(self._take_commands())
        stopped = asyncio.create_task(stop.wait())
        endings: list[asyncio.Future[Any]] = [self._deliveries.failed, follow, taking, stopped]
        try:
            await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            self._stopping.set()
            for ending in endings:
                if ending.done():
                    ending.result()
            await asyncio.wait([taking], timeout=LEAVE_WITHIN)
            await self._drain()
            if self._deliveries.failed.done():
                self._deliveries.failed.result()
        finally:
            self._stopping.set()
            await self._leave()
            for task in (follow, taking, stopped):
                task.cancel()
            await asyncio.gather(follow, taking, stopped, return_exceptions=True)

    async def _take_commands(self) -> None:
        await self._follower.catch_up()
        await self._deliverer.prepare()
        await self._reader.start()
        committed_at = told_at = time.monotonic()
        while not self._stopping.is_set():
            portion = await self._reader.read(self._lanes.room)
            self._deliverer.expect(self._news_in(portion))
            for read in portion:
                self._lanes.offer(read.place, read.original, read.command, time.monotonic())
            self._deliveries.pump()
            now = time.monotonic()
            if now - committed_at >= COMMIT_EVERY:
                committed_at = now
                await self._commit()
            if now - told_at >= TELL_EVERY:
                told_at = now
                self._tell()

    def _news_in(self, portion: Iterable[Read]) -> Iterator[Command]:
        for read in portion:
            if not isinstance(read.command, str) and self._lanes.knowledge.newest(read.command.external_id) is None:
                yield read.command

    async def _commit(self) -> None:
        offsets = self._to_commit(self._assignment)
        if offsets and await self._reader.commit(offsets):
            self._committed.update(offsets)

    def _to_commit(self, partitions: Iterable[int]) -> dict[int, int]:
        done = ((partition, self._lanes.committable(partition)) for partition in partitions)
        return {
            partition: offset
            for partition, offset in done
            if offset is not None and offset != self._committed.get(partition)
        }

    async def _assigned(self, ends: dict[int, int]) -> None:
        if not await self._ends_before_stopping(self._follower.catch_up()):
            return  # without its past nothing of the partition may be started
        for partition, end in ends.items():
            letters = self._follower.letters(partition)
            self._deliveries.take_over(partition)
            discarded, requests = self._follower.discarded(partition), self._follower.requests(partition)
            self._lanes.assign(partition, letters, discarded, end, time.monotonic(), requests)
            self._assignment.add(partition)
            log.info("partition %d is ours, with %d dead letters", partition, len(letters))

    async def _revoked(self, partitions: list[int]) -> dict[int, int]:
        for partition in partitions:
            self._lanes.retire(partition)
        await self._deliveries.drain(partitions, self._settings.apply.shutdown_timeout)
        offsets = self._to_commit(partitions)
        self._forget(partitions)
        return offsets

    async def _lost(self, partitions: list[int]) -> None:
        log.warning("partitions %s were lost to another worker", ", ".join(map(str, partitions)))
        self._forget(partitions)
        await self._deliveries.lose(partitions)
        # who owns them now sends newer versions again if it hears of ours; so they must not come back here before
        await self._ends_before_stopping(
            self._deliveries.drain([LOST], min(self._settings.netsuite.timeout, REJOIN_WITHIN))
        )

    async def _ends_before_stopping(self, work: Coroutine[Any, Any, None]) -> bool:
        """Whether ``work`` came to its end; it is cancelled when the worker stops."""
        working, stopping = asyncio.create_task(work), asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait([working, stopping], return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
            return working.done()
        finally:
            working.cancel()
            stopping.cancel()

    def _forget(self, partitions: Iterable[int]) -> None:
        self._deliverer.forget()
        for partition in partitions:
            self._lanes.forget(partition)
            self._committed.pop(partition, None)
            self._assignment.discard(partition)

    async def _drain(self) -> None:
        partitions = list(self._assignment)
        for partition in partitions:
            self._lanes.retire(partition)
        await self._deliveries.drain([*partitions, LOST], self._settings.apply.shutdown_timeout)

    async def _leave(self) -> None:
        """Commit what is done and leave Kafka, which may not be there any more."""
        try:
            async with asyncio.timeout(LEAVE_WITHIN):
                await self._deliveries.cancel([*self._assignment, LOST])
                await self._commit()
                await self._reader.close()
                await self._follower.close()
        except TimeoutError:
            log.warning("Kafka did not answer in time; the group finds out by itself that this worker is gone")
        except NuestreamError as error:
            log.warning("%s", error)
        self._sender.close()
        self._rereader.close()
        self._tell()

    def _learn(self, outcome: Outcome) -> None:
        self._lanes.learn(outcome, time.monotonic())

    def _refuse(self, external_id: str, reason: str) -> None:
        self._lanes.refuse(external_id, reason, time.monotonic())

    def _ask(self, partition: int, request: Request) -> None:
        self._lanes.ask(partition, request, time.monotonic())

    def _tell(self) -> None:
        told = ", ".join(f"{count} {name}" for name, count in sorted(self._deliveries.told.items()))
        if told:
            log.info("so far %s; %d dead letters are open", told, self._lanes.parked)


async def run(settings: Settings, *, stop: asyncio.Event) -> int:
    """Apply commands until ``stop`` is set; the exit status: 0, or 1 where something else stopped it.

    Raises:
        NuestreamError: it cannot start, since a setting is wrong, Kafka does not answer, topics are missing or the
            private key cannot sign.
    """
    netsuite = settings.require_netsuite("apply")
    defaults, adopted = defaults_of(netsuite.mapping), adopted_in(netsuite.adopt)
    partitions = await asyncio.to_thread(partitions_of, settings)
    async with client_of(netsuite) as client:
        try:
            await Worker(settings, client, partitions, defaults, adopted).work(stop)
        except (NuestreamError, RegistryUnavailable, Misconfigured, Unauthorized) as error:
            log.error("stopped: %s", " ".join(str(error).split()))
            return 1
        except Exception:
            log.exception("stopped by a defect; nothing was skipped")
            return 1
    return 0


def main(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; the exit status. A second signal ends the process at once."""
    return asyncio.run(_run_until_signal(settings))


async def _run_until_signal(settings: Settings) -> int:
    stop = asyncio.Event()

    def asked() -> None:
        if stop.is_set():
            os._exit(1)
        log.info("stopping; what is in flight may end")
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked)
    return await run(settings, stop=stop)
