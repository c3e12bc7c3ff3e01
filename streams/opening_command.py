"""`nuestream opening`: the template, the check, and opening balances into the log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import click
from msgspec import structs
from rich.table import Table

from schemas.codec import Encoder
from schemas.headers import headers_of
from schemas.opening import Opening
from streams.chain_tables import money, plain, show
from streams.console import progress_bar, results
from streams.errors import NuestreamError
from streams.kafka import registry_of
from streams.opening_check import Checked, check
from streams.opening_rows import Problem, read_rows
from streams.policy import first_policy_check
from streams.quarantine_acts import user
from streams.sending import Sender, TooLarge
from streams.settings import Settings

GOOD, BAD = 0, 1
_MOST_TOLD = 200


def run_template(path: Path | None) -> int:
    """Write the template, to standard output where no ``path`` is given; returns 0, or 1 where the file is there."""
    text = (files("schemas") / "examples" / "opening.csv").read_text("utf-8")
    if path is None:
        click.echo(text, nl=False)
        return GOOD
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        click.echo(f"nuestream: {path} is there already; it is left as it is", err=True)
        return BAD
    except OSError as error:
        raise NuestreamError(f"{path}: cannot be written: {error.strerror}") from None
    click.echo(f"{path}: fill it in, then `nuestream opening check {path}`", err=True)
    return GOOD


def run_check(path: Path, as_json: bool) -> int:
    """Print what is wrong with a file, and the sums of what is not; returns 0 where nothing is wrong, else 1."""
    checked = check(read_rows(path))
    if as_json:
        click.echo(json.dumps(_as_dict(checked), indent=2, ensure_ascii=False))
        return BAD if checked.problems else GOOD
    if checked.openings:
        show(results, _contracts_table(checked.openings))
        _print_totals(checked)
    return _complain(path, checked)


def run_publish(settings: Settings, path: Path, by: str | None, yes: bool, dry_run: bool) -> int:
    """Check a file and publish its openings; returns 0, or 1 where something is wrong or a person said no.

    Raises:
        KafkaUnavailable: Kafka refused a record or does not answer.
        RegistryUnavailable: the schema registry gave no id.
    """
    checked = check(read_rows(path))
    if checked.problems or not checked.openings:
        _complain(path, checked)
        click.echo("nothing was published" if checked.problems else "there is nothing to publish", err=True)
        return BAD if checked.problems else GOOD
    _print_totals(checked)
    if dry_run:
        click.echo("dry run: nothing was published", err=True)
        return GOOD
    first_policy_check(settings)
    customers = len({each.customer_id for each in checked.openings})
    asked = f"Publish {_count(len(checked.openings))} of {_count(customers, 'customer')} to {settings.topics.orders}?"
    if not yes and not click.confirm(asked, err=True):
        return BAD
    return _publish(settings, checked.openings, by or user())


def _publish(settings: Settings, openings: list[Opening], by: str) -> int:
    topic, at = settings.topics.orders, datetime.now(UTC)
    encoder, sender = Encoder(registry_of(settings.registry)), Sender(settings.kafka)
    too_large: list[str] = []
    with progress_bar() as bar:
        task = bar.add_task("contracts published", total=len(openings), rate="")
        for opening in openings:
            record = structs.replace(opening, by=by, at=at)
            try:
                sender.send(topic, record.customer_id.encode(), encoder.encode(topic, record), headers_of(record))
            except TooLarge:
                too_large.append(opening.contract_id)
            bar.update(task, completed=sender.acknowledged, rate=f"{sender.acknowledged:,} of {len(openings):,}")
        sender.flush()
    click.echo(
        f"{_count(sender.acknowledged, 'opening balance')} published to {topic}; publishing them again does no harm"
    )
    for contract_id in too_large:
        click.echo(f"nuestream: contract {contract_id} is too large for Kafka and was not published", err=True)
    return BAD if too_large else GOOD


def _complain(path: Path, checked: Checked) -> int:
    for problem in checked.problems[:_MOST_TOLD]:
        click.echo(f"{path}:{problem.line}: {_told(problem)}", err=True)
    if len(checked.problems) > _MOST_TOLD:
        click.echo(f"and {len(checked.problems) - _MOST_TOLD} mistakes more", err=True)
    sound = f"{_count(len(checked.openings))} without a mistake"
    click.echo(f"{sound}; mistakes in others: {len(checked.problems)}" if checked.problems else sound, err=True)
    return BAD if checked.problems else GOOD


def _told(problem: Problem) -> str:
    return f"{problem.column}: {problem.text}" if problem.column else problem.text


def _contracts_table(openings: list[Opening]) -> Table:
    numbers = ("subscriptions", "posted on them", "beside", "posted")
    made = plain(("contract", "customer", "", *numbers), right=numbers)
    for each in openings:
        own = sum((subscription.posted for subscription in each.subscriptions), Decimal(0))
        amounts = [money(amount, each.currency) for amount in (own, each.posted - own, each.posted)]
        made.add_row(each.contract_id, each.customer_id, each.currency, str(len(each.subscriptions)), *amounts)
    return made


def _count(number: int, noun: str = "contract") -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _print_totals(checked: Checked) -> None:
    for currency, total in checked.totals().items():
        count = sum(1 for each in checked.openings if each.currency == currency)
        click.echo(f"{_count(count)} in {currency} posted {money(total, currency)} before tax")


def _as_dict(checked: Checked) -> dict[str, object]:
    return {
        "contracts": [
            {
                "contract": each.contract_id,
                "customer": each.customer_id,
                "currency": each.currency,
                "openedOn": str(each.opened_on),
                "subscriptions": {own.number: f"{own.posted:f}" for own in each.subscriptions},
                "posted": f"{each.posted:f}",
                "eventId": each.event_id,
            }
            for each in checked.openings
        ],
        "totals": {currency: f"{total:f}" for currency, total in checked.totals().items()},
        "problems": [_problem_as_dict(problem) for problem in checked.problems],
    }


def _problem_as_dict(problem: Problem) -> dict[str, object]:
    return {"line": problem.line, "column": problem.column or None, "text": problem.text}
