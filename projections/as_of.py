"""A part of history, folded: what was known at an instant, what was in effect on a day, and both together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from projections.documents import document_date
from projections.fold import fold
from projections.records import Content, LogRecord, customer_of
from projections.state import CustomerState
from schemas.opening import Opening
from schemas.order import EventType, OrderEvent
from schemas.policy import Policy, PolicyActivated

LogContent = Content | PolicyActivated


@dataclass(frozen=True, slots=True)
class View:
    """Where one stands to look at history: records that were written until ``known_at`` (UTC), and of them orders and
    openings in effect on ``effective_on``. Without either, all of it.

    What people and workers said about an order has no day of its own: it counts wherever it was known, and acts only
    where its order does. The policy that a partition begins with always counts; nothing is read without one.
    """

    known_at: datetime | None = None
    effective_on: date | None = None

    @property
    def is_whole(self) -> bool:
        """Whether everything is seen from here."""
        return self.known_at is None and self.effective_on is None

    def sees(self, content: LogContent, policy: Policy) -> bool:
        """Whether a record, read under ``policy``, belongs to the part that is looked at."""
        if self.known_at is not None and written_at(content) > self.known_at:
            return False
        if self.effective_on is None:
            return True
        effective_on = _effective_on(content, policy)
        return effective_on is None or effective_on <= self.effective_on


WHOLE = View()


def as_of(log: Iterable[tuple[LogRecord, LogContent]], view: View = WHOLE) -> dict[str, CustomerState]:
    """The state of each customer after those records of one partition that ``view`` sees: of all, the live state.

    Raises:
        ValueError: a record comes before the partition's first policy.
    """
    policy: Policy | None = None
    states: dict[str, CustomerState] = {}
    for record, content in log:
        if isinstance(content, PolicyActivated):
            if policy is None or view.sees(content, policy):
                policy = content.policy
        elif policy is None:
            raise ValueError(f"{record.topic}[{record.partition}] offset {record.offset} comes before any policy")
        elif view.sees(content, policy):
            customer_id = customer_of(content)
            state = states.get(customer_id) or CustomerState(customer_id)
            states[customer_id] = fold(state, record, content, policy).state
    return states


def written_at(content: LogContent) -> datetime:
    """When a record was written to the log, which is when this system knew of it; UTC."""
    match content:
        case OrderEvent():
            return content.published_at
        case PolicyActivated():
            return content.activated_at
        case _:
            return content.at


def _effective_on(content: LogContent, policy: Policy) -> date | None:
    """The day from which a record is in effect; None for what has no day of its own.

    An order takes effect on its effective date. A cancelled order was in effect until it was cancelled, for which
    there is no better day than that of its documents.
    """
    match content:
        case OrderEvent(event_type=EventType.ORDER_CANCELED):
            return document_date(content, policy)
        case OrderEvent():
            return content.order.effective_on
        case Opening():
            return content.opened_on
        case _:
            return None
