"""Histories of Nue activations, made up and consistent: the same seed, the same orders.

Every order follows from those before it: versions without a gap, totals that tie out, quantities that agree,
credits within what remains. ``python -m tests.generator --seed 1 --orders 2000`` writes them, one a line.
"""

import argparse
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import accumulate

import msgspec

from tests.nue_json import (
    CATALOGUE,
    Json,
    Subscription,
    account_json,
    activation,
    draft_of,
    order_json,
    order_line,
    some_id,
)

DECIMALS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}
_JSON = msgspec.json.Encoder(decimal_format="number")


def activations(seed: int, orders: int, customers: int) -> Iterator[Json]:
    """The answers to Nue's activation calls of ``orders`` orders, with drafts before and copies after some.

    A few of the ``customers`` order more often than all the others.
    """
    chance = random.Random(f"{seed}/{customers}")
    accounts = [_Customer(chance, number) for number in range(customers)]
    weights = list(accumulate(1 / (1 + number) for number in range(customers)))
    sent: list[Json] = []
    for number in range(orders):
        customer = chance.choices(accounts, cum_weights=weights)[0]
        envelope = customer.next_order(number)
        if chance.random() < 0.03:
            yield draft_of(envelope)
        yield envelope
        sent.append(envelope)
        if chance.random() < 0.06:
            yield chance.choice(sent[-20:])


def to_json(envelope: Json) -> bytes:
    """The envelope as JSON, its decimals as exact numbers."""
    return _JSON.encode(envelope)


@dataclass
class _Draft:
    """An order in the making."""

    lines: list[Json] = field(default_factory=list)
    touched: dict[str, tuple[Subscription, str]] = field(default_factory=dict)


class _Customer:
    def __init__(self, chance: random.Random, number: int) -> None:
        self._chance = chance
        self._account = account_json(chance, number, "")
        self._payers = (
            [self._account, account_json(chance, number, " Reseller")] if number % 4 == 1 else [self._account]
        )
        self._currency = chance.choice(["USD", "USD", "EUR", "JPY", "KWD"])
        self._unit = Decimal(1).scaleb(-DECIMALS[self._currency])
        self._month = 2024 * 12 + chance.randrange(12)
        self._subscriptions: list[Subscription] = []
        self._contracts = 0

    def next_order(self, number: int) -> Json:
        """The next order, after everything that this customer did before."""
        self._month += self._chance.choice([0, 0, 0, 1, 1, 2])
        draft = _Draft()
        payer = self._chance.choice(self._payers)
        living = [each for each in self._subscriptions if self._may_change(each, payer)]
        if living and self._chance.random() < 0.75:
            self._changes(draft, living)
        else:
            self._opening(draft, payer)
        return self._envelope(number, draft, payer)

    def _may_change(self, each: Subscription, payer: Json) -> bool:
        return each.status == "Active" and not each.leaving and self._payer_of(each.contract) is payer

    def _payer_of(self, contract: int) -> Json:
        return self._payers[contract % len(self._payers)]

    def _price(self) -> Decimal:
        return self._chance.randrange(100, 90_000) * self._unit

    def _changes(self, draft: _Draft, living: list[Subscription]) -> None:
        kinds: list[Callable[[_Draft, Subscription], None]] = [
            self._more, self._fewer, self._fewer, self._cancel, self._leave, self._renew, self._renew, self._reprice,
            self._extend, self._shorten, self._swap,
        ]  # fmt: skip
        chosen = self._chance.sample(living, min(len(living), self._chance.choice([1, 1, 1, 2, 2, 3])))
        for each in chosen:
            running = each.last >= self._month
            (self._chance.choice(kinds) if running else self._renew)(draft, each)
        contracts = {each.contract for each in chosen}
        if self._chance.random() < 0.15:
            home = contracts.pop() if len(contracts) == 1 else self._new_contract(self._payer_of(contracts.pop()))
            self._sell(draft, home)
        if self._chance.random() < 0.15:
            self._sell_once(draft)

    def _opening(self, draft: _Draft, payer: Json) -> None:
        shape = self._chance.random()
        if shape < 0.06:
            self._sell_once(draft)
            return
        home = self._new_contract(payer)
        bundle = self._sell(draft, home, free=shape > 0.95)
        if shape > 0.95:
            return
        for _ in range(self._chance.choice([0, 0, 1, 2])):
            self._sell(draft, home, within=bundle if shape < 0.3 else None)
        if shape > 0.8:
            self._sell_ramp(draft, home)
        if 0.3 < shape < 0.5:
            self._sell_once(draft)

    def _new_contract(self, payer: Json) -> int:
        self._contracts += 1
        while self._payer_of(self._contracts) is not payer:
            self._contracts += 1
        return self._contracts

    def _sell(
        self, draft: _Draft, home: int, *, free: bool = False, within: Subscription | None = None
    ) -> Subscription:
        months = self._chance.choice([6, 12, 12, 24, 36])
        price = Decimal(0) if free else self._price()
        new = self._subscribe(home, [(self._month, self._month + months - 1, price)], within)
        self._add(draft, new, None, new.quantity, new.worth(0), price, self._month, new.last)
        return new

    def _sell_ramp(self, draft: _Draft, home: int) -> None:
        price, free = self._price(), self._chance.choice([1, 2])
        split, end = self._month + free, self._month + 11
        new = self._subscribe(home, [(self._month, split - 1, Decimal(0)), (split, end, price)], None)
        parent = some_id(self._chance)
        whole = new.quantity * new.worth(0)
        summary = self._line(draft, new.product, new.quantity, whole, price, self._month, end)
        draft.lines.append({**summary, "id": parent, "lineType": "SummaryItem"})
        for first, last, each in new.segments:
            self._add(draft, new, None, new.quantity, new.worth(first, last), each, first, last)
            draft.lines[-1] |= {"lineType": "RampItem", "parentId": parent}

    def _sell_once(self, draft: _Draft) -> None:
        """One-time lines; two of them with halves of a minor unit, which only their total rounds away."""
        price = self._price()
        if self._chance.random() < 0.3:
            for _ in range(2):
                draft.lines.append(
                    self._line(draft, CATALOGUE, 1, price + self._unit * 2 / 5, price, self._month, None)
                )
        else:
            draft.lines.append(self._line(draft, CATALOGUE + 1, 1, price, price, self._month, None))

    def _subscribe(
        self, home: int, segments: list[tuple[int, int, Decimal]], within: Subscription | None
    ) -> Subscription:
        id_ = some_id(self._chance)
        new = Subscription(
            id=id_,
            number=f"SUB-{self._chance.getrandbits(48):012x}",
            root=within.root if within else id_,
            level=2 if within else 1,
            contract=home,
            product=self._chance.randrange(CATALOGUE),
            quantity=self._chance.randrange(1, 200),
            segments=segments,
        )
        self._subscriptions.append(new)
        return new

    def _more(self, draft: _Draft, each: Subscription) -> None:
        added = self._chance.randrange(1, 50)
        each.quantity += added
        self._add(draft, each, "UpdateQuantity", added, each.worth(self._month), None, self._month, each.last)

    def _fewer(self, draft: _Draft, each: Subscription) -> None:
        if each.quantity == 1:
            self._more(draft, each)
            return
        taken = self._chance.randrange(1, each.quantity)
        each.quantity -= taken
        self._add(draft, each, "UpdateQuantity", -taken, each.worth(self._month), None, self._month, each.last)

    def _cancel(self, draft: _Draft, each: Subscription) -> None:
        taken, last, worth = each.quantity, each.last, each.worth(self._month)
        each.quantity, each.status = 0, "Cancelled"
        self._add(draft, each, "Cancel", -taken, worth, None, self._month, last)

    def _leave(self, draft: _Draft, each: Subscription) -> None:
        """A cancellation at the end of the term."""
        each.leaving = True
        self._add(draft, each, "Cancel", 0, Decimal(0), None, each.last + 1, None)

    def _renew(self, draft: _Draft, each: Subscription) -> None:
        first = each.last + 1
        if first <= self._month:  # else a later credit of the running term would count the other quantity
            each.quantity = max(1, each.quantity + self._chance.choice([0, 0, 5, -5]))
        each.segments.append((first, first + 11, self._price()))
        self._add(draft, each, "Renew", each.quantity, each.worth(first), None, first, each.last)

    def _reprice(self, draft: _Draft, each: Subscription) -> None:
        cheapest = min(price for _, last, price in each.segments if last >= self._month)
        by = self._price() if cheapest <= self._unit or self._chance.random() < 0.5 else -(cheapest // 2)
        by = by.quantize(self._unit)
        months = each.last - self._month + 1
        each.reprice(self._month, by)
        self._add(draft, each, "AdjustPrice", each.quantity, by * months, by, self._month, each.last)

    def _extend(self, draft: _Draft, each: Subscription) -> None:
        first, price = each.last + 1, each.segments[-1][2]
        each.segments.append((first, first + self._chance.randrange(3), price))
        self._add(draft, each, "CoTerm", each.quantity, each.worth(first), price, first, each.last)

    def _shorten(self, draft: _Draft, each: Subscription) -> None:
        last = max(self._month, each.segments[-1][0], each.last - 2)
        gone, end = -each.worth(last + 1), each.last
        each.cut(last)
        self._add(draft, each, "UpdateTerm", each.quantity, gone, None, min(last + 1, end), end)

    def _swap(self, draft: _Draft, each: Subscription) -> None:
        """Another product at the same price: one line takes away what the other adds."""
        worth = each.worth(self._month)
        self._add(draft, each, "Swap", -each.quantity, worth, None, self._month, each.last)
        each.product = (each.product + 1) % CATALOGUE
        self._add(draft, each, "Swap", each.quantity, worth, None, self._month, each.last)

    def _add(
        self, draft: _Draft, each: Subscription, kind: str | None, quantity: int, worth: Decimal,
        price: Decimal | None, first: int, last: int | None,
    ) -> None:  # fmt: skip
        line = self._line(draft, each.product, quantity, quantity * worth, price, first, last)
        line |= {"changeType": kind, "assetNumber": each.number if kind else None}
        draft.lines.append(line)
        if each.number not in draft.touched:
            if kind:
                each.version += 1
                each.id = some_id(self._chance)
            draft.touched[each.number] = (each, line["id"])

    def _line(
        self, draft: _Draft, product: int, quantity: int, amount: Decimal, price: Decimal | None, first: int,
        last: int | None,
    ) -> Json:  # fmt: skip
        number = len(draft.lines) + 1
        return order_line(some_id(self._chance), number, product, quantity, amount, price, first, last)

    def _envelope(self, number: int, draft: _Draft, payer: Json) -> Json:
        net = sum((each["totalPrice"] for each in draft.lines if each["lineType"] != "SummaryItem"), Decimal(0))
        net = net.quantize(self._unit)
        tax = self._unit * 7 if net and self._chance.random() < 0.1 else Decimal(0)
        order = order_json(self._chance, number, self._month, self._currency, net, draft.lines) | {
            "customerId": self._account["id"],
            "billingAccountId": payer["id"],
            "taxAmount": tax,
            "totalAmount": net + tax,
        }
        subscriptions = [each.to_json(line, self._account, payer) for each, line in draft.touched.values()]
        return activation(order, subscriptions, self._account, payer)


def main() -> None:
    """Write a history as NDJSON."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--orders", type=int, default=2000)
    parser.add_argument("--customers", type=int, default=100)
    arguments = parser.parse_args()
    for envelope in activations(arguments.seed, arguments.orders, arguments.customers):
        sys.stdout.buffer.write(to_json(envelope) + b"\n")


if __name__ == "__main__":
    main()
