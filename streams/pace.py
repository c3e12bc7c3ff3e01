"""How far long work is: a bar where a person looks, else a line now and then; records, rate and time left."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Final, Self

import click
from rich.progress import TaskID

from streams.console import progress_bar

_LOOK_EVERY: Final = 500  # records
_REDRAW: Final = 0.2
_SAY_EVERY: Final = 10.0  # seconds


class Pace:
    """Counts records towards a number of them; a context manager."""

    def __init__(self, doing: str, total: int) -> None:
        self._doing = doing
        self._total = total
        self._bar = progress_bar()
        self._task: TaskID | None = None
        self.done = self._unseen = 0
        self._started = self._drawn_at = self._said_at = time.monotonic()

    def advance(self, count: int = 1) -> None:
        """So many records more are done with."""
        self.done += count
        self._unseen += count
        if self._unseen >= _LOOK_EVERY:
            self._look()

    def reach(self, done: int) -> None:
        """So many records are done with by now."""
        self.done = done
        self._look()

    def rate(self) -> str:
        """The records done with, and how many that is per second."""
        seconds = max(time.monotonic() - self._started, 0.001)
        return f"{self.done:,} records in {seconds:.1f} s, {self.done / seconds:,.0f}/s"

    def _look(self) -> None:
        self._unseen = 0
        if (now := time.monotonic()) - self._drawn_at > _REDRAW:
            self._drawn_at = now
            self._show(now)

    def _show(self, now: float) -> None:
        rate = self.done / max(now - self._started, 0.001)
        left = f", {_spoken(max(self._total - self.done, 0) / rate)} left" if rate else ""
        text = f"{self.done:,} of {self._total:,} records, {rate:,.0f}/s{left}"
        if self._task is not None:
            self._bar.update(self._task, completed=self.done, rate=text)
        if self._bar.disable and now - self._said_at > _SAY_EVERY:
            self._said_at = now
            click.echo(f"{self._doing}: {text}", err=True)

    def __enter__(self) -> Self:
        self._bar.start()
        self._task = self._bar.add_task(self._doing, total=self._total, rate="")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()


def _spoken(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
