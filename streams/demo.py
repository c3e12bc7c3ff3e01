"""`nuestream demo`: the whole line on this machine, from activations to documents, and a report of it."""

from __future__ import annotations

import json
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files
from pathlib import Path
from types import FrameType

import click
from rich.progress import Progress

from streams.console import progress_bar, remarks, results
from streams.demo_line import Line, Stalled, running_line
from streams.demo_netsuite import as_json, held_by
from streams.demo_report import Report
from streams.errors import NuestreamError
from streams.publish import Publication, Rejected, Tally, activations_of, publish_events
from streams.settings import Settings
from streams.supervise import ChildEnded

GOOD, BAD, INTERRUPTED = 0, 1, 130


def run_demo(paths: list[Path], json_out: Path | None, keep: bool, settings: Settings) -> int:
    """Run the demo; returns 0 where everything ties out and nothing failed, else 1, or 130 when interrupted.

    ``paths`` are activation files, the packaged examples where there are none. ``json_out`` gets what NetSuite holds.
    With ``keep`` the sandbox stays until Ctrl-C. Of ``settings`` only the policy and ``publish`` count.

    Raises:
        NuestreamError: a file cannot be read or written, or a part does not start.
    """
    if json_out is not None and not json_out.absolute().parent.is_dir():
        raise NuestreamError(f"{json_out}: there is no folder {json_out.parent}")
    with (
        _interrupted_by_sigterm(),
        tempfile.TemporaryDirectory(prefix="nuestream-demo-") as folder,
        as_file(files("schemas") / "examples" / "activations.ndjson") as examples,
    ):
        try:
            return _run([str(path) for path in paths or [examples]], json_out, keep, settings, Path(folder))
        except KeyboardInterrupt:
            click.echo("nuestream: interrupted; nothing is left running", err=True)
            return INTERRUPTED
        except (ChildEnded, Stalled) as error:
            click.echo(f"nuestream: {error}", err=True)
            return BAD


def _run(paths: list[str], json_out: Path | None, keep: bool, settings: Settings, folder: Path) -> int:
    started = time.monotonic()
    tally = Tally()
    click.echo("starting a broker, the NetSuite sandbox, the projector and the sink", err=True)
    with running_line(settings, folder) as line:
        with progress_bar() as bar:
            _feed(line, paths, tally, bar)
        held = held_by(line.sandbox_url)
        if json_out is not None:
            _write(json_out, as_json(held, line.facts))
        report = Report(held, line.facts, tally, time.monotonic() - started)
        report.print()
        if keep:
            line.children.stop("project", "apply")
            _wait_at(line)
    return GOOD if report.is_good else BAD


def _feed(line: Line, paths: list[str], tally: Tally, bar: Progress) -> None:
    """Publish the files and wait until everything is applied."""
    publication = Publication.of(line.settings)
    watch = _Watch(line, tally, bar)

    def reject(rejected: Rejected) -> None:
        bar.console.print(str(rejected), style="red", markup=False, soft_wrap=True)

    sender = publication.sender
    assert sender is not None  # noqa: S101  a publication that is no dry run has one
    publish_events(
        publication,
        activations_of(paths),
        tally,
        reject,
        before_send=lambda event: line.make_room(event, sender, watch.look),
    )
    watch.say(f"{tally.valid} activations published, {tally.rejected} rejected")
    line.settle(watch.look)
    watch.say("everything is decided and applied")


class _Watch:
    """Shows how far the line is: bars for a person, else a line now and then."""

    EVERY = 5.0

    def __init__(self, line: Line, tally: Tally, bar: Progress) -> None:
        self._line = line
        self._tally = tally
        self._bar = bar
        self._said_at = time.monotonic()
        self._decided = bar.add_task("orders decided", total=None, rate="")
        self._applied = bar.add_task("records in NetSuite", total=None, rate="waiting for the workers")

    def look(self) -> None:
        """Show the present state."""
        line, published = self._line, self._tally.valid
        decided = max(published - line.undecided, len(line.facts.decided))
        applied = len(line.facts.outcomes)
        self._bar.update(self._decided, total=published, completed=decided, rate=f"{decided:,} of {published:,}")
        if line.facts.decided:
            text = f"{applied:,}, {line.unapplied:,} commands waiting"
            self._bar.update(self._applied, total=applied + line.unapplied, completed=applied, rate=text)
        if time.monotonic() - self._said_at > self.EVERY:
            self.say(f"{published:,} published, {decided:,} orders decided, {applied:,} records in NetSuite")

    def say(self, text: str) -> None:
        """A line, where there are no bars."""
        if not remarks.is_terminal:
            click.echo(text, err=True)
        self._said_at = time.monotonic()


def _write(path: Path, content: object) -> None:
    try:
        path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise NuestreamError(f"{path}: cannot be written: {error.strerror}") from None


def _wait_at(line: Line) -> None:
    try:
        results.print(f"\nThe sandbox stays: {line.sandbox_url} shows what it holds. Ctrl-C ends it.", soft_wrap=True)
        while True:
            line.children.check()
            time.sleep(0.2)
    except KeyboardInterrupt:
        return


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
