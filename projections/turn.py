"""The taking in of one record: the state as it grows, and what is to be said so far."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from msgspec import structs

from projections.decide import Decision, decide, quarantined
from projections.evolve import evolve, seen
from projections.records import LogRecord, Step
from projections.revenue import Occasion, order_decided, subscription_changes
from projections.reversal import decide_cancellation
from projections.state import (
    WAITING,
    Body,
    CustomerState,
    Entry,
    WaitingEntry,
    order_key,
    subscription_key,
    waiting_key,
)
from projections.waiting import (
    held_record,
    is_satisfied,
    is_too_large,
    needs_of,
    quarantined_record,
    record_of,
    settled_record,
    too_many,
    waiters_with,
)
from schemas.contract import ContractEvent, OrderOutcome
from schemas.holding import Holding
from schemas.order import EventType, OrderEvent
from schemas.policy import Policy
from schemas.quarantine import Quarantined, Reason


@dataclass
class Turn:
    """What one record leads to. ``trigger`` is its event id, ``known_at`` when it was written to the log."""

    state: CustomerState
    record: LogRecord
    policy: Policy
    trigger: str
    known_at: datetime
    decisions: list[Decision] = field(default_factory=list)
    told: list[Callable[[], Iterable[ContractEvent]]] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    holdings: list[Holding] = field(default_factory=list)
    ready: list[tuple[int, str]] = field(default_factory=list)

    def step(self) -> Step:
        """Everything that followed, with the state that contains the record.

        What found its place is decided first, in the order of arrival, until nothing more does.
        """
        while self.ready:
            _, event_id = heapq.heappop(self.ready)
            entry, body = self.state.waiting(event_id), self.state.body(event_id)
            if entry is not None and body is not None and entry.outcome is OrderOutcome.HELD:
                self.decided(body, entry, self.decide(body.event, entry))
        return Step(
            seen(self.state, self.record.offset),
            tuple(self.decisions),
            tuple(self.told),
            tuple(self.quarantined),
            tuple(self.holdings),
        )

    def decide(self, event: OrderEvent, entry: WaitingEntry | None = None) -> Decision:
        """The decision on an event in the state as it is now, and with what was waived for it."""
        waived = frozenset(entry.waived) if entry else frozenset()
        judge = decide_cancellation if event.event_type is EventType.ORDER_CANCELED else decide
        return judge(self.state, event, self.policy, waived)

    def decided(
        self,
        body: Body,
        entry: WaitingEntry | None,
        decision: Decision,
        by: str | None = None,
        why: str | None = None,
    ) -> None:
        """Take in a decision on the event of ``body``.

        ``entry`` is what is known of an event that waited; ``by`` and ``why`` say who ended that.
        """
        decision = self._that_can_wait(body, entry, decision)
        if decision.outcome is OrderOutcome.IGNORED:
            # it leaves no trace, so that its later activation is not taken for another copy of it
            self.told.append(partial(_ignored, body.event, decision, self._occasion(body.event, entry)))
        elif decision.outcome in WAITING:
            self._wait(body, entry, decision)
        else:
            self._tell(body, entry, decision)
            if entry is not None:
                self.close(body.event, entry, decision.outcome, why or decision.why, by)
            freed = [subscription_key(change.number) for change in decision.changes]
            self.resume([*freed, order_key(body.event.event_type, body.event.order.order_id)])

    def resume(self, freed: Iterable[str]) -> None:
        """Take the events that waited for what stands under these keys, and wait for nothing else, to be decided."""
        for key in freed:
            for event_id in self.state.waiters(key):
                entry = self.state.waiting(event_id)
                if entry is not None and entry.outcome is OrderOutcome.HELD and is_satisfied(self.state, entry):
                    heapq.heappush(self.ready, (entry.arrived, event_id))

    def conflicting(self, body: Body, entry: WaitingEntry | None, position: int | None) -> None:
        """Quarantine a record that says something else of an order than one before it. Nobody can release it."""
        order = body.event.order
        where = f" at offset {position}" if position is not None else ""
        detail = f"order {order.order_number} was taken in{where} with other content; one of the two is wrong"
        reasons = (Reason(code="conflict", detail=detail), *(_too_large(body) if entry is None else ()))
        codes = tuple(reason.code for reason in reasons)
        ordinal = entry.ordinal + 1 if entry else 1
        waits = WaitingEntry(self.record.offset, body.offset, OrderOutcome.QUARANTINED, ordinal, codes)
        self.remember(body.event, waits, None if "too_large" in codes else body)
        self.quarantined.append(quarantined_record(record_of(body), reasons, body.event, ordinal))

    def close(
        self, event: OrderEvent, entry: WaitingEntry, outcome: OrderOutcome, why: str, by: str | None = None
    ) -> None:
        """An event waits no longer."""
        ordinal = entry.ordinal + 1
        closed = structs.replace(entry, position=self.record.offset, outcome=outcome, ordinal=ordinal)
        self.change({waiting_key(event.event_id): closed}, {event.event_id: None})
        self.holdings.append(settled_record(event, outcome, why, ordinal, self.known_at, by))

    def remember(self, event: OrderEvent, entry: WaitingEntry, body: Body | None = None) -> None:
        """Keep what is known of a waiting event, and its ``body`` where it is new."""
        kept = structs.replace(entry, position=self.record.offset)
        self.change({waiting_key(event.event_id): kept}, {event.event_id: body} if body else {})

    def change(self, entries: Mapping[str, Entry], bodies: Mapping[str, Body | None] | None = None) -> None:
        """Take entries and bodies into the state."""
        self.state = self.state.with_changes(self.record.offset, entries, bodies)

    def _that_can_wait(self, body: Body, entry: WaitingEntry | None, decision: Decision) -> Decision:
        """The same decision, or a final quarantine of what cannot be kept while it waits."""
        if decision.outcome not in WAITING or entry is not None:
            return decision
        reasons = (*too_many(self.state, decision.missing), *_too_large(body))
        return quarantined((*reasons, *decision.reasons)) if reasons else decision

    def _wait(self, body: Body, entry: WaitingEntry | None, decision: Decision) -> None:
        event = body.event
        if entry is not None and entry.outcome is decision.outcome is OrderOutcome.HELD:
            self.remember(event, entry)  # it waits as before, perhaps with more waived
            return
        occasion = self._occasion(event, entry)
        waits = WaitingEntry(
            position=self.record.offset,
            arrived=body.offset,
            outcome=decision.outcome,
            ordinal=occasion.ordinal,
            codes=tuple(dict.fromkeys(reason.code for reason in decision.reasons)),
            waived=entry.waived if entry else (),
            asked_by=entry.asked_by if entry else None,
            asked=entry.asked if entry else (),
            needs=needs_of(decision.missing),
        )
        self._tell(body, entry, decision)
        is_new = entry is None and "too_large" not in waits.codes
        self.remember(event, waits, body if is_new else None)
        if decision.outcome is OrderOutcome.HELD:
            self.change(waiters_with(self.state, self.record.offset, event.event_id, decision.missing))
            self.holdings.append(held_record(record_of(body), event, decision, occasion.ordinal, self.known_at))
        else:
            record = record_of(body)
            self.quarantined.append(quarantined_record(record, decision.reasons, event, occasion.ordinal))

    def _tell(self, body: Body, entry: WaitingEntry | None, decision: Decision) -> None:
        event = body.event
        occasion = self._occasion(event, entry)
        self.decisions.append(decision)
        self.told.append(partial(_decided, self.state, event, decision, occasion))
        self.state = evolve(self.state, self.record.offset, event, body.content, decision)

    def _occasion(self, event: OrderEvent, entry: WaitingEntry | None) -> Occasion:
        decided_by = None if event.event_id == self.trigger else self.trigger
        return Occasion(self.known_at, self.policy, decided_by, entry.ordinal + 1 if entry else 1)


def _ignored(event: OrderEvent, decision: Decision, occasion: Occasion) -> Iterator[ContractEvent]:
    yield order_decided(event, decision, occasion)


def _decided(
    before: CustomerState, event: OrderEvent, decision: Decision, occasion: Occasion
) -> Iterator[ContractEvent]:
    yield order_decided(event, decision, occasion)
    yield from subscription_changes(before, event, decision, occasion)


def _too_large(body: Body) -> tuple[Reason, ...]:
    if not is_too_large(body):
        return ()
    detail = "the order is too large to be kept until it can be decided: it cannot be released"
    return (Reason(code="too_large", detail=detail),)
