"""A part of history, folded: what was known of every customer at an instant."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from projections.fold import fold
from projections.records import Content, LogRecord, customer_of
from projections.state import CustomerState
from schemas.order import OrderEvent
from schemas.policy import Policy, PolicyActivated

LogContent = Content | PolicyActivated


def as_of(log: Iterable[tuple[LogRecord, LogContent]], known_at: datetime | None = None) -> dict[str, CustomerState]:
    """The state of each customer after those records of one partition that were written until ``known_at``.

    Without an instant, after all of them: the live state. The first record must be a policy.

    Raises:
        ValueError: a record comes before the partition's first policy.
    """
    policy: Policy | None = None
    states: dict[str, CustomerState] = {}
    for record, content in log:
        if known_at is not None and written_at(content) > known_at:
            continue
        if isinstance(content, PolicyActivated):
            policy = content.policy
        elif policy is None:
            raise ValueError(f"{record.topic}[{record.partition}] offset {record.offset} comes before any policy")
        else:
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
