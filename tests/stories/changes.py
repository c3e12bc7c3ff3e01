"""What can be changed about a subscription, each change told twice."""

import random
from dataclasses import replace
from decimal import Decimal

from tests.nue_json import CATALOGUE
from tests.stories.draft import Draft
from tests.stories.subscription import Segment, Subscription


class Changes:
    """The changes of a customer's subscriptions."""

    chance: random.Random
    twice: bool
    unit: Decimal
    month: int

    def price(self) -> Decimal:
        """A price per unit and month."""
        raise NotImplementedError

    def with_parts(self, each: Subscription) -> list[Subscription]:
        """A bundle with its parts."""
        raise NotImplementedError

    def _from(self, each: Subscription) -> int:
        """The month a change takes effect: now, sometimes earlier or later, within the term."""
        month = self.month + self.chance.choice([0, 0, 0, 0, 1, -1, -3])
        return each.since(min(max(month, each.first), each.last))[0].first

    def more(self, draft: Draft, each: Subscription) -> None:
        """More units."""
        self._by(draft, each, self.chance.randrange(1, 30))

    def fewer(self, draft: Draft, each: Subscription) -> None:
        """Fewer units, where there are some to spare."""
        least = min(of.quantity for of in each.segments)
        self._by(draft, each, -self.chance.randrange(1, least) if least > 1 else 1)

    def _by(self, draft: Draft, each: Subscription, more: int) -> None:
        first = self._from(each)
        after = [replace(of, quantity=of.quantity + more) for of in each.since(first)]
        draft.touch(each, changed=True)
        draft.change(each, "UpdateQuantity", more, each.put(after), after[-1].price, first, each.last)
        draft.after(each, "UpdateQuantity", after)
        each.quantity += more

    def cancel(self, draft: Draft, each: Subscription) -> None:
        """Cancelled at once or back to an earlier day, the parts of a bundle with it."""
        for one in self.with_parts(each):
            if one.last < self.month or one.number in draft.touched or one.evergreen:
                continue
            first, last = self._from(one), one.last
            draft.touch(one, changed=True)
            draft.change(one, "Cancel", -one.quantity, -one.worth_since(first), None, first, last)
            draft.ended(one, "Cancel", first, last, one.segments[-1].price)
            one.cut(first)
            one.quantity, one.status = 0, "Cancelled"

    def leave(self, draft: Draft, each: Subscription) -> None:
        """Cancelled at the end of the term."""
        draft.touch(each, changed=True)
        draft.both(each, "Cancel", each.product, 0, Decimal(0), each.segments[-1].price, each.last + 1, None)
        each.leaving = True

    def renew(self, draft: Draft, each: Subscription) -> None:
        """A new term, sometimes with other seats or another price, sometimes one that costs nothing."""
        quantity = max(1, each.quantity + self.chance.choice([0, 0, 5, -5]))
        price = self.chance.choice([each.segments[-1].price, self.price(), self.price(), Decimal(0)])
        self._renewed(draft, each, "Renew", quantity, price)

    def revive(self, draft: Draft, each: Subscription) -> None:
        """Renewed after its cancellation: Nue says that it is active again."""
        each.status = "Active"
        self._renewed(draft, each, "Renew", self.chance.randrange(1, 30), self.price())

    def convert(self, draft: Draft, each: Subscription) -> None:
        """A trial becomes paid after its end."""
        each.trial = False
        self._renewed(draft, each, "ConvertFreeTrial", each.quantity, self.price())

    def _renewed(self, draft: Draft, each: Subscription, kind: str, quantity: int, price: Decimal) -> None:
        first = each.last + 1
        after = [Segment(first, first + self.chance.choice([6, 12]) - 1, quantity, price)]
        draft.touch(each, changed=True)
        draft.change(each, kind, quantity, each.put(after), price, first, each.last)
        draft.after(each, kind, after)
        each.quantity = quantity

    def renew_in_two_lines(self, draft: Draft, each: Subscription) -> None:
        """Renewed as it was, and the difference in seats or price in a line of its own."""
        first, price, quantity = each.last + 1, each.segments[-1].price, each.quantity
        last = first + 11
        draft.touch(each, changed=True)
        draft.change(each, "Renew", quantity, 12 * quantity * price, price, first, last)
        if self.chance.random() < 0.5:
            more = self.chance.choice([3, -1]) if quantity > 1 and not self.twice else 3
            draft.change(each, "UpdateQuantity", more, 12 * more * price, price, first, last)
            each.quantity += more
        else:
            by = self.price() if self.twice else self.chance.choice([self.price(), -(price / 2).quantize(self.unit)])
            by = max(by, -price)
            draft.change(each, "AdjustPrice", quantity, 12 * quantity * by, by, first, last)
            price += by
        after = [Segment(first, last, each.quantity, price)]
        each.put(after)
        draft.after(each, "Renew", after)

    def reprice(self, draft: Draft, each: Subscription) -> None:
        """Another price for what is left of the term."""
        first = self._from(each)
        now = each.since(first)
        cheapest = min(of.price for of in now)
        by = self.price() if cheapest <= self.unit or self.chance.random() < 0.5 else -(cheapest // 2)
        by = max(by, -cheapest)
        after = [replace(of, price=of.price + by) for of in now]
        draft.touch(each, changed=True)
        draft.change(each, "AdjustPrice", each.quantity, each.put(after), by, first, each.last)
        draft.after(each, "AdjustPrice", after)

    def extend(self, draft: Draft, each: Subscription) -> None:
        """Some months more."""
        kind = self.chance.choice(["CoTerm", "UpdateTerm"])
        of, first = each.segments[-1], each.last + 1
        after = [Segment(first, first + self.chance.randrange(3), of.quantity, of.price)]
        draft.touch(each, changed=True)
        draft.change(each, kind, each.quantity, each.put(after), of.price, first, each.last)
        draft.after(each, kind, after)

    def shorten(self, draft: Draft, each: Subscription) -> None:
        """The last months taken off."""
        first, last = max(self.month, each.first, each.last - 2) + 1, each.last
        if first > last:
            self.extend(draft, each)
            return
        draft.touch(each, changed=True)
        kind = self.chance.choice(["CoTerm", "UpdateTerm"])
        draft.change(each, kind, each.quantity, -each.worth_since(first), None, first, last)
        draft.ended(each, kind, first, last, each.segments[-1].price)
        each.cut(first)

    def swap(self, draft: Draft, each: Subscription) -> None:
        """Another product: one line takes away the old one, the other adds the new one, often at its price."""
        kind = self.chance.choice(["Swap", "Upgrade", "Downgrade"])
        first, old = self._from(each), each.product
        before = each.since(first)
        by = Decimal(0) if kind == "Swap" else self.price()
        after = [replace(of, price=of.price + by) for of in before]
        draft.touch(each, changed=True)
        gone = each.worth_since(first)
        draft.change(each, kind, -each.quantity, -gone, before[-1].price, first, each.last, old)
        each.product = (old + 1) % CATALOGUE
        draft.change(each, kind, each.quantity, gone + each.put(after), after[-1].price, first, each.last)
        draft.after(each, kind, after)

    def more_for_ever(self, draft: Draft, each: Subscription) -> None:
        """More units of a subscription without an end: one billing period of them."""
        self._for_ever(draft, each, "UpdateQuantity", self.chance.randrange(1, 30))

    def fewer_for_ever(self, draft: Draft, each: Subscription) -> None:
        """Fewer units of a subscription without an end; what is paid is not given back."""
        self._for_ever(draft, each, "UpdateQuantity", -1 if each.quantity > 1 else 1)

    def end_for_ever(self, draft: Draft, each: Subscription) -> None:
        """The end of a subscription without an end."""
        each.status = "Cancelled"
        self._for_ever(draft, each, "Cancel", -each.quantity)

    def _for_ever(self, draft: Draft, each: Subscription, kind: str, more: int) -> None:
        only = each.segments[0]
        draft.touch(each, changed=True)
        amount = max(more, 0) * only.price
        draft.both(each, kind, each.product, more, amount, only.price, max(self.month, each.first), None)
        each.quantity += more
