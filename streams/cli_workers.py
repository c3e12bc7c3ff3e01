"""`nuestream project` and `apply`, the workers; `verify-state` and `doctor`: whether what they rely on is right."""

from __future__ import annotations

import click

from streams.commands import settings_of


@click.command()
@click.option("--rebuild-state", is_flag=True, help="Fold the state again from the log, and end.")
@click.pass_context
def project(ctx: click.Context, rebuild_state: bool) -> int:
    """Run the projector: folds orders into contracts and decides documents.

    Runs until SIGTERM or SIGINT, and then ends within project.shutdown_timeout. Several of them share the
    partitions. A bad record is quarantined with its reason; a fault (Kafka refuses a record, the registry does not
    answer) stops the worker, and nothing is skipped. Needs no NetSuite credentials.

    \b
    Settings:
      kafka.*                    NUESTREAM_KAFKA__BOOTSTRAP_SERVERS, ...
      registry.*                 NUESTREAM_REGISTRY__URL, ...
      topics.*, policy.*         as `nuestream topics create` was given
      groups.project             NUESTREAM_GROUPS__PROJECT
      project.instance_id        NUESTREAM_PROJECT__INSTANCE_ID      (static membership: restarts are quick)
      project.store              NUESTREAM_PROJECT__STORE            (memory, or rocksdb in project.data_dir)
      project.data_dir           NUESTREAM_PROJECT__DATA_DIR         (a folder of the worker's own that survives it)
      project.standby_replicas   NUESTREAM_PROJECT__STANDBY_REPLICAS (how many other workers hold a copy)
      project.session_timeout    NUESTREAM_PROJECT__SESSION_TIMEOUT  (seconds until a dead worker is replaced)
      project.shutdown_timeout   NUESTREAM_PROJECT__SHUTDOWN_TIMEOUT
      project.gap_timeout        NUESTREAM_PROJECT__GAP_TIMEOUT      (seconds that an order waits; 0 for ever)

    --rebuild-state runs no worker: it folds the state of every partition again from the log, up to where the group has
    read, writes to the changelog what differs, removes what must not be there and what project.data_dir keeps, and
    ends. Nothing is sent to NetSuite or to anybody else. All workers of the group must be stopped. Interrupted, it is
    run again; until it is through, no worker starts. `nuestream verify-state` tells whether it is needed.

    Exit status: 0 stopped as asked, or rebuilt; 1 stopped by a fault, 2 did not start (also: its policy is not the
    log's).
    """
    if rebuild_state:
        from streams.state_rebuild import run_rebuild

        return run_rebuild(settings_of(ctx))
    from streams.project import main as run_project

    return run_project(settings_of(ctx))


@click.command("verify-state")
@click.pass_context
def verify_state(ctx: click.Context) -> int:
    """Compare the projector's state with the log, folded again.

    Reads the whole log and the changelog, partition by partition, and names every customer of whom they say something
    different. Changes nothing; workers may run meanwhile. `nuestream project --rebuild-state` puts it right.

    \b
    Settings: kafka.*, registry.*, topics.*, groups.project

    Exit status: 0 they are equal, 1 they differ, 2 it could not be done.
    """
    from streams.verify import run_verify

    return run_verify(settings_of(ctx))


@click.command()
@click.pass_context
def apply(ctx: click.Context) -> int:
    """Run the sink: has NetSuite hold what the commands say, each once.

    Runs until SIGTERM or SIGINT. Documents of one customer go out in order, different customers side by side up to
    netsuite.concurrency. What NetSuite refuses is kept in the dead letters with its answer, and the customer's later
    documents wait behind it: `nuestream deadletters`.

    \b
    Settings:
      netsuite.account             NUESTREAM_NETSUITE__ACCOUNT           such as 1234567_SB1
      netsuite.client_id           NUESTREAM_NETSUITE__CLIENT_ID         of the integration record
      netsuite.certificate_id      NUESTREAM_NETSUITE__CERTIFICATE_ID    of OAuth 2.0 Client Credentials Setup
      netsuite.private_key         NUESTREAM_NETSUITE__PRIVATE_KEY       or ..._FILE, the path of a PEM file
      netsuite.url                 NUESTREAM_NETSUITE__URL               (follows from the account)
      netsuite.concurrency         NUESTREAM_NETSUITE__CONCURRENCY       (5)
      netsuite.mapping.*           NUESTREAM_NETSUITE__MAPPING__...      what the account demands of new records
      netsuite.adopt               NUESTREAM_NETSUITE__ADOPT             (`nuestream adopt --help`)
      kafka.*, registry.*, topics.*, groups.apply, apply.*

    It logs in by OAuth 2.0 client credentials. Token-based authentication, which NetSuite no longer offers to new
    integrations from 2027.1, takes netsuite.consumer_key, netsuite.consumer_secret, netsuite.token_id and
    netsuite.token_secret instead. A refused login stops it at once, since failed logins lock the user out.

    Exit status: 0 stopped as asked, 1 stopped by a fault, 2 did not start.
    """
    from streams.apply import main as run_apply

    settings = settings_of(ctx)
    settings.require_netsuite("apply")
    return run_apply(settings)


def _named(_ctx: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(str.strip, names)):
        raise click.BadParameter("it is empty")
    return names


@click.command()
@click.option(
    "--currency",
    "currencies",
    multiple=True,
    metavar="CODE",
    callback=_named,
    help="One that Nue uses (ISO code); may be repeated.",
)
@click.option(
    "--term",
    "terms",
    multiple=True,
    metavar="NAME",
    callback=_named,
    help="A payment term that Nue uses; may be repeated.",
)
@click.option("--try-writing", is_flag=True, help="Also create records, and delete them at once.")
@click.option("--collisions", is_flag=True, help="Also list what is in NetSuite already, as `nuestream adopt check`.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(
    ctx: click.Context,
    currencies: tuple[str, ...],
    terms: tuple[str, ...],
    try_writing: bool,
    collisions: bool,
    as_json: bool,
) -> int:
    """Check whether the NetSuite account is ready for the sink.

    One line per check: ok, fix (and what to do), or not checked (and why). Looks at the address, the clocks, the login,
    what the role may query and open, the custom fields of both document types (those that netsuite.mapping fills
    among them), currencies, payment terms, and what netsuite.mapping gives by name or internal id. Changes nothing, and
    stops at a refused login.

    --try-writing proves the rest by writing: it creates a customer, an item, a sales order and a return authorization
    as the sink would, both documents also with opposite lines, and deletes each at once. Their external ids begin with
    NUE-DOCTOR-. The account's own scripts and workflows see them: use it in a sandbox account. Where opposite lines are
    refused, or stay unproved, policy.mixed_orders has to be split.

    --collisions reads the customers and items from the command topic, and lists those that are in NetSuite already
    under the same name or item id: before go-live, after `nuestream project` has run. It looks at the adoption file
    too (`nuestream adopt --help`).

    \b
    Settings: netsuite.*, policy.mixed_orders; with --collisions also kafka.*, registry.*, topics.commands
    Examples:
      nuestream doctor
      nuestream doctor --currency USD --currency EUR --term "Net 30"
      nuestream doctor --try-writing --json
      nuestream doctor --collisions

    Exit status: 0 nothing to fix, 1 something is, 2 settings are missing or wrong.
    """
    from streams.doctor_command import run_doctor

    codes = tuple(code.strip().upper() for code in currencies)
    return run_doctor(settings_of(ctx), codes, terms, try_writing, collisions, as_json)
