"""`nuestream export`: the topics as tables for analysts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.commands import settings_of

if TYPE_CHECKING:
    from streams.export.layouts import Layout


@click.group()
def export() -> None:
    """Tables of what the topics say, for analysts and their tools."""


@export.command("contracts")
@click.option(
    "--to",
    "layout",
    type=click.Choice(["duckdb", "parquet", "csv"]),
    default="duckdb",
    show_default=True,
    help="One DuckDB file, or a folder with one file per table.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Where to; contracts.duckdb, contracts-parquet or contracts-csv where nothing is given.",
)
@click.option("--archive", metavar="URL", help="Read an Avro archive (a folder, s3://...) instead of Kafka.")
@click.option("--force", is_flag=True, help="Replace what is there.")
@click.pass_context
def export_contracts(ctx: click.Context, layout: Layout, out: Path | None, archive: str | None, force: bool) -> int:
    """Write contracts, changes, documents and recurring revenue as typed tables.

    Reads the contract events and the commands to their present end; copies (the same ce_id) count once. The result
    appears whole, under its name, when it is finished. Needs DuckDB: install nuestream[analytics].

    \b
      contracts        by anchor: customer, term, documents, posted, total contract value
      subscriptions    after their last change: status, quantity, term, ARR up for renewal
      changes          every change: before and after, delta MRR, ARR and TCV, movement
      segments         the schedule after each change: quantity and MRR per span of days
      orders           the last decision on each order, with its reason
      documents        sales orders and return authorizations that NetSuite was asked for
      document_lines   their lines
      arr_movements    what changes a subscription's ARR, by month
      arr_waterfall    by month and currency: opening, brought forward, new, expansion,
                       contraction, churn, renewal, closing

    The ARR of a month is that on its last day; months to come show what is contracted, so that a term which nobody
    has renewed yet ends in churn. Amounts are decimals before tax in the row's currency, which is never converted;
    instants are UTC.

    CSV: UTF-8 with a header, commas, "" around what needs it; a point before decimals; dates 2025-12-31, instants
    2025-12-31T23:59:59.000000Z; null is nothing and an empty text ""; the values of a list are separated by a blank.

    \b
    Settings: kafka.*, registry.*, topics.contracts, topics.commands
    Examples:
      nuestream export contracts
      nuestream export contracts --to parquet --out tables/2026-11 --force
      nuestream export contracts --archive s3://ledger/nue

    Exit status: 0 written; 1 written without the records that could not be read; 2 it could not be done.
    """
    from streams.export.command import run_export
    from streams.export.layouts import DEFAULTS

    return run_export(settings_of(ctx), layout, out or Path(DEFAULTS[layout]), archive=archive, force=force)
