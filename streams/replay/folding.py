"""One partition of the log, folded in memory: what each record leads to, and every customer's state at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from projections.as_of import WHOLE, LogContent, View
from projections.fold import fold
from projections.in_force import PolicyInForce
from projections.records import LogRecord, Step, customer_of
from projections.state import NO_POSITION, Body, CustomerState, Entry
from schemas.codec import Decoder
from schemas.policy import Policy, PolicyActivated
from schemas.quarantine import Reason
from streams.admission import content_of, misplaced, no_policy, with_policy
from streams.log_records import is_policy


@dataclass(slots=True)
class _Kept:
    """What is known of one customer. Taken further in place: nobody else holds an earlier state of it."""

    position: int = NO_POSITION
    entries: dict[str, Entry] = field(default_factory=dict)
    bodies: dict[str, Body] = field(default_factory=dict)


class PartitionFold:
    """The states of one partition's customers, record after record."""

    def __init__(
        self,
        decoder: Decoder,
        view: View = WHOLE,
        customer: str | None = None,
        instead: Policy | None = None,
        *,
        tells: bool = True,
    ) -> None:
        """``view`` is the part of history that counts, ``customer`` the only one that is folded; by the policy
        ``instead`` everything is decided, whatever the log says. Without ``tells`` nobody will ask for contract events.
        """
        self._decoder = decoder
        self._view = view
        self._only = None if customer is None else customer.encode()
        self._instead = instead
        self._tells = tells
        self._in_force: PolicyInForce | None = None
        self._customers: dict[str, _Kept] = {}

    def take(self, records: Sequence[LogRecord]) -> Iterator[tuple[LogRecord, Step | Reason]]:
        """Fold records: what follows from each that counts, or why it has no place in the log.

        Raises:
            PolicyMissing: a record comes before any policy, or a policy cannot be decided by.
            RegistryUnavailable: the registry gives no answer about a record's schema.
        """
        # all are decoded before the first is folded: going to and fro costs a fifth more
        for record, content in [(record, content_of(record, self._decoder)) for record in self._of_concern(records)]:
            followed = self._follow(record, content)
            if followed is not None:
                yield record, followed

    def _of_concern(self, records: Sequence[LogRecord]) -> Iterator[LogRecord]:
        return (each for each in records if self._only is None or each.key == self._only or is_policy(each))

    def _follow(self, record: LogRecord, content: LogContent | Reason) -> Step | Reason | None:
        if isinstance(content, Reason):
            known_at = self._view.known_at
            return content if known_at is None or record.recorded_at <= known_at else None
        if isinstance(content, PolicyActivated):
            self._activate(record, content)
            return None
        if self._in_force is None:
            raise no_policy(record)
        policy = self._in_force.policy
        if not self._view.is_whole and not self._view.sees(content, policy):
            return None
        if reason := misplaced(record, content, self._in_force):
            return reason
        customer_id = customer_of(content)
        kept = self._customers.get(customer_id)
        if kept is None:
            kept = self._customers[customer_id] = _Kept()
        step = fold(_state(customer_id, kept), record, content, self._instead or policy)
        if self._tells:
            _ = step.contract_events  # they are told against the state before, which is no more after this
        _keep(kept, step.state)
        return step

    def states(self) -> Iterator[CustomerState]:
        """The state of every customer, in the order of their ids."""
        for customer_id in sorted(self._customers):
            yield _state(customer_id, self._customers[customer_id])

    def _activate(self, record: LogRecord, activated: PolicyActivated) -> None:
        known = self._in_force
        if known is None or self._view.sees(activated, known.policy):
            self._in_force = with_policy(known, record, activated) or known


def _state(customer_id: str, kept: _Kept) -> CustomerState:
    return CustomerState(customer_id, kept.position, kept.entries, stored_body=kept.bodies.get)


def _keep(kept: _Kept, state: CustomerState) -> None:
    kept.position = state.position
    kept.entries.update(state.changed)
    for event_id, body in state.changed_bodies.items():
        if body is None:
            kept.bodies.pop(event_id, None)
        else:
            kept.bodies[event_id] = body
