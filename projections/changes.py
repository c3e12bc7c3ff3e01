"""What an order does to each subscription, and whether that agrees with what is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from operator import attrgetter

from msgspec import Struct

from projections.effects import Reading, schedule_after
from projections.lines import OrderedLine, by_subscription, first_version
from projections.schedule import Schedule, cut
from projections.snapshots import schedule_before
from projections.state import CustomerState, SubscriptionEntry
from projections.terms import day_after
from schemas.holding import Missing
from schemas.order import ChangeType, LineType, OrderLine
from schemas.quarantine import Reason

# Only these lines say by how much the quantity changes; the others name the quantity that they are about.
_SIGNED = frozenset({ChangeType.NEW, ChangeType.UPDATE_QUANTITY, ChangeType.CANCEL})
_CHECKED = _SIGNED | {ChangeType.ADJUST_PRICE, ChangeType.UPDATE_TERM, ChangeType.CO_TERM}


class SubscriptionChange(Struct, frozen=True, kw_only=True):
    """One subscription before and after an order. ``amount`` is the signed sum of its posted lines.

    ``first_version`` is the lowest version that the order made, ``version`` the highest; ``is_late`` says that a later
    one was folded before, so that only a person lets the order through. ``effective_on`` is the first day that the
    lines concern; ``schedule`` is the subscription's after the order.
    """

    number: str
    lines: tuple[OrderedLine, ...]
    before: SubscriptionEntry | None
    first_version: int
    is_late: bool
    version: int
    quantity_after: Decimal
    status_after: str
    amount: Decimal
    start_on: date | None
    end_on: date | None
    effective_on: date
    schedule_before: Schedule
    schedule: Schedule

    @property
    def change_types(self) -> tuple[ChangeType, ...]:
        """The kinds of change, each once, in the order of the lines."""
        return tuple(dict.fromkeys(line.line.change_type for line in self.lines))

    @property
    def subscription_id(self) -> str | None:
        """Nue's id of the version that the order made."""
        return next((line.line.subscription_id for line in self.lines if line.line.subscription_id), None)

    @property
    def product_id(self) -> str:
        """The product after the order: of a swap, the one that comes, wherever its line stands."""
        stays = [line for line in self.lines if (line.amount or line.quantity) >= 0]
        return (stays or self.lines)[-1].line.product_id

    @property
    def last_known_version(self) -> int:
        """The version before the order; 0 for a new subscription."""
        return self.before.version if self.before else 0


def changes_of(state: CustomerState, lines: Sequence[OrderedLine], reading: Reading) -> tuple[SubscriptionChange, ...]:
    """What the order does to each subscription that its lines name."""
    return tuple(_change(state, number, own, reading) for number, own in by_subscription(lines).items())


def _change(state: CustomerState, number: str, lines: list[OrderedLine], reading: Reading) -> SubscriptionChange:
    # One order may make several versions: it follows on from the lowest, and leaves what the highest says.
    told = (line.line for line in lines if line.line.subscription_version is not None)
    versioned = sorted(told, key=attrgetter("subscription_version"))
    stated = versioned[-1] if versioned else lines[0].line
    before = state.subscription(number)
    last = before.version if before else 0
    first = first_version(lines, last)
    is_late = first <= last and not lines[0].reverses
    schedule_was = schedule_before(state, number, reading)
    schedule = schedule_was if is_late and reading.is_snapshot else schedule_after(schedule_was, lines, reading)
    if stated.subscription_end_on is not None and not is_late and not reading.is_snapshot:
        schedule = cut(schedule, day_after(stated.subscription_end_on), None)
    return SubscriptionChange(
        number=number,
        lines=tuple(lines),
        before=before,
        first_version=first,
        is_late=is_late,
        version=max(stated.subscription_version or last + 1, last),
        # what a later version stated already contains it
        quantity_after=before.quantity
        if before is not None and is_late
        else _quantity_after(before, lines, stated.quantity_after, reading),
        status_after=(before.status if before and is_late else stated.status_after)
        or _status_after(before, lines, reading),
        amount=sum((line.amount for line in lines), Decimal(0)),
        start_on=stated.subscription_start_on or (before.start_on if before else lines[0].line.start_on),
        end_on=_end_on(before, lines, stated, is_late=is_late),
        effective_on=min(line.line.start_on or reading.effective_on for line in lines),
        schedule_before=schedule_was,
        schedule=schedule,
    )


def _end_on(
    before: SubscriptionEntry | None, lines: list[OrderedLine], stated: OrderLine, *, is_late: bool
) -> date | None:
    if before is not None and is_late:
        return before.end_on
    return stated.subscription_end_on or lines[-1].line.end_on or (before.end_on if before else None)


def _quantity_after(
    before: SubscriptionEntry | None, lines: list[OrderedLine], stated: Decimal | None, reading: Reading
) -> Decimal:
    if stated is not None:
        return stated
    return lines[-1].line.quantity if reading.is_snapshot else projected_quantity(before, lines)


def projected_quantity(before: SubscriptionEntry | None, lines: Sequence[OrderedLine]) -> Decimal:
    """The quantity that the lines lead to by their own numbers.

    A renewal states the renewed quantity; new lines, quantity updates and cancellations state the signed
    change; the others leave the quantity as it is. The segments of a new ramp each repeat the whole quantity.
    """
    quantity = before.quantity if before else Decimal(0)
    ramp_seen = False
    for line in lines:
        kind = line.line.change_type
        if kind is ChangeType.RENEW:
            quantity = line.line.quantity
        elif kind in _SIGNED:
            if line.line.line_type is LineType.RAMP_ITEM:
                if ramp_seen:
                    continue
                ramp_seen = True
            quantity += line.line.quantity
    return quantity


def _status_after(before: SubscriptionEntry | None, lines: list[OrderedLine], reading: Reading) -> str:
    cancelled = any(line.line.change_type is ChangeType.CANCEL for line in lines)
    if cancelled and _quantity_after(before, lines, None, reading) <= 0:
        return "Cancelled"
    stays = before is not None and before.is_dead and not lines[0].reverses
    return "Cancelled" if stays else "Active"


def missing_versions(changes: Sequence[SubscriptionChange]) -> tuple[Missing, ...]:
    """What the order has to wait for: the versions between the last that was folded and its own."""
    return tuple(
        Missing(
            subscription_number=change.number,
            first_version=change.last_known_version + 1,
            last_version=change.first_version - 1,
        )
        for change in changes
        if change.first_version > change.last_known_version + 1
    )


def version_reasons(changes: Sequence[SubscriptionChange]) -> Iterator[Reason]:
    """Orders that arrive again after the version that they follow on from, or follow on from nothing."""
    for change in changes:
        if change.is_late:
            yield Reason(
                code="stale_version",
                detail=f"{change.number} version {change.first_version} is not above version "
                f"{change.last_known_version}, already folded",
            )
        elif change.first_version > change.last_known_version + 1:
            continue  # it waits, and is looked at again when its turn comes
        elif change.before is None and any(line.is_change for line in change.lines):
            detail = f"{change.number} is changed, and no order so far made such a subscription"
            yield Reason(code="unknown_subscription", detail=detail)
        elif change.before is not None and not any(line.is_change for line in change.lines):
            detail = f"{change.number} is there already, and no line of the order says that it changes it"
            yield Reason(code="changed_without_asset", detail=detail)


def change_reasons(change: SubscriptionChange, tolerance: Decimal, reading: Reading) -> Iterator[Reason]:
    """What speaks against one change: dead subscription, other quantity, more credit than there is.

    ``tolerance`` is in the order's currency.
    """
    before = change.before
    if before is not None and before.is_dead and not _reactivates(change):
        yield Reason(code="dead_subscription", detail=f"{change.number} is cancelled and cannot be changed")
    projected = projected_quantity(before, change.lines)
    if (
        not change.is_late
        and not reading.is_snapshot
        and _quantity_is_checked(change)
        and change.quantity_after != projected
    ):
        yield Reason(
            code="quantity_mismatch",
            detail=f"{change.number}: Nue reports quantity {_plain(change.quantity_after)} after the order, its "
            f"lines lead to {_plain(projected)}",
        )
    if reading.is_snapshot and before is not None and before.opened and before.quantity and not before.schedule:
        yield Reason(
            code="schedule_unknown",
            detail=f"{change.number}: what its dates were worth before is not known, so neither is the difference; "
            "the opening gave it no segments",
        )
    yield from credit_reasons(change, tolerance, reading.currency)
    if any(line.is_renewal and line.amount < 0 for line in change.lines):
        yield Reason(code="negative_renewal", detail=f"{change.number}: a renewed line is negative")


def credit_reasons(change: SubscriptionChange, tolerance: Decimal, currency: str) -> Iterator[Reason]:
    """Whether a change takes back more than there is: money in ``currency``, or else quantity."""
    before = change.before
    remaining = before.posted if before else Decimal(0)
    same_money = before is None or before.currency == currency
    if same_money and change.amount < 0 and remaining + change.amount < -tolerance:
        yield Reason(
            code="credit_exceeds_remaining",
            detail=f"{change.number}: a credit of {_plain(-change.amount)} is more than the {_plain(remaining)} "
            "that remain posted",
        )
    elif change.quantity_after < 0:
        yield Reason(
            code="credit_exceeds_remaining",
            detail=f"{change.number}: the quantity would fall to {_plain(change.quantity_after)}",
        )


def _reactivates(change: SubscriptionChange) -> bool:
    # only Nue's own word counts, and only on the very next version
    if change.first_version != change.last_known_version + 1:
        return False
    stated = [line.line.status_after for line in change.lines if line.line.subscription_version is not None]
    return any(status is not None and status.casefold() == "active" for status in stated)


def _quantity_is_checked(change: SubscriptionChange) -> bool:
    if any(line.line.line_type is LineType.RAMP_ITEM for line in change.lines):
        return False
    kinds = {line.line.change_type for line in change.lines}
    return not kinds.isdisjoint(_SIGNED) and kinds <= _CHECKED


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
