"""The subjects of a schema registry that this project writes with, and how each stands to our schemas."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from schemas.catalog import TYPES, earlier_versions, schema_text, topic_role
from schemas.registry import Registry, Version
from streams.settings import TopicSettings


class State(StrEnum):
    """How a subject stands: it has our schema, has it in other words, lacks it, or holds what does not go with it."""

    REGISTERED = "registered"
    ALIKE = "alike"
    MISSING = "missing"
    INCOMPATIBLE = "incompatible"


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject as the registry has it.

    ``held`` is its version of our schema. ``against`` are versions that the registry says are not compatible with
    it, ``unknown`` those that are of no version of this project that this one knows.
    """

    name: str
    topic: str
    type_: type[Struct]
    level: str
    versions: int
    held: Version | None
    against: tuple[int, ...]
    unknown: tuple[int, ...]

    @property
    def state(self) -> State:
        """How it stands."""
        if self.against:
            return State.INCOMPATIBLE
        if self.held is None:
            return State.MISSING
        return State.REGISTERED if self.held.text == schema_text(self.type_) else State.ALIKE


def written(topics: TopicSettings) -> Iterator[tuple[str, type[Struct]]]:
    """Every topic of the settings with each type of record that is written to it."""
    for role in TopicSettings.model_fields:
        for type_ in TYPES:
            if topic_role(type_) == role:
                yield getattr(topics, role), type_


def examine(registry: Registry, topic: str, type_: type[Struct]) -> Subject:
    """One subject as it is.

    What is missing is held against every version of the subject; what is there, against those that this version of
    the project does not know. The others are known to read each other.

    Raises:
        RegistryUnavailable: no usable answer.
    """
    name = registry.subject(topic, type_)
    versions = registry.versions(name)
    held = registry.held(name, type_, versions) if versions else None
    ours = (*earlier_versions(type_).values(), schema_text(type_))
    unknown = tuple(each.number for each in versions if not any(map(each.reads_as, ours)))
    doubtful = unknown if held is not None else tuple(each.number for each in versions)
    return Subject(
        name=name,
        topic=topic,
        type_=type_,
        level=registry.compatibility(name),
        versions=len(versions),
        held=held,
        against=tuple(number for number in doubtful if not registry.accepts(name, number, type_)),
        unknown=unknown,
    )
