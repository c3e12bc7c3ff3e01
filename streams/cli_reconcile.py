"""`nuestream reconcile`: whether Nue's orders, the commands and NetSuite say the same."""

from __future__ import annotations

from pathlib import Path

import click

from streams.commands import settings_of

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--period", metavar="MONTH | FROM..TO", help="List every order of a period with its outcome.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "csv", type=FILE, help="Write discrepancies, what is explained, and the period's orders.")
@click.option("--html", "html", type=FILE, help="Write a report to keep, as one HTML page.")
@click.option("--repair", is_flag=True, help="Put commands that were never posted on their topic again.")
@click.option("--yes", is_flag=True, help="Do not ask before repairing.")
@click.pass_context
def reconcile(
    ctx: click.Context,
    period: str | None,
    as_json: bool,
    csv: Path | None,
    html: Path | None,
    repair: bool,
    yes: bool,
) -> int:
    """Compare three ways: Nue's orders, the commands decided, and what NetSuite holds.

    Reads the topics, then every record of ours in NetSuite, a thousand at a time, and changes nothing. Of a document
    it compares customer, contract (link), currency, and item, quantity and amount of each line that carries a Nue
    line id; of customers and items the fields that stay Nue's. Tax and lines that NetSuite or finance added are left
    out, and so is every total with tax.

    \b
    Told as discrepancies:
      missing     never posted                     deleted    posted, and gone from NetSuite
      renamed     under another external id        extra      with our link or id, and no command asked for it
      amount, entity, lines, currency, type        edited in NetSuite
      link        stands in another contract
      customer, item                               not as the newest version says
      totals      an order, its decision and its commands do not tie
      undecided   the projector passed an order and decided nothing

    Told apart as explained: what is on its way (pending), open dead letters (refused, waiting, parked), what a
    person discarded, and documents of contracts that were there before the cut-over.

    --period takes a month (2026-10), a day, or two of these (2026-10-05..2026-11). An order is in the period by the
    day that its documents bear, or would bear. What is read is kept in a temporary file (in TMPDIR,
    about 2.5 GB per million orders), not in memory.

    --repair shows the missing commands, asks (--yes does not), and puts them on the command topic again with their
    own bytes; the sink posts them. It never edits or deletes, and leaves alone what NetSuite once took (`nuestream
    rebuild` makes such records again) and what a person discarded.

    \b
    Settings: kafka.*, registry.*, topics.*, groups.project, groups.apply, netsuite.* (see `nuestream settings`)
    Examples:
      nuestream reconcile
      nuestream reconcile --period 2026-10 --html close-2026-10.html --csv close-2026-10.csv
      nuestream reconcile --repair --yes --json > reconcile.json     for a scheduler

    Exit status: 0 everything ties out, 1 discrepancies (repaired or not; run it again once the sink is done), 2 Kafka
    or NetSuite could not be asked.
    """
    from streams.reconcile.command import run_reconcile
    from streams.reconcile.period import period_of

    try:
        days = period_of(period) if period else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--period") from None
    if yes and not repair:
        raise click.UsageError("--yes goes with --repair")
    return run_reconcile(settings_of(ctx), days, as_json, csv, html, repair, yes)
