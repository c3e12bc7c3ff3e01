"""Carries out what the lanes decide: calls to NetSuite, then what they ended in, on the topics."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any

from schemas.command import UpsertCustomer, UpsertItem
from schemas.outcome import DeadLetter, LetterState, Outcome
from sinks.deliver import Applied, Deliverer, Missing
from sinks.entry import Entry, Original, Run, Write
from sinks.lanes import Lanes
from sinks.letters import Letter
from streams.acknowledged import AckSender
from streams.command_records import Rereader
from streams.settings import Settings

log = logging.getLogger("nuestream.apply")


class Deliveries:
    """The deliveries and dead letters under way. ``failed`` gets the exception of the first that fails.

    ``told`` counts what happened, for people.
    """

    def __init__(
        self,
        settings: Settings,
        lanes: Lanes,
        deliverer: Deliverer,
        sender: AckSender,
        rereader: Rereader,
        wrote: Callable[[int, int], None],
    ) -> None:
        self._account = settings.netsuite.account
        self._request_limit = settings.netsuite.request_limit
        self._topics = settings.topics
        self._lanes = lanes
        self._deliverer = deliverer
        self._sender = sender
        self._rereader = rereader
        self._wrote = wrote
        self._taken_over: dict[int, float] = {}
        self._tasks: dict[int, set[asyncio.Task[None]]] = {}
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told: Counter[str] = Counter()

    def take_over(self, partition: int) -> None:
        """The partition is ours from now on; what its last worker sent may still be running."""
        self._taken_over[partition] = time.monotonic()

    def pump(self) -> None:
        """Start everything that may start now."""
        for action in self._lanes.take(time.monotonic()):
            work = self._deliver(action) if isinstance(action, Run) else self._record(action)
            self._start(action.entry.place.partition, work)

    async def drain(self, partitions: Iterable[int], patience: float) -> None:
        """Let what is in flight of ``partitions`` end, ``patience`` seconds at most, and cancel the rest."""
        until = time.monotonic() + patience
        while (running := self._running(partitions)) and (left := until - time.monotonic()) > 0:
            await asyncio.wait(running, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        await self.cancel(partitions)

    async def cancel(self, partitions: Iterable[int]) -> None:
        """End everything of ``partitions`` at once; NetSuite may still carry out what it was sent."""
        running = self._running(partitions)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def _running(self, partitions: Iterable[int]) -> set[asyncio.Task[None]]:
        return {task for partition in partitions for task in self._tasks.get(partition, ())}

    def _start(self, partition: int, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        running = self._tasks.setdefault(partition, set())
        running.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            running.discard(task)
            if task.cancelled():
                return
            error = task.exception()
            if error is None:
                try:
                    self.pump()
                except Exception as defect:  # asyncio would only log it, and the worker would stand still
                    error = defect
            if error is not None and not self.failed.done():
                self.failed.set_exception(error)

        task.add_done_callback(ended)

    def _quiet(self, entry: Entry) -> None:
        self._lanes.slots.quiet(entry)
        self.pump()  # its slot is free

    async def _deliver(self, run: Run) -> None:
        entry = run.entry
        if entry.command is None:
            await self._rereader.load(entry)
        command = entry.command
        if command is None:
            raise RuntimeError(f"{entry.subject.name} was readable before, and is not any more")
        inherited_until = (
            self._taken_over[entry.place.partition] + self._request_limit if entry.inherited else -math.inf
        )
        verdict = await self._deliverer.deliver(
            command,
            run.references,
            run.newest,
            inherited_until,
            on_quiet=lambda: self._quiet(entry),
            on_resumed=lambda: self._lanes.slots.loud(entry),
        )
        if isinstance(verdict, Applied):
            outcome = Outcome(
                account=self._account,
                external_id=command.external_id,
                record_type=verdict.record_type,
                internal_id=verdict.internal_id,
                command_id=command.command_id,
                result=verdict.result,
                order_id=command.origin.order_id,
                customer_id=command.origin.customer_id,
                content_hash=verdict.content_hash,
                applied_at=datetime.now(UTC),
                activated_at=command.activated_at if isinstance(command, UpsertCustomer | UpsertItem) else None,
                warnings=verdict.warnings,
            )
            await self._applied(entry, outcome)
        elif isinstance(verdict, Missing):
            self._lanes.missing(entry, verdict.external_id, time.monotonic())
        else:
            letter = Letter(
                state=LetterState.REFUSED,
                reason=verdict.reason,
                status=verdict.status,
                answer=verdict.answer,
                attempts=verdict.attempts,
            )
            self._lanes.refused(entry, letter, time.monotonic())

    async def _applied(self, entry: Entry, outcome: Outcome) -> None:
        key = f"{outcome.account}|{outcome.external_id}".encode()
        placed = await self._sender.send(self._topics.outcomes, key, outcome)
        self._wrote(*placed)
        self._lanes.applied(entry, outcome, time.monotonic())
        self.told[outcome.result.lower()] += 1
        log.info("%s is %s %s: %s", outcome.external_id, outcome.record_type, outcome.internal_id, outcome.result)
        for warning in outcome.warnings:
            log.warning("%s: %s", outcome.external_id, warning)

    async def _record(self, write: Write) -> None:
        entry, letter = write.entry, write.letter
        if entry.original is None and letter.state is not LetterState.CLOSED:
            await self._rereader.load(entry)  # a letter has the whole command in it
        lane = entry.subject.lane.encode()
        record = self._dead_letter(entry, letter, entry.original or Original(lane, None))
        placed = await self._sender.send(self._topics.dead_letters, lane, record, entry.place.partition)
        self._lanes.recorded(entry, placed.offset, time.monotonic())
        self.told[letter.state.lower()] += 1
        level = logging.INFO if letter.state is LetterState.CLOSED else logging.WARNING
        log.log(level, "%s is a dead letter, %s: %s", entry.subject.name, letter.state, letter.reason)

    def _dead_letter(self, entry: Entry, letter: Letter, original: Original) -> DeadLetter:
        return DeadLetter(
            command_id=entry.subject.command_id,
            external_id=entry.subject.external_id,
            lane=entry.subject.lane,
            state=letter.state,
            reason=letter.reason,
            topic=self._topics.commands,
            partition=entry.place.partition,
            offset=entry.place.offset,
            key=original.key,
            value=original.value,
            recorded_at=datetime.now(UTC),
            headers=dict(original.headers),
            waits_for=letter.waits_for,
            status=letter.status,
            answer=letter.answer,
            attempts=letter.attempts,
        )
