"""`nuestream reconcile`: compare, show, keep a report, and on request put missing commands on their topic again."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import click

from streams.console import progress_bar
from streams.errors import NuestreamError
from streams.reconcile.export import as_csv, as_json
from streams.reconcile.page import page_of
from streams.reconcile.period import Period
from streams.reconcile.repair import repair
from streams.reconcile.tables import print_report
from streams.reconcile.work import Work
from streams.settings import Settings

TIES_OUT, DISCREPANCIES = 0, 1


def run_reconcile(
    settings: Settings,
    period: Period | None,
    as_json_wanted: bool,
    csv: Path | None,
    html: Path | None,
    repair_wanted: bool,
    yes: bool,
) -> int:
    """Reconcile and tell; returns 0 where everything ties out, else 1, also where missing commands were emitted.

    Raises:
        NuestreamError: Kafka or NetSuite cannot be read, or a file cannot be written.
    """
    settings.require_netsuite("reconcile")
    files = [(path, text_of) for path, text_of in ((csv, as_csv), (html, page_of)) if path is not None]
    for path, _ in files:
        _write(path, "")  # better now than after all the work
    try:
        with progress_bar() as bar, Work(settings, bar) as work:
            report = work.report(period)
            missing = work.missing
    except sqlite3.OperationalError as error:
        words = f"what was read cannot be kept in a temporary file: {error}; TMPDIR may name another disk"
        raise NuestreamError(words) from None
    for path, text_of in files:
        _write(path, text_of(report))
    if as_json_wanted:
        click.echo(as_json(report))
    else:
        print_report(report)
    if repair_wanted:
        repair(settings, report, missing, yes)
    return TIES_OUT if report.ties_out else DISCREPANCIES


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise NuestreamError(f"{path}: cannot be written: {error.strerror}") from None
