"""`nuestream verify-state`: the state that the changelog has, compared with the log folded again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import click

from projections.forms import UnreadableState
from projections.in_force import load_policy
from projections.pages import load
from projections.records import LogRecord
from projections.state import WaitingEntry, waiting_key
from streams.console import progress_bar
from streams.lag import GroupLag
from streams.log_records import is_policy
from streams.policy import first_policy_check
from streams.reading import TopicReader
from streams.refold import HEADS, Advance, Refold, Stored, read_stored
from streams.settings import Settings

EQUAL, DIFFERENT = 0, 1


def run_verify(settings: Settings) -> int:
    """Compare the state of every partition, customer by customer, and name each difference.

    Returns 0 where there is none, else 1. Workers may run meanwhile: each customer is compared at the place in the
    log that its state contains.

    Raises:
        KafkaUnavailable, PolicyMissing, RegistryUnavailable: it could not be done.
    """
    first_policy_check(settings)
    customers = different = unneeded = 0
    with TopicReader(settings.kafka, settings.groups.project) as reader, progress_bar() as bar:
        with GroupLag(settings.kafka, reader, settings.groups.project, settings.topics.orders) as group:
            committed = group.committed()  # before the changelog is read: what is committed is in it
        for partition, until in sorted(committed.items()):
            task = bar.add_task(f"partition {partition}", total=None, rate="")

            def advance(count: int, task: object = task) -> None:
                bar.advance(task, count)  # type: ignore[arg-type]

            stored = read_stored(settings, reader, partition, advance)
            folded = asyncio.run(_folded(settings, reader, partition, until or 0, stored, advance))
            bar.remove_task(task)
            customers += len(customers_of(folded))
            unneeded += leftovers(stored, folded)
            for difference in differences(partition, stored, folded):
                different += 1
                click.echo(f"{settings.topics.orders}[{partition}] {difference}")
    if unneeded:
        click.echo(f"{unneeded} records of {settings.changelog} are needed by nobody; --rebuild-state removes them")
    if different:
        click.echo(f"{different} differences: stop the workers and run `nuestream project --rebuild-state`")
        return DIFFERENT
    click.echo(f"the state of {customers} customers is what the log says")
    return EQUAL


async def _folded(
    settings: Settings, reader: TopicReader, partition: int, committed: int, stored: Stored, advance: Advance
) -> dict[bytes, bytes]:
    def contained(record: LogRecord) -> bool:
        if record.offset < committed:
            return True
        position = stored.policy_position(partition) if is_policy(record) else stored.position(record.key or b"")
        return record.offset <= position

    end = max(committed, stored.highest(partition) + 1)
    return await Refold(settings, reader).fold(partition, end, contained, advance)


def customers_of(records: Stored | dict[bytes, bytes]) -> set[str]:
    """The customers of whom there is state."""
    found = records.counts if isinstance(records, Stored) else records
    return {key.removeprefix(HEADS).decode() for key, value in found.items() if value and key.startswith(HEADS)}


def differences(partition: int, stored: Stored, folded: dict[bytes, bytes]) -> Iterator[str]:
    """What differs, each in words: what is stored, and what the log says. Pure."""
    try:
        if load_policy(partition, stored.read) != load_policy(partition, folded.get):
            yield "the policy: is not the one in the log"
    except UnreadableState as error:
        yield f"the policy: {error}"
    ours, theirs = customers_of(stored), customers_of(folded)
    for customer in sorted(ours | theirs):
        if customer not in theirs:
            yield f"customer {customer}: has state, and no record in the log"
        elif customer not in ours:
            yield f"customer {customer}: has no state"
        else:
            try:
                yield from (f"customer {customer}: {said}" for said in _of_customer(customer, stored, folded))
            except UnreadableState as error:
                yield f"customer {customer}: {error}"


def _of_customer(customer: str, stored: Stored, folded: dict[bytes, bytes]) -> Iterator[str]:
    ours, theirs = load(customer, stored.read), load(customer, folded.get)
    if ours.position != theirs.position:
        yield f"the state contains the log up to offset {ours.position}, and should up to {theirs.position}"
    kept, due = dict(ours.entries()), dict(theirs.entries())
    for key in sorted(kept.keys() | due.keys()):
        if kept.get(key) != due.get(key):
            yield f"{key}: stored {kept.get(key, 'nothing')}, by the log {due.get(key, 'nothing')}"
        if isinstance(entry := due.get(key), WaitingEntry) and entry.is_open:
            event_id = key.removeprefix(waiting_key(""))
            if ours.body(event_id) != theirs.body(event_id):
                yield f"{key}: the event that waits is not stored as the log has it"


def leftovers(stored: Stored, folded: dict[bytes, bytes]) -> int:
    """How many records of customers in the log nobody needs: a crash came before they were removed. Pure."""
    return sum(1 for key, value in stored.counts.items() if value and key not in folded and not key.startswith(HEADS))
