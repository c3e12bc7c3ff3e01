"""`nuestream schemas`: what is written to each topic, and whether a registry has it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import click
from msgspec import Struct

from schemas.catalog import earlier_versions, fingerprint_of, name_of, schema_text
from schemas.registry import Registry
from streams.console import results, table
from streams.errors import SettingsError
from streams.kafka import registry_of
from streams.settings import Settings
from streams.subjects import State, Subject, examine, written

UNCHECKED = "NONE"


def run_list(settings: Settings, as_json: bool) -> int:
    """Print what is written to each topic; returns 0."""
    told = [(topic, name_of(type_), _versions(type_)) for topic, type_ in written(settings.topics)]
    if as_json:
        click.echo(
            json.dumps([dict(zip(("topic", "record", "versions"), each, strict=True)) for each in told], indent=2)
        )
        return 0
    rows = [(topic, record, str(len(versions)), versions[-1]["fingerprint"]) for topic, record, versions in told]
    results.print(table(None, ("topic", "record", "versions", "fingerprint"), rows, right=("versions",)))
    return 0


def run_check(settings: Settings, as_json: bool) -> int:
    """Print how each subject stands; returns 1 where a schema is missing or incompatible.

    Raises:
        SettingsError: there is no registry in the settings.
        RegistryUnavailable: no usable answer.
    """
    registry = _registry(settings)
    found = [examine(registry, topic, type_) for topic, type_ in written(settings.topics)]
    if as_json:
        click.echo(json.dumps([_as_json(each) for each in found], indent=2))
    else:
        columns = ("subject", "versions", "ours", "id", "compatibility", "state")
        results.print(table(None, columns, map(_row, found), right=("versions", "ours", "id")))
    return _complain(found, settings.registry.register_schemas)


def run_register(settings: Settings, level: str | None) -> int:
    """Register what is missing, and say so; returns 1 where something is incompatible and therefore left out.

    ``level`` is given to every subject first, so that it counts for what is registered.

    Raises:
        SettingsError: there is no registry in the settings.
        RegistryUnavailable: no usable answer, or the registry refuses a schema.
    """
    registry = _registry(settings)
    refused = False
    for topic, type_ in written(settings.topics):
        name = registry.subject(topic, type_)
        done = []
        if level is not None and (before := registry.compatibility(name)) != level:
            registry.set_compatibility(name, level)
            done.append(f"compatibility {level}, was {before}")
        subject = examine(registry, topic, type_)
        if subject.against:
            refused = True
            done.append(f"not registered: {_against(subject)}")
        elif subject.held is None:
            done.append(f"registered with id {registry.register(name, type_)}")
        else:
            done.append(f"was there with id {subject.held.schema_id}")
        click.echo(f"{name}: {', '.join(done)}")
    return 1 if refused else 0


def _registry(settings: Settings) -> Registry:
    registry = registry_of(settings.registry)
    if registry is None:
        raise SettingsError(
            "registry.url (NUESTREAM_REGISTRY__URL): is not set, so that there is no registry to ask; records then "
            "carry the fingerprint of a bundled schema, which `nuestream schemas list` shows"
        )
    return registry


def _versions(type_: type[Struct]) -> list[dict[str, Any]]:
    """The schemas of a type, the oldest first, as a reader without a registry needs them."""
    texts = (*earlier_versions(type_).values(), schema_text(type_))
    return [{"fingerprint": fingerprint_of(text).hex(), "schema": json.loads(text)} for text in texts]


def _row(subject: Subject) -> tuple[str, ...]:
    held = subject.held
    return (
        subject.name,
        str(subject.versions or ""),
        str(held.number) if held else "",
        str(held.schema_id) if held else "",
        subject.level,
        subject.state,
    )


def _as_json(subject: Subject) -> dict[str, Any]:
    held = subject.held
    return {
        "subject": subject.name,
        "topic": subject.topic,
        "record": name_of(subject.type_),
        "state": subject.state,
        "versions": subject.versions,
        "version": held.number if held else None,
        "id": held.schema_id if held else None,
        "compatibility": subject.level,
        "incompatible_with": list(subject.against),
        "unknown": list(subject.unknown),
    }


def _against(subject: Subject) -> str:
    return f"incompatible with version {', '.join(map(str, subject.against))} by {subject.level}"


def _complain(found: list[Subject], registering: bool) -> int:
    for subject in found:
        if subject.against:
            click.echo(f"nuestream: {subject.name} is {_against(subject)}", err=True)
        elif subject.unknown:
            numbers = ", ".join(map(str, subject.unknown))
            passed = ", and its level lets everything pass" if subject.level == UNCHECKED else ""
            click.echo(
                f"nuestream: {subject.name} has version {numbers}, which no nuestream up to this one wrote{passed}",
                err=True,
            )
    counted = Counter(subject.state for subject in found)
    if counted[State.MISSING]:
        otherwise = ", or a worker does when it first writes one" if registering else ""
        click.echo(
            f"nuestream: {counted[State.MISSING]} of {len(found)} schemas are missing: `nuestream schemas register` "
            f"puts them there{otherwise}",
            err=True,
        )
    return 1 if counted[State.MISSING] or counted[State.INCOMPATIBLE] else 0
