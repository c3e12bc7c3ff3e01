"""`nuestream sandbox`: a NetSuite to try things against, which misbehaves on demand."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from streams.commands import settings_of


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free one.")
@click.option("--db", type=click.Path(dir_okay=False, path_type=Path), help="SQLite file; in memory without it.")
@click.option("--tax-rate", default="0", show_default=True, help="Share of the amount that is added, such as 0.08.")
@click.option("--latency", type=click.FloatRange(0), help="Seconds per answer; 0 where nothing is given.")
@click.option("--latency-p99", type=click.FloatRange(0), help="With it, --latency is the median, and this the 99th %.")
@click.option("--concurrency", type=click.IntRange(1), help="Requests that the account runs at once; any without it.")
@click.option(
    "--behaviour",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file: how it behaves, see above.",
)
@click.pass_context
def sandbox(
    ctx: click.Context,
    host: str,
    port: int,
    db: Path | None,
    tax_rate: str,
    latency: float | None,
    latency_p99: float | None,
    concurrency: int | None,
    behaviour: Path | None,
) -> int:
    """Run a NetSuite to try things against, over HTTP, with its authentication checked.

    Its credentials are those of netsuite.* in the settings; where there are none, its own, which it prints. A page
    at / lists what it holds. Ends at SIGTERM or Ctrl-C.

    \b
    Example, in two terminals:
      nuestream sandbox --port 8080 --db sandbox.sqlite
      NUESTREAM_NETSUITE__URL=http://127.0.0.1:8080 nuestream apply

    It behaves well until it is told otherwise, by --behaviour or while it runs: JSON in and out, without a login.
    What is PUT replaces what was there; GET at limits, account, faults and clock tells what is. The file of
    --behaviour holds the same under the names limits, latency, account and faults.

    \b
    PUT /sandbox/limits    {"concurrency": 5, "lenience": 1, "others": 0, "seed": 0}
                           429 above concurrency; of the next lenience requests about half are let
                           in; others are slots that other integrations hold
    PUT /sandbox/latency   {"seconds": 0.2}, or {"median": 1.2, "p99": 6, "seed": 1}
    PUT /sandbox/account   {"closedPeriods": [{"start": "2025-01-01", "end": "2025-01-31"}],
                            "inactive": ["NUE-CUST-1"], "locked": ["NUE-SO-*"],
                            "mandatory": {"salesOrder": {"memo": "Memo"},
                                          "salesOrder.item": {"class": "Class"}},
                            "references": {"subsidiary": [{"id": "2", "name": "Halvorsen AS"}]},
                            "positiveLines": ["salesOrder", "returnAuthorization"],
                            "customerCurrencies": true, "subsidiariesMatter": true,
                            "arrangementsAfter": 10800}
                            the last one: seconds from an approval to the revenue arrangement
    PUT /sandbox/faults    {"seed": 7, "scripts": [...], "requests": [...], "rates": [...]}
      scripts              {"faults": [FAULT, null], "match": MATCH}: in turn, null lets one pass
      requests             {"fault": FAULT, "match": MATCH, "after": 0, "times": 1}: null for all
      rates                {"fault": FAULT, "match": MATCH, "rate": 0.1}: a share of them
      MATCH                {"method": "POST", "record": "salesOrder", "externalId": "NUE-SO-*"},
                           each of them optional; record may also be suiteql or job
      FAULT                {"kind": "stall", "seconds": 600}, where kind is one of
        no-answer-before   nothing is written, the connection is closed (after seconds)
        no-answer-after    it is written, the connection is closed (after seconds)
        error-before       nothing is written, 500
        error-after        it is written, 500
        reset              it is written, the connection is reset in mid-answer
        too-many-requests  429 for "requests" in a row or for seconds; "retryAfter" is sent
        maintenance        503 (or "status" 502, 504) and HTML, for "requests" or seconds
        unauthorized       401 for "requests" or seconds
        stall              it is written after seconds (900 at most), also when the caller has gone
        in-flight          a stall; others of its external id wait, then are duplicates
        twin               it arrives twice, the second is answered: a duplicate
        half-batch         a batch breaks off after half of its records
    DELETE /sandbox/faults no more of them
    POST /sandbox/merge    the properties of a MergeArrangementsTask: {"arrangements": [7, 9],
                           "mergeResidualRevenueAmounts": false}; answered with the new one
    POST /sandbox/clock    {"advance": 600}: moves the clock of all seconds in faults; answered
                           when what was due is done: {"now": 612.5, "waiting": 0}
    GET /sandbox/report    requests by method, kind and status ("none": no answer); made, updated,
                           deleted by type; transactionsUpdated; duplicatesRefused; faults by kind;
                           peakConcurrency; clock; slots: {"seconds", "slotSeconds", "limit",
                           "share", "secondsByInUse", "timeline"}, the last one by second
    DELETE /sandbox/report counts from nothing again
    GET /sandbox/documents everything that it holds
    """
    from streams.sandbox import behaviour_of, run_sandbox

    try:
        rate = Decimal(tax_rate)
    except InvalidOperation:
        rate = Decimal(-1)
    if not rate.is_finite() or not 0 <= rate <= 1:
        raise click.BadParameter(f"{tax_rate!r} is not a share such as 0.08", param_hint="--tax-rate")
    return run_sandbox(
        settings_of(ctx), host, port, db, rate, behaviour_of(behaviour, latency, latency_p99, concurrency)
    )
