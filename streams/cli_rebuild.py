"""`nuestream rebuild account|commands`: NetSuite from the commands, and the commands from the log."""

from __future__ import annotations

import click

from streams.commands import settings_of


@click.group()
def rebuild() -> None:
    """Bring back what was lost: records in NetSuite, or the commands themselves."""


@rebuild.command("account")
@click.option("--dry-run", is_flag=True, help="Tell what it would do and cost, and end.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def account(ctx: click.Context, dry_run: bool, yes: bool) -> int:
    """Bring an empty or half-filled NetSuite account to what the command topic says.

    For a sandbox that was refreshed, a new account, or a month that was lost. It reads all commands, asks the account
    by SuiteQL what it holds of them (a call for each thousand), tells what is missing and what making it will cost in
    calls and time, and asks before it begins. Then the sink applies every command from the beginning, as a new epoch
    of the account's outcomes: what earlier outcomes say is not believed, so that documents which somebody deleted are
    made again. What is there is compared, and never changed; customers and items end at their newest version.

    Commands that a person discarded are left out, and what is a dead letter stays one: redrive it. All sinks of the
    account must be stopped, and go on afterwards where they were. Interrupted, it is run again and
    goes on where it was.

    \b
    Settings: kafka.*, registry.*, topics.*, groups.apply, netsuite.*, apply.*
    Examples:
      nuestream rebuild account --dry-run
      nuestream rebuild account --yes

    Exit status: 0 through (or nothing to do), 1 stopped by a fault, 2 could not begin, 130 interrupted.
    """
    from streams.rebuild.account import run_rebuild_account

    return run_rebuild_account(settings_of(ctx), dry_run=dry_run, yes=yes)


@rebuild.command("commands")
@click.option("--archive", metavar="URL", help="Read the log from an Avro archive instead of Kafka.")
@click.option("--customer", metavar="ID", help="The commands of one customer alone.")
@click.option("--dry-run", is_flag=True, help="Tell how many commands the topic lacks, and end.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def commands(ctx: click.Context, archive: str | None, customer: str | None, dry_run: bool, yes: bool) -> int:
    """Put on the command topic what the log decides and the topic lacks.

    For a command topic that was lost or truncated. The log is decided again, as `nuestream replay` does, and every
    command whose id is not on the topic is appended; what is there is left as it is, so it can be run again at any
    time. The projectors must be stopped. Reaches no NetSuite: the sink, or `nuestream rebuild account`, applies them.

    \b
    Settings: kafka.*, registry.*, topics.orders, topics.commands, groups.project
    Example:
      nuestream rebuild commands --archive s3://ledger/nue

    Exit status: 0 done, 2 could not be done.
    """
    from streams.rebuild.commands import run_rebuild_commands
    from streams.replay.run import Task
    from streams.replay.source import Source

    settings = settings_of(ctx)
    task = Task(Source(settings, settings.topics.orders, archive), customer=customer, reports=False)
    return run_rebuild_commands(settings, task, dry_run=dry_run, yes=yes)
