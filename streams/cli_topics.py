"""`nuestream policy` and `nuestream topics`: what an administrator does to the log and its topics."""

from __future__ import annotations

import click

from streams.commands import settings_of

PROCESSES = (
    "publish",
    "project",
    "apply",
    "history",
    "held",
    "quarantine",
    "deadletters",
    "export",
    "arrangements",
    "replay",
    "reconcile",
    "rebuild",
    "opening",
    "archive",
    "policy",
    "topics",
)


@click.group()
def policy() -> None:
    """The settings that change documents, as they stand in the log.

    They count from their place in the log on, for every order behind it, so that the same log always gives the
    same documents. `topics create` writes them first; a worker whose settings differ from the log refuses to start.

    \b
    Settings: [policy] in the file, NUESTREAM_POLICY__... in the environment
      mixed_orders        one_document | split | quarantine
      split_by_contract   true | false
      zero_orders         post_new | skip
      document_date       activated | effective
      tenant_time_zone    an IANA name, such as America/New_York
      line_rate           per_term | per_period
      term_basis          us_30_360 | actual_actual | actual_360 | actual_365 | eu_30_360 | whole_months
      tie_out_tolerance   minor units of the currency per line
      post_from           a day, such as 2026-01-01: orders dated before it are projected, never posted
      order_cancellations hold | post    (the reversal of an order that Nue cancels after it was posted)
      release_by_two      true | false   (whether two people must release an order)
    """


@policy.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def policy_show(ctx: click.Context, as_json: bool) -> int:
    """Show the policy in force beside that of the settings.

    Exit status: 0 they agree, 1 they differ, 2 the log cannot be read or does not begin with a policy.
    """
    from streams.policy_command import show_policy

    return show_policy(settings_of(ctx), as_json)


@policy.command("activate")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--by", help="Who activates it; the user of this process where nothing is given.")
@click.pass_context
def policy_activate(ctx: click.Context, yes: bool, by: str | None) -> int:
    """Append the settings' policy to the log, where another one is in force.

    Shows the difference and asks first. Orders that are in the log already keep the policy that they were decided
    by. Stop the projectors before and start them with the new settings afterwards.

    \b
    Example:
      NUESTREAM_POLICY__MIXED_ORDERS=split nuestream policy activate --by "A. Controller"

    Exit status: 0 in force (or was already), 1 not confirmed, 2 could not be done.
    """
    from streams.policy_command import activate_policy

    return activate_policy(settings_of(ctx), yes, by)


@click.group()
def topics() -> None:
    """The topics: make them, check them, and who must be allowed what."""


@topics.command("create")
@click.option("--by", help="Who begins the log; the user of this process where nothing is given.")
@click.pass_context
def topics_create(ctx: click.Context, by: str | None) -> int:
    """Make the topics that are missing, and begin the log with the policy.

    Orders, contracts, commands, quarantine and dead letters are kept for ever; of outcomes and of the projector's
    state the newest record per key. Topics that are there are checked, never changed: what is wrong is told with
    what to do about it. The number of partitions is fixed from here on.

    \b
    Settings:
      kafka.*               NUESTREAM_KAFKA__BOOTSTRAP_SERVERS, ...
      topics.*              NUESTREAM_TOPICS__ORDERS, ...__PARTITIONS, ...__REPLICATION
      groups.project        NUESTREAM_GROUPS__PROJECT   (names the topic of the projector's state)
      policy.*              NUESTREAM_POLICY__...       (see `nuestream policy --help`)

    Exit status: 0 all is as it must be, 1 a topic that was there is not, 2 could not be done.
    """
    from streams.topics_command import run_create

    return run_create(settings_of(ctx), by)


@topics.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def topics_show(ctx: click.Context, as_json: bool) -> int:
    """Show every topic: partitions, what is kept, records, the policy in force, and what is wrong.

    Exit status: 0 all is as it must be, 1 a topic is missing or wrong, 2 Kafka cannot be asked.
    """
    from streams.topics_command import run_show

    return run_show(settings_of(ctx), as_json)


@topics.command("acls")
@click.option(
    "--format", "layout", type=click.Choice(["table", "kafka-acls", "json"]), default="table", show_default=True
)
@click.option(
    "--principal",
    "principals",
    multiple=True,
    metavar="PROCESS=PRINCIPAL",
    help=f"Whom a process is known as, such as project=User:nue-project. Processes: {', '.join(PROCESSES)}.",
)
@click.pass_context
def topics_acls(ctx: click.Context, layout: str, principals: tuple[str, ...]) -> int:
    """List the least that each process must be granted on a Kafka with ACLs. Does not connect.

    Without --principal a process is known as User:nuestream-<process>.

    \b
    Example:
      nuestream topics acls --format kafka-acls --principal apply=User:CN=nue-apply
    """
    from streams.topics_command import run_acls

    known = {process: f"User:nuestream-{process}" for process in PROCESSES}
    for given in principals:
        process, equals, principal = given.partition("=")
        if process not in known or not equals or not principal:
            raise click.BadParameter(f"{given!r} is not PROCESS=PRINCIPAL, with a process of {', '.join(PROCESSES)}")
        known[process] = principal
    return run_acls(settings_of(ctx), layout, known)
