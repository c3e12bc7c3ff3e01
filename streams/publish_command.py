"""`nuestream publish`: documents from files, their progress, and what was rejected."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.progress import Progress, TaskID

from schemas.registry import RegistryUnavailable
from streams.activations import Activation, ActivationFile
from streams.console import progress_bar
from streams.errors import NuestreamError
from streams.policy import first_policy_check
from streams.publish import Publication, Rejected, RejectsFile, Tally, activations_of, publish_events
from streams.settings import Settings

ALL_GOOD, SOME_REJECTED, NOT_PUBLISHED, INTERRUPTED = 0, 1, 2, 130
LAST_WORDS = 5.0
"""Seconds that an interrupted run waits for what is under way, so as to say how much is in the log."""

REDRAW = 0.1


def run_publish(settings: Settings, paths: list[str], rejects: Path | None, dry_run: bool) -> int:
    """Publish the files; returns the exit status: 0 all good, 1 some rejected, 2 could not publish, 130 interrupted."""
    tally = Tally()
    started = time.monotonic()
    path = rejects or Path(f"nuestream-rejects-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.ndjson")
    publication: Publication | None = None
    status = ALL_GOOD
    with progress_bar() as bar, RejectsFile(path) as rejects_file:

        def reject(rejected: Rejected) -> None:
            rejects_file.add(rejected)
            bar.console.print(str(rejected), style="red", markup=False, soft_wrap=True)

        try:
            if not dry_run:
                first_policy_check(settings)
            publication = Publication.of(settings, dry_run=dry_run)
            publish_events(publication, _Progressing(bar, tally, started).over(paths), tally, reject)
        except KeyboardInterrupt:
            status = INTERRUPTED
        except (NuestreamError, RegistryUnavailable) as error:
            click.echo(f"nuestream: {error}", err=True)
            status = NOT_PUBLISHED
        if status in (INTERRUPTED, NOT_PUBLISHED) and publication is not None:
            _settle(publication, tally)
    _sum_up(settings, tally, started, dry_run, status)
    if tally.rejected:
        click.echo(f"the rejected documents are in {path}", err=True)
    return status or (SOME_REJECTED if tally.rejected else ALL_GOOD)


def _settle(publication: Publication, tally: Tally) -> None:
    if publication.sender is not None:
        # the reason was told already; what counts now is how far it came
        with suppress(NuestreamError, KeyboardInterrupt):
            publication.sender.flush(LAST_WORDS)
        tally.acknowledged = publication.sender.acknowledged


def _sum_up(settings: Settings, tally: Tally, started: float, dry_run: bool, status: int) -> None:
    seconds = max(time.monotonic() - started, 0.001)
    rate = f"{seconds:.1f} s, {tally.read / seconds:,.0f} documents/s"
    if dry_run:
        text = f"dry run: {tally.valid} valid, {tally.rejected} rejected; nothing was published"
    else:
        text = f"{tally.acknowledged} published to {settings.topics.orders}, {tally.rejected} rejected"
    unknown = tally.valid - tally.acknowledged
    if status == INTERRUPTED:
        text = f"interrupted: {text}"
    if not dry_run and unknown:
        text += f", {unknown} handed over without an answer (publishing them again does no harm)"
    click.echo(f"{text} ({rate})", err=True)


class _Progressing:
    """Moves the bar along while documents pass."""

    def __init__(self, bar: Progress, tally: Tally, started: float) -> None:
        self._bar = bar
        self._tally = tally
        self._started = started
        self._drawn_at = 0.0

    def over(self, paths: list[str]) -> Iterator[Activation]:
        """The documents of the files."""
        file: ActivationFile | None = None
        task: TaskID | None = None

        def opened(next_file: ActivationFile) -> None:
            nonlocal file, task
            file = next_file
            if task is not None:
                self._bar.remove_task(task)
            task = self._bar.add_task(file.name, total=file.size, rate="")

        for activation in activations_of(paths, opened):
            yield activation
            now = time.monotonic()
            if file is not None and task is not None and now - self._drawn_at > REDRAW:
                self._drawn_at = now
                rate = self._tally.read / (now - self._started)
                self._bar.update(task, completed=file.position(), rate=f"{self._tally.read:,} documents, {rate:,.0f}/s")
