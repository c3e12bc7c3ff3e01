"""Customers and items that were in NetSuite before: which is which, from a CSV file."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import NamedTuple

from projections.identity import external_id
from streams.errors import SettingsError
from streams.settings_source import both_names

COLUMNS = ("nue_id", "record", "netsuite_id")
PREFIXES = {"customer": "CUST", "item": "ITEM"}
_TOLD = 5


class Adoption(NamedTuple):
    """One line: ``external_id`` is what our customer or item is called in commands."""

    line: int
    record: str
    external_id: str
    internal_id: str


class Mistake(NamedTuple):
    """What is wrong with a line."""

    line: int
    problem: str


def adopted_in(file: Path | None) -> dict[str, str]:
    """Internal ids by our external ids; none without a file.

    Raises:
        SettingsError: the file cannot be read, or a line of it cannot be right; the text names lines.
    """
    if file is None:
        return {}
    adoptions, mistakes = read_adoptions(file)
    if mistakes:
        more = f"; and {len(mistakes) - _TOLD} more" if len(mistakes) > _TOLD else ""
        told = "; ".join(f"line {mistake.line}: {mistake.problem}" for mistake in mistakes[:_TOLD])
        raise SettingsError(f"{both_names(('netsuite', 'adopt'))}: {file}: {told}{more}")
    return {adoption.external_id: adoption.internal_id for adoption in adoptions}


def read_adoptions(file: Path) -> tuple[list[Adoption], list[Mistake]]:
    """The lines of an adoption file, and every mistake in it, each with its line number.

    Raises:
        SettingsError: the file cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{both_names(('netsuite', 'adopt'))}: cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{both_names(('netsuite', 'adopt'))}: {file} is not UTF-8 text") from None
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    adoptions: list[Adoption] = []
    mistakes: list[Mistake] = []
    seen: dict[tuple[str, str], int] = {}
    header = next(rows, [])
    if tuple(name.strip().casefold() for name in header) != COLUMNS:
        return [], [Mistake(1, f"the columns are {', '.join(COLUMNS)}")]
    for row in rows:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        read = _adoption(rows.line_num, cells)
        if isinstance(read, str):
            mistakes.append(Mistake(rows.line_num, read))
            continue
        for key, what in (
            (("ours", read.external_id.casefold()), f"{read.record} {cells[0]}"),
            ((read.record, read.internal_id), f"NetSuite's {read.record} {read.internal_id}"),
        ):
            if (first := seen.setdefault(key, read.line)) != read.line:
                mistakes.append(Mistake(read.line, f"{what} stands in line {first} already"))
        adoptions.append(read)
    return adoptions, mistakes


def _adoption(line: int, cells: list[str]) -> Adoption | str:
    if len(cells) != len(COLUMNS):
        return f"it has {len(cells)} columns, not {len(COLUMNS)}"
    nue_id, record, internal_id = cells
    prefix = PREFIXES.get(record.casefold())
    if prefix is None:
        return f"record is {record!r}, not customer or item"
    if not nue_id:
        return "nue_id is empty"
    if not (internal_id.isascii() and internal_id.isdigit()) or internal_id.startswith("0"):
        return f"netsuite_id is {internal_id!r}, not an internal id (a number)"
    # the external id itself is taken too: it is what dead letters and `adopt check` name
    ours = nue_id if nue_id.startswith(f"NUE-{prefix}-") else external_id(prefix, nue_id)
    return Adoption(line, record.casefold(), ours, internal_id)


def _delimiter(text: str) -> str:
    first = text.partition("\n")[0]
    return max(",;\t", key=first.count)
