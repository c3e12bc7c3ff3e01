"""Commands as the projector sends them for a stream of orders: its customer and items, then the document."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from schemas.command import Command
from tests.sinks import orders
from tests.sinks.orders import ACTIVATED
from tests.streams.sinking import sales_order

RENAMED = 0.02
"""The share of orders before which the customer got another name."""


class OrderStream:
    """Orders of a few customers for a few items, at random from ``seed``, a minute apart.

    ``customers`` grow: that many at the start, and one more every ``orders_per_new_customer`` orders.
    """

    def __init__(self, customers: int, items: int, *, orders_per_new_customer: int = 50, seed: int = 1) -> None:
        self._chance = random.Random(seed)
        self._customers = customers
        self._items = [f"NUE-ITEM-{number}" for number in range(items)]
        self._every = orders_per_new_customer
        self._names: dict[int, str] = {}
        self._number = 0

    def take(self, number: int) -> Iterator[Command]:
        """The commands of the next ``number`` orders."""
        for _ in range(number):
            self._number += 1
            yield from self._order(self._number)

    def _order(self, number: int) -> Iterator[Command]:
        is_new = number % self._every == 0
        self._customers += is_new
        customer = self._customers - 1 if is_new else self._chance.randrange(self._customers)
        if self._chance.random() < RENAMED or customer not in self._names:
            self._names[customer] = f"Customer {customer}, since order {number}"
        at, name = ACTIVATED + timedelta(minutes=number), f"order-{number:07d}"
        yield orders.customer(f"NUE-CUST-c{customer}", name, name=self._names[customer], activated_at=at)
        chosen = self._chance.sample(self._items, self._chance.randrange(1, 4))
        yield from (orders.item(each, name, activated_at=at) for each in chosen)
        lines = tuple(
            orders.line(f"{number}-{each}", each, quantity=Decimal(self._chance.randrange(1, 99))) for each in chosen
        )
        yield sales_order(f"c{customer}", number, lines=lines)
