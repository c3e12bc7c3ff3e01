"""Asynchronous requests and batches: taken with 202, carried out one after another, asked after by job and task."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from aiohttp import web

from sinks.sandbox.addresses import JOBS
from sinks.sandbox.batch import batch_of, is_batch
from sinks.sandbox.errors import (
    Duplicate,
    Refused,
    idempotency_conflict,
    nonexistent,
    unexpected,
    unsupported,
    user_error,
)
from sinks.sandbox.latency import Latency
from sinks.sandbox.mischief import BREAKS_OFF
from sinks.sandbox.service import Call, RecordService, call_of, json_response
from sinks.sandbox.tally import Tally

_KEY = "X-NetSuite-Idempotency-Key"
_Thing = TypeVar("_Thing")
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Task:
    """One call of a job, and its answer once there is one."""

    call: Call
    answer: web.Response | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def progress(self) -> str:
        """Pending, succeeded or failed."""
        if self.answer is None:
            return "pending"
        return "succeeded" if self.answer.status < 400 else "failed"


@dataclass(slots=True)
class Job:
    """What was taken with one request."""

    tasks: Sequence[Task]
    parallel: bool = False
    breaks_off: bool = False

    @property
    def progress(self) -> str:
        """Pending until all is done; failed where any call is."""
        progress = {task.progress for task in self.tasks}
        return next((name for name in ("pending", "failed") if name in progress), "succeeded")


class Jobs:
    """Takes requests for records, at once or later. Jobs and their keys are kept as long as it runs.

    Jobs are carried out by one processor, in turn. ``latency`` gives the draw of how long each call takes.
    """

    def __init__(self, service: RecordService, latency: Callable[[], Latency], tally: Tally) -> None:
        self._service = service
        self._latency = latency
        self._tally = tally
        self._jobs: list[Job] = []
        self._keys: dict[str, int] = {}
        self._processor = asyncio.Semaphore(1)
        self._running: set[asyncio.Task[None]] = set()

    def routes(self) -> list[web.RouteDef]:
        """Where one asks after jobs."""
        task = JOBS + "/{job}/task"
        return [
            web.get(JOBS + "/{job}", self.job),
            web.get(task, self.tasks),
            web.get(task + "/", self.tasks),
            web.get(task + "/{task}", self.task),
            web.get(task + "/{task}/result", self.result),
        ]

    async def collection(self, request: web.Request) -> web.Response:
        """A request to the address of a record type: a new record, or a batch."""
        preferences = _preferences(request)
        if is_batch(request):
            if "respond-async" not in preferences:
                detail = "The request header 'Prefer' must have the value 'respond-async'."
                raise Refused(detail, code="INVALID_HEADER", header="Prefer")
            parallel = 'batch-processing="parallel"' in preferences
            job = Job([Task(call) for call in await batch_of(request)], parallel, BREAKS_OFF.get())
            return self._taken(request, job, f"{request.scheme}://{request.host}")
        if request.method != "POST":
            raise unsupported(405)
        return await self.single(request)

    async def single(self, request: web.Request) -> web.Response:
        """A request for one record."""
        if "respond-async" not in _preferences(request):
            return await self._service.handle(request)  # a key is ignored then
        return self._taken(request, Job([Task(await call_of(request))]), "")

    def _taken(self, request: web.Request, job: Job, root: str) -> web.Response:
        key = request.headers.get(_KEY)
        if key is not None and key.lower() in self._keys:
            return idempotency_conflict(f"{JOBS}/{self._keys[key.lower()]}")
        self._jobs.append(job)
        if key is not None:
            self._keys[key.lower()] = len(self._jobs)
        running = asyncio.create_task(self._carry_out(job))
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        headers = {"Preference-Applied": "respond-async", "Location": f"{root}{JOBS}/{len(self._jobs)}"}
        return web.Response(status=202, headers=headers)

    async def _carry_out(self, job: Job) -> None:
        done = len(job.tasks) // 2 if job.breaks_off else len(job.tasks)
        async with self._processor:
            if job.parallel:
                await asyncio.gather(*(self._do(task) for task in job.tasks[:done]))
            else:
                for task in job.tasks[:done]:
                    await self._do(task)
            for task in job.tasks[done:]:
                task.started_at = task.ended_at = datetime.now(UTC)
                task.answer = unexpected(uuid.uuid4().hex).response()

    async def _do(self, task: Task) -> None:
        task.started_at = datetime.now(UTC)
        if delay := self._latency()():
            await asyncio.sleep(delay)
        try:
            task.answer = self._service.perform(task.call)
        except Refused as refused:
            self._tally.duplicates += isinstance(refused, Duplicate)
            task.answer = refused.response()
        except Exception:
            error_id = uuid.uuid4().hex
            _LOG.exception("the sandbox failed at a job, error %s", error_id)
            task.answer = unexpected(error_id).response()
        task.ended_at = datetime.now(UTC)

    async def close(self, _: web.Application) -> None:
        """End what still runs; what is not written yet never will be."""
        for running in self._running:
            running.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def job(self, request: web.Request) -> web.Response:
        """How far a job is."""
        job, own = self._asked(request), _own(request, "job")
        progress = job.progress
        return json_response(
            _link(own)
            | {"completed": progress != "pending", "id": request.match_info["job"], "progress": progress}
            | {"task": _link(f"{own}/task")}
        )

    async def tasks(self, request: web.Request) -> web.Response:
        """The tasks of a job, as links of one item: NetSuite's own list is like that."""
        job, own = self._asked(request), f"{_own(request, 'job')}/task"
        links = [{"rel": "self", "href": f"{own}/{number}"} for number in range(1, len(job.tasks) + 1)]
        return json_response(_link(own) | {"count": 1, "items": [{"links": links}]})

    async def task(self, request: web.Request) -> web.Response:
        """How far a task is, and when it ran."""
        task, own = self._asked_task(request), _own(request, "job", "task")
        shown = {"links": [{"rel": "related", "href": f"{own}/result"}, {"rel": "self", "href": own}]}
        times = {"startTime": task.started_at, "endTime": task.ended_at}
        told = {name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in times.items() if at is not None}
        progress = task.progress
        state = {"completed": progress != "pending", "id": request.match_info["task"], "progress": progress}
        return json_response(shown | state | told)

    async def result(self, request: web.Request) -> web.Response:
        """The answer that the call would have had at once."""
        answer = self._asked_task(request).answer
        if answer is None:
            raise user_error("The specified job is not complete yet")
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    def _asked(self, request: web.Request) -> Job:
        return _at(self._jobs, request.match_info["job"])

    def _asked_task(self, request: web.Request) -> Task:
        return _at(self._asked(request).tasks, request.match_info["task"])


def _at(things: Sequence[_Thing], number: str) -> _Thing:
    if not number.isascii() or not number.isdigit() or not 1 <= int(number[:9]) <= len(things):
        raise nonexistent()
    return things[int(number) - 1]


def _preferences(request: web.Request) -> set[str]:
    return {part.strip().lower() for value in request.headers.getall("Prefer", []) for part in value.split(",")}


def _own(request: web.Request, *names: str) -> str:
    path = "/task/".join(request.match_info[name] for name in names)
    return f"{request.scheme}://{request.host}{JOBS}/{path}"


def _link(href: str) -> dict[str, object]:
    return {"links": [{"rel": "self", "href": href}]}
