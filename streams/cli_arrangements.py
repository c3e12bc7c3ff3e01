"""`nuestream arrangements`: revenue arrangements that finance has to merge."""

from __future__ import annotations

from datetime import datetime

import click

from streams.commands import settings_of


@click.command()
@click.option(
    "--format",
    "layout",
    type=click.Choice(["table", "csv", "json", "tasks"]),
    default="table",
    show_default=True,
    help="tasks: what a script merges.",
)
@click.option("--all", "show_all", is_flag=True, help="Also what is merged already.")
@click.option(
    "--include-renewals/--without-renewals",
    default=None,
    help="Whether a renewal belongs to the arrangement before it; arrangements.include_renewals where nothing is said.",
)
@click.option("--date", "on", type=click.DateTime(["%Y-%m-%d"]), help="Date of the new arrangements, for the tasks.")
@click.option("--prospective", is_flag=True, help="Merge what is not recognized yet, for the tasks.")
@click.pass_context
def arrangements(
    ctx: click.Context,
    layout: str,
    show_all: bool,
    include_renewals: bool | None,
    on: datetime | None,
    prospective: bool,
) -> int:
    """List, per contract, the documents whose revenue arrangements have to be merged.

    With Advanced Revenue Management, NetSuite makes an arrangement of every document, some hours after its approval.
    Those of one contract (custbody_nue_original_orderid) are one revenue contract, and finance merges them: by hand
    (Transactions, Revenue, Merge Revenue Arrangements) or by a script. They must have one customer, subsidiary and
    currency. Documents that NetSuite holds for a contract from years before are listed with it, those that a person
    has discarded are not. Changes nothing.

    A renewal is usually accounted for as a contract of its own: its sales order begins another family, which later
    changes of its term join. --include-renewals keeps a contract together for ever.

    \b
    A family is
      to be merged           its arrangements are there, in more than one
      not all generated      a document waits for approval, or for NetSuite's next update
      not all in NetSuite    see `nuestream deadletters list`
      cannot be merged       several subsidiaries, for one; the note says why
      merged                 all stand in one arrangement (--all)
      unknown                no account is set, or its role may not view revenue arrangements

    A return whose exchange rate differs from the first sales order's has a note: NetSuite does not tie its elements
    to those that it takes back.

    \b
    --format tasks is an array for SuiteScript (N/task/accounting/recognition):
      for (const each of tasks) {
        const task = recognition.create({taskType: recognition.TaskType.MERGE_ARRANGEMENTS_TASK});
        task.arrangements = each.arrangements;
        task.revenueArrangementDate = new Date(each.revenueArrangementDate + 'T00:00:00');
        task.mergeResidualRevenueAmounts = each.mergeResidualRevenueAmounts;
        task.submit();
      }
    The date is --date, else that of the family's newest document. A prospective merge wants the first day of the
    first open period.

    \b
    Settings: kafka.*, registry.*, topics.*, netsuite.*, arrangements.include_renewals
    Examples:
      nuestream arrangements
      nuestream arrangements --format csv > to-merge.csv
      nuestream arrangements --format tasks --date 2026-11-01 --prospective > tasks.json

    Exit status: 0 nothing is left to merge, 1 something is, 2 Kafka or NetSuite cannot be asked.
    """
    from streams.arrangements.command import run_arrangements
    from streams.arrangements.states import Manner

    settings = settings_of(ctx)
    if include_renewals is not None:
        own = settings.arrangements.model_copy(update={"include_renewals": include_renewals})
        settings = settings.model_copy(update={"arrangements": own})
    manner = Manner(None if on is None else on.date(), prospective)
    return run_arrangements(settings, layout, manner, show_all=show_all)
