"""The projector as a process: a Faust worker that hosts the pure core.

The stream hands over raw bytes, one partition beside the other; everything else happens in the projector. No
exception leaves the agent, since Faust would acknowledge the record and go on: bad data is quarantined, and any
fault stops the worker with a clear message before the record is acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition

from projections.in_force import load_policy
from projections.records import LogRecord
from schemas.codec import Decoder, Encoder
from streams.errors import NuestreamError
from streams.faust_app import faust_app
from streams.gaps import watch_gaps
from streams.header_names import let_aiokafka_read_any
from streams.kafka import registry_of
from streams.lease import Lease, LeaseLost, Superseded
from streams.log_end import LogEnds, ReadTo
from streams.log_records import has_records, log_record, records_between
from streams.messages import Message
from streams.policy import check_in_force, first_policy_check
from streams.ports import RecordPorts, send_all
from streams.progress import Progress
from streams.projector import Projector
from streams.reading import TopicReader
from streams.settings import Settings
from streams.state_folder import state_folder, touch
from streams.state_table import StateTable

_LOG = logging.getLogger("nuestream.project")
_TICK = 0.2
_LOOK = 1.0
_TOUCH = 60.0
_AT_ONCE = 1000


class Host:
    """One worker process: the Faust app, its state table, and the way it stops."""

    def __init__(self, settings: Settings, folder: Path, log_ids: Mapping[int, str]) -> None:
        """``folder`` is where state may be kept. ``log_ids`` names the log: per partition, the event id of the policy
        that it begins with."""
        self._settings = settings
        self._folder = folder
        self._log_ids = log_ids
        registry = registry_of(settings.registry)
        self._encoder, self._decoder = Encoder(registry), Decoder(registry)
        self._stopping = asyncio.Event()
        self._fault: BaseException | None = None
        self._started = False
        self._lease = Lease(settings.project.session_timeout)
        self._progress = Progress()
        self._reading = asyncio.Lock()
        self._ends = LogEnds(self._log_ends, self._carried_to)
        self._stood_at: dict[Any, int] = {}
        self.app = faust_app(settings, folder)
        self.table: StateTable = self.app.Table(
            "state", store=settings.project.store, on_fault=self._stop_for, on_recover=self._recovered
        )
        orders = self.app.topic(settings.topics.orders, key_serializer="raw", value_serializer="raw")
        self.app.agent(orders, isolated_partitions=True, name="project")(self._agent)

    async def _agent(self, stream: Any) -> None:
        # Acknowledged by hand: Faust's stream acknowledges also when its body is cancelled half way.
        async for event in stream.noack().events():
            try:
                await self._carry(event.message)
            except Superseded:
                continue  # after the rebalance Faust reads again from the committed offset
            except Exception as error:
                self._stop_for(error)
                await asyncio.Event().wait()
            event.ack()

    async def _carry(self, message: Any) -> None:
        """Carry ``message`` through, and before it whatever Faust left out; what came before already is passed."""
        place, progress = message.tp, self._progress
        if not progress.knows(place, message.generation_id):
            progress.begin(place, message.generation_id, await self._committed(place))
        while (start := progress.following(place)) < message.offset:
            end = min(start + _AT_ONCE, message.offset)
            for record in await self._left_out(place, start, end):
                await self._project(record, message)
            progress.carried(place, end - 1)
        if message.offset >= progress.following(place):
            await self._project(log_record(message), message)
            progress.carried(place, message.offset)

    async def _left_out(self, place: Any, start: int, end: int) -> list[LogRecord]:
        async with self._reading:
            found = await asyncio.to_thread(self._read, place, start, end)
        if found:
            _LOG.info("%s[%d]: %d records from offset %d on were read again", *place, len(found), start)
        return found

    def _read(self, place: Any, start: int, end: int) -> list[LogRecord]:
        with TopicReader(self._settings.kafka, self._settings.groups.project) as reader:
            return list(records_between(reader, place.topic, place.partition, start, end))

    async def _committed(self, place: Any) -> int | None:
        """Where the group stands, by the broker's word: Faust's own may not be there yet when records already are."""
        thread = self.app.consumer._thread
        ask = thread._ensure_consumer().committed
        committed: int | None = await thread.call_thread(ask, TopicPartition(place.topic, place.partition))
        return committed

    async def _project(self, record: LogRecord, message: Any) -> None:
        log_id = self._log_ids.get(record.partition)
        projector = Projector(record.partition, self._settings.topics, self._encoder, self._decoder, log_id)
        await projector.project(record, RecordPorts(self, message))

    async def _recovered(self) -> None:
        """Before the first record is carried: is the policy of the settings the one that decides?

        Later rebalances do not ask again: a worker goes on by the log's policy, whatever was activated meanwhile.
        """
        places = self._assigned()
        if self._started or not places:
            return
        try:
            committed = {place.partition: await self._committed(place) for place in places}
            stored = {number: load_policy(number, self.reader_of(number)) for number in committed}
            await asyncio.to_thread(check_in_force, self._settings, self._log_ids, stored, committed)
        except Exception as error:
            self._stop_for(error)
            await asyncio.Event().wait()  # no record is handed out before this returns
        self._started = True

    def reader_of(self, partition: int) -> Callable[[bytes], bytes | None]:
        """Reads records of the state of ``partition``."""
        return partial(self.table.read, partition)

    def read_to(self) -> dict[int, ReadTo]:
        """Per assigned partition of the log: since when it is read to its end. Those that are not yet are left out."""
        here = {place.partition for place in self._assigned()} if self._started else set()
        return {number: read for number, read in self._ends.read_to().items() if number in here}

    def _assigned(self) -> set[Any]:
        return {place for place in self.app.consumer.assignment() if place.topic == self._settings.topics.orders}

    async def _log_ends(self, places: Collection[Any]) -> Mapping[Any, int]:
        ends: Mapping[Any, int] = await self.app.consumer.highwaters(*places) if places else {}
        return ends

    async def _carried_to(self, place: Any, end: int) -> int:
        generation = self.app.consumer_generation_id
        if not self._progress.knows(place, generation):
            return await self._committed(place) or 0
        following, stood_at = self._progress.following(place), self._stood_at.get(place)
        self._stood_at[place] = following
        if following < end and following == stood_at:
            # A transactional producer leaves offsets without a record, at the end of the log too.
            async with self._reading:
                more = await asyncio.to_thread(self._has_records, place, following, end)
            if not more and self._progress.knows(place, generation):
                self._progress.carried(place, end - 1)
                return end
        return following

    def _has_records(self, place: Any, start: int, end: int) -> bool:
        with TopicReader(self._settings.kafka, self._settings.groups.project) as reader:
            return has_records(reader, place.topic, place.partition, start, end)

    def check_lease(self, message: Any) -> None:
        """Raise where this process may no longer read or write for the record's partition.

        Raises:
            LeaseLost: the process stood still for longer than its group waits for it.
            Superseded: the group has moved on; the record will come again, here or to another worker.
        """
        self._lease.check()
        if message.generation_id != self.app.consumer_generation_id:
            raise Superseded

    def _stop_for(self, error: BaseException) -> None:
        if self._fault is None:
            self._fault = error
        self._stopping.set()

    async def run(self) -> int:
        """Run until a signal or a fault; returns the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        self.app.finalize()
        self.app.in_worker = True
        self._progress.decide_commits(self.app.consumer)
        worker = asyncio.create_task(self.app.start())
        worker.add_done_callback(self._ended)
        tasks = [asyncio.create_task(work) for work in (self._pulse(), self._look(), self._touch(), self._expire())]
        await self._stopping.wait()
        for task in tasks:
            task.cancel()
        _enforce(self._settings.project.shutdown_timeout, 1 if self._fault else 0)
        await self.app.stop()
        if not worker.done():
            worker.cancel()
        if self._fault is None:
            _LOG.info("stopped")
            return 0
        if not self._started and isinstance(self._fault, NuestreamError) and not isinstance(self._fault, LeaseLost):
            raise self._fault
        _LOG.error("stopped, nothing was skipped: %s", _sentence(self._fault), exc_info=_trace(self._fault))
        return 1

    def _ended(self, worker: asyncio.Task[Any]) -> None:
        if not worker.cancelled() and (error := worker.exception()) is not None:
            self._stop_for(error)

    async def _pulse(self) -> None:
        while True:
            try:
                self._lease.check()
            except LeaseLost as error:
                self._stop_for(error)
            if self.app.crash_reason is not None:
                self._stop_for(self.app.crash_reason)
            await asyncio.sleep(_TICK)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK)
            try:
                await self._ends.look(self._assigned() if self._started else ())
            except Exception as error:
                _LOG.warning("where the log ends is not known at present: %s", error)

    async def _touch(self) -> None:
        while self._settings.project.store == "rocksdb":
            await asyncio.sleep(_TOUCH)
            touch(self._folder)

    async def _expire(self) -> None:
        topic, project = self._settings.topics.orders, self._settings.project
        try:
            await watch_gaps(self, topic, self._encoder, project.gap_timeout, project.instance_id)
        except Exception as error:
            self._stop_for(error)

    async def send(self, messages: Sequence[Message]) -> None:
        """Send and wait for every acknowledgement. Raises :class:`NuestreamError` where the broker refuses one."""
        await send_all(self.app.producer, messages)


def _enforce(timeout: float, status: int) -> None:
    # Faust does not stop while its broker cannot be reached; the process must.
    def end() -> None:
        _LOG.error("did not stop within project.shutdown_timeout (%.0f s): leaving at once", timeout)
        logging.shutdown()
        os._exit(status or 1)

    timer = threading.Timer(timeout, end)
    timer.daemon = True
    timer.start()


def _sentence(error: BaseException) -> str:
    return str(error) if isinstance(error, NuestreamError) else f"{type(error).__name__}: {error}"


def _trace(error: BaseException) -> BaseException | None:
    return None if isinstance(error, NuestreamError) else error


def main(settings: Settings) -> int:
    """Run the projector until it is told to stop. Returns the exit status: 0, or 1 after a fault.

    Raises:
        NuestreamError: it did not start.
    """
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    let_aiokafka_read_any()
    log_ids = first_policy_check(settings)
    with state_folder(settings) as folder:

        async def run() -> int:
            return await Host(settings, folder, log_ids).run()

        return asyncio.run(run())
