"""`nuestream replay` and `diff`: the log folded again, on all cores, without Faust and without NetSuite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from streams.commands import settings_of
from streams.replay import FORMATS, KINDS


class PartitionList(click.ParamType):
    """Partitions such as ``0-3,7``."""

    name = "LIST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[int]:
        """The numbers that a text names; a usage error where it names none."""
        if isinstance(value, frozenset):
            return value
        found: set[int] = set()
        for part in str(value).split(","):
            first, dash, last = part.strip().partition("-")
            if not first.isdecimal() or (dash and not (last.isdecimal() and int(first) <= int(last))):
                self.fail(f"{part!r} is neither a partition nor a range of them, as in 0-3,7", param, ctx)
            found |= set(range(int(first), int(last or first) + 1))
        return frozenset(found)


class KindList(click.ParamType):
    """Outputs, separated by commas."""

    name = "KINDS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The kinds that a text names, in their own order; a usage error where one is unknown."""
        asked = {part.strip() for part in str(value).split(",") if part.strip()}
        if unknown := asked - set(KINDS):
            self.fail(f"{', '.join(sorted(unknown))}: there are {', '.join(KINDS)}", param, ctx)
        return tuple(kind for kind in KINDS if kind in asked)


class BoundText(click.ParamType):
    """An offset or an instant."""

    name = "OFFSET|TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """What a text means; a usage error where it is neither."""
        from streams.replay.span import NotABound, bound_of

        try:
            return bound_of(str(value))
        except NotABound as error:
            self.fail(f"{error}, nor an offset", param, ctx)


class InstantText(click.ParamType):
    """An instant."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The instant in UTC; a usage error where it is none."""
        from streams.replay.span import NotABound, parsed_instant

        try:
            return parsed_instant(str(value))
        except NotABound as error:
            self.fail(str(error), param, ctx)


@click.command()
@click.option("--archive", metavar="URL", help="Read an Avro archive (a folder, s3://...) instead of Kafka.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="The folder for --write.")
@click.option("--write", "kinds", type=KindList(), default="", help=f"What to put out, of {', '.join(KINDS)}.")
@click.option("--format", "form", type=click.Choice(FORMATS), default="avro", show_default=True, help="Of the files.")
@click.option("--partitions", type=PartitionList(), help="Only these, as in 0-3,7.")
@click.option("--processes", type=click.IntRange(min=1), help="How many side by side; else one per core.")
@click.option("--customer", metavar="ID", help="Fold the orders of one customer alone.")
@click.option("--from", "start", type=BoundText(), help="Put out nothing before it.")
@click.option("--to", "end", type=BoundText(), help="End before it.")
@click.option("--known-at", type=InstantText(), help="Only what had been written to the log until then.")
@click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Only what was in effect on that day.")
@click.option("--state-only", is_flag=True, help="Do not write out or count decisions: twice as fast.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.pass_context
def replay(ctx: click.Context, /, **asked: Any) -> int:
    """Fold the log again from its beginning, and report what it leads to.

    The rules are those of `nuestream project`, the result is too; but it runs outside the consumer group, on all
    cores, many times as fast, and it cannot reach NetSuite. Nothing is changed on Kafka. The log is the orders topic
    or, with --archive, what `nuestream archive export` made of it.

    \b
    What it puts out (--out FOLDER --write KINDS), a file per kind and partition:
      commands     customers, items, sales orders and return authorizations, as they went to the sink
      contracts    contract events
      quarantine   what was held back, and what became of it
      state        every customer at the end: subscriptions, contracts, orders (always JSON lines)
    The same log gives the same bytes: machines that share one replay by --partitions put their files together. An
    .avro file holds offset, key, value (Avro single-object encoding) and headers of each record; .ndjson is for
    reading.

    \b
    Looking back:
      --known-at TIME   what this system knew then: records that came later do not count
      --as-of DATE      what was in effect on a day: orders that take effect later do not count; the state tells each
                        subscription's quantity and monthly value on that day
      both              what was known at TIME to be in effect on DATE
    A TIME is in ISO 8601 (UTC where it names no zone). --from and --to take an offset or the time of the records;
    what lies before --from is folded, but not put out.

    \b
    Settings: kafka.*, registry.*, topics.orders
    Examples:
      nuestream replay
      nuestream replay --known-at 2026-06-30T23:59:59Z --as-of 2026-06-30 --out june --write state
      nuestream replay --customer 5624a2c2-dbc2-5f8c-bda8-566ce2affb0e --out c --write commands --format ndjson
      nuestream replay --archive s3://ledger/nue --partitions 0-7 --out part-1 --write commands,contracts

    Exit status: 0 done, 2 could not be done, 130 interrupted.
    """
    from projections.as_of import View
    from streams.replay.command import run_replay
    from streams.replay.run import Task
    from streams.replay.source import Source
    from streams.replay.span import Span

    if bool(asked["kinds"]) != (asked["out"] is not None):
        raise click.UsageError("--write and --out go together: what to put out, and the folder for it")
    if asked["state_only"] and set(asked["kinds"]) - {"state"}:
        raise click.UsageError("--state-only writes out nothing but state")
    settings = settings_of(ctx)
    task = Task(
        source=Source(settings, settings.topics.orders, asked["archive"]),
        view=View(asked["known_at"], asked["as_of"].date() if asked["as_of"] else None),
        span=Span(asked["start"], asked["end"]),
        customer=asked["customer"],
        folder=asked["out"],
        kinds=asked["kinds"],
        form=asked["form"],
        reports=not asked["state_only"],
    )
    return run_replay(task, asked["partitions"], asked["processes"], asked["as_json"])


@click.command()
@click.option("--archive", metavar="URL", help="Read orders and commands from an Avro archive instead of Kafka.")
@click.option(
    "--policy",
    type=click.Choice(["log", "settings"]),
    default="log",
    show_default=True,
    help="Whose policy decides: as the log has it, or that of the settings for the whole history.",
)
@click.option("--customer", metavar="ID", help="Compare the documents of one customer alone.")
@click.option("--processes", type=click.IntRange(min=1), help="How many side by side; else one per core.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def diff(
    ctx: click.Context, archive: str | None, policy: str, customer: str | None, processes: int | None, as_json: bool
) -> int:
    """Show what would change if this version decided the whole history again.

    The orders topic is folded anew, and the documents that follow are compared with those on the commands topic, by
    their external ids and all that they say: which were added, which are missing (and why their order posts nothing
    now), which are different, per contract, with the money. Nothing is changed, in Kafka or in NetSuite.

    Run it before an upgrade, with the new version, and before a change of the policy, with the policy that you want
    in the settings and --policy settings. NetSuite's documents are never updated: what has been posted stays as it
    is, and only what is decided from then on is decided otherwise.

    \b
    Settings: kafka.*, registry.*, topics.orders, topics.commands; policy.* with --policy settings
    Examples:
      nuestream diff
      NUESTREAM_POLICY__MIXED_ORDERS=split nuestream diff --policy settings
      nuestream diff --archive /backup/nue --json

    Exit status: 0 nothing would change, 1 something would, 2 could not be done, 130 interrupted.
    """
    from streams.replay.diff_command import DiffTask, run_diff
    from streams.replay.source import Source

    settings = settings_of(ctx)
    task = DiffTask(
        source=Source(settings, settings.topics.orders, archive),
        commands=Source(settings, settings.topics.commands, archive),
        customer=customer,
        instead=settings.policy.to_policy() if policy == "settings" else None,
    )
    return run_diff(task, processes, as_json)
