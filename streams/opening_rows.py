"""Opening balances as finance writes them down: rows of a CSV file, or JSON, each with the line that it stands on."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from schemas.wire import InvalidActivation, parse_json
from streams.activations import GZIP_MAGIC, ActivationFile
from streams.errors import NuestreamError

CONTRACT = ("customer_id", "contract_id", "currency", "billing_account_id", "opened_on", "contract_posted_beside")
SUBSCRIPTION = (
    "subscription_number",
    "version",
    "product_id",
    "status",
    "quantity",
    "posted",
    "start_on",
    "end_on",
)
SEGMENT = ("segment_start_on", "segment_end_on", "segment_quantity", "net_price_per_month")
COLUMNS = CONTRACT + SUBSCRIPTION + SEGMENT

_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong where. ``column`` is empty where it is the whole row."""

    line: int
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its text per column, empty where nothing is said."""

    line: int
    cells: Mapping[str, str]


@dataclass(slots=True)
class Rows:
    """The rows of a file, and what could not be read of it."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_rows(path: Path) -> Rows:
    """The rows of a file: CSV with a heading, or JSON (one document per contract, an array of them, or one per line).

    Raises:
        NuestreamError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            begins = file.read(4096)
        if begins[:2] == GZIP_MAGIC or begins.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"["):
            return _of_json(path)
        return _of_csv(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise NuestreamError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NuestreamError(f"{path}: is not UTF-8 text: save it as CSV UTF-8") from None


def _of_csv(text: str) -> Rows:
    found = Rows()
    lines = list(_without_comments(text))
    if not lines:
        return found
    at, heading = lines[0]
    delimiter = max(_DELIMITERS, key=heading.count)
    names = [name.strip() for name in next(csv.reader([heading], delimiter=delimiter))]
    found.problems += [Problem(at, name, "there is no such column") for name in names if name not in COLUMNS]
    found.problems += [Problem(at, name, "the column is missing") for name in COLUMNS if name not in names]
    found.problems += [Problem(at, name, "stands twice") for name in dict.fromkeys(names) if names.count(name) > 1]
    if found.problems:
        return found
    for line, row in lines[1:]:
        cells = next(csv.reader(io.StringIO(row), delimiter=delimiter))
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names):
            found.problems.append(Problem(line, "", f"has {len(cells)} cells, and the heading {len(names)}"))
        else:
            found.rows.append(Row(line, {name: cell.strip() for name, cell in zip(names, cells, strict=True)}))
    return found


def _without_comments(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip('" ').startswith("#"):
            yield number, line


def _of_json(path: Path) -> Rows:
    found = Rows()
    with ActivationFile(str(path)) as documents:
        for document in documents:
            try:
                if document.problem is not None:
                    raise InvalidActivation(document.problem)
                found.rows += _flat(parse_json(document.text), document.line, found.problems)
            except InvalidActivation as error:
                found.problems.append(Problem(document.line, "", str(error)))
    found.problems = list(dict.fromkeys(found.problems))  # what is wrong with a contract counts once, not per segment
    return found


def _flat(contract: object, line: int, problems: list[Problem]) -> Iterator[Row]:
    """The rows that a JSON document stands for: contract, ``subscriptions``, and ``segments`` of each."""
    for subscription in _inner(contract, "subscriptions", line, problems) or [{}]:
        for segment in _inner(subscription, "segments", line, problems) or [{}]:
            cells: dict[str, str] = {}
            for columns, given in ((CONTRACT, contract), (SUBSCRIPTION, subscription), (SEGMENT, segment)):
                cells |= _texts(columns, given, line, problems)
            yield Row(line, cells)


def _inner(outer: object, name: str, line: int, problems: list[Problem]) -> list[Any]:
    inner = outer.get(name, []) if isinstance(outer, dict) else []
    if isinstance(inner, list):
        return inner
    problems.append(Problem(line, name, "is not a list"))
    return []


def _texts(columns: tuple[str, ...], given: object, line: int, problems: list[Problem]) -> dict[str, str]:
    if not isinstance(given, dict):
        problems.append(Problem(line, "", f"an object with {', '.join(columns)} is needed, not {given!r:.40}"))
        return dict.fromkeys(columns, "")
    unknown = given.keys() - {*columns, "subscriptions", "segments"}
    problems += [Problem(line, name, "there is no such field here") for name in sorted(unknown)]
    return {column: _text(given.get(column)) for column in columns}


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value).strip()
