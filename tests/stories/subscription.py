"""A subscription as a story goes on: its terms month by month, each with a quantity and a price."""

from dataclasses import dataclass, replace
from decimal import Decimal


@dataclass(frozen=True)
class Segment:
    """Months with one quantity at one price per unit and month."""

    first: int
    last: int
    quantity: int
    price: Decimal

    @property
    def worth(self) -> Decimal:
        """What its months cost."""
        return self.quantity * self.price * (self.last - self.first + 1)


@dataclass
class Subscription:
    """``home`` is the story's number for the contract; ``segments`` are in order, without a gap inside a term.

    An evergreen one has a single segment of one billing period, whose end means nothing.
    """

    id: str
    number: str
    root: str
    level: int
    home: int
    product: int
    quantity: int
    segments: list[Segment]
    version: int = 1
    status: str = "Active"
    leaving: bool = False
    trial: bool = False
    evergreen: bool = False
    parent: str | None = None

    @property
    def first(self) -> int:
        """Its first month."""
        return self.segments[0].first

    @property
    def last(self) -> int:
        """The last month of its term."""
        return self.segments[-1].last

    def since(self, month: int) -> list[Segment]:
        """What lies in ``month`` or after it."""
        left = [each for each in self.segments if each.last >= month and each.quantity]
        return [replace(each, first=max(each.first, month)) for each in left]

    def cut(self, month: int) -> None:
        """End it before ``month``; a single month of nothing stands for one that is cut before it began."""
        kept = [replace(each, last=min(each.last, month - 1)) for each in self.segments if each.first < month]
        self.segments = kept or [Segment(self.first, self.first, 0, Decimal(0))]

    def put(self, segments: list[Segment]) -> Decimal:
        """Have ``segments`` from the first of them on, and tell the difference that this makes."""
        before = self.worth_since(segments[0].first)
        kept = [replace(each, last=min(each.last, segments[0].first - 1)) for each in self.segments]
        self.segments = [each for each in kept if each.first <= each.last] + segments
        return self.worth_since(segments[0].first) - before

    def worth_since(self, month: int) -> Decimal:
        """What the months from ``month`` on cost."""
        return sum((each.worth for each in self.since(month)), Decimal(0))
