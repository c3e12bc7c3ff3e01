"""An order in the making, told twice: as the changes that it makes, and as the subscriptions after them."""

import random
import uuid
from dataclasses import dataclass, field
from decimal import Decimal

from tests.nue_json import (
    Json,
    activation,
    order_json,
    order_line,
    product_id,
    subscription_json,
)
from tests.stories.subscription import Segment, Subscription


class Ids:
    """UUIDs that differ even where chance always says the same, as it does while a history is shrunk."""

    def __init__(self, chance: random.Random) -> None:
        self._high = chance.getrandbits(64) << 64
        self._count = 0

    def __call__(self) -> str:
        self._count += 1
        return str(uuid.UUID(int=self._high | self._count, version=4))


@dataclass
class Telling:
    """The lines of one way to tell the order, and the line that made each version."""

    lines: list[Json] = field(default_factory=list)
    made: dict[str, str] = field(default_factory=dict)

    def add(self, line: Json, each: Subscription | None, kind: str | None) -> Json:
        """One more line; ``each`` is the subscription that it makes, or changes where there is a ``kind``."""
        line |= {"lineNumber": len(self.lines) + 1, "changeType": kind}
        if each and kind:
            line["assetNumber"] = each.number
        if each:
            self.made.setdefault(each.number, line["id"])
        self.lines.append(line)
        return line

    def total(self) -> Decimal:
        """What the lines that count come to."""
        return sum((each["totalPrice"] for each in self.lines if each["lineType"] != "SummaryItem"), Decimal(0))


@dataclass
class Draft:
    """Both tellings, and the subscriptions that the order touches."""

    chance: random.Random
    ids: Ids
    delta: Telling = field(default_factory=Telling)
    snapshot: Telling = field(default_factory=Telling)
    touched: dict[str, Subscription] = field(default_factory=dict)

    def touch(self, each: Subscription, *, changed: bool) -> None:
        """The order makes one version of ``each``."""
        if changed and each.number not in self.touched:
            each.version += 1
            each.id = self.ids()
        self.touched[each.number] = each

    def both(
        self, each: Subscription | None, kind: str | None, product: int, quantity: int, amount: Decimal,
        price: Decimal, first: int, last: int | None,
    ) -> list[Json]:  # fmt: skip
        """A line that is the same in both tellings."""
        line = order_line(self.ids(), 0, product, quantity, amount, price, first, last)
        return [telling.add(dict(line), each, kind) for telling in (self.delta, self.snapshot)]

    def change(
        self, each: Subscription, kind: str, quantity: int, amount: Decimal, price: Decimal | None, first: int,
        last: int | None, product: int | None = None,
    ) -> None:  # fmt: skip
        """A line that tells a change."""
        of = each.product if product is None else product
        self.delta.add(order_line(self.ids(), 0, of, quantity, amount, price, first, last), each, kind)

    def after(self, each: Subscription, kind: str, segments: list[Segment]) -> None:
        """Lines that tell the subscription after the change, segment by segment."""
        for of in segments:
            line = order_line(self.ids(), 0, each.product, of.quantity, of.worth, of.price, of.first, of.last)
            self.snapshot.add(line, each, kind)

    def ended(self, each: Subscription, kind: str, first: int, last: int, price: Decimal) -> None:
        """A line that tells that nothing is left from ``first`` on."""
        line = order_line(self.ids(), 0, each.product, 0, Decimal(0), price, first, last)
        self.snapshot.add(line, each, kind)

    def envelopes(
        self, number: int, month: int, currency: str, unit: Decimal, parties: tuple[Json, Json]
    ) -> list[Json]:
        """The activation as DELTA and as SNAPSHOT: the same order but for its lines and totals."""
        customer, payer = parties
        header = order_json(self.chance, number, month, currency, Decimal(0), self.delta.lines) | {"id": self.ids()}
        taxed = self.chance.random() < 0.1
        told = []
        for telling, semantics in ((self.delta, "DELTA"), (self.snapshot, "SNAPSHOT")):
            net = telling.total().quantize(unit)
            tax = unit * 7 if net and taxed else Decimal(0)
            totals = {"listTotal": net, "subtotal": net, "taxAmount": tax, "totalAmount": net + tax}
            order = (
                header
                | totals
                | {
                    "orderProducts": telling.lines,
                    "lineSemantics": semantics,
                    "customerId": customer["id"],
                    "billingAccountId": payer["id"],
                }
            )
            subscriptions = [
                subscription_json(
                    each, telling.made[name], customer, payer, product_id(each.product), each.first,
                    None if each.evergreen else each.last,
                )
                for name, each in self.touched.items()
            ]  # fmt: skip
            told.append(activation(order, subscriptions, customer, payer))
        return told
