"""One customer's orders, each following from those before it, driven by any source of chance."""

import random
from collections.abc import Callable
from decimal import Decimal

from tests.nue_json import CATALOGUE, Json, account_json
from tests.stories.changes import Changes
from tests.stories.draft import Draft, Ids
from tests.stories.subscription import Segment, Subscription

DECIMALS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}


class Customer(Changes):
    """A customer whose orders can be told as changes and as the subscriptions after them.

    With ``twice``, both tellings lead to the same documents but for their lines: no evergreen terms, no prices finer
    than the currency, and nothing that the first tells in lines of opposite signs and the second in one.
    """

    def __init__(self, chance: random.Random, number: int = 0, *, twice: bool = False) -> None:
        self.chance, self.twice, self.ids = chance, twice, Ids(chance)
        self.account = account_json(chance, number, "")
        self._payers = [self.account]
        if chance.random() < 0.3:
            self._payers.append(account_json(chance, number, " Reseller"))
        self.currency = chance.choice(["USD", "USD", "EUR", "JPY", "KWD"])
        self.unit = Decimal(1).scaleb(-DECIMALS[self.currency])
        self._fine = not twice and chance.random() < 0.3
        self.month = 2024 * 12 + chance.randrange(12)
        self._subscriptions: list[Subscription] = []
        self._homes = 0
        self._orders = 0

    def order(self) -> tuple[Json, Json]:
        """The next order, as DELTA and as SNAPSHOT."""
        chance = self.chance
        self.month += chance.choice([0, 0, 0, 1, 1, 2, 5])
        self._orders += 1
        draft = Draft(chance, self.ids)
        payer = chance.choice(self._payers)
        living = [each for each in self._subscriptions if self._payer(each.home) is payer and self._open(each)]
        if living and chance.random() < 0.8:
            self._change(draft, living)
        else:
            self._begin(draft, payer)
        delta, snapshot = draft.envelopes(self._orders, self.month, self.currency, self.unit, (self.account, payer))
        return delta, snapshot

    def price(self) -> Decimal:
        """A price per unit and month."""
        price = self.chance.randrange(1, 9_000) * self.unit
        return price + self.chance.randrange(1000) * self.unit / 1000 if self._fine else price

    def _payer(self, home: int) -> Json:
        return self._payers[home % len(self._payers)]

    def _open(self, each: Subscription) -> bool:
        return not each.leaving and (each.status == "Active" or self.chance.random() < 0.3)

    def _change(self, draft: Draft, living: list[Subscription]) -> None:
        chance = self.chance
        chosen = chance.sample(living, min(len(living), chance.choice([1, 1, 1, 2, 3])))
        for each in chosen:
            if each.number not in draft.touched:
                self._pick(each)(draft, each)
        if chance.random() < 0.2:
            homes = {each.home for each in chosen}
            self._sell(draft, homes.pop() if len(homes) == 1 else self._new_home(self._payer(homes.pop())))
        if chance.random() < 0.2:
            self._sell_once(draft)

    def _pick(self, each: Subscription) -> Callable[[Draft, Subscription], None]:
        if each.status != "Active":
            return self.revive
        if each.evergreen:
            return self.chance.choice([self.more_for_ever, self.fewer_for_ever, self.end_for_ever])
        if each.trial:
            return self.convert
        if each.last < self.month:
            return self.chance.choice([self.renew, self.renew_in_two_lines, self.renew_in_two_lines])
        kinds = [
            self.more, self.more, self.fewer, self.fewer, self.fewer, self.cancel, self.leave, self.renew, self.renew,
            self.renew_in_two_lines, self.reprice, self.reprice, self.extend, self.shorten,
        ]  # fmt: skip
        return self.chance.choice(kinds if self.twice else [*kinds, self.swap])

    def with_parts(self, each: Subscription) -> list[Subscription]:
        """A bundle with those of its parts that still run, else the subscription alone."""
        parts = [part for part in self._subscriptions if part.parent == each.number and part.status == "Active"]
        return [each, *(part for part in parts if not part.leaving)]

    def _begin(self, draft: Draft, payer: Json) -> None:
        chance = self.chance
        if chance.random() < 0.1:
            self._sell_once(draft)
            return
        home = self._new_home(payer)
        kinds = [self._sell, self._sell, self._sell_bundle, self._sell_ramp, self._sell_trial]
        if not self.twice:
            kinds.append(self._sell_for_ever)
        for _ in range(chance.choice([1, 1, 2, 3])):
            chance.choice(kinds)(draft, home)
        if chance.random() < 0.2:
            self._sell_once(draft)

    def _new_home(self, payer: Json) -> int:
        self._homes += 1
        while self._payer(self._homes) is not payer:
            self._homes += 1
        return self._homes

    def _sell(self, draft: Draft, home: int, within: Subscription | None = None) -> Subscription:
        months = self.chance.choice([1, 6, 12, 12, 24])
        first = within.first if within else self.month + self.chance.choice([0, 0, 1])
        new = self._subscribe(home, [(first, first + months - 1, self.price())], within)
        self._put_down(draft, new)
        return new

    def _sell_bundle(self, draft: Draft, home: int) -> None:
        bundle = self._sell(draft, home)
        for _ in range(self.chance.choice([1, 2])):
            self._sell(draft, home, bundle)

    def _sell_trial(self, draft: Draft, home: int) -> None:
        months = self.chance.choice([1, 2])
        new = self._subscribe(home, [(self.month, self.month + months - 1, Decimal(0))])
        new.trial = True
        self._put_down(draft, new)

    def _sell_for_ever(self, draft: Draft, home: int) -> None:
        new = self._subscribe(home, [(self.month, self.month, self.price())])
        new.evergreen = True
        only = new.segments[0]
        lines = draft.both(new, None, new.product, only.quantity, only.worth, only.price, only.first, None)
        lines[0] |= {"evergreen": True, "billingPeriod": "Monthly"}
        draft.touch(new, changed=False)

    def _sell_ramp(self, draft: Draft, home: int) -> None:
        split, end = self.month + self.chance.choice([1, 2, 6]), self.month + 11
        free = Decimal(0) if self.chance.random() < 0.5 else self.price()
        new = self._subscribe(home, [(self.month, split - 1, free), (split, end, self.price())])
        whole = sum((each.worth for each in new.segments), Decimal(0))
        summary = draft.both(None, None, new.product, new.quantity, whole, new.segments[1].price, self.month, end)
        for line in summary:
            line["lineType"] = "SummaryItem"
        for each in new.segments:
            for line in draft.both(
                new, None, new.product, each.quantity, each.worth, each.price, each.first, each.last
            ):
                line |= {"lineType": "RampItem", "parentId": summary[0]["id"]}
        draft.touch(new, changed=False)

    def _put_down(self, draft: Draft, new: Subscription) -> None:
        for each in new.segments:
            draft.both(new, None, new.product, each.quantity, each.worth, each.price, each.first, each.last)
        draft.touch(new, changed=False)

    def _sell_once(self, draft: Draft) -> None:
        """One-time lines; two of them with fractions of a minor unit, which only their total rounds away."""
        price = self.price()
        more = self.unit * 2 / 5 if self.chance.random() < 0.3 and not self.twice else Decimal(0)
        for _ in range(2 if more else 1):
            draft.both(None, None, CATALOGUE + self.chance.choice([0, 1]), 1, price + more, price, self.month, None)

    def _subscribe(
        self, home: int, terms: list[tuple[int, int, Decimal]], within: Subscription | None = None
    ) -> Subscription:
        id_, quantity = self.ids(), self.chance.randrange(1, 60)
        new = Subscription(
            id=id_,
            number=f"SUB-{id_[-17:]}",
            root=within.root if within else id_,
            level=2 if within else 1,
            home=home,
            product=self.chance.randrange(CATALOGUE),
            quantity=quantity,
            segments=[Segment(first, last, quantity, price) for first, last, price in terms],
            parent=within.number if within else None,
        )
        self._subscriptions.append(new)
        return new
