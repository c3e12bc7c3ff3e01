"""`nuestream opening`: the contracts that a tenant brings along when it goes live."""

from __future__ import annotations

from pathlib import Path

import click

from streams.commands import settings_of

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def opening() -> None:
    """Opening balances: contracts that were there before this system took over.

    A change of a subscription needs what was sold before: its version, its quantity, and what NetSuite holds for it,
    which a credit can take back at most. An opening says so per contract, on one day. Orders dated before
    policy.post_from are projected and never posted, so that old orders may be published too.

    \b
    The cut-over, once per tenant:
      1. set policy.post_from to the first day that this system posts; nuestream topics create
      2. nuestream opening template opening.csv      finance fills it in
      3. nuestream opening check opening.csv         every mistake with its line; sums to tie to NetSuite
      4. nuestream opening publish opening.csv       before the first order of these contracts
      5. nuestream publish ...                       orders from then on

    An opening that comes after an order of its contract, or says something else than one before it, is
    quarantined: `nuestream quarantine list`.
    """


@opening.command("template")
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.pass_context
def opening_template(_ctx: click.Context, file: Path | None) -> int:
    """Write a CSV file to fill in, or print it. It explains its columns.

    Exit status: 0 written, 1 the file is there already, 2 it cannot be written.
    """
    from streams.opening_command import run_template

    return run_template(file)


@opening.command("check")
@click.argument("file", type=FILE)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def opening_check(_ctx: click.Context, file: Path, as_json: bool) -> int:
    """Check a FILE of opening balances and sum it up. Connects to nothing.

    FILE is the filled-in template (comma, semicolon or tab), or JSON: per contract the columns of the contract and
    "subscriptions", each with its columns and "segments". All mistakes are told, each with line and column; the
    sums per contract and currency are those that NetSuite must show.

    \b
    Examples:
      nuestream opening check opening.csv
      nuestream opening check opening.ndjson --json

    Exit status: 0 no mistake, 1 mistakes, 2 the file cannot be read.
    """
    from streams.opening_command import run_check

    return run_check(file, as_json)


@opening.command("publish")
@click.argument("file", type=FILE)
@click.option("--by", help="Who publishes it; the user of this process where nothing is given.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Check and sum up only; reaches neither Kafka nor the registry.")
@click.pass_context
def opening_publish(ctx: click.Context, file: Path, by: str | None, yes: bool, dry_run: bool) -> int:
    """Check a FILE and put its opening balances into the log, one record per contract.

    Nothing is published where the check finds a mistake. Every record is acknowledged by Kafka before it counts.
    The same file published again, whole or after an interruption, does no harm.

    \b
    Settings: kafka.*, registry.*, topics.orders
    Examples:
      nuestream opening publish opening.csv --dry-run
      nuestream opening publish opening.csv --by "A. Controller"

    Exit status: 0 published, 1 mistakes or not confirmed, 2 could not publish.
    """
    from streams.opening_command import run_publish

    return run_publish(settings_of(ctx), file, by, yes, dry_run)
