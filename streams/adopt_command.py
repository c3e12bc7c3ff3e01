"""`nuestream adopt check`: prints what is found before go-live."""

from __future__ import annotations

import asyncio
import csv
import json
import sys

import click
import msgspec

from streams.adopt_report import Report, Twins, report
from streams.adoption import COLUMNS
from streams.console import results, table
from streams.netsuite_login import client_of
from streams.settings import NetSuiteSettings, Settings

GOOD, BAD = 0, 1


def run_check(settings: Settings, layout: str) -> int:
    """Print what is found, as ``table``, ``json`` or ``csv``; returns 0 where nothing is, else 1.

    Raises:
        NuestreamError: the file, Kafka or NetSuite cannot be read, or there is nothing to look up yet.
        RegistryUnavailable: the registry gives no answer about a schema.
    """
    netsuite = settings.require_netsuite("adopt check")
    found = asyncio.run(_report(settings))
    if layout == "json":
        click.echo(json.dumps(msgspec.to_builtins(found), indent=2, ensure_ascii=False))
    elif layout == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((each.external_id, each.record, each.netsuite_id) for each in found.collisions)
    else:
        _print(found)
    if layout != "json":
        _complain(found, netsuite)
    return GOOD if found.is_clean else BAD


def twins_in_words(twins: Twins) -> str:
    """What is wrong with a name that several of ours have, and what to do."""
    names = ", ".join(twins.external_ids)
    if twins.record == "item":
        return f"{names} have one SKU, {twins.name}, which NetSuite takes once: change it in Nue, or adopt one of them"
    return (
        f"{names} have one name, {twins.name}, which NetSuite takes once: set netsuite.mapping.customer_ids to "
        "name_and_number"
    )


async def _report(settings: Settings) -> Report:
    async with client_of(settings.netsuite) as client:
        return await report(settings, client)


def _print(found: Report) -> None:
    if found.collisions:
        columns = ("record", "in Nue", "name", "internal id", "in NetSuite", "its external id")
        rows = [
            (it.record, it.external_id, it.name, it.netsuite_id, it.netsuite_name, it.netsuite_external_id or "")
            for it in found.collisions
        ]
        results.print(table("In NetSuite already, and to be made again", columns, rows))
        click.echo("`nuestream adopt check --format csv` prints them as lines for netsuite.adopt, to be read", err=True)
    elif found.is_clean:
        click.echo(f"{found.customers} customers and {found.items} items: none is in NetSuite without being known")


def _complain(found: Report, netsuite: NetSuiteSettings) -> None:
    for twins in found.twins:
        click.echo(twins_in_words(twins), err=True)
    for flaw in found.adoptions:
        click.echo(f"{netsuite.adopt}: line {flaw.line}: {flaw.problem}", err=True)
