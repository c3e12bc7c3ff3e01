"""Publishing: activation documents become validated order events at the end of the log."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from schemas.codec import Encoder
from schemas.headers import headers_of
from schemas.nue import InvalidActivation, parse_json, read_activation
from schemas.order import OrderEvent, Source
from streams.activations import Activation, ActivationFile
from streams.errors import NuestreamError
from streams.kafka import registry_of
from streams.sending import Sender, TooLarge
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Rejected:
    """A document that is not in the log, and why."""

    activation: Activation
    reason: str

    def __str__(self) -> str:
        return f"{self.activation.file}:{self.activation.line}: {self.reason}"


@dataclass(slots=True)
class Tally:
    """What became of the documents. ``acknowledged`` are in the log; of ``valid`` the others' fate is unknown."""

    valid: int = 0
    acknowledged: int = 0
    rejected: int = 0

    @property
    def read(self) -> int:
        """All documents so far."""
        return self.valid + self.rejected


class RejectsFile:
    """The rejected documents with their reasons, one JSON object per line; made, or appended to, at the first one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def add(self, rejected: Rejected) -> None:
        """Write one line, at once.

        Raises:
            NuestreamError: the file cannot be written.
        """
        source = rejected.activation
        line = {"file": source.file, "line": source.line, "error": rejected.reason, "text": source.text}
        try:
            if self._file is None:
                self._file = self.path.open("a", encoding="utf-8")
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise NuestreamError(f"{self.path}: the rejects cannot be written: {error.strerror}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()


@dataclass(frozen=True, slots=True)
class Publication:
    """How documents are to be published; ``sender`` None validates only."""

    settings: Settings
    encoder: Encoder
    sender: Sender | None
    source: Source
    tenant_id: str | None

    @classmethod
    def of(cls, settings: Settings, *, dry_run: bool = False) -> Publication:
        """As the settings say; a dry run reaches neither Kafka nor the registry."""
        return cls(
            settings=settings,
            encoder=Encoder(None if dry_run else registry_of(settings.registry)),
            sender=None if dry_run else Sender(settings.kafka),
            source=Source(settings.publish.source.upper()),
            tenant_id=settings.publish.tenant_id,
        )


def publish_events(
    publication: Publication,
    activations: Iterable[Activation],
    tally: Tally,
    on_rejected: Callable[[Rejected], None],
    before_send: Callable[[OrderEvent], None] | None = None,
) -> None:
    """Publish documents in their order and wait until every one is acknowledged; ``tally`` follows.

    ``before_send`` is called before each event is handed over, and may wait: a broker that keeps little is
    fed no faster than it is read.

    Raises:
        KafkaUnavailable: Kafka refused a record or does not answer.
        RegistryUnavailable: the schema registry gave no id.
    """
    sender, topic = publication.sender, publication.settings.topics.orders
    for activation in activations:
        try:
            event = event_of(publication, activation)
            value = publication.encoder.encode(topic, event)
        except (InvalidActivation, ValueError) as error:
            tally.rejected += 1
            on_rejected(Rejected(activation, " ".join(str(error).split())))
            continue
        if before_send is not None:
            before_send(event)
        if sender is not None:
            try:
                sender.send(topic, event.order.customer_id.encode(), value, headers_of(event))
            except TooLarge as error:
                tally.rejected += 1
                on_rejected(Rejected(activation, str(error)))
                continue
            tally.acknowledged = sender.acknowledged
        tally.valid += 1
    if sender is not None:
        sender.flush()
        tally.acknowledged = sender.acknowledged


def event_of(publication: Publication, activation: Activation) -> OrderEvent:
    """The event of one document, as emitted now.

    Raises:
        InvalidActivation: it is not an activation; the text says what is wrong where.
    """
    if activation.problem is not None:
        raise InvalidActivation(activation.problem)
    return read_activation(
        parse_json(activation.text),
        published_at=datetime.now(UTC),
        event_id=str(uuid.uuid4()),
        source=publication.source,
        tenant_id=publication.tenant_id,
    )


def activations_of(
    paths: Iterable[str], on_file: Callable[[ActivationFile], None] | None = None
) -> Iterator[Activation]:
    """The documents of several files, one file after the other; ``on_file`` is called as each is opened.

    Raises:
        NuestreamError: a file cannot be opened.
    """
    for path in paths:
        try:
            opened = ActivationFile(path)
        except OSError as error:
            raise NuestreamError(f"{path}: cannot be read: {error.strerror}") from None
        with opened as file:
            if on_file is not None:
                on_file(file)
            yield from file
