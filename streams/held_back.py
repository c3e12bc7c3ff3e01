"""What waits, from what the quarantine topic tells: orders that are held or quarantined, and how their waiting went.

Pure functions over records that were read. Of one order the topic is in the order in which things happened.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import Struct

from projections.readable import FOR_GOOD
from schemas.holding import Held, ReleaseRequested, Settled
from schemas.quarantine import Quarantined, Reason

Told = Quarantined | Held | ReleaseRequested | Settled

GAP = "version_gap"
"""The reason for which orders are held."""

NOT_KEPT = "too_large"
"""The reason of an order that was too large to be kept: nobody can release or discard it."""


@dataclass(slots=True)
class Waiting:
    """One event that waits or waited, and everything that the topic told about it, the oldest first."""

    event_id: str
    told: list[Told] = field(default_factory=list)

    @property
    def newest(self) -> Quarantined | Held | Settled:
        """Where it stands now: held, quarantined, or settled."""
        return next(each for each in reversed(self.told) if not isinstance(each, ReleaseRequested))

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return not isinstance(self.newest, Settled)

    @property
    def is_held(self) -> bool:
        """Whether it waits for orders before it."""
        return isinstance(self.newest, Held)

    @property
    def request(self) -> ReleaseRequested | None:
        """The request for its release that another person has yet to second."""
        last = self.told[-1]
        return last if isinstance(last, ReleaseRequested) else None

    @property
    def since(self) -> Quarantined | Held:
        """The record with which it began to wait as it does now."""
        return next(each for each in reversed(self.told) if isinstance(each, Quarantined | Held))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of what speaks against it, each once."""
        newest = self.newest
        if isinstance(newest, Held):
            return (GAP,)
        return tuple(dict.fromkeys(each.code for each in newest.reasons)) if isinstance(newest, Quarantined) else ()

    @property
    def for_good(self) -> tuple[str, ...]:
        """Those of its codes that nobody can waive."""
        return tuple(code for code in self.codes if code in FOR_GOOD)

    def names(self) -> set[str]:
        """What it may be called: by its event, order id, order number or quarantine id."""
        found = {self.event_id}
        for each in self.told:
            if isinstance(each, ReleaseRequested):
                continue
            found |= {name for name in (each.order_id, each.order_number) if name is not None}
            if isinstance(each, Quarantined):
                found.add(each.quarantine_id)
        return found


@dataclass(slots=True)
class HeldBack:
    """Everything that waits or waited, each told once by its id.

    ``orders`` are named by event id. ``unreadable`` are records about which nobody can decide anything: those that
    are no orders, and copies whose event id was used before.
    """

    orders: dict[str, Waiting] = field(default_factory=dict)
    unreadable: dict[str, Quarantined] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def take(self, record: Struct) -> None:
        """Take in a record of the quarantine topic; a repeated one changes nothing."""
        if not isinstance(record, Told) or (name := _name(record)) in self._seen:
            return
        self._seen.add(name)
        if isinstance(record, Quarantined) and (record.event_id is None or record.order_id is None):
            self.unreadable[name] = record
            return
        event_id = record.event_id or ""
        if event_id in self.orders:
            self.orders[event_id].told.append(record)
        elif not isinstance(record, ReleaseRequested):
            self.orders[event_id] = Waiting(event_id, [record])

    def open(self) -> list[Waiting]:
        """What still waits, in the order in which it began to."""
        return sorted((each for each in self.orders.values() if each.is_open), key=lambda each: began_at(each.since))

    def called(self, name: str) -> list[Waiting]:
        """What is called so; where something of that name still waits, that alone."""
        found = [each for each in self.orders.values() if name in each.names()]
        return [each for each in found if each.is_open] or found


def began_at(record: Told) -> tuple[float, str]:
    """When a record says that it happened; for sorting."""
    match record:
        case Quarantined():
            at = record.recorded_at
        case Held():
            at = record.held_at
        case ReleaseRequested():
            at = record.requested_at
        case Settled():
            at = record.settled_at
    return (at.timestamp(), _name(record))


def told_reasons(reasons: Iterable[Reason]) -> str:
    """Reasons in one line, each with its code."""
    return "; ".join(f"{reason.code}: {reason.detail}" for reason in reasons)


def _name(record: Told) -> str:
    match record:
        case Quarantined():
            return record.quarantine_id
        case Held():
            return record.hold_id
        case ReleaseRequested():
            return record.request_id
        case Settled():
            return record.settlement_id
