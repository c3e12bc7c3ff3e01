"""The documents of all contracts, from the commands, with what they change, from the contract events."""

from __future__ import annotations

from datetime import date

from schemas.command import CreateReturnAuthorization, CreateSalesOrder
from schemas.contract import Movement, SubscriptionChanged
from schemas.order import ChangeType
from schemas.outcome import DeadLetter, LetterState
from streams.arrangements.families import RETURN_AUTHORIZATION, SALES_ORDER, SourceDocument, with_changes
from streams.console import progress_bar
from streams.errors import NuestreamError
from streams.fact_reading import FactReader
from streams.reading import TopicReader
from streams.settings import Settings


def documents_in(settings: Settings) -> list[SourceDocument]:
    """Every document once, each contract's in the order in which they were decided, but those that were discarded.

    Raises:
        NuestreamError: a topic is not there.
        KafkaUnavailable: the brokers do not answer, or refuse.
        RegistryUnavailable: the registry gives no answer about a schema.
    """
    found = _Found()
    with TopicReader(settings.kafka) as reader, progress_bar() as bar:
        facts = FactReader(settings, reader, found.take)
        for topic in (settings.topics.commands, settings.topics.contracts, settings.topics.dead_letters):
            extents = facts.unread(topic)
            if not extents:
                raise NuestreamError(
                    f"the topic {topic} is not there, or not ours to read: run `nuestream topics create`"
                )
            total = sum(high - low for low, high in extents.values())
            task = bar.add_task(f"reading {topic}", total=total, rate=f"{total:,} records")
            facts.read(topic, extents, passed=lambda count, task=task: bar.advance(task, count))  # type: ignore[misc]
    return found.documents()


class _Found:
    """What was read, each thing once by its id."""

    def __init__(self) -> None:
        self._documents: dict[str, SourceDocument] = {}
        self._changes: dict[str, dict[str, tuple[str, date | None, bool]]] = {}
        self._letters: dict[str, LetterState] = {}

    def take(self, record: object) -> None:
        """Take in a record; a repeated one changes nothing. Of dead letters the newest counts."""
        match record:
            case CreateSalesOrder() | CreateReturnAuthorization():
                self._documents.setdefault(record.external_id, _source_document(record))
            case SubscriptionChanged():
                renews = record.movement is Movement.RENEWAL or ChangeType.RENEW in record.change_types
                told = (record.subscription_number, record.effective_on, renews)
                for external_id in record.documents:
                    self._changes.setdefault(external_id, {})[record.change_id] = told
            case DeadLetter():
                self._letters[record.external_id] = record.state

    def documents(self) -> list[SourceDocument]:
        """All that NetSuite holds or will hold, with what they change."""
        return [
            with_changes(document, self._changes.get(external_id, {}).values())
            for external_id, document in self._documents.items()
            if self._letters.get(external_id) is not LetterState.DISCARDED
        ]


def _source_document(document: CreateSalesOrder | CreateReturnAuthorization) -> SourceDocument:
    return SourceDocument(
        external_id=document.external_id,
        record_type=SALES_ORDER if isinstance(document, CreateSalesOrder) else RETURN_AUTHORIZATION,
        contract_id=document.original_order_id,
        customer=document.entity,
        currency=document.currency,
        order_id=document.origin.order_id,
        order_number=document.origin.order_number,
        tran_on=document.tran_on,
        amount=document.total,
    )
