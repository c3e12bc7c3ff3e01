"""One customer's log judged twice: by the projection and by the oracle, in the same words."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from projections.fold import Content, LogRecord, Step, fold
from projections.state import CustomerState
from schemas.acts import Discarded, GapExpired, Released
from schemas.command import Document
from schemas.contract import OrderDecided, OrderOutcome
from schemas.holding import Settled
from schemas.nue import read_activation
from schemas.order import OrderEvent, Source
from schemas.policy import DocumentDate, LineRate, MixedOrders, OrderCancellations, Policy, TermBasis, ZeroOrders
from tests import oracle
from tests.projections.given import kind
from tests.stories import Customer, peaceful, troubled

START = datetime(2026, 1, 1, tzinfo=UTC)
CUSTOMER = "the customer"
BASES = ("actual_actual", "actual_360", "actual_365", "eu_30_360", "whole_months")


@dataclass
class Opinion:
    """What became of each event, why it is held back, and the documents, each as text and fractions."""

    outcomes: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, set[str]] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)


def history(chance: random.Random) -> tuple[list[oracle.Record], dict[str, Any]]:
    """A customer's log, told one way or the other, with or without trouble, and the settings to judge it by."""
    twice = chance.random() < 0.6
    customer = Customer(chance, twice=twice)
    telling = chance.choice([0, 1]) if twice else 0
    envelopes = [customer.order()[telling] for _ in range(chance.randrange(1, 13))]
    records = peaceful(envelopes)
    if chance.random() < 0.8:
        records = troubled(chance, envelopes, chance.choice([0, 1, 1, 2, 4]), mixed=chance.random() < 0.6)
    return records, some_settings(chance)


def some_settings(chance: random.Random) -> dict[str, Any]:
    """Some policy."""
    return {
        "mixed_orders": chance.choice(["one_document", "one_document", "split", "split", "quarantine"]),
        "split_by_contract": chance.random() < 0.8,
        "zero_orders": chance.choice(["post_new", "skip"]),
        "document_date": chance.choice(["activated", "effective"]),
        "tenant_time_zone": chance.choice(["UTC", "Asia/Tokyo", "America/Los_Angeles"]),
        "line_rate": chance.choice(["per_term", "per_period"]),
        "term_basis": chance.choice(["us_30_360", "us_30_360", *BASES]),
        "tie_out_tolerance": chance.choice([Decimal(1), Decimal(1), Decimal(0), Decimal(5)]),
        "post_from": chance.choice([None, None, None, date(2024, 10, 1)]),
        "order_cancellations": chance.choice(["hold", "post"]),
        "release_by_two": chance.random() < 0.2,
    }


def of_oracle(records: list[oracle.Record], chosen: dict[str, Any]) -> Opinion:
    """The second opinion."""
    verdict = oracle.judge([record | {"at": learned(n)} for n, record in enumerate(records)], chosen)
    opinion = Opinion(dict(verdict.outcomes), {event: why for event, why in verdict.reasons.items() if why})
    for paper in verdict.documents:
        rows = [(row.line_id, row.item, row.quantity, row.rate, row.amount, row.start, row.end) for row in paper.rows]
        header = (paper.kind, paper.contract, paper.entity, paper.currency, paper.on, paper.memo, paper.po_number)
        opinion.documents[paper.external_id] = (*header, paper.start, paper.end, paper.total, rows)
    return opinion


def of_projection(records: list[oracle.Record], chosen: dict[str, Any]) -> Opinion:
    """What the projection says, an order that it says nothing about being a copy."""
    opinion = Opinion()
    policy, state = policy_of(chosen), CustomerState(CUSTOMER)
    for offset, content in enumerate(contents(records)):
        record = LogRecord("orders", 0, offset, START, CUSTOMER.encode(), str(offset).encode())
        step = fold(state, record, content, policy)
        state = step.state
        _hear(opinion, step)
        if isinstance(content, OrderEvent):
            opinion.outcomes.setdefault(content.event_id, "copy")
    return opinion


def _hear(opinion: Opinion, step: Step) -> None:
    for held in step.quarantined:
        _conclude(opinion, held.event_id, "quarantined", {reason.code for reason in held.reasons})
    for settled in step.holdings:
        if isinstance(settled, Settled):
            _conclude(opinion, settled.event_id, _word(settled.outcome), set())
    for decision in step.contract_events:
        if isinstance(decision, OrderDecided):
            _conclude(opinion, decision.event_id, _word(decision.outcome), {each.code for each in decision.reasons})
    opinion.documents |= {document.external_id: told(document) for document in step.documents}


def _word(outcome: OrderOutcome) -> str:
    return "NoOp" if outcome is OrderOutcome.NO_OP else outcome.value.lower()


def learned(n: int) -> datetime:
    """When the record at a place was written to the log: a day after the one before it."""
    return START + timedelta(days=n)


def _conclude(opinion: Opinion, event_id: str, outcome: str, why: set[str]) -> None:
    opinion.outcomes[event_id] = outcome
    opinion.reasons.pop(event_id, None)
    if why:
        opinion.reasons[event_id] = why


def contents(records: list[oracle.Record]) -> Iterator[Content]:
    """The records as they stand in the log."""
    for n, record in enumerate(records):
        at = learned(n)
        about = {"event_id": f"act-{n}", "about": record["event_id"], "customer_id": CUSTOMER, "at": at}
        match record["kind"]:
            case "order":
                event_id = record["event_id"]
                yield read_activation(record["document"], published_at=at, event_id=event_id, source=Source.WEBHOOK)
            case "released":
                yield Released(**about, by=record["by"], why="so", waives=tuple(record["waives"]))
            case "discarded":
                yield Discarded(**about, by=record["by"], why="so")
            case _:
                yield GapExpired(**about, by="worker", waited_seconds=1)


def policy_of(chosen: dict[str, Any]) -> Policy:
    """The settings as they stand in the log."""
    return Policy(
        mixed_orders=MixedOrders(chosen["mixed_orders"].upper()),
        split_by_contract=chosen["split_by_contract"],
        zero_orders=ZeroOrders(chosen["zero_orders"].upper()),
        document_date=DocumentDate(chosen["document_date"].upper()),
        tenant_time_zone=chosen["tenant_time_zone"],
        line_rate=LineRate(chosen["line_rate"].upper()),
        term_basis=TermBasis(chosen["term_basis"].upper()),
        tie_out_tolerance=chosen["tie_out_tolerance"],
        post_from=chosen["post_from"],
        order_cancellations=OrderCancellations(chosen["order_cancellations"].upper()),
        release_by_two=chosen["release_by_two"],
    )


def told(document: Document) -> Any:
    """A document as the oracle tells it."""
    rows = [
        (
            row.line_id,
            row.item,
            Fraction(row.quantity),
            Fraction(row.rate),
            Fraction(row.amount),
            row.start_on,
            row.end_on,
        )
        for row in document.lines
    ]
    header = (kind(document), document.original_order_id, document.entity, document.currency, document.tran_on)
    dates = (getattr(document, "start_on", None), getattr(document, "end_on", None))
    return (*header, document.memo, document.po_number, *dates, Fraction(document.total), rows)
