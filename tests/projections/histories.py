"""Whole histories: read from Nue's JSON, folded customer by customer."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from projections.fold import LogRecord, Step, fold
from projections.state import CustomerState
from schemas.command import Document, Upsert
from schemas.nue import read_activation
from schemas.order import OrderEvent, Source
from schemas.policy import Policy
from tests.generator import activations

START = datetime(2026, 1, 1, tzinfo=UTC)


def read_all(documents: Iterable[object]) -> Iterator[OrderEvent]:
    """The activations as they would be published, one a second."""
    for n, document in enumerate(documents):
        at = START + timedelta(seconds=n)
        yield read_activation(
            document, published_at=at, event_id=f"event-{n}", source=Source.BACKFILL, tenant_id="tenant"
        )


@cache
def generated(seed: int, orders: int, customers: int) -> tuple[OrderEvent, ...]:
    """A made-up history."""
    return tuple(read_all(activations(seed, orders, customers)))


@dataclass
class Projection:
    """Every customer's state, and what was said."""

    policy: Policy = field(default_factory=Policy)
    states: dict[str, CustomerState] = field(default_factory=dict)
    steps: list[tuple[OrderEvent, Step]] = field(default_factory=list)

    def fold(self, event: OrderEvent) -> Step:
        """One more event."""
        customer = event.order.customer_id
        state = self.states.get(customer) or CustomerState(customer)
        offset = len(self.steps)
        record = LogRecord("orders", 0, offset, event.published_at, customer.encode(), f"{offset}".encode())
        step = fold(state, record, event, self.policy)
        self.states[customer] = step.state
        self.steps.append((event, step))
        return step

    @property
    def documents(self) -> list[Document]:
        """All documents, in the order of the log."""
        return [document for _, step in self.steps for document in step.documents]

    @property
    def upserts(self) -> list[Upsert]:
        """All upserts, in the order of the log."""
        return [upsert for _, step in self.steps for upsert in step.upserts]


def folded(events: Iterable[OrderEvent], policy: Policy | None = None) -> Projection:
    """All of ``events``, in order."""
    projection = Projection(policy or Policy())
    for event in events:
        projection.fold(event)
    return projection
