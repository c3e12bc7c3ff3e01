"""`nuestream deadletters`: what NetSuite refused, and what people decide about it."""

from __future__ import annotations

from pathlib import Path

import click

from streams.commands import settings_of

STATES = ("refused", "waiting", "parked", "closed", "discarded")
NAMES = click.argument("names", nargs=-1, metavar="[NAME]...")


def _words(_ctx: click.Context, _option: click.Parameter, text: str | None) -> str | None:
    if text is not None and not text.strip():
        raise click.BadParameter("it is empty")
    return text


ALL_OF_REASON = click.option(
    "--all-of-reason",
    metavar="TEXT",
    callback=_words,
    help="All that were refused or wait, with this in their reason.",
)
BY = click.option("--by", help="Who asks for it; the user of this process where nothing is given.")
WHY = click.option("--why", required=True, callback=_words, help="The reason, for the auditor.")
YES = click.option("--yes", is_flag=True, help="Do not ask.")
TIMEOUT = click.option(
    "--timeout", default=60.0, show_default=True, type=click.FloatRange(0), help="Seconds to wait for the sink."
)


@click.group()
def deadletters() -> None:
    """Commands that NetSuite does not hold: look at them, send them again or discard them.

    A command that NetSuite refuses is a dead letter, and the later documents of its customer are parked behind it;
    all others flow. Correct in NetSuite what it complains about, then redrive the command: once it is applied, what is
    parked follows by itself, in order. What you ask for is a record on the dead-letter topic, carried out by the
    sink that owns the customer, and its answer says who asked and why.

    \b
      nuestream deadletters list
      nuestream deadletters show NUE-SO-5624a2c2
      nuestream deadletters redrive NUE-SO-5624a2c2 --why "March is open again"
      nuestream deadletters redrive --all-of-reason "period" --why "March is open again"
      nuestream deadletters discard NUE-SO-5624a2c2 --why "entered by hand"

    \b
    Settings: kafka.*, registry.*, topics.dead_letters, topics.commands, groups.apply
    """


@deadletters.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--customer", metavar="ID", help="Only this customer's.")
@click.option(
    "--state", "states", multiple=True, type=click.Choice(STATES), help="Only these; refused and waiting without it."
)
@click.option("--reason", metavar="TEXT", help="Only those with this in their reason or NetSuite's answer.")
@click.pass_context
def deadletters_list(
    ctx: click.Context, as_json: bool, customer: str | None, states: tuple[str, ...], reason: str | None
) -> int:
    """List what needs a person: since when, why, what to do, and how many documents are parked behind it.

    Parked documents are counted, and listed with --state parked.

    \b
    Examples:
      nuestream deadletters list --reason "Invalid Field Value"
      nuestream deadletters list --state discarded --json

    Exit status: 0 told, 2 Kafka cannot be asked.
    """
    from streams.dead_letter_command import run_list

    return run_list(settings_of(ctx), as_json, customer, states, reason)


@deadletters.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--raw", type=click.Path(dir_okay=False, path_type=Path), help="Write the command's bytes to this file.")
@click.pass_context
def deadletters_show(ctx: click.Context, name: str, as_json: bool, raw: Path | None) -> int:
    """Show all about one command that is or was a dead letter.

    NAME is its command id, its external id in NetSuite, or the id or number of its order. Told are the reason,
    NetSuite's answer, what to do, what happened and who did what, and the command: decoded, or its bytes.

    \b
    Example:
      nuestream deadletters show O-00000310 --json --raw command.avro

    Exit status: 0 told, 1 nothing, or more than one command, is called so, 2 Kafka cannot be asked.
    """
    from streams.dead_letter_command import run_show

    return run_show(settings_of(ctx), name, as_json, raw)


@deadletters.command("redrive")
@NAMES
@WHY
@BY
@ALL_OF_REASON
@YES
@TIMEOUT
@click.pass_context
def deadletters_redrive(
    ctx: click.Context,
    names: tuple[str, ...],
    why: str,
    by: str | None,
    all_of_reason: str | None,
    yes: bool,
    timeout: float,
) -> int:
    """Send refused commands again, as they are.

    Once one is applied, what is parked behind it goes out by itself, in order; refused again, it stays where it is.
    A document that waits for a customer or item is tried at once. A parked one follows the one in front of it, and
    cannot be redriven by itself. Waits for the sink's answer and tells it.

    \b
    Examples:
      nuestream deadletters redrive NUE-SO-5624a2c2 --why "item made active" --by "A. Controller"
      nuestream deadletters redrive --all-of-reason "period" --why "March is open again"

    Exit status: 0 applied, or asked for without an answer yet; 1 refused again, declined or not confirmed; 2 it could
    not be done.
    """
    from schemas.requests import RedriveRequested
    from streams.dead_letter_acts import run_request

    _one_way(names, all_of_reason)
    return run_request(settings_of(ctx), RedriveRequested, names, all_of_reason, why, by, yes, timeout)


@deadletters.command("discard")
@NAMES
@WHY
@BY
@ALL_OF_REASON
@YES
@TIMEOUT
@click.pass_context
def deadletters_discard(
    ctx: click.Context,
    names: tuple[str, ...],
    why: str,
    by: str | None,
    all_of_reason: str | None,
    yes: bool,
    timeout: float,
) -> int:
    """Decide that commands are never sent. This is final, also for copies of them that are written later.

    What is parked behind a discarded document goes on; discarding a parked one closes that one alone. Before a
    document is given up NetSuite is asked whether it holds it after all: then it counts as applied, and the discard has
    come too late. Where a sink has just taken over, that is up to netsuite.request_limit later.

    \b
    Example:
      nuestream deadletters discard NUE-SO-5624a2c2 --why "entered by hand" --by "A. Controller"

    Exit status: 0 discarded, or asked for without an answer yet; 1 too late, declined or not confirmed; 2 it could not
    be done.
    """
    from schemas.requests import DiscardRequested
    from streams.dead_letter_acts import run_request

    _one_way(names, all_of_reason)
    return run_request(settings_of(ctx), DiscardRequested, names, all_of_reason, why, by, yes, timeout)


def _one_way(names: tuple[str, ...], all_of_reason: str | None) -> None:
    if bool(names) == (all_of_reason is not None):
        raise click.UsageError("give the NAMEs of commands, or --all-of-reason, and not both")
