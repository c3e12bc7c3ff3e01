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

from schemas.command import Command, CreateReturnAuthorization, CreateSalesOrder, UpsertCustomer, UpsertItem
from schemas.outcome import DeadLetter, LetterState, Outcome
from schemas.requests import RequestDeclined
from sinks.advice import advice_on
from sinks.deliver import Absent, Applied, Deliverer, Missing
from sinks.entry import Decline, Entry, Kind, Original, Run, Stage, Write
from sinks.lanes import Lanes
from sinks.letters import Letter
from streams.acknowledged import AckSender
from streams.command_records import Rereader
from streams.settings import Settings

log = logging.getLogger("nuestream.apply")


LOST = -1
"""Stands for the partitions that others have taken over, where what was sent before is still under way."""


class Deliveries:
    """The deliveries and dead letters under way. ``failed`` gets the exception of the first that fails.

    ``told`` counts what happened, for people; ``epoch`` tells which rebuild of the account an outcome belongs to.
    """

    def __init__(
        self,
        settings: Settings,
        lanes: Lanes,
        deliverer: Deliverer,
        sender: AckSender,
        rereader: Rereader,
        wrote: Callable[[int, int], None],
        epoch: Callable[[], int],
    ) -> None:
        self._account = settings.netsuite.account
        self._request_limit = settings.netsuite.request_limit
        self._topics = settings.topics
        self._lanes = lanes
        self._deliverer = deliverer
        self._sender = sender
        self._rereader = rereader
        self._wrote = wrote
        self._epoch = epoch
        self._taken_over: dict[int, float] = {}
        self._tasks: dict[int, set[asyncio.Task[None]]] = {}
        self._upserts: set[asyncio.Task[None]] = set()
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told: Counter[str] = Counter()

    def take_over(self, partition: int) -> None:
        """The partition is ours from now on; what its last worker sent may still be running."""
        self._taken_over[partition] = time.monotonic()

    def pump(self) -> None:
        """Start everything that may start now."""
        for action in self._lanes.take(time.monotonic()):
            match action:
                case Run():
                    work = self._deliver(action)
                case Write():
                    work = self._record(action)
                case Decline():
                    work = self._decline(action)
            task = self._start(action.partition, work)
            if isinstance(action, Run) and action.entry.subject.kind is Kind.UPSERT:
                self._upserts.add(task)

    async def drain(self, partitions: Iterable[int], patience: float) -> None:
        """Let what is in flight of ``partitions`` end, ``patience`` seconds at most, and give up the rest."""
        until = time.monotonic() + patience
        while (running := self._running(partitions)) and (left := until - time.monotonic()) > 0:
            await asyncio.wait(running, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        await self.lose(partitions)

    async def lose(self, partitions: Iterable[int]) -> None:
        """End everything of ``partitions``, which are another worker's, but what was sent of customers and items.

        NetSuite may write that after a newer version that the other worker sends. So it goes on until it can be told,
        and whoever has sent the newer one sends it again.
        """
        left = {partition: self._tasks.get(partition, set()) for partition in partitions if partition != LOST}
        for running in left.values():
            self._tasks.setdefault(LOST, set()).update(running & self._upserts)
            running -= self._upserts
        await self.cancel(left)

    async def cancel(self, partitions: Iterable[int]) -> None:
        """End everything of ``partitions`` at once; NetSuite may still carry out what it was sent."""
        running = self._running(partitions)
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def _running(self, partitions: Iterable[int]) -> set[asyncio.Task[None]]:
        return {task for partition in partitions for task in self._tasks.get(partition, ())}

    def _start(self, partition: int, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.setdefault(partition, set()).add(task)

        def ended(task: asyncio.Task[None]) -> None:
            for running in (*self._tasks.values(), self._upserts):
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
        return task

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
        if run.discards:
            await self._discard(run, command)
            return
        verdict = await self._deliverer.deliver(
            command,
            run.references,
            run.newest,
            self._inherited_until(entry),
            on_quiet=lambda: self._quiet(entry),
            on_resumed=lambda: self._lanes.slots.loud(entry),
        )
        if isinstance(verdict, Applied):
            await self._applied(entry, command, verdict)
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

    async def _discard(self, run: Run, command: Command) -> None:
        """Discard a document, unless NetSuite turns out to hold it."""
        entry = run.entry
        if not isinstance(command, CreateSalesOrder | CreateReturnAuthorization):
            raise RuntimeError(f"{entry.subject.name} was a document before, and is not any more")
        verdict = await self._deliverer.search(
            command,
            run.references,
            self._inherited_until(entry),
            on_quiet=lambda: self._quiet(entry),
            on_resumed=lambda: self._lanes.slots.loud(entry),
        )
        if isinstance(verdict, Applied):
            await self._applied(entry, command, verdict)
        elif isinstance(verdict, Absent):
            self._lanes.discarded(entry, verdict.note, time.monotonic())
        else:
            self._lanes.kept(entry, verdict.reason, time.monotonic())

    def _inherited_until(self, entry: Entry) -> float:
        """Until when something may be running that an earlier sink has sent of it."""
        return self._taken_over[entry.place.partition] + self._request_limit if entry.inherited else -math.inf

    async def _applied(self, entry: Entry, command: Command, verdict: Applied) -> None:
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
            epoch=self._epoch(),
        )
        key = f"{outcome.account}|{outcome.external_id}".encode()
        placed = await self._sender.send(self._topics.outcomes, key, outcome)
        if entry.stage is not Stage.GONE:  # else it is news here too: a newer version may have been sent meanwhile
            self._wrote(*placed)
        self._lanes.applied(entry, outcome, time.monotonic())
        self.told[outcome.result.lower()] += 1
        log.info("%s is %s %s: %s", outcome.external_id, outcome.record_type, outcome.internal_id, outcome.result)
        for warning in outcome.warnings:
            log.warning("%s: %s", outcome.external_id, warning)

    async def _record(self, write: Write) -> None:
        entry, letter = write.entry, write.letter
        if entry.original is None and letter.state.is_open:
            await self._rereader.load(entry)  # a letter has the whole command in it
        lane = entry.subject.lane.encode()
        record = self._dead_letter(entry, letter, entry.original or Original(lane, None))
        placed = await self._sender.send(self._topics.dead_letters, lane, record, entry.place.partition)
        self._lanes.recorded(entry, placed.offset, time.monotonic())
        self.told[letter.state.lower()] += 1
        level = logging.WARNING if letter.state.is_open else logging.INFO
        who = f"; asked for by {letter.request.by}: {letter.request.why}" if letter.request else ""
        refused = letter.state is LetterState.REFUSED
        advice = advice_on(letter.state, letter.reason, letter.answer) if refused else None
        todo = f" → {advice}" if advice else ""
        log.log(level, "%s is a dead letter, %s: %s%s%s", entry.subject.name, letter.state, letter.reason, who, todo)

    async def _decline(self, decline: Decline) -> None:
        request = decline.request
        record = RequestDeclined(
            request_id=request.request_id,
            command_id=request.command_id,
            external_id=request.external_id,
            reason=decline.reason,
            declined_at=datetime.now(UTC),
        )
        await self._sender.send(self._topics.dead_letters, request.lane.encode(), record, decline.partition)
        self.told["declined"] += 1
        log.info("a request of %s about %s is declined: %s", request.by, request.external_id, decline.reason)

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
            request_id=letter.request.request_id if letter.request else None,
            by=letter.request.by if letter.request else None,
            why=letter.request.why if letter.request else None,
        )
