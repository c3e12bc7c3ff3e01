"""Activation documents out of files: one JSON document, an array, or one per line, gzipped or not, in little memory."""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

STDIN = "-"
MAX_DOCUMENT = 32 << 20
"""Characters of one document at most; the largest orders are a hundredth of it."""

GZIP_MAGIC = b"\x1f\x8b"
CHUNK = 1 << 16
BLANK = re.compile(r"\s*")
BETWEEN = re.compile(r"[\s,]*")
DECODER = json.JSONDecoder(strict=False)


@dataclass(frozen=True, slots=True)
class Activation:
    """The text of one document and the line that it begins on; ``problem`` says why it cannot even be cut out."""

    file: str
    line: int
    text: str
    problem: str | None = None


class ActivationFile:
    """One file of activations, or standard input for ``-``; iterated once. A context manager.

    Raises:
        OSError: it cannot be opened. Damage further on is an :class:`Activation` with a problem.
    """

    def __init__(self, path: str) -> None:
        self._raw: IO[bytes] = sys.stdin.buffer if path == STDIN else Path(path).open("rb")  # noqa: SIM115  see __exit__
        self._by_line = path.removesuffix(".gz").endswith((".ndjson", ".jsonl"))
        self.name = "standard input" if path == STDIN else path
        self.size = None if path == STDIN else Path(path).stat().st_size

    def position(self) -> int:
        """How many bytes have been read, as they are on the disk."""
        return self._raw.tell() if self.size is not None else 0

    def __iter__(self) -> Iterator[Activation]:
        peeked = self._raw.peek(2)[:2]  # type: ignore[attr-defined]  # both kinds of file are buffered readers
        plain = gzip.GzipFile(fileobj=self._raw) if peeked == GZIP_MAGIC else self._raw
        # bytes that are no UTF-8 spoil their own document alone
        text = io.TextIOWrapper(plain, encoding="utf-8-sig", errors="surrogateescape", newline="\n")
        cutter = _Cutter(self.name, text)
        try:
            yield from cutter.documents(self._by_line)
        except (EOFError, OSError, zlib.error) as error:
            yield Activation(self.name, cutter.line, "", f"the file is damaged or ends early here: {error}")
        finally:
            text.detach()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.size is not None:
            self._raw.close()


class _Cutter:
    """Cuts text into documents and knows the line that it is at."""

    def __init__(self, name: str, text: io.TextIOWrapper) -> None:
        self._name = name
        self._text = text
        self.line = 1

    def documents(self, by_line: bool) -> Iterator[Activation]:
        """All documents. A bracket begins an array; otherwise the first two lines show whether lines are documents."""
        begin = self._first_character()
        if begin == "[":
            yield from self._values(self.line, "", in_array=True)
            return
        lines = self._lines(begin)
        first = next(lines, None)
        if first is None:
            return
        at, text = first
        second = None
        if not by_line and not _is_complete(text):
            second = next(lines, None)
            if second is None or not second[1].startswith("{"):
                blank_lines = "\n" * (second[0] - at - 1) if second else ""
                yield from self._values(at, text + blank_lines + (second[1] if second else ""), in_array=False)
                return
        for line in (first, *((second,) if second else ())):
            yield self._of_line(*line)
        for line in lines:
            yield self._of_line(*line)

    def _first_character(self) -> str:
        while (character := self._text.read(1)).isspace():
            self.line += character == "\n"
        return character

    def _lines(self, begun: str) -> Iterator[tuple[int, str]]:
        """The lines that are not blank, cut at the limit, with their numbers; the first character is read already."""
        while raw := begun + self._text.readline(MAX_DOCUMENT - len(begun)):
            begun = ""
            at, rest = self.line, raw
            while rest and not rest.endswith("\n"):
                rest = self._text.readline(MAX_DOCUMENT)
            self.line += 1
            if not raw.isspace():
                yield at, raw

    def _of_line(self, line: int, raw: str) -> Activation:
        too_long = len(raw) == MAX_DOCUMENT and not raw.endswith("\n")
        return self._activation(line, raw.strip(), "the line is too long for one document" if too_long else None)

    def _values(self, line: int, buffer: str, in_array: bool) -> Iterator[Activation]:
        """JSON values behind each other. What comes behind a broken one cannot be told apart, so it is not read."""
        self.line = line
        wanted, between = CHUNK, BETWEEN if in_array else BLANK
        while True:
            skipped = between.match(buffer)
            end = skipped.end() if skipped else 0
            self.line += buffer.count("\n", 0, end)
            buffer = buffer[end:]
            try:
                if in_array and buffer.startswith("]"):
                    buffer, in_array, between = buffer[1:], False, BLANK
                    continue
                _, end = DECODER.raw_decode(buffer)
            except json.JSONDecodeError as error:
                more = self._text.read(wanted) if len(buffer) < MAX_DOCUMENT else ""
                wanted = min(wanted * 2, MAX_DOCUMENT)
                buffer += more
                if more:
                    continue
                if buffer or in_array:
                    yield self._activation(self.line, buffer, _broken(error, self.line))
                return
            yield self._activation(self.line, buffer[:end])
            self.line += buffer.count("\n", 0, end)
            buffer, wanted = buffer[end:], CHUNK

    def _activation(self, line: int, text: str, problem: str | None = None) -> Activation:
        try:
            text.encode()
        except UnicodeEncodeError:
            text = text.encode(errors="surrogateescape").decode(errors="backslashreplace")
            problem = problem or "it is not UTF-8"
        return Activation(self._name, line, text, problem)


def _is_complete(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _broken(error: json.JSONDecodeError, line: int) -> str:
    return f"not JSON: {error.msg} in line {line + error.lineno - 1}, column {error.colno}; nothing behind it was read"
