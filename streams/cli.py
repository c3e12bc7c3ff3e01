"""The command line. Each command loads its own part of the project when it runs, so that help is quick."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import click

from streams.cli_adopt import adopt
from streams.cli_archive import archive
from streams.cli_arrangements import arrangements
from streams.cli_dead_letters import deadletters
from streams.cli_export import export
from streams.cli_opening import opening
from streams.cli_quarantine import held, quarantine
from streams.cli_rebuild import rebuild
from streams.cli_reconcile import reconcile
from streams.cli_replay import diff, replay
from streams.cli_sandbox import sandbox
from streams.cli_schemas import schemas
from streams.cli_topics import policy, topics
from streams.cli_workers import apply, doctor, project, verify_state
from streams.commands import Commands, settings_of
from streams.lifetime import end_with_parent

EXISTING = click.Path(exists=True, dir_okay=False, allow_dash=True)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="nuestream", prog_name="nuestream")
@click.option("--config", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="TOML file of settings.")
@click.option("-v", "--verbose", is_flag=True, help="Log more to standard error.")
@click.pass_context
def cli(ctx: click.Context, config: Path | None, verbose: bool) -> None:
    """Nue order events go in, NetSuite documents come out.

    `nuestream demo` shows the whole line on this machine. On a Kafka of yours:

    \b
      nuestream topics create           make the topics, begin the log with the policy
      nuestream doctor                  check whether the NetSuite account is ready
      nuestream project                 run the projector: orders to commands
      nuestream apply                   run the sink: commands to NetSuite
      nuestream publish orders.ndjson   put activations into the log
      nuestream history O-00000300      see what became of one order's contract
      nuestream opening check FILE      bring along contracts that were there before
      nuestream adopt check             see customers and items that are in NetSuite already
      nuestream held                    see the orders that wait for others
      nuestream quarantine list         see those that wait for a person; release or discard them
      nuestream deadletters list        see what NetSuite refused; send it again or discard it
      nuestream reconcile               see whether NetSuite holds what Nue says, before a close
      nuestream rebuild account         bring a lost or refreshed NetSuite back to what the commands say
      nuestream replay                  fold the log again: what it leads to, now or at any time before
      nuestream diff                    see what another version or policy would decide otherwise
      nuestream schemas check           see whether the schema registry has the schemas
      nuestream archive export --to URL keep the topics in Avro files; import puts them back
      nuestream arrangements            see which revenue arrangements finance has to merge
      nuestream export contracts        tables for analysts: contracts, documents, ARR by month
      nuestream reconcile               see whether NetSuite holds what Nue says, before a close
      nuestream rebuild account         bring a lost or refreshed NetSuite back to what the commands say

    Settings come from the environment (NUESTREAM_KAFKA__BOOTSTRAP_SERVERS) and a TOML file ([kafka]
    bootstrap_servers = ...): --config, else NUESTREAM_CONFIG, else ./nuestream.toml where there is one. The
    environment wins. `nuestream settings` lists all of them with their values.

    Exit status of every command: 0 done, 2 could not be done (settings, Kafka or the registry; one line says
    why). Others are explained where they occur.
    """
    ctx.obj = config
    logging.Formatter.converter = time.gmtime
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)sZ %(levelname)s %(name)s: %(message)s",
        datefmt="%Y-%m-%dT%H:%M:%S",
    )
    # httpx names every request, and -v is about this project
    for library in ("httpx", "httpcore", "asyncio", "aiokafka", "aiohttp"):
        logging.getLogger(library).setLevel(logging.WARNING)


@cli.command()
@click.argument("files", nargs=-1, required=True, type=EXISTING, metavar="FILE... | -")
@click.option("--source", type=click.Choice(["webhook", "backfill", "manual"]), help="How the documents came here.")
@click.option("--tenant", help="The Nue tenant that they are from.")
@click.option("--rejects", type=click.Path(dir_okay=False, path_type=Path), help="Where rejected documents go.")
@click.option("--dry-run", is_flag=True, help="Validate only; reaches neither Kafka nor the registry.")
@click.pass_context
def publish(
    ctx: click.Context,
    files: tuple[str, ...],
    source: str | None,
    tenant: str | None,
    rejects: Path | None,
    dry_run: bool,
) -> int:
    """Put Nue activations into the log.

    A FILE holds one JSON document, an array of them, or one per line, gzipped or not; - is standard input. A
    document is Nue's answer to its activation call, or the data inside it, with customer, billing account and
    products beside the order. Every record is acknowledged by Kafka before it counts as published.

    A bad document is told with its file, line and reason and written to the rejects file
    (./nuestream-rejects-<time>.ndjson), and does not stop the others. Publishing an order again does no harm.

    \b
    Settings:
      kafka.*                NUESTREAM_KAFKA__BOOTSTRAP_SERVERS, ...__SECURITY_PROTOCOL, ...
      registry.url           NUESTREAM_REGISTRY__URL
      topics.orders          NUESTREAM_TOPICS__ORDERS
      publish.source         NUESTREAM_PUBLISH__SOURCE      (--source)
      publish.tenant_id      NUESTREAM_PUBLISH__TENANT_ID   (--tenant)

    \b
    Examples:
      nuestream publish activations.ndjson
      nuestream publish --source backfill export-*.json.gz
      nuestream publish --dry-run orders.json
      curl ... | nuestream publish -

    Exit status: 0 all published, 1 some rejected, 2 could not publish, 130 interrupted.
    """
    from streams.publish_command import run_publish

    settings = settings_of(ctx)
    given = {"source": source, "tenant_id": tenant}
    update = {name: value for name, value in given.items() if value is not None}
    settings = settings.model_copy(update={"publish": settings.publish.model_copy(update=update)})
    return run_publish(settings, list(files), rejects, dry_run)


@cli.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def history(ctx: click.Context, name: str, as_json: bool) -> int:
    """Show the chain of a contract: orders, documents, and what is held back.

    NAME is the id or number of an order, the id of a customer, or the anchor of a contract. Reads the topics, and
    changes nothing.

    \b
    Settings: kafka.*, registry.*, topics.*
    Examples:
      nuestream history O-00000300
      nuestream history 5624a2c2-dbc2-5f8c-bda8-566ce2affb0e --json

    Exit status: 0 found, 1 nothing of that name, 2 Kafka cannot be asked.
    """
    from streams.history import run_history

    return run_history(settings_of(ctx), name, as_json)


@cli.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[FILE]...")
@click.option("--json", "json_out", type=click.Path(dir_okay=False, path_type=Path), help="Write what NetSuite holds.")
@click.option("--keep", is_flag=True, help="Leave the sandbox running to look at, until Ctrl-C.")
@click.pass_context
def demo(ctx: click.Context, files: tuple[Path, ...], json_out: Path | None, keep: bool) -> int:
    """Show the whole line on this machine, with nothing else installed.

    Starts a Kafka inside the process, a NetSuite sandbox, the projector and the sink; publishes the examples, or the
    activation FILEs, waits until everything is applied, and shows each contract's chain of documents, the tie-out,
    and what was not posted and why. Leaves nothing running.

    \b
    Examples:
      nuestream demo
      nuestream demo my-orders.ndjson --json documents.json
      NUESTREAM_POLICY__MIXED_ORDERS=split nuestream demo

    Exit status: 0 everything is applied and ties out, else 1 or 2.
    """
    from streams.demo import run_demo

    return run_demo(list(files), json_out, keep, settings_of(ctx))


@cli.command("settings")
@click.option("--all", "show_all", is_flag=True, help="Also those that nobody has given.")
@click.pass_context
def show_settings(ctx: click.Context, show_all: bool) -> int:
    """List the settings with their values and where each comes from. Secrets are masked."""
    from streams.settings_command import run_settings

    return run_settings(ctx.obj, show_all)


cli.add_command(adopt)
cli.add_command(apply)
cli.add_command(archive)
cli.add_command(arrangements)
cli.add_command(deadletters)
cli.add_command(diff)
cli.add_command(doctor)
cli.add_command(export)
cli.add_command(held)
cli.add_command(opening)
cli.add_command(policy)
cli.add_command(project)
cli.add_command(quarantine)
cli.add_command(rebuild)
cli.add_command(reconcile)
cli.add_command(replay)
cli.add_command(sandbox)
cli.add_command(schemas)
cli.add_command(topics)
cli.add_command(verify_state)


def main() -> None:
    """The entry point."""
    end_with_parent()
    cli(prog_name="nuestream")


if __name__ == "__main__":
    main()
