"""How tables are written: one DuckDB file, or a folder with a Parquet or CSV file per table."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from streams.errors import NuestreamError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Layout = Literal["parquet", "csv", "duckdb"]
DEFAULTS: dict[Layout, str] = {"duckdb": "contracts.duckdb", "parquet": "contracts-parquet", "csv": "contracts-csv"}
"""Where the tables go if nothing is said."""

_OPTIONS: dict[Layout, str] = {
    "parquet": "FORMAT parquet, COMPRESSION zstd",
    # nothing stands for null, "" for an empty text
    "csv": "FORMAT csv, HEADER, DELIMITER ',', TIMESTAMPFORMAT '%Y-%m-%dT%H:%M:%S.%fZ', DATEFORMAT '%Y-%m-%d'",
}


@contextmanager
def place_of(out: Path, *, force: bool) -> Iterator[Path]:
    """A folder beside ``out`` to work in; what stands there as ``result`` in the end takes the place of ``out``.

    Raises:
        NuestreamError: ``out`` is there and ``force`` is not given, or nothing can be written there.
    """
    if out.exists() and not force:
        raise NuestreamError(f"{out} is there already: --force replaces it, --out names another place")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    except OSError as error:
        raise NuestreamError(f"{out}: cannot be written: {error.strerror}") from None
    try:
        yield work
        _take_place(work, out)
    except OSError as error:
        raise NuestreamError(f"{out}: cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _take_place(work: Path, out: Path) -> None:
    result, replaced = work / "result", work / "replaced"
    if not out.is_dir() and not (out.exists() and result.is_dir()):
        os.replace(result, out)
        return
    os.replace(out, replaced)  # a folder cannot be renamed over another one
    try:
        os.replace(result, out)
    except OSError:
        os.replace(replaced, out)
        raise


def tables_in(database: DuckDBPyConnection) -> list[tuple[str, int]]:
    """The tables and how many rows each has."""
    rows = database.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() ORDER BY table_name"
    ).fetchall()
    return [(name, _count(database, name)) for (name,) in rows]


def write_files(database: DuckDBPyConnection, layout: Layout, folder: Path) -> None:
    """Write every table into a file of its own."""
    folder.mkdir()
    for name, _ in tables_in(database):
        columns = database.execute(f"DESCRIBE {name}").fetchall()
        shown = ", ".join(_shown(column, kind, layout) for column, kind, *_ in columns)
        path = str(folder / f"{name}.{layout}").replace("'", "''")
        database.execute(f"COPY (SELECT {shown} FROM {name}) TO '{path}' ({_OPTIONS[layout]})")  # noqa: S608  ours


def _shown(column: str, kind: str, layout: Layout) -> str:
    if layout == "csv" and kind.endswith("[]"):
        return f'array_to_string("{column}", \' \') AS "{column}"'
    return f'"{column}"'


def _count(database: DuckDBPyConnection, name: str) -> int:
    (count,) = database.execute(f"SELECT count(*) FROM {name}").fetchall()[0]  # noqa: S608  a table of ours
    return int(count)
