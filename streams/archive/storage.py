"""Where an archive lies: a folder or an object store, by one interface.

A file appears whole or not at all: on a disk it is written beside its place, forced out and renamed; an object
store shows an object only once its upload is complete.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from streams.errors import ArchiveError

T = TypeVar("T")


class Storage:
    """The files under ``url``: a path, or whatever fsspec has an implementation for (``s3://``, ``gs://``, ...)."""

    def __init__(self, url: str) -> None:
        self.url = re.sub(r"//[^/@]*@", "//", url)  # without a user and password
        try:
            self._files, self._root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except ImportError as error:
            raise ArchiveError(f"{self.url}: {error}") from None
        except Exception as error:
            raise ArchiveError(f"{self.url} is no place for an archive: {error}") from None
        self._root = self._root.rstrip("/")

    def read(self, name: str) -> bytes | None:
        """The bytes of a file, None where there is no such file.

        Raises:
            ArchiveError: the storage gives no answer.
        """
        try:
            found = self._asked(name, lambda: self._files.cat_file(self._path(name)))
        except FileNotFoundError:
            return None
        return bytes(found)

    def write(self, name: str, data: bytes) -> None:
        """Put a file in its place, whole.

        Raises:
            ArchiveError: the storage refuses it.
        """
        if self.folder is not None:
            self._asked(name, lambda: _write_local(Path(self._path(name)), data))
        else:
            self._asked(name, lambda: self._files.pipe_file(self._path(name), data))

    def names(self, folder: str = "") -> list[str]:
        """The files in and below a folder, by their names relative to the archive; those that begin with a dot not."""
        try:
            found = self._asked(folder, lambda: self._files.find(self._path(folder)))
        except FileNotFoundError:
            return []
        begin = len(self._path("")) + 1
        relative = sorted(str(path)[begin:] for path in found)
        return [name for name in relative if not PurePosixPath(name).name.startswith(".")]

    def folders(self) -> list[str]:
        """The names of the folders at the top."""
        try:
            found = self._asked("", lambda: self._files.ls(self._root, detail=True))
        except FileNotFoundError:
            return []
        return sorted(PurePosixPath(each["name"]).name for each in found if each["type"] == "directory")

    @property
    def folder(self) -> Path | None:
        """The folder on a disk of this machine, None for any other storage."""
        return Path(self._root) if isinstance(self._files, LocalFileSystem) else None

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else str(self._root)

    def _asked(self, name: str, question: Callable[[], T]) -> T:
        try:
            return question()
        except FileNotFoundError:
            raise
        except Exception as error:
            text: Any = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise ArchiveError(f"{self.url}: {name or 'the archive'}: {type(error).__name__}: {text}") from None


def _write_local(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arriving = path.parent / f".{path.name}.part"
    with arriving.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    arriving.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
