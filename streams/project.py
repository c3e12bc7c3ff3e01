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
import tempfile
import threading
import time
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import faust
from aiokafka import TopicPartition

from projections.forms import Record
from projections.records import LogRecord
from schemas.codec import Decoder, Encoder
from streams.errors import NuestreamError
from streams.kafka import MAX_RECORD_BYTES, faust_options, registry_of
from streams.log_records import log_record, records_between
from streams.policy import check_worker_policy
from streams.progress import Progress
from streams.projector import Message, Projector
from streams.reading import TopicReader
from streams.settings import Settings
from streams.state_table import StateTable

_LOG = logging.getLogger("nuestream.project")
_TICK = 0.2
_AT_ONCE = 1000
# The clock that goes on while the machine sleeps, where there is one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class LeaseLost(NuestreamError):
    """The worker did not run for longer than its group waits, so another may own its partitions."""


class Superseded(Exception):
    """The consumer group moved on while a record was carried through."""


class Host:
    """One worker process: the Faust app, its state table, and the way it stops."""

    def __init__(self, settings: Settings, data_dir: str, log_ids: Mapping[int, str]) -> None:
        """``log_ids`` names the log: per partition, the event id of the policy that it begins with."""
        self._settings = settings
        self._log_ids = log_ids
        registry = registry_of(settings.registry)
        self._encoder, self._decoder = Encoder(registry), Decoder(registry)
        self._stopping = asyncio.Event()
        self._fault: BaseException | None = None
        self._ran_at = time.clock_gettime(_CLOCK)
        self._progress = Progress()
        self._reading = asyncio.Lock()
        self.app = _app(settings, data_dir)
        self.table: StateTable = self.app.Table("state", key_type=bytes, value_type=bytes, partitions=None)
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
            return records_between(reader, place.topic, place.partition, start, end)

    async def _committed(self, place: Any) -> int | None:
        """Where the group stands, by the broker's word: Faust's own may not be there yet when records already are."""
        thread = self.app.consumer._thread
        ask = thread._ensure_consumer().committed
        committed: int | None = await thread.call_thread(ask, TopicPartition(place.topic, place.partition))
        return committed

    async def _project(self, record: LogRecord, message: Any) -> None:
        log_id = self._log_ids.get(record.partition)
        projector = Projector(record.partition, self._settings.topics, self._encoder, self._decoder, log_id)
        await projector.project(record, _Ports(self, message))

    def check_lease(self, message: Any) -> None:
        """Raise where this process may no longer write for the record's partition.

        Raises:
            LeaseLost: the process stood still for longer than its group waits for it.
            Superseded: the group has moved on; the record will come again, here or to another worker.
        """
        self._look_at_clock()
        if isinstance(self._fault, LeaseLost):
            raise self._fault
        if message.generation_id != self.app.consumer_generation_id:
            raise Superseded

    def _look_at_clock(self) -> None:
        # A process that is continued runs its overdue timers first: whoever looks first has to remember.
        now = time.clock_gettime(_CLOCK)
        stood_still, self._ran_at = now - self._ran_at, now
        timeout = self._settings.project.session_timeout
        if stood_still > timeout:
            self._stop_for(
                LeaseLost(
                    f"this worker stood still for {stood_still:.0f} s, longer than project.session_timeout "
                    f"({timeout:.0f} s); another may own its partitions: start it again"
                )
            )

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
        worker.add_done_callback(self._started)
        pulse = asyncio.create_task(self._pulse())
        await self._stopping.wait()
        pulse.cancel()
        _enforce(self._settings.project.shutdown_timeout, 1 if self._fault else 0)
        await self.app.stop()
        if not worker.done():
            worker.cancel()
        if self._fault is None:
            _LOG.info("stopped")
            return 0
        _LOG.error("stopped, nothing was skipped: %s", _sentence(self._fault), exc_info=_trace(self._fault))
        return 1

    def _started(self, worker: asyncio.Task[Any]) -> None:
        if not worker.cancelled() and (error := worker.exception()) is not None:
            self._stop_for(error)

    async def _pulse(self) -> None:
        while True:
            self._look_at_clock()
            if self.app.crash_reason is not None:
                self._stop_for(self.app.crash_reason)
            await asyncio.sleep(_TICK)

    async def send(self, messages: Sequence[Message]) -> None:
        """Send and wait for every acknowledgement.

        Raises:
            NuestreamError: the broker refused one; the others may have been written.
        """
        sent = [(message.topic, await self._sent(message)) for message in messages]
        for topic, acknowledgement in sent:
            try:
                await acknowledgement
            except Exception as error:
                raise _refused(topic, error) from error

    async def _sent(self, message: Message) -> Awaitable[object]:
        headers = list(message.headers)
        try:
            sent: Awaitable[object] = await self.app.producer.send(
                message.topic, message.key, message.value, None, None, headers
            )
        except Exception as error:  # the producer knows by itself that the broker would refuse
            raise _refused(message.topic, error) from error
        return sent


def _refused(topic: str, error: Exception) -> NuestreamError:
    return NuestreamError(f"the broker refused a record for {topic}: {error}")


class _Ports:
    """The projector's ports for one record: every write is preceded by a look at the lease of ``message``."""

    def __init__(self, host: Host, message: Any) -> None:
        self._host = host
        self._message = message

    def read(self, key: bytes) -> bytes | None:
        return self._host.table.read(key)

    async def send(self, messages: Sequence[Message]) -> None:
        self._host.check_lease(self._message)
        await self._host.send(messages)

    async def write(self, records: Sequence[Record]) -> None:
        self._host.check_lease(self._message)
        try:
            await self._host.table.write(self._message.partition, records)
        except Exception as error:
            topic = self._host.table.changelog_topic_name
            raise _refused(topic, error) from error


def _app(settings: Settings, data_dir: str) -> Any:
    project = settings.project
    return faust.App(
        settings.groups.project,
        **faust_options(settings.kafka),
        broker_session_timeout=project.session_timeout,
        broker_heartbeat_interval=min(3.0, project.session_timeout / 4),
        broker_commit_interval=1.0,
        consumer_group_instance_id=project.instance_id,
        consumer_auto_offset_reset="earliest",
        producer_request_timeout=120.0,
        producer_max_request_size=MAX_RECORD_BYTES,
        producer_compression_type="gzip",
        Table=StateTable,
        store="memory://",
        datadir=data_dir,
        table_standby_replicas=0,
        stream_wait_empty=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
    )


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
    """Run the projector until it is told to stop. Returns the exit status: 0, or 1 after a fault."""
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    log_ids = check_worker_policy(settings)
    with tempfile.TemporaryDirectory(prefix="nuestream-project-") as data_dir:

        async def run() -> int:
            return await Host(settings, data_dir, log_ids).run()

        return asyncio.run(run())
