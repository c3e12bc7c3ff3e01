"""Where commands speak: results to standard output, progress and remarks to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

PLAIN_WIDTH = 200
"""Columns of a table that goes to a file or another program, where nothing must be cut off."""

results = Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH, highlight=False, soft_wrap=False)
remarks = Console(stderr=True, highlight=False)


def table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> Table:
    """A plain table; the columns named in ``right`` are aligned for numbers."""
    made = Table(*[], title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*row)
    return made


def progress_bar() -> Progress:
    """Progress on standard error, shown only where a person is looking. Tasks have a text field ``rate``."""
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        console=remarks,
        disable=not remarks.is_terminal,
        transient=True,
    )
