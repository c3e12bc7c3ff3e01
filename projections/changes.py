"""What an order does to each subscription, and whether that agrees with what is known of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from projections.lines import OrderedLine, by_subscription
from projections.state import CustomerState, SubscriptionEntry
from schemas.order import ChangeType, LineType
from schemas.quarantine import Reason

# Only these lines say by how much the quantity changes; the others name the quantity that they are about.
_SIGNED = frozenset({ChangeType.NEW, ChangeType.UPDATE_QUANTITY, ChangeType.CANCEL})
_KEEPS_QUANTITY = frozenset({ChangeType.ADJUST_PRICE, ChangeType.UPDATE_TERM, ChangeType.CO_TERM})


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """One subscription before and after an order. ``amount`` is the signed sum of its posted lines.

    ``first_version`` is the lowest version that the order made, ``version`` the highest.
    """

    number: str
    lines: tuple[OrderedLine, ...]
    before: SubscriptionEntry | None
    first_version: int
    version: int
    quantity_after: Decimal
    status_after: str
    amount: Decimal
    start_on: date | None
    end_on: date | None

    @property
    def change_types(self) -> tuple[ChangeType, ...]:
        """The kinds of change, each once, in the order of the lines."""
        return tuple(dict.fromkeys(line.line.change_type for line in self.lines))

    @property
    def subscription_id(self) -> str | None:
        """Nue's id of the version that the order made."""
        return next((line.line.subscription_id for line in self.lines if line.line.subscription_id), None)


def changes_of(state: CustomerState, lines: Sequence[OrderedLine]) -> tuple[SubscriptionChange, ...]:
    """What the order does to each subscription that its lines name."""
    return tuple(_change(state.subscription(number), number, own) for number, own in by_subscription(lines).items())


def _change(before: SubscriptionEntry | None, number: str, lines: list[OrderedLine]) -> SubscriptionChange:
    # One order may make several versions: it follows on from the lowest, and leaves what the highest says.
    versioned = sorted(
        (line.line for line in lines if line.line.subscription_version is not None),
        key=lambda line: line.subscription_version or 0,
    )
    stated = versioned[-1] if versioned else lines[0].line
    following = (before.version if before else 0) + 1
    return SubscriptionChange(
        number=number,
        lines=tuple(lines),
        before=before,
        first_version=(versioned[0].subscription_version if versioned else None) or following,
        version=stated.subscription_version or following,
        quantity_after=_quantity_after(before, lines, stated.quantity_after),
        status_after=stated.status_after or _status_after(before, lines),
        amount=sum((line.amount for line in lines), Decimal(0)),
        start_on=stated.subscription_start_on or (before.start_on if before else lines[0].line.start_on),
        end_on=stated.subscription_end_on or lines[-1].line.end_on or (before.end_on if before else None),
    )


def _quantity_after(before: SubscriptionEntry | None, lines: list[OrderedLine], stated: Decimal | None) -> Decimal:
    return projected_quantity(before, lines) if stated is None else stated


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


def _status_after(before: SubscriptionEntry | None, lines: list[OrderedLine]) -> str:
    cancelled = any(line.line.change_type is ChangeType.CANCEL for line in lines)
    if cancelled and not projected_quantity(before, lines):
        return "Cancelled"
    return "Active"


def version_reasons(changes: Sequence[SubscriptionChange]) -> Iterator[Reason]:
    """Orders that arrive before, or again after, the version that they follow on from."""
    for change in changes:
        last = change.before.version if change.before else 0
        if change.first_version > last + 1:
            yield Reason(
                code="version_gap",
                detail=f"{change.number} version {change.first_version} arrived while version {last} is the last "
                "known; an order is not held for its missing versions yet",
            )
        elif change.first_version <= last:
            yield Reason(
                code="stale_version",
                detail=f"{change.number} version {change.first_version} is not above version {last}, already folded",
            )
        elif change.before is None and any(line.is_change for line in change.lines):
            detail = f"{change.number} is changed, and no order so far made such a subscription"
            yield Reason(code="unknown_subscription", detail=detail)
        elif change.before is not None and not any(line.is_change for line in change.lines):
            detail = f"{change.number} is there already, and no line of the order says that it changes it"
            yield Reason(code="changed_without_asset", detail=detail)


def change_reasons(change: SubscriptionChange, tolerance: Decimal) -> Iterator[Reason]:
    """What speaks against one change: dead subscription, other quantity, more credit than there is."""
    before = change.before
    if before is not None and before.is_dead and not _reactivates(change):
        yield Reason(code="dead_subscription", detail=f"{change.number} is cancelled and cannot be changed")
    projected = projected_quantity(before, change.lines)
    if _quantity_is_checked(change) and change.quantity_after != projected:
        yield Reason(
            code="quantity_mismatch",
            detail=f"{change.number}: Nue reports quantity {_plain(change.quantity_after)} after the order, its "
            f"lines lead to {_plain(projected)}",
        )
    remaining = before.posted if before else Decimal(0)
    if change.amount < 0 and remaining + change.amount < -tolerance:
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
    if any(line.is_renewal and line.amount < 0 for line in change.lines):
        yield Reason(code="negative_renewal", detail=f"{change.number}: a renewed line is negative")


def _reactivates(change: SubscriptionChange) -> bool:
    # only Nue's own word counts, and only on the very next version
    stated = [line.line for line in change.lines if line.line.subscription_version is not None]
    return any((line.status_after or "").casefold() == "active" for line in stated)


def _quantity_is_checked(change: SubscriptionChange) -> bool:
    if any(line.line.line_type is LineType.RAMP_ITEM for line in change.lines):
        return False
    kinds = set(change.change_types)
    return bool(kinds & _SIGNED) and kinds <= _SIGNED | _KEEPS_QUANTITY


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
