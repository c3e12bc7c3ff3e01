"""`nuestream export contracts`: the topics as tables."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import Progress

from streams.console import progress_bar
from streams.errors import NuestreamError
from streams.export.layouts import Layout, place_of, tables_in, write_files
from streams.export.staging import Staging
from streams.replay.source import Source
from streams.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DONE, INCOMPLETE = 0, 1
MEMORY = "1GB"
"""What DuckDB may take; beyond it, it writes to the disk beside the result."""

_SCRIPTS = ("tables.sql", "waterfall.sql")
_STEP = 1000


def run_export(settings: Settings, layout: Layout, out: Path, *, archive: str | None = None, force: bool) -> int:
    """Write the tables to ``out``; returns 0, or 1 where records could not be read and are in no table.

    They come from the topics of the settings' Kafka, or from the archive at this address.

    Raises:
        NuestreamError: DuckDB is not installed, ``out`` cannot be written, or a topic is not there.
        ArchiveError: the archive is not there, has no such topic, or is damaged.
        KafkaUnavailable: Kafka does not answer, or refuses.
        RegistryUnavailable: the registry gives no answer about a schema.
    """
    require_duckdb()
    topics = (settings.topics.contracts, settings.topics.commands)
    sources = [Source(settings, topic, archive) for topic in topics]
    import duckdb

    try:
        with place_of(out, force=force) as work, progress_bar() as bar:
            tables, unreadable = export(sources, layout, work, bar)
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise NuestreamError(f"{out}: cannot be written: {str(error).partition(chr(10))[0]}") from None
    for name, rows in tables:
        click.echo(f"{name}: {rows} rows")
    click.echo(f"written to {out}")
    if unreadable:
        click.echo(f"nuestream: {unreadable} records could not be read and are in no table", err=True)
    return INCOMPLETE if unreadable else DONE


def export(sources: Sequence[Source], layout: Layout, work: Path, bar: Progress) -> tuple[list[tuple[str, int]], int]:
    """Make ``result`` in the folder ``work`` from the contract events and commands that ``sources`` have.

    Returned are the tables with their rows, and how many records could not be read.

    Raises:
        NuestreamError: a topic is not there.
        ArchiveError, KafkaUnavailable, RegistryUnavailable: it cannot be read.
    """
    target = work / ("result" if layout == "duckdb" else "tables.duckdb")
    with closing(_database(target, work)) as database:
        staging = Staging(database, work)
        for source in sources:
            _read(source, staging, bar)
        staging.finish()
        task = bar.add_task("making tables", total=None, rate="")
        for name in _SCRIPTS:
            database.execute(resources.files("streams.export").joinpath(name).read_text(encoding="utf-8"))
        tables = tables_in(database)
        if layout != "duckdb":
            write_files(database, layout, work / "result")
        bar.remove_task(task)
    return tables, staging.unreadable


def require_duckdb() -> None:
    """Say what to install.

    Raises:
        NuestreamError: DuckDB is not there.
    """
    try:
        import duckdb  # noqa: F401
    except ImportError:
        raise NuestreamError(
            "`nuestream export` needs DuckDB, which is not installed: install nuestream with its extra, "
            "nuestream[analytics]"
        ) from None


def _read(source: Source, staging: Staging, bar: Progress) -> None:
    with source.open() as log:
        extents, decoder = log.extents(), log.decoder()
        if not extents:
            raise NuestreamError(
                f"the topic {source.topic} is not there, or not ours to read: run `nuestream topics create`"
            )
        total = sum(end - start for start, end in extents.values())
        task = bar.add_task(f"reading {source.place}", total=total, rate=f"{total:,} records")
        for partition, (start, end) in sorted(extents.items()):
            for number, record in enumerate(log.records(partition, start, end), 1):
                staging.take(record, decoder)
                if number % _STEP == 0:
                    bar.advance(task, _STEP)
        bar.remove_task(task)


def _database(target: Path, work: Path) -> DuckDBPyConnection:
    import duckdb

    database = duckdb.connect(
        str(target),
        config={
            "memory_limit": MEMORY,
            "temp_directory": str(work / "spilled"),
            # nothing is to be fetched from anywhere
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    stage = str(work / "stage.duckdb").replace("'", "''")
    database.execute(f"SET TimeZone = 'UTC'; ATTACH '{stage}' AS stage")
    return database
