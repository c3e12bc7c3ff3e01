"""Servers as child processes: on free ports, watched until they answer, and never left behind."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

# Below the ports that Linux and macOS hand out to clients, so that none is taken between choice and use.
PORTS = range(20_000, 32_000)
START_TIMEOUT_S = 60.0


class StartError(Exception):
    """A server was there and did not come up: a fault to look at, not a reason to skip."""


# Reads a pipe that only we hold open: when we are gone, however we went, its end takes the whole group along.
WATCHED = 'exec 3<&0; "$@" </dev/null 3<&- & server=$!; (cat <&3; kill -9 0) & exec 3<&-; wait $server'


def free_ports(count: int) -> list[int]:
    """Different ports of the loopback address on which nothing listens."""
    ports: list[int] = []
    while len(ports) < count:
        port = random.choice(PORTS)
        if port not in ports and _can_bind(port):
            ports.append(port)
    return ports


def _can_bind(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts connections on the port."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def poll_until(ready: Callable[[], bool], timeout_s: float, complaint: str) -> None:
    """Return when `ready` says so; raises StartError with the complaint when that takes too long."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            raise StartError(f"{complaint} after {timeout_s:.0f} s")
        time.sleep(0.05)


class Server:
    """A child process that ends with us, even when we are killed."""

    def __init__(self, command: Sequence[str], output: Path) -> None:
        self._output = output
        with output.open("ab") as stream:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", WATCHED, "watched", *command],
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], what: str) -> None:
        """Return when `ready` says so; raises StartError if the server ends first or takes too long."""

        def ready_or_ended() -> bool:
            if self._process.poll() is not None:
                raise StartError(f"{what} ended while starting: {self._last_words()}")
            return ready()

        poll_until(ready_or_ended, START_TIMEOUT_S, f"{what} does not answer")

    def kill(self) -> None:
        """SIGKILL to the server and its watcher. May be called again."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _last_words(self) -> str:
        lines = self._output.read_text(errors="replace").splitlines()
        return " | ".join(lines[-5:]) or "(it said nothing)"
