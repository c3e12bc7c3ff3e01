"""`nuestream held` and `nuestream quarantine`: orders that wait, and what people decide about them."""

from __future__ import annotations

from pathlib import Path

import click

from streams.commands import settings_of

BY = click.option("--by", help="Who decides it; the user of this process where nothing is given.")
WHY = click.option("--why", required=True, help="The reason, for the auditor.")
YES = click.option("--yes", is_flag=True, help="Do not ask.")
TIMEOUT = click.option(
    "--timeout", default=15.0, show_default=True, type=click.FloatRange(0), help="Seconds to wait for the projector."
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def held(ctx: click.Context, as_json: bool) -> int:
    """List the orders that wait for others, what each waits for, and since when.

    An order waits, whole, for the versions of its subscriptions that come before it, and is decided by itself once
    they arrive. What does not arrive within project.gap_timeout of a running projector is quarantined.

    \b
    Settings: kafka.*, registry.*, topics.quarantine
    Examples:
      nuestream held
      nuestream held --json
      nuestream quarantine release O-00000322 --why "version 4 was a test"    do not wait any longer

    Exit status: 0 told, 2 Kafka cannot be asked.
    """
    from streams.quarantine_command import run_held

    return run_held(settings_of(ctx), as_json)


@click.group()
def quarantine() -> None:
    """Orders that wait for a person: look at them, release or discard them.

    An order is quarantined whole, with its reasons; the customer's other orders go on, except those that build on
    it. What a person decides is a record of the log, so that a replay decides alike, and is told with who, when and
    why. Where the policy says release_by_two, two people must release an order.

    \b
      nuestream quarantine list
      nuestream quarantine show O-00000310
      nuestream quarantine release O-00000310 --why "agreed with sales" --waive credit_exceeds_remaining
      nuestream quarantine discard O-00000310 --why "entered twice"

    \b
    Settings: kafka.*, registry.*, topics.*
    """


@quarantine.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--customer", metavar="ID", help="Only this customer's.")
@click.pass_context
def quarantine_list(ctx: click.Context, as_json: bool, customer: str | None) -> int:
    """List what is quarantined and why.

    Records that are no orders stand in a section of their own, each with its topic[partition]@offset: nobody can
    decide about them, and what they meant has to be published again.

    Exit status: 0 told, 2 Kafka cannot be asked.
    """
    from streams.quarantine_command import run_list

    return run_list(settings_of(ctx), as_json, customer)


@quarantine.command("show")
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--raw", type=click.Path(dir_okay=False, path_type=Path), help="Write the record's bytes to this file.")
@click.pass_context
def quarantine_show(ctx: click.Context, name: str, as_json: bool, raw: Path | None) -> int:
    """Show all about one order that waits or waited.

    NAME is its event id, order id, order number or quarantine id. Told are the reasons, what was decided and asked
    for so far, the order itself as JSON, its place, headers and key, and the commands that release or discard it.

    \b
    Examples:
      nuestream quarantine show O-00000310
      nuestream quarantine show O-00000310 --json --raw order.avro

    Exit status: 0 told, 1 nothing, or more than one record, is called so, 2 Kafka cannot be asked.
    """
    from streams.quarantine_command import run_show

    return run_show(settings_of(ctx), name, as_json, raw)


@quarantine.command("release")
@click.argument("name")
@WHY
@BY
@click.option("--waive", multiple=True, metavar="CODE", help="A reason that no longer counts; may be repeated.")
@YES
@TIMEOUT
@click.pass_context
def quarantine_release(
    ctx: click.Context, name: str, why: str, by: str | None, waive: tuple[str, ...], yes: bool, timeout: float
) -> int:
    """Let a quarantined or held order through.

    It is decided again at once, without the reasons that are waived: all that speak against it, or those of --waive.
    Any other reason quarantines it again. A held order is decided over its gap. Waits for the projector's answer and
    tells what became of it.

    Where the policy says release_by_two, the first release is a request, and a second person must release the order
    too, waiving no more than the first.

    \b
    Example:
      nuestream quarantine release O-00000310 --why "agreed with sales, ticket 4711" --by "A. Controller"

    Exit status: 0 done, asked for, or in the log without an answer yet; 1 refused, not confirmed or quarantined
    again; 2 it could not be done.
    """
    from streams.quarantine_acts import run_release

    return run_release(settings_of(ctx), name, why, by, waive, yes, timeout)


@quarantine.command("discard")
@click.argument("name")
@WHY
@BY
@YES
@TIMEOUT
@click.pass_context
def quarantine_discard(ctx: click.Context, name: str, why: str, by: str | None, yes: bool, timeout: float) -> int:
    """Decide that an order posts nothing. This is final.

    The order is folded, so that later versions of its subscriptions find their place, and makes no document. A copy
    with other content than the order before it is left out altogether.

    \b
    Example:
      nuestream quarantine discard O-00000310 --why "a test order" --by "A. Controller"

    Exit status: 0 discarded, or in the log without an answer yet; 1 refused or not confirmed, 2 it could not be done.
    """
    from streams.quarantine_acts import run_discard

    return run_discard(settings_of(ctx), name, why, by, yes, timeout)
