"""Discrepancies planted in a world, each with the kind and name by which it has to be told."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from sinks.translate import patch_for
from tests.streams.reconcile.world import World

Finding = tuple[str, str]
LINK = "custbody_nue_original_orderid"


class Planted:
    """What is planted in ``world``, before and after it is written. ``expected`` is what must be told, and no more."""

    def __init__(self, world: World, seed: int) -> None:
        self.expected: set[Finding] = set()
        self._world = world
        self._chance = random.Random(seed)
        self._documents = sorted(world.documents)
        self._chance.shuffle(self._documents)
        self._later: list[Callable[[], None]] = []

    def plant(self, count: int) -> None:
        """Plant ``count`` discrepancies, as many of each kind as there are records for, and write the world."""
        entities = {each.entity for each in self._world.documents.values()}
        customers = sorted(name for name in self._world.upserts if name.startswith("NUE-CUST-"))
        unused = [name for name in customers if name not in entities]
        used = [name for name in customers if name in entities]
        items = sorted(name for name in self._world.upserts if name.startswith("NUE-ITEM-"))
        apart: list[tuple[Callable[[str], Finding], list[str]]] = [
            (self._customer, used[1 : count // 10]),
            (self._renamed_customer, used[:1]),
            (self._missing_customer, unused[: count // 20 : 2]),
            (self._deleted_customer, unused[1 : count // 20 : 2]),
            (self._item, items[: count // 20]),
        ]
        for kind, names in apart:
            self.expected |= {kind(name) for name in names}
        kinds = [
            *(self._missing, self._deleted, self._extra_by_name, self._extra_by_link, self._amount, self._entity),
            self._renamed,
            *(self._line_removed, self._quantity, self._sold_item, self._link, self._uncommanded, self._restated),
        ]
        turn = 0
        while len(self.expected) < count:
            self.expected.add(kinds[turn % len(kinds)](self._documents.pop()))
            turn += 1
        self._world.write()
        for change in self._later:
            change()

    def _missing(self, name: str) -> Finding:
        self._world.unmade.add(name)
        self._world.untold.add(name)
        return "missing", name

    def _deleted(self, name: str) -> Finding:
        self._afterwards(self._delete, name)
        return "deleted", name

    def _renamed(self, name: str) -> Finding:
        self._afterwards(self._world.edit, name, {"externalId": f"BY-HAND-{name}"})
        return "renamed", name

    def _extra_by_name(self, name: str) -> Finding:
        extra = f"{name}-extra"
        self._afterwards(self._copy, name, extra)
        return "extra", extra

    def _extra_by_link(self, name: str) -> Finding:
        extra = f"COPY-OF-{name}"
        self._afterwards(self._copy, name, extra)
        return "extra", extra

    def _amount(self, name: str) -> Finding:
        number, line = self._any_line(name)
        self._afterwards(self._world.edit, name, {}, {number: {"amount": line.amount + 1}})
        return "amount", name

    def _entity(self, name: str) -> Finding:
        own = self._world.documents[name].entity
        other = self._chance.choice(
            [each for each in self._world.upserts if each.startswith("NUE-CUST-") and each != own]
        )
        while other in self._world.unmade or ("deleted", other) in self.expected:
            other = self._chance.choice(sorted({each.entity for each in self._world.documents.values()} - {own}))
        self._afterwards(lambda: self._world.edit(name, {"entity": {"id": self._world.internal_id(other)}}))
        return "entity", name

    def _line_removed(self, name: str) -> Finding:
        lines = self._world.documents[name].lines
        free = [number for number, line in enumerate(lines, 1) if line.amount <= 0]
        if len(lines) == 1 or (not free and min(line.amount for line in lines) < 0):
            return self._quantity(name)
        number = free[0] if free else self._chance.randrange(len(lines)) + 1
        self._afterwards(self._world.edit, name, {}, {number: None})
        return "lines", name

    def _quantity(self, name: str) -> Finding:
        number, line = self._any_line(name)
        self._afterwards(self._world.edit, name, {}, {number: {"quantity": line.quantity + 1, "amount": line.amount}})
        return "lines", name

    def _sold_item(self, name: str) -> Finding:
        number, line = self._any_line(name)
        others = sorted(each for each in self._world.upserts if each.startswith("NUE-ITEM-") and each != line.item)
        other = self._chance.choice(others)
        self._afterwards(lambda: self._world.edit(name, {}, {number: {"item": {"id": self._world.internal_id(other)}}}))
        return "lines", name

    def _link(self, name: str) -> Finding:
        own = self._world.documents[name].original_order_id
        others = sorted({each.original_order_id for each in self._world.documents.values()} - {own})
        other = self._chance.choice([*others, "none of ours"])
        self._afterwards(self._world.edit, name, {LINK: other})
        return "link", name

    def _uncommanded(self, name: str) -> Finding:
        self._world.uncommanded.add(name)
        return "totals", self._world.documents[name].origin.order_number

    def _restated(self, name: str) -> Finding:
        """The command, and what NetSuite holds by it, is over more than was decided."""
        document = self._world.documents[name]
        first, *rest = document.lines
        lines = (replace(first, amount=first.amount + 1), *rest)
        self._world.documents[name] = replace(document, lines=lines, total=document.total + 1)
        return "totals", document.origin.order_number

    def _customer(self, name: str) -> Finding:
        words = patch_for(self._world.upserts[name], "1").body
        field = self._chance.choice(sorted(words))
        self._afterwards(self._world.edit, name, {field: "2001-01-01" if field == "startDate" else "by hand 77"})
        return "customer", name

    def _renamed_customer(self, name: str) -> Finding:
        self._afterwards(self._world.edit, name, {"externalId": "CRM-1"})
        return "deleted", name

    def _missing_customer(self, name: str) -> Finding:
        return self._missing(name)

    def _deleted_customer(self, name: str) -> Finding:
        self._world.unmade.add(name)
        return "deleted", name

    def _item(self, name: str) -> Finding:
        self._afterwards(self._world.edit, name, {"displayName": "Renamed by hand"})
        return "item", name

    def _any_line(self, name: str) -> tuple[int, Any]:
        return self._chance.choice(list(enumerate(self._world.documents[name].lines, 1)))

    def _delete(self, name: str) -> None:
        store = self._world.sandbox.store
        stored = store.get_external(self._world.record_type(name), name)
        assert stored is not None
        store.delete(stored)

    def _copy(self, name: str, extra: str) -> None:
        """A document by another hand: the same customer, contract and lines under another name."""
        store = self._world.sandbox.store
        stored = store.get_external(self._world.record_type(name), name)
        assert stored is not None
        body = {**stored.body, "externalId": extra}
        store.create(
            stored.type, body, [{**line, "amount": abs(line["amount"]) or Decimal(1)} for _, line in stored.lines]
        )

    def _afterwards(self, change: Callable[..., None], *arguments: Any) -> None:
        self._later.append(lambda: change(*arguments))
