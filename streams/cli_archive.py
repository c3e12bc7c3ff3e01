"""`nuestream archive`: topics in Avro files, on a disk or in an object store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streams.commands import settings_of

ROLES = "orders, contracts, commands, quarantine, outcomes, dead_letters, state"


class _Names(click.ParamType):
    """Names between commas."""

    name = "NAME,..."

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(name for name in (part.strip() for part in str(value).split(",")) if name)


TOPICS = click.option(
    "--topics",
    type=_Names(),
    default=(),
    help=f"By role or name, between commas; all of the project's without it. Roles: {ROLES} (only if named).",
)
ARCHIVED = click.option(
    "--topics", type=_Names(), default=(), help="Archived topics by role or name, between commas; all without it."
)
FROM = click.option("--from", "url", required=True, metavar="URL", help="The archive: a folder, s3://bucket/nue, ...")


@click.group()
def archive() -> None:
    """The topics in Avro files: kept beside the broker, read by any Avro reader, put back when they are needed.

    An archive has a folder per topic and partition, and in it a series of Avro object container files per day (UTC).
    Files are added and never changed; a manifest per partition names them with their offsets, counts and SHA-256.
    Every record is there as it was: key, value, headers, timestamp, offset. The schemas that values name by a
    registry's id are kept in the files, so that an archive can be read, and replayed, with nothing else.

    A URL is a folder, or anything that fsspec knows: s3://, gs://, abfs://, sftp://. Install what it asks for beside
    nuestream (s3fs, gcsfs, adlfs); credentials are those of that package, from its environment or fsspec's own
    configuration (FSSPEC_S3_ENDPOINT_URL, ...).

    \b
      nuestream archive export --to s3://finance/nue       every night: what is new
      nuestream archive verify --from s3://finance/nue     every month: is it still whole?
      nuestream archive import --from s3://finance/nue     into an empty broker, before `topics create`
    """


@archive.command("export")
@click.option("--to", "url", required=True, metavar="URL", help="The archive, begun where it is not there.")
@TOPICS
@click.option(
    "--without-personal-data",
    is_flag=True,
    help="Leave out names, e-mail addresses, telephone numbers, postal addresses and free texts.",
)
@click.pass_context
def archive_export(ctx: click.Context, url: str, topics: tuple[str, ...], without_personal_data: bool) -> int:
    """Append what is new in the topics, up to where they end now.

    It goes on where the archive ends, also after it was interrupted at any moment: files appear whole, and count
    once the manifest names them. Run one export at a time per archive.

    With --without-personal-data an archive of its own is made, in which customers and people have ids in place of
    names. Orders, money and dates are untouched: a replay of it makes the same documents. An archive is either with or
    without, from its first record on. Order numbers, PO numbers and ids stay, and pseudonyms are hashes, which who
    knows a name can compute too: see .github/decisions/0014-archive.md.

    \b
    Settings: kafka.*, registry.*, topics.*
    Examples:
      nuestream archive export --to /backup/nue
      nuestream archive export --to s3://finance/nue --topics orders,contracts
      nuestream archive export --to s3://tests/nue --without-personal-data

    Exit status: 0 the archive has all that the topics had, 2 it could not be done (run it again).
    """
    from streams.archive.command import run_export

    return run_export(settings_of(ctx), _absolute(url), topics, without_personal_data)


@archive.command("import")
@FROM
@ARCHIVED
@click.option("--as", "target", metavar="TOPIC", help="Import one topic under this name.")
@click.pass_context
def archive_import(ctx: click.Context, url: str, topics: tuple[str, ...], target: str | None) -> int:
    """Put archived topics back: the same bytes, keys, headers, timestamps, partitions and order.

    An archived topic becomes the topic that the settings name for its role. It is made where it is missing; one that
    is there must be empty, and have as many partitions as the archive and timestamps set by producers. Offsets are
    the same too, unless the archived log has holes (an import then says so). Import the orders before
    `nuestream topics create`, which begins a log that is empty.

    An import that was interrupted is run again: what the target holds is compared with the archive, and the rest is
    written. Nobody else may write to the target meanwhile.

    \b
    Settings: kafka.*, topics.*
    Examples:
      nuestream archive import --from s3://finance/nue
      nuestream archive import --from /backup/nue --topics orders --as nue.orders.v2

    Exit status: 0 the topics hold what the archive has, 2 refused, or it could not be done.
    """
    from streams.archive.command import run_import

    return run_import(settings_of(ctx), _absolute(url), topics, target)


@archive.command("verify")
@FROM
@ARCHIVED
@click.option("--against-topic", is_flag=True, help="Compare every record with the topic that the settings name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def archive_verify(ctx: click.Context, url: str, topics: tuple[str, ...], against_topic: bool, as_json: bool) -> int:
    """Read the whole archive: are checksums, counts and offsets right, is nothing missing, can every value be read?

    A value that could not be read when it was archived is told and is no damage: the log has such records, and they
    are quarantined. Connects to Kafka with --against-topic alone.

    \b
    Settings (with --against-topic): kafka.*, topics.*, registry.*
    Examples:
      nuestream archive verify --from s3://finance/nue
      nuestream archive verify --from /backup/nue --topics orders --against-topic

    Exit status: 0 sound, 1 something is damaged, missing, different, or needs a registry to be read; 2 it could not be
    looked at.
    """
    from streams.archive.command import run_verify

    return run_verify(settings_of(ctx), _absolute(url), topics, against_topic, as_json)


def _absolute(url: str) -> str:
    return url if "://" in url else str(Path(url).absolute())
