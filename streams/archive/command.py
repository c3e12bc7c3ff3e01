"""`nuestream archive`: topics to files and back, and whether the files are sound."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

import click

from schemas.codec import Decoder
from streams.archive.exporting import Export, Exported
from streams.archive.importing import Import, Imported
from streams.archive.kept_schemas import SchemasToKeep
from streams.archive.live import chosen_topics
from streams.archive.manifest import topics_in
from streams.archive.personal_data import Redaction
from streams.archive.reading import ArchiveReader
from streams.archive.storage import Storage
from streams.archive.target import plan_of, target_name
from streams.archive.verifying import Live, Verification, Verified
from streams.console import results, table
from streams.errors import ArchiveDamaged, ArchiveError
from streams.kafka import MAX_RECORD_BYTES, registry_of
from streams.pace import Pace
from streams.reading import TopicReader
from streams.settings import Settings

SOUND, UNSOUND = 0, 1


def run_export(settings: Settings, url: str, topics: Sequence[str], without_personal_data: bool) -> int:
    """Append what is new in the topics to the archive; returns the exit status, 0."""
    storage = Storage(url)
    registry = registry_of(settings.registry)
    redaction = Redaction(Decoder(registry, max_bytes=MAX_RECORD_BYTES)) if without_personal_data else None
    with TopicReader(settings.kafka) as reader:
        done = Export(storage, reader, SchemasToKeep(registry), redaction).run(chosen_topics(settings, topics))
    for each in done:
        click.echo(
            f"{each.topic}: {each.records:,} records added in {each.files} files of {each.bytes:,} bytes; "
            f"{each.total:,} archived"
        )
        _remark_on(each)
    return SOUND


def run_import(settings: Settings, url: str, topics: Sequence[str], target: str | None) -> int:
    """Put archived topics back; returns the exit status, 0."""
    readers = _readers(url, topics)
    if target is not None and len(readers) != 1:
        raise ArchiveError("--as names one topic: say with --topics which archived one is meant")
    wanted = {target or target_name(settings, each.described): each for each in readers}
    if len(wanted) < len(readers):
        raise ArchiveError("two archived topics have the same role: import them one by one with --topics and --as")
    with TopicReader(settings.kafka) as reader:
        done = Import(settings, reader).run(wanted)
    for each in done:
        made = "made, " if each.made else f"{each.found:,} records were there, " if each.found else ""
        click.echo(f"{each.target}: {made}{each.records:,} records of {each.topic} written")
        _remark_on_places(each)
    return SOUND


def run_verify(settings: Settings, url: str, topics: Sequence[str], against_topic: bool, as_json: bool) -> int:
    """Read everything and tell what is wrong; returns 0 where nothing is, else 1."""
    storage = Storage(url)
    try:
        readers = _readers(url, topics)
    except ArchiveDamaged as error:
        click.echo(f"nuestream: {error}", err=True)
        return UNSOUND
    total = sum(each.count(partition) for each in readers for partition in range(each.partitions()))
    with Pace("verifying", total) as pace:
        if against_topic:
            with TopicReader(settings.kafka) as live:
                found = [Verification(storage, each, pace).run(_beside(settings, live, each)) for each in readers]
        else:
            found = [Verification(storage, each, pace).run() for each in readers]
    if as_json:
        click.echo(json.dumps([asdict(each) | {"sound": each.is_sound} for each in found], indent=2))
    else:
        _show(found)
    return SOUND if all(each.is_sound for each in found) else UNSOUND


def _readers(url: str, given: Sequence[str]) -> list[ArchiveReader]:
    """The archived topics that are meant: by their names, or by the roles that they had."""
    there = topics_in(Storage(url))
    if not there:
        raise ArchiveError(f"{Storage(url).url} holds no archive")
    if not given:
        return [ArchiveReader(url, each.topic) for each in there]
    meant = []
    for name in given:
        named = [each.topic for each in there if name in (each.topic, each.role)]
        if len(named) > 1:
            raise ArchiveError(f"--topics {name}: {', '.join(named)} have this role; give a name")
        meant.append(ArchiveReader(url, named[0] if named else name))
    return meant


def _beside(settings: Settings, live: TopicReader, reader: ArchiveReader) -> Live:
    described = reader.described
    name = target_name(settings, described)
    compacted = "compact" in plan_of(settings, described, name).config["cleanup.policy"]
    redaction = None
    if described.left_out:
        redaction = Redaction(Decoder(registry_of(settings.registry), max_bytes=MAX_RECORD_BYTES))
    return Live(live, name, compacted=compacted, redaction=redaction)


def _remark_on(done: Exported) -> None:
    if done.nameless:
        click.echo(
            f"nuestream: {done.topic}: {done.nameless} records have header names that are not UTF-8, which no client "
            "can read; they are archived without headers",
            err=True,
        )
    if done.without_schema:
        named = ", ".join(sorted(done.without_schema)[:10])
        click.echo(
            f"nuestream: {done.topic}: the archive has no schema for values that name {named}: the registry has none, "
            "or registry.url (NUESTREAM_REGISTRY__URL) is not set",
            err=True,
        )


def _remark_on_places(done: Imported) -> None:
    if done.moved:
        partitions = ", ".join(str(number) for number in done.moved)
        click.echo(
            f"nuestream: {done.target}: the archived offsets of partition {partitions} have holes, so that records "
            "have other offsets now",
            err=True,
        )
    if done.nameless:
        click.echo(f"nuestream: {done.target}: {done.nameless} records had headers that no client can read", err=True)


def _show(found: list[Verified]) -> None:
    columns = ("topic", "partitions", "files", "records", "bytes", "personal data", "state")
    rows = [
        (
            each.topic,
            str(each.partitions),
            f"{each.files:,}",
            f"{each.records:,}",
            f"{each.bytes:,}",
            "left out" if each.left_out else "kept",
            "sound" if each.is_sound else "damaged" if each.damage else "needs a registry",
        )
        for each in found
    ]
    results.print(table(None, columns, rows, right=("partitions", "files", "records", "bytes")))
    for each in found:
        for text in [*each.damage, *_remarks(each)]:
            click.echo(f"nuestream: {each.topic}: {text}", err=True)


def _remarks(found: Verified) -> list[str]:
    texts = []
    if found.unkept:
        texts.append(f"{found.unkept:,} values need the registry that they were written with; export with it")
    if found.malformed:
        texts.append(f"{found.malformed:,} values cannot be read, and could not when they were archived")
    if found.nameless:
        texts.append(f"{found.nameless:,} records had headers that no client can read")
    if found.strays:
        texts.append(
            f"{len(found.strays)} files are in no manifest (an interrupted export leaves such): {found.strays[0]}"
        )
    if found.beyond:
        texts.append(f"the topic has {found.beyond:,} offsets behind the archive's end")
    return texts
