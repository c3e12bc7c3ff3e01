"""From what the topics tell to the chain of each contract: order, change, renewal, and the documents of each.

Pure functions over records that were read; where they came from is somebody else's concern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from msgspec import Struct

from schemas.contract import DecidedDocument, DocumentType, Movement, OrderDecided, OrderOutcome, SubscriptionChanged
from schemas.holding import Held, ReleaseRequested, Settled
from schemas.order import ChangeType
from schemas.outcome import DeadLetter, LetterState, Outcome
from schemas.quarantine import Quarantined
from streams.held_back import HeldBack, told_reasons

RECORD_TYPES = {DocumentType.SALES_ORDER: "salesOrder", DocumentType.RETURN_AUTHORIZATION: "returnAuthorization"}
"""NetSuite's names of the record types of documents."""


@dataclass(slots=True)
class Facts:
    """What the topics told, each thing once by its id, in the order in which it was read.

    ``decided`` has the last decision on each event, by the event's id.
    """

    decided: dict[str, OrderDecided] = field(default_factory=dict)
    changes: dict[str, SubscriptionChanged] = field(default_factory=dict)
    held_back: HeldBack = field(default_factory=HeldBack)
    letters: dict[str, DeadLetter] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def take(self, record: Struct) -> None:
        """Take in a record. A repeated one changes nothing; of outcomes and dead letters the newest counts."""
        match record:
            case OrderDecided():
                known = self.decided.get(record.event_id)
                if known is None or known.ordinal < record.ordinal:
                    # what is decided anew takes its place behind what was decided meanwhile
                    self.decided.pop(record.event_id, None)
                    self.decided[record.event_id] = record
            case SubscriptionChanged():
                self.changes.setdefault(record.change_id, record)
            case Quarantined() | Held() | ReleaseRequested() | Settled():
                self.held_back.take(record)
            case DeadLetter():
                self.letters[record.command_id] = record
            case Outcome():
                self.outcomes[record.external_id] = record

    def open_letters(self) -> list[DeadLetter]:
        """The commands that are not in NetSuite because it refused them or something that they need."""
        return [letter for letter in self.letters.values() if self._is_open(letter)]

    def letter_of(self, command_id: str) -> DeadLetter | None:
        """Why a command is not in NetSuite, where that is known."""
        letter = self.letters.get(command_id)
        if letter is None or not (self._is_open(letter) or letter.state is LetterState.DISCARDED):
            return None
        return letter

    def _is_open(self, letter: DeadLetter) -> bool:
        applied = self.outcomes.get(letter.external_id)
        return letter.state.is_open and (applied is None or applied.command_id != letter.command_id)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a document stands: its ``internal_id`` in NetSuite, or why it has none.

    ``amount`` is positive, in ``currency``, before tax; ``link`` is what ``custbody_nue_original_orderid`` says.
    """

    record_type: str
    external_id: str
    link: str | None
    currency: str
    amount: Decimal
    internal_id: str | None
    problem: str | None = None

    @property
    def signed(self) -> Decimal:
        """What it adds to its contract: a return authorization takes away."""
        return self.amount if self.record_type == RECORD_TYPES[DocumentType.SALES_ORDER] else -self.amount


@dataclass(frozen=True, slots=True)
class Link:
    """One order in a contract's chain. ``step`` is ``order``, ``change`` or ``renewal``.

    ``amount`` is what its documents add to the contract, ``value`` the contract's sum with it.
    """

    step: str
    decided: OrderDecided
    changes: tuple[SubscriptionChanged, ...]
    documents: tuple[Standing, ...]
    amount: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True)
class Chain:
    """All orders of one contract, in the order in which they were decided.

    ``opened`` is what its opening balance said of each subscription, where it had one.
    """

    contract_id: str
    customer_id: str
    currency: str
    links: tuple[Link, ...]
    opened: tuple[SubscriptionChanged, ...] = ()

    @property
    def name(self) -> str:
        """What sorts it among the chains: the number of its first order."""
        return self.links[0].decided.order_number if self.links else self.opened[0].order_number


@dataclass(frozen=True, slots=True)
class NotPosted:
    """An order, or a copy of one, that made no document. ``order_id`` is null for a record that cannot be read."""

    order_id: str | None
    order_number: str | None
    customer_id: str | None
    outcome: str
    why: str
    contracts: tuple[str, ...] = ()


StandingOf = Callable[[OrderDecided, DecidedDocument], Standing]


def outcome_name(outcome: OrderOutcome) -> str:
    """An outcome as people read it: ``posted``, ``NoOp``, ``ignored`` and so on."""
    return "NoOp" if outcome is OrderOutcome.NO_OP else outcome.value.lower()


def chains_of(facts: Facts, standing_of: StandingOf) -> list[Chain]:
    """The chain of every contract, in the order in which the contracts begin."""
    orders: dict[str, list[OrderDecided]] = {}
    opened: dict[str, list[SubscriptionChanged]] = {}
    changes: dict[tuple[str, str], list[SubscriptionChanged]] = {}
    for change in facts.changes.values():
        if change.movement is Movement.OPENING:
            opened.setdefault(change.contract_id, []).append(change)
            orders.setdefault(change.contract_id, [])
        changes.setdefault((change.contract_id, change.event_id), []).append(change)
    for decided in facts.decided.values():
        for contract_id in decided.contracts:
            orders.setdefault(contract_id, []).append(decided)
    return [
        _chain(contract_id, decisions, changes, tuple(opened.get(contract_id, ())), standing_of)
        for contract_id, decisions in orders.items()
    ]


def _chain(
    contract_id: str,
    decisions: list[OrderDecided],
    changes: dict[tuple[str, str], list[SubscriptionChanged]],
    opened: tuple[SubscriptionChanged, ...],
    standing_of: StandingOf,
) -> Chain:
    links: list[Link] = []
    value = sum((each.delta_tcv for each in opened), Decimal(0))
    for decided in decisions:
        own = tuple(changes.get((contract_id, decided.event_id), ()))
        documents = tuple(standing_of(decided, each) for each in decided.documents if each.contract_id == contract_id)
        amount = sum((document.signed for document in documents), Decimal(0))
        value += amount
        links.append(Link(_step(own, not links and not opened), decided, own, documents, amount, value))
    first = decisions[0] if decisions else opened[0]
    return Chain(contract_id, first.customer_id, first.currency, tuple(links), opened)


def _step(changes: Iterable[SubscriptionChanged], is_first: bool) -> str:
    if any(ChangeType.RENEW in change.change_types for change in changes):
        return "renewal"
    return "order" if is_first else "change"


def standing_by_topics(facts: Facts) -> StandingOf:
    """Where documents stand by what the sink wrote about them: its outcome, its dead letter, or nothing yet."""

    def standing_of(decided: OrderDecided, document: DecidedDocument) -> Standing:
        outcome = facts.outcomes.get(document.external_id)
        letter = None if outcome else facts.letter_of(document.command_id)
        problem = None if outcome else "not yet applied" if letter is None else letter_text(letter)
        return Standing(
            record_type=outcome.record_type if outcome else RECORD_TYPES[document.document_type],
            external_id=document.external_id,
            link=document.contract_id,
            currency=decided.currency,
            amount=document.amount,
            internal_id=outcome.internal_id if outcome else None,
            problem=problem,
        )

    return standing_of


def letter_text(letter: DeadLetter) -> str:
    """Why a command is not in NetSuite, in one line."""
    if letter.state is LetterState.DISCARDED:
        return f"discarded by {letter.by}: {letter.why}"
    status = f" (HTTP {letter.status})" if letter.status else ""
    return f"{letter.state.value.lower()}: {letter.reason}{status}"


def not_posted(facts: Facts) -> list[NotPosted]:
    """Everything that made no document, with the reason: decided orders first, then refused copies and records."""
    told = [
        NotPosted(
            order_id=decided.order_id,
            order_number=decided.order_number,
            customer_id=decided.customer_id,
            outcome=outcome_name(decided.outcome),
            why=decided.why,
            contracts=decided.contracts,
        )
        for decided in facts.decided.values()
        if decided.outcome is not OrderOutcome.POSTED
    ]
    told += [
        NotPosted(
            order_id=held.order_id,
            order_number=held.order_number,
            customer_id=held.customer_id,
            outcome=outcome_name(OrderOutcome.QUARANTINED),
            why=told_reasons(held.reasons),
        )
        for held in refused_records(facts)
    ]
    told += [
        NotPosted(
            order_id=settled.order_id,
            order_number=settled.order_number,
            customer_id=settled.customer_id,
            outcome=outcome_name(settled.outcome),
            why=f"discarded by {settled.by}: {settled.why}",
        )
        for settled in _set_aside(facts)
    ]
    return told


def refused_records(facts: Facts) -> list[Quarantined]:
    """What is in quarantine without a decision on an order: conflicting copies, and records that cannot be read."""
    waiting = facts.held_back.open()
    copies = [each.newest for each in waiting if each.event_id not in facts.decided]
    return [each for each in (*copies, *facts.held_back.unreadable.values()) if isinstance(each, Quarantined)]


def _set_aside(facts: Facts) -> list[Settled]:
    """Conflicting copies that a person has discarded: nothing was decided about them."""
    told = facts.held_back.orders.values()
    return [each.newest for each in told if isinstance(each.newest, Settled) and each.event_id not in facts.decided]
