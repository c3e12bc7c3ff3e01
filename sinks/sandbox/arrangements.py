"""A shadow of Advanced Revenue Management: arrangements of approved transactions, made late, and their merge."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from sinks.sandbox.arrangement_views import ARRANGEMENTS, ELEMENTS_FAMILY
from sinks.sandbox.clock import MovableClock
from sinks.sandbox.service import json_response
from sinks.sandbox.store import Store, Stored

_PENDING_APPROVAL = "A"
_BOOKS = ("entity", "subsidiary", "currency")


class MergeTask(msgspec.Struct, frozen=True, rename="camel"):
    """What a ``MergeArrangementsTask`` is given; properties that play no part here are passed over."""

    arrangements: tuple[int, ...]
    merge_residual_revenue_amounts: bool = False


class RevenueArrangements:
    """Makes them when their time has come by ``clock``: the account's rules say how long after the approval."""

    def __init__(self, store: Store, clock: MovableClock) -> None:
        self._store = store
        self._clock = clock
        self._approved: dict[int, float] = {}

    def routes(self) -> list[web.RouteDef]:
        """Where it answers."""
        return [web.post("/sandbox/merge", self.merge)]

    def update(self) -> None:
        """Make what is due: of each transaction that was approved long enough ago one arrangement, and its elements."""
        after = self._store.rules.arrangements_after
        if after is None:
            return
        now = self._clock.now()
        made = {each.body["document"] for each in self._store.all(ELEMENTS_FAMILY)}
        for document in self._store.all("transaction"):
            if document.id in made or document.body.get("orderStatus", {}).get("id") == _PENDING_APPROVAL:
                continue
            if self._approved.setdefault(document.id, now) + after <= now:
                self._make(document)

    async def merge(self, request: web.Request) -> web.Response:
        """Merge arrangements as a script's task does; 400 where NetSuite would not."""
        try:
            task = msgspec.json.decode(await request.read(), type=MergeTask)
            return json_response({"resultingArrangement": self._merged(task)})
        except (msgspec.DecodeError, ValueError) as error:
            text = msgspec.json.encode({"error": str(error)}).decode()
            raise web.HTTPBadRequest(text=text, content_type="application/json") from None

    def _make(self, document: Stored) -> None:
        sign = 1 if document.type == "salesOrder" else -1
        books = self._books(document)
        with self._store.changing():
            arrangement = self._store.keep("revenueArrangement", ARRANGEMENTS, books)
            for _, line in document.lines:
                own = {
                    "document": document.id,
                    "arrangement": str(arrangement),
                    "exchangeRate": document.body.get("exchangeRate"),
                    "item": line["item"]["id"],
                    "quantity": sign * line.get("quantity", 1),
                    "amount": sign * line["amount"],
                }
                self._store.keep("revenueElement", ELEMENTS_FAMILY, books | own)

    def _books(self, document: Stored) -> dict[str, Any]:
        customer = self._store.get_family("entity", str(document.body["entity"]["id"]))
        given = document.body.get("subsidiary") or (customer.body.get("subsidiary") if customer else None)
        return {
            "entity": str(document.body["entity"]["id"]),
            "subsidiary": str((given or {"id": 1})["id"]),
            "currency": str((document.body.get("currency") or {"id": 1})["id"]),
        }

    def _merged(self, task: MergeTask) -> int:
        wanted = {str(each) for each in task.arrangements}
        if not wanted:
            raise ValueError("NO_REVENUE_ARRANGEMENT_IDS_ARE_INCLUDED_IN_YOUR_INPUT")
        arrangements = [each for each in self._store.all(ARRANGEMENTS) if str(each.id) in wanted]
        elements = [each for each in self._store.all(ELEMENTS_FAMILY) if each.body["arrangement"] in wanted]
        if not elements:
            raise ValueError("NO_REVENUE_ELEMENTS_WERE_FOUND_FOR_THE_REVENUE_ARRANGEMENT_IDS_YOU_INPUT")
        books = {tuple(each.body[name] for name in _BOOKS) for each in arrangements}
        if len(books) > 1:
            raise ValueError("the customer, subsidiary and currency must be the same")
        with self._store.changing():
            new = self._store.keep("revenueArrangement", ARRANGEMENTS, dict(zip(_BOOKS, books.pop(), strict=True)))
            for each in elements:
                moved = each.body | {"arrangement": str(new), "mergedFrom": each.body["arrangement"]}
                if task.merge_residual_revenue_amounts:  # the originals stay, locked; what is left goes over
                    self._store.keep("revenueElement", ELEMENTS_FAMILY, moved)
                else:
                    self._store.rewrite(each.id, moved)
            for each in arrangements:
                self._store.rewrite(each.id, each.body | {"merged": "T"})
        return new
