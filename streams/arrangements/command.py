"""`nuestream arrangements`: what finance has to merge, as a table, CSV, JSON, or the tasks of a script."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections import Counter
from decimal import Decimal
from typing import Any

import click

from sinks.arrangements import Arrangements, arrangements_of
from sinks.verdict import Unauthorized
from streams.arrangements.families import Family, families_of
from streams.arrangements.reading import documents_in
from streams.arrangements.states import Manner, Member, Standing, State, standing_of, task_of
from streams.arrangements.strangers import with_strangers
from streams.console import results, table
from streams.errors import NuestreamError
from streams.netsuite_login import client_of
from streams.netsuite_reading import lookups
from streams.settings import NetSuiteSettings, Settings

NOTHING, SOMETHING = 0, 1
COLUMNS = (
    "contract", "family", "state", "customer", "currency", "order", "document", "type", "tran_on", "amount",
    "internal_id", "arrangements", "exchange_rate", "note",
)  # fmt: skip
_WORDS = {
    State.TO_MERGE: "to be merged",
    State.NOT_GENERATED: "not all generated",
    State.MISSING: "not all in NetSuite",
    State.BARRED: "cannot be merged",
    State.MERGED: "merged",
    State.UNKNOWN: "unknown",
}


def run_arrangements(settings: Settings, layout: str, manner: Manner, *, show_all: bool) -> int:
    """Print the families of documents whose arrangements belong together, as ``table``, ``csv``, ``json`` or ``tasks``.

    Left out are families of one document and, without ``show_all``, those that are merged. Returns 0 where nothing is
    left to merge, else 1.

    Raises:
        NuestreamError: Kafka or NetSuite cannot be asked.
        RegistryUnavailable: the registry gives no answer about a schema.
    """
    families = families_of(documents_in(settings), include_renewals=settings.arrangements.include_renewals)
    told = _asked(settings, families) if families else None
    known = families if told is None else with_strangers(families, told)
    several = [family for family in known if len(family.documents) > 1]
    standings = [standing_of(family, told) for family in several]
    open_ones = [standing for standing in standings if standing.state is not State.MERGED]
    shown = standings if show_all else open_ones
    tasks = [task_of(standing, manner) for standing in shown if standing.state is State.TO_MERGE]
    if layout == "tasks":
        _print_json(tasks)
    elif layout == "json":
        _print_json([_as_dict(standing, manner) for standing in shown])
    elif layout == "csv":
        _write_csv(shown)
    else:
        _print_table(shown, told)
    counts = Counter(standing.state for standing in standings)
    listed = ", ".join(f"{counts[state]} {_WORDS[state]}" for state in State if counts[state]) or "none"
    click.echo(f"{len(several)} families of more than one document: {listed}", err=True)
    return SOMETHING if open_ones else NOTHING


def _asked(settings: Settings, families: list[Family]) -> Arrangements | None:
    """What NetSuite tells; None where no account is set."""
    if not settings.netsuite.account:
        return None
    return asyncio.run(_ask(settings.require_netsuite("arrangements"), families))


async def _ask(netsuite: NetSuiteSettings, families: list[Family]) -> Arrangements:
    contracts = dict.fromkeys(family.contract_id for family in families)
    names = [document.external_id for family in families for document in family.documents]
    async with client_of(netsuite) as client:
        try:
            return await arrangements_of(lookups(client, "arrangements")(""), contracts, names)
        except Unauthorized as error:
            raise NuestreamError(str(error)) from None


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _as_dict(standing: Standing, manner: Manner) -> dict[str, Any]:
    family = standing.family
    return {
        "contract": family.contract_id,
        "family": family.number,
        "state": standing.state.value,
        "customer": family.customer,
        "currency": family.currency,
        "documents": [_member_as_dict(member) for member in standing.members],
        "notes": list(standing.notes),
        "task": task_of(standing, manner) if standing.state is State.TO_MERGE else None,
    }


def _member_as_dict(member: Member) -> dict[str, Any]:
    document = member.document
    return {
        "document": document.external_id,
        "type": document.record_type,
        "order": document.order_number,
        "tranOn": document.tran_on.isoformat(),
        "amount": str(document.amount),
        "internalId": member.internal_id,
        "arrangements": list(member.arrangements),
        "exchangeRate": _number(member.exchange_rate) or None,
    }


def _write_csv(standings: list[Standing]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for standing in standings:
        family = standing.family
        for member in standing.members:
            document = member.document
            writer.writerow(
                (
                    family.contract_id, family.number, standing.state.value, family.customer, family.currency,
                    document.order_number, document.external_id, document.record_type, document.tran_on.isoformat(),
                    str(document.amount), member.internal_id or "", " ".join(member.arrangements),
                    _number(member.exchange_rate), member.note,
                )
            )  # fmt: skip


def _print_table(standings: list[Standing], told: Arrangements | None) -> None:
    for standing in standings:
        family = standing.family
        rows = [_row(member, told) for member in standing.members]
        title = f"{family.name} · {family.customer} · {family.currency} · {_WORDS[standing.state]}"
        columns = ("order", "document", "date", "amount", "internal id", "arrangement", "rate")
        results.print(table(title, columns, rows, right=("amount", "rate")))
        for note in standing.notes:
            results.print(note, style="yellow", markup=False)
        results.print()


def _row(member: Member, told: Arrangements | None) -> tuple[str, ...]:
    document = member.document
    numbers = told.numbers if told is not None else {}
    sign = "−" if document.is_return else ""
    return (
        document.order_number,
        document.external_id,
        document.tran_on.isoformat(),
        f"{sign}{document.amount:,.2f}",
        member.internal_id or "",
        ", ".join(f"{numbers.get(each, each)} ({each})" for each in member.arrangements),
        _number(member.exchange_rate),
    )


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value:f}"
