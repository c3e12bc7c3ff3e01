"""`nuestream history`: the chain of a contract from the topics, for an order, a customer or the contract itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import click
from rich.progress import Progress
from rich.text import Text

from schemas.contract import OrderDecided
from streams.chain_tables import chain_as_dict, chain_text, chain_title, not_posted_as_dict, not_posted_table, show
from streams.chains import Chain, Facts, NotPosted, chains_of, not_posted, standing_by_topics
from streams.console import progress_bar, results
from streams.fact_reading import FactReader
from streams.reading import TopicReader
from streams.settings import Settings

FOUND, NOTHING = 0, 1


def run_history(settings: Settings, name: str, as_json: bool) -> int:
    """Print the chains that ``name`` is in; returns 0, or 1 where nothing is known of it.

    ``name`` is a customer's id, a contract's anchor, or an order's id or number.

    Raises:
        KafkaUnavailable: Kafka does not answer, or refuses.
        RegistryUnavailable: the registry gives no answer about a schema.
    """
    with TopicReader(settings.kafka) as reader, progress_bar() as bar:
        history = History(settings, reader, bar)
        customers = history.customers_of(name)
        facts = history.facts_of(customers)
    told = _about(name, facts, is_customer=customers == [name])
    if not told.chains and not told.not_posted:
        click.echo(
            f"nuestream: no customer, contract or order {name} in {settings.topics.contracts} and "
            f"{settings.topics.quarantine}; was it published, and is `nuestream project` running?",
            err=True,
        )
        return NOTHING
    if as_json:
        click.echo(json.dumps(told.as_dict(), indent=2, ensure_ascii=False))
    else:
        told.print()
    return FOUND


@dataclass(frozen=True, slots=True)
class Told:
    """What is shown about one name."""

    chains: list[Chain]
    not_posted: list[NotPosted]

    def as_dict(self) -> dict[str, Any]:
        """For other programs."""
        return {
            "contracts": [chain_as_dict(chain) for chain in self.chains],
            "notPosted": [not_posted_as_dict(order) for order in self.not_posted],
        }

    def print(self) -> None:
        """For people."""
        for chain in self.chains:
            show(results, chain_title(chain, f"customer {chain.customer_id}"))
            show(results, chain_text(chain))
            show(results, "")
        if self.not_posted:
            show(results, Text("Held back or left out, so in no contract", style="bold"))
            show(results, not_posted_table(self.not_posted))


class History:
    """Reads what the topics say, in as few partitions as will do."""

    def __init__(self, settings: Settings, reader: TopicReader, bar: Progress) -> None:
        self._settings = settings
        self._reader = reader
        self._bar = bar

    def customers_of(self, name: str) -> list[str]:
        """The customers that ``name`` leads to: itself, or those whose orders or contracts are called so."""
        topics = (self._settings.topics.contracts, self._settings.topics.quarantine)
        own = FactReader(self._settings, self._reader)
        if any(self._read(own, topic, _keyed([name]), [name]) for topic in topics):
            return [name]
        # Texts stand in Avro as they are: what does not contain the name need not be decoded.
        search = FactReader(self._settings, self._reader)
        raw = name.encode()
        for topic in topics:
            self._read(search, topic, lambda message: raw in (message.value() or b""))
        return sorted(_customers_called(name, search.facts))

    def facts_of(self, customers: list[str]) -> Facts:
        """Everything that the topics say about ``customers`` and their documents."""
        facts = FactReader(self._settings, self._reader)
        topics = self._settings.topics
        for topic in (topics.contracts, topics.quarantine, topics.dead_letters):
            self._read(facts, topic, _keyed(customers), customers)
        documents = [each.external_id for decided in facts.facts.decided.values() for each in decided.documents]
        account = self._settings.netsuite.account
        if account:
            keys = [f"{account}|{document}" for document in documents]
            self._read(facts, topics.outcomes, _keyed(keys), keys)
        else:
            ids = {document.encode() for document in documents}
            self._read(facts, topics.outcomes, lambda message: (message.key() or b"").rpartition(b"|")[2] in ids)
        return facts.facts

    def _read(
        self, facts: FactReader, topic: str, wanted: Callable[[Any], bool], keys: list[str] | None = None
    ) -> bool:
        """Read what is wanted of a topic; returns whether there was any."""
        extents = facts.unread(topic, keys)
        total = sum(high - low for low, high in extents.values())
        task = self._bar.add_task(f"reading {topic}", total=total, rate=f"{total:,} records")
        found = False

        def is_wanted(message: Any) -> bool:
            nonlocal found
            is_one = wanted(message)
            found = found or is_one
            return is_one

        facts.read(topic, extents, is_wanted, lambda count: self._bar.advance(task, count))
        self._bar.remove_task(task)
        return found


def _keyed(keys: Iterable[str]) -> Callable[[Any], bool]:
    raw = {key.encode() for key in keys}
    return lambda message: message.key() in raw


def _customers_called(name: str, facts: Facts) -> set[str]:
    found = {
        decided.customer_id
        for decided in facts.decided.values()
        if name in (decided.order_id, decided.order_number, *decided.contracts)
    }
    return found | {each.newest.customer_id or "" for each in facts.held_back.called(name)}


def _about(name: str, facts: Facts, *, is_customer: bool) -> Told:
    """What of these facts answers for ``name``.

    A customer is told whole. A contract comes with its customer's orders that wait, which may be meant for it.
    """
    chains = chains_of(facts, standing_by_topics(facts))
    apart = [order for order in not_posted(facts) if not order.contracts]
    if is_customer:
        return Told(chains, apart)
    contract = [chain for chain in chains if chain.contract_id == name]
    if contract:
        return Told(contract, [order for order in apart if order.outcome in ("quarantined", "held")])
    return Told(
        [chain for chain in chains if any(_is_called(name, link.decided) for link in chain.links)],
        [order for order in apart if name in (order.order_id, order.order_number)],
    )


def _is_called(name: str, order: OrderDecided) -> bool:
    return name in (order.order_id, order.order_number)
