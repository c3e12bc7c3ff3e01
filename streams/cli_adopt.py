"""`nuestream adopt`: customers and items that were in NetSuite before."""

from __future__ import annotations

import click

from streams.commands import settings_of


@click.group()
def adopt() -> None:
    """Customers and items that are in NetSuite already, and must not be made again.

    The sink finds what it made by its external id, and makes what it does not find. So a customer that finance has
    had for years would get a twin. A CSV file says which record it is; the sink changes that one, puts its external
    id on it, and never makes another:

    \b
      nue_id,record,netsuite_id
      0015g00000AbCdEAAX,customer,1042
      01t5g000003KlMnAAK,item,77

    nue_id is the customer's, billing account's or product's id in Nue (or the external id that a dead letter names),
    netsuite_id NetSuite's internal id. netsuite.adopt (NUESTREAM_NETSUITE__ADOPT) is the path of the file.

    \b
    Before go-live:
      1. nuestream project                        orders become commands; no `nuestream apply` yet
      2. nuestream adopt check                    what is there under the same name
      3. nuestream adopt check --format csv       lines for the file, to be read by a person
      4. nuestream adopt check                    again, with netsuite.adopt: nothing is left
      5. nuestream apply
    """


@adopt.command("check")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; the same as --format json.")
@click.option("--format", "layout", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
@click.pass_context
def adopt_check(ctx: click.Context, as_json: bool, layout: str) -> int:
    """List what the sink would make a second time, and adoptions that cannot be carried out.

    Reads every customer and item from the command topic and looks their names up in NetSuite, a thousand at a time:
    customers by company name, id and person's name, items by item name (the product's SKU), without regard to case.
    What has an adoption or our external id already is left out. A customer of the same name may be another one all
    the same: that is for a person to see. Two products with one SKU are told too, since NetSuite takes it once. Of
    the adoption file it tells malformed and doubled lines, records that are not in NetSuite, and records with another
    system's external id. Changes nothing. `nuestream doctor --collisions` says the same among its other checks.

    \b
    Settings: kafka.*, registry.*, topics.commands, netsuite.*; Kafka rights as `nuestream apply`
    Examples:
      nuestream adopt check
      nuestream adopt check --format csv > adopt.csv
      NUESTREAM_NETSUITE__ADOPT=adopt.csv nuestream adopt check --json

    Exit status: 0 nothing is found, 1 something is, 2 Kafka or NetSuite cannot be asked, or no command names a customer
    or item yet.
    """
    from streams.adopt_command import run_check

    return run_check(settings_of(ctx), "json" if as_json else layout)
