"""A thread for a client that blocks: what it is asked for, it does in order, and one thing at a time."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class OneThread:
    """Calls functions on one thread of its own, in the order in which they were given.

    The thread is a daemon: a client that hangs on an unreachable broker does not keep the process alive.
    """

    def __init__(self, name: str) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name=name, daemon=True).start()

    def call(self, function: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        """Have ``function`` called; its result or exception is the future's."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = function(*arguments)
            except BaseException as error:  # the caller's to judge
                _tell(loop, _fail, future, error)
            else:
                _tell(loop, _finish, future, result)

        self._work.put(work)
        return future

    def end(self) -> None:
        """Let the thread end after what it was given so far."""
        self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()


def _tell(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *arguments: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, *arguments)


def _finish(future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
