"""`nuestream schemas`: the schemas of the records, and the registry that has to know them."""

from __future__ import annotations

import click

from streams.commands import settings_of

LEVELS = (
    "NONE",
    "BACKWARD",
    "BACKWARD_TRANSITIVE",
    "FORWARD",
    "FORWARD_TRANSITIVE",
    "FULL",
    "FULL_TRANSITIVE",
)


@click.group()
def schemas() -> None:
    """The Avro schemas of the records, here and in a schema registry.

    Every version of a schema reads every other, the older ones the newer too (FULL_TRANSITIVE), so that readers and
    writers may be brought up to date in any order. Where a team's rule is that nothing but a deployment registers
    schemas, set registry.register_schemas to false and run `schemas register` before the new workers start.

    \b
      nuestream schemas list
      nuestream schemas check
      nuestream schemas register --compatibility FULL_TRANSITIVE

    \b
    Settings: topics.* and
      registry.url              NUESTREAM_REGISTRY__URL
      registry.username         NUESTREAM_REGISTRY__USERNAME, ...__PASSWORD, ...__SSL_CA
      registry.subject_naming   topic_record (<topic>-<record>) | record
      registry.register_schemas true | false   (whether workers register what they write)
    """


@schemas.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the schemas of all versions.")
@click.pass_context
def schemas_list(ctx: click.Context, as_json: bool) -> int:
    """List the records that are written to each topic, with the fingerprint of the schema. Does not connect.

    Without a registry a record begins with C3 01 and the fingerprint (CRC-64-AVRO, 8 bytes, as printed) of the schema
    that it was written with: Avro's single-object encoding. --json gives the schemas of every version by that
    fingerprint, which is all that a reader of such topics needs.

    Exit status: 0 told.
    """
    from streams.schemas_command import run_list

    return run_list(settings_of(ctx), as_json)


@schemas.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def schemas_check(ctx: click.Context, as_json: bool) -> int:
    """Check that the registry has the schemas of this version, and that its others go with them. Changes nothing.

    \b
    A subject's schema is
      registered     there, to the letter
      alike          there, in other words or another layout; used where register_schemas is off
      missing        not there; `schemas register` puts it there
      incompatible   not compatible with a version in the subject, as the registry judges by the subject's level

    Told is also where the subject has versions that no nuestream up to this one wrote. A level of NONE, which some
    registries begin with, has the registry find everything compatible; `schemas register --compatibility` sets it.

    Exit status: 0 all are registered or alike, 1 one is missing or incompatible, 2 the registry cannot be asked, or
    there is none in the settings.
    """
    from streams.schemas_command import run_check

    return run_check(settings_of(ctx), as_json)


@schemas.command("register")
@click.option(
    "--compatibility",
    "level",
    type=click.Choice(LEVELS),
    help="Give every subject this level first; FULL_TRANSITIVE is what our schemas keep.",
)
@click.pass_context
def schemas_register(ctx: click.Context, level: str | None) -> int:
    """Register the schemas that the registry lacks, for every topic, whatever registry.register_schemas says.

    Run again, it changes nothing. Without --compatibility the levels stay as they are. What the registry finds
    incompatible is left out and told, the others are registered.

    \b
    Example:
      nuestream schemas register --compatibility FULL_TRANSITIVE

    Exit status: 0 all are there, 1 one is incompatible, 2 the registry cannot be asked or refuses, or there is none
    in the settings.
    """
    from streams.schemas_command import run_register

    return run_register(settings_of(ctx), level)
