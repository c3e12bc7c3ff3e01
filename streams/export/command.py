"""`nuestream export contracts`: the topics as tables."""

from __future__ import annotations

from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import Progress

from schemas.codec import Decoder
from streams.console import progress_bar
from streams.errors import NuestreamError
from streams.export.layouts import Layout, place_of, tables_in, write_files
from streams.export.source import KafkaSource, Source
from streams.export.staging import Staging
from streams.kafka import registry_of
from streams.reading import TopicReader
from streams.settings import Settings

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

DONE, INCOMPLETE = 0, 1
MEMORY = "1GB"
"""What DuckDB may take; beyond it, it writes to the disk beside the result."""

_SCRIPTS = ("tables.sql", "waterfall.sql")
_STEP = 1000


def run_export(settings: Settings, layout: Layout, out: Path, *, force: bool) -> int:
    """Write the tables to ``out``; returns 0, or 1 where records could not be read and are in no table.

    Raises:
        NuestreamError: DuckDB is not installed, ``out`` cannot be written, or a topic is not there.
        KafkaUnavailable: Kafka does not answer, or refuses.
        RegistryUnavailable: the registry gives no answer about a schema.
    """
    require_duckdb()
    topics = (settings.topics.contracts, settings.topics.commands)
    with place_of(out, force=force) as work, TopicReader(settings.kafka) as reader, progress_bar() as bar:
        decoder = Decoder(registry_of(settings.registry))
        tables, unreadable = export(KafkaSource(reader), topics, decoder, layout, work, bar)
    for name, rows in tables:
        click.echo(f"{name}: {rows} rows")
    click.echo(f"written to {out}")
    if unreadable:
        click.echo(f"nuestream: {unreadable} records could not be read and are in no table", err=True)
    return INCOMPLETE if unreadable else DONE


def export(
    source: Source, topics: tuple[str, ...], decoder: Decoder, layout: Layout, work: Path, bar: Progress
) -> tuple[list[tuple[str, int]], int]:
    """Make ``result`` in the folder ``work`` from the contract events and commands that ``source`` has.

    Returned are the tables with their rows, and how many records could not be read.

    Raises:
        RegistryUnavailable: the registry gives no answer about a schema.
    """
    target = work / ("result" if layout == "duckdb" else "tables.duckdb")
    with closing(_database(target, work)) as database:
        staging = Staging(database, work, decoder)
        for topic in topics:
            _read(source, topic, staging, bar)
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


def _read(source: Source, topic: str, staging: Staging, bar: Progress) -> None:
    total = source.count(topic)
    task = bar.add_task(f"reading {topic}", total=total, rate=f"{total:,} records")
    for number, record in enumerate(source.records(topic), 1):
        staging.take(record)
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
