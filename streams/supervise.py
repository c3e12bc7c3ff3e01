"""Child processes that a command starts, watches, and never leaves behind."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from pydantic import BaseModel, SecretStr

from streams.errors import NuestreamError
from streams.lifetime import EXIT_WITH_PARENT
from streams.settings import Settings
from streams.settings_source import PREFIX, env_name

STOP_TIMEOUT = 10.0
"""Seconds between SIGTERM and SIGKILL."""

LAST_LINES = 15

PORTS = range(20_000, 32_000)
"""Below those that systems hand out to clients, so that none is taken between choice and use."""

# The child runs the code that this process runs, installed or not.
_START = "import sys; sys.path.append(sys.argv.pop(1)); from streams.cli import main; main()"
_CODE = str(Path(__file__).resolve().parents[1])


class ChildEnded(NuestreamError):
    """A process ended that should run; the text has the last lines that it wrote."""


class Child:
    """One command of the command line, as a process of its own; its output goes to a file."""

    def __init__(self, name: str, arguments: Iterable[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  our own command line
                [sys.executable, "-c", _START, _CODE, *arguments],
                env={**environment, EXIT_WITH_PARENT: "1"},
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C reaches the parent alone, which stops its children in order.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def check(self) -> None:
        """Return while it runs.

        Raises:
            ChildEnded: it does not any more.
        """
        status = self._process.poll()
        if status is not None:
            how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
            raise ChildEnded(f"`nuestream {self.name}` {how}; the last that it said:\n{self.last_lines()}")

    def last_lines(self) -> str:
        """The end of what it wrote, indented."""
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        return "\n".join(f"  {self.name} | {line}" for line in lines) or f"  {self.name} | (nothing)"

    def ask_to_stop(self) -> None:
        """SIGTERM; returns at once."""
        if self._process.poll() is None:
            self._process.terminate()

    def end(self, until: float) -> None:
        """Wait for its end until the monotonic time ``until``, then kill it."""
        try:
            self._process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()

    def kill(self) -> None:
        """SIGKILL, to the whole session that it leads."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._close()

    def _close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()


class Children:
    """The processes of one command. A context manager: at its end none of them is left, whatever happened."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: dict[str, Child] = {}

    def start(self, name: str, environment: Mapping[str, str], *options: str) -> None:
        """Start ``nuestream name`` with ``options``; its log is ``name.log`` in the folder, which it also runs in."""
        self._running[name] = Child(name, [name, *options], environment, self._folder)

    def check(self) -> None:
        """Return while all of them run.

        Raises:
            ChildEnded: one does not.
        """
        for child in self._running.values():
            child.check()

    def last_lines(self) -> str:
        """The end of what each of them wrote."""
        return "\n".join(child.last_lines() for child in self._running.values())

    def stop(self, *names: str) -> None:
        """End these, or all of them: asked first, killed where they do not go."""
        ending = [self._running.pop(name) for name in names or tuple(self._running)]
        try:
            for child in ending:
                child.ask_to_stop()
            until = time.monotonic() + STOP_TIMEOUT
            for child in ending:
                child.end(until)
        except BaseException:
            for child in ending:
                child.kill()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self.stop()
        for child in self._running.values():
            child.kill()


def environment_of(settings: Settings) -> dict[str, str]:
    """The environment in which a process has exactly these settings, none of them from this one's environment."""
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(PREFIX)}
    return kept | dict(_spelled(settings, ()))


def _spelled(section: BaseModel, above: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _spelled(value, (*above, name))
        elif value != field.default:
            text = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            yield env_name((*above, name)), text


def free_port() -> int:
    """A port of the loopback address on which nothing listens.

    Raises:
        NuestreamError: none was found.
    """
    for port in random.sample(PORTS, 100):
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            return port
    raise NuestreamError(f"no free port between {PORTS.start} and {PORTS.stop} on this machine")
