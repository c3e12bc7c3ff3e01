"""The folder in which a worker keeps its state: its own, and of the changelog that it says it is of."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from confluent_kafka import KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient

from streams.errors import SettingsError
from streams.faults import Faults
from streams.kafka import librdkafka_config
from streams.settings import Settings
from streams.settings_source import both_names
from streams.state_stores import UnusableStore

ANSWER_TIMEOUT = 15.0

KEPT_FOR = 20 * 3600.0
"""Seconds after which a folder that nobody used is not trusted.

Kafka tells for a day (``delete.retention.ms``) that a record was deleted; who misses it would keep the record."""

_OWNER = "changelog.json"
_SETTING = both_names(("project", "data_dir"))


@contextmanager
def state_folder(settings: Settings) -> Iterator[Path]:
    """The folder for this worker's state, for as long as it runs: temporary with ``store = memory``.

    Raises:
        SettingsError: ``project.data_dir`` is missing, cannot be written, or is another worker's.
        UnusableStore: what is in it belongs to another changelog.
        KafkaUnavailable: no broker answers.
    """
    if settings.project.store == "memory":
        with tempfile.TemporaryDirectory(prefix="nuestream-project-") as temporary:
            yield Path(temporary)
        return
    folder = folder_of(settings)
    lock = _locked(folder)
    try:
        _check_owner(folder, settings.changelog, _topic_id(settings))
        yield folder
        touch(folder)
    finally:
        os.close(lock)


def folder_of(settings: Settings) -> Path:
    """Where a worker with ``store = rocksdb`` keeps its state.

    Raises:
        SettingsError: ``project.data_dir`` is not set.
    """
    above = settings.project.data_dir
    if above is None:
        raise SettingsError(f"{_SETTING} is not set; with project.store = rocksdb it names a folder that survives")
    return above.absolute() / settings.groups.project


def touch(folder: Path) -> None:
    """Note that the folder is in use at this moment."""
    os.utime(folder / _OWNER)


def drop_state(settings: Settings) -> None:
    """Remove what ``project.data_dir`` keeps of this group's state, if anything; it is read from the changelog again.

    Raises:
        SettingsError: the folder cannot be removed, or a worker uses it.
    """
    if settings.project.data_dir is None or not (folder := folder_of(settings)).exists():
        return
    lock = _locked(folder)
    try:
        _clear(folder)
    finally:
        os.close(lock)


def _locked(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise SettingsError(f"{_SETTING}: {folder} cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise SettingsError(f"{_SETTING}: {folder} is used by another worker: give each worker its own") from None
    return lock


def _check_owner(folder: Path, changelog: str, topic_id: str | None) -> None:
    owner = {"changelog": changelog, "topic_id": topic_id}
    file = folder / _OWNER
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        age = time.time() - file.stat().st_mtime
    except FileNotFoundError:
        said, age = None, 0.0
    except (OSError, ValueError) as error:
        raise UnusableStore(f"{file} cannot be read ({error}): delete the folder {folder}; {_AGAIN}") from None
    if said is not None and said != owner:
        raise UnusableStore(
            f"{folder} holds the state of another {said.get('changelog')} than there is now: delete the folder, or "
            f"give {_SETTING} another value; {_AGAIN}"
        )
    if said is None or age > KEPT_FOR:
        _clear(folder)
    try:
        file.write_text(json.dumps(owner), encoding="utf-8")
    except OSError as error:
        raise SettingsError(f"{_SETTING}: {folder} cannot be written: {error.strerror}") from None


_AGAIN = "the state is read from its changelog again"


def _clear(folder: Path) -> None:
    for each in folder.iterdir():
        if each.name == "lock":
            continue
        try:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
        except OSError as error:
            raise SettingsError(f"{_SETTING}: {each} cannot be removed: {error.strerror}") from None


def _topic_id(settings: Settings) -> str | None:
    """What distinguishes the changelog from one of the same name before or after it; None where brokers have no such
    thing."""
    faults = Faults(settings.kafka)
    admin = faults.client(AdminClient, librdkafka_config(settings.kafka))
    asked = admin.describe_topics(TopicCollection([settings.changelog]), request_timeout=ANSWER_TIMEOUT)
    try:
        return str(asked[settings.changelog].result(ANSWER_TIMEOUT).topic_id)
    except KafkaException as error:
        raise faults.unavailable(f"asking for {settings.changelog}", error) from None
