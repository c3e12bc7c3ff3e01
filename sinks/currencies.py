"""A customer's currencies: NetSuite takes a document only in one of them."""

from __future__ import annotations

from collections.abc import Mapping

from sinks.attempts import Attempts
from sinks.lookup import find_by_id
from sinks.readback import id_of
from sinks.retry import Kind
from sinks.translate import Request, id_path


async def admit(customer: str, currency: str, attempts: Attempts) -> bool:
    """Add ``currency`` to the customer's list; whether it was missing and is there now. Both are internal ids.

    Nothing else of the customer is touched. What NetSuite does not show or does not take stays as it is.
    """
    request = Request(
        method="PATCH",
        record="customer",
        path=id_path("customer", customer),
        body={"currencyList": {"items": [{"currency": {"id": currency}}]}},
    )
    tried = False
    while True:
        found = await find_by_id(attempts, "customer", customer)
        held = _currencies(found.content) if found is not None else frozenset()
        if not held or currency in held or attempts.hopeless:
            return tried and currency in held
        reply = await attempts.write(request)
        tried = True
        if reply.kind in (Kind.ACCEPTED, Kind.REFUSED, Kind.ABSENT):
            return reply.kind is Kind.ACCEPTED
        await attempts.pause(reply)  # and look again: sent twice, it may be added twice


def _currencies(customer: object) -> frozenset[str]:
    """Its own and those of its list; empty where the account has only one."""
    if not isinstance(customer, Mapping) or (own := id_of(customer.get("currency"))) is None:
        return frozenset()
    listed = customer.get("currencyList")
    items = listed.get("items") if isinstance(listed, Mapping) else None
    others = [id_of(item.get("currency")) for item in items or () if isinstance(item, Mapping)]
    return frozenset([own, *filter(None, others)])
