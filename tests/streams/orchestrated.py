"""Workers under an orchestrator of the simplest kind: who ends by itself is started again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from tests.pipeline import Pipeline

BACK_OFF_S = 0.5


class Ending(NamedTuple):
    """A worker that ended although nobody had killed it, and the last line that it wrote."""

    worker: str
    status: int
    last_line: str


class Workers:
    """Projectors of one consumer group, known by their instance ids; a context manager that ends them."""

    def __init__(self, pipeline: Pipeline, names: Sequence[str]) -> None:
        self._pipeline = pipeline
        self._names = names
        self._one_at_a_time = threading.RLock()
        self._closing = threading.Event()
        self._watch = threading.Thread(target=self._start_again, daemon=True)
        self.endings: list[Ending] = []
        self.starts: Counter[str] = Counter()

    def __enter__(self) -> Self:
        for name in self._names:
            self._start(name)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._watch.join()
        self._pipeline.close()

    def kill(self, name: str) -> None:
        """SIGKILL, and a new process in its place."""
        with self._one_at_a_time:
            if self._pipeline.is_running(name):
                self._pipeline.kill(name)
                self._start(name)

    def stand_still(self, name: str, meanwhile: Callable[[], None]) -> Ending:
        """SIGSTOP, and when ``meanwhile`` returns SIGCONT; the ending that must follow by itself."""
        process = self._pipeline.process(name)
        before = len(self.endings)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            meanwhile()
        finally:
            os.kill(process.pid, signal.SIGCONT)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for ending in self.endings[before:]:
                if ending.worker == name:
                    return ending
            time.sleep(0.1)
        raise AssertionError(f"{name} was continued and did not end:\n{self._pipeline.tail(name)}")

    def stop(self) -> list[int]:
        """SIGTERM to all; their exit statuses, 0 also where one was so young that the signal itself ended it."""
        self._closing.set()
        self._watch.join()
        statuses = [self._pipeline.stop(name) for name in self._names]
        return [0 if status == -signal.SIGTERM else status for status in statuses]

    def _start(self, name: str) -> None:
        self._pipeline.start_command(name, ["project"], {"PROJECT__INSTANCE_ID": name})
        self.starts[name] += 1

    def _start_again(self) -> None:
        while not self._closing.wait(0.1):
            for name in self._names:
                with self._one_at_a_time:
                    if self._pipeline.is_running(name):
                        continue
                    status = self._pipeline.ended(name)
                    self.endings.append(Ending(name, status, self._pipeline.tail(name, 1)))
                    self._closing.wait(BACK_OFF_S)
                    self._start(name)
