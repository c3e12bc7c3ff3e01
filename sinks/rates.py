"""The exchange rate of a return: that of its contract's first sales order.

With another one, NetSuite does not tie the return's negative revenue element to the element that it takes back.
"""

from __future__ import annotations

from decimal import Decimal

from schemas.command import CreateReturnAuthorization
from sinks.attempts import Attempts
from sinks.lookup import select_if_allowed
from sinks.readback import as_decimal, id_of
from sinks.transactions import ORIGINAL_ORDER

_HOME_OF_SUBSIDIARIES = "SELECT DISTINCT currency AS id FROM subsidiary"
_HOME = "SELECT id FROM currency WHERE isbasecurrency = 'T'"
_FIRST_ORDER = (
    f"SELECT id, exchangerate FROM transaction WHERE {ORIGINAL_ORDER} = ? AND type = 'SalesOrd' "  # noqa: S608  ours
    "AND currency = ? ORDER BY id"
)


class Rates:
    """Looks rates up, and remembers which currency needs none."""

    def __init__(self) -> None:
        self._home: frozenset[str] | None = None

    async def of_return(
        self, document: CreateReturnAuthorization, currency: str, attempts: Attempts
    ) -> tuple[Decimal | None, tuple[str, ...]]:
        """The rate to send, ``None`` to leave it to NetSuite, and warnings. ``currency`` is an internal id."""
        if self._home is None:
            self._home = await _home_currencies(attempts)
        if self._home == {currency}:
            return None, ()
        rows = await select_if_allowed(attempts, _FIRST_ORDER, [document.original_order_id, currency])
        rate = as_decimal(rows[0].get("exchangerate")) if rows and not isinstance(rows, str) else None
        if rate is not None:
            return rate, ()
        why = f"NetSuite refuses the look-up ({rows})" if isinstance(rows, str) else "there is none in this currency"
        return None, (f"the exchange rate is NetSuite's own, not that of the contract's first sales order: {why}",)


async def _home_currencies(attempts: Attempts) -> frozenset[str]:
    """The currencies in which the account keeps its books; empty where it does not say."""
    for query in (_HOME_OF_SUBSIDIARIES, _HOME):  # the first needs subsidiaries, which not every account has
        rows = await select_if_allowed(attempts, query)
        if not isinstance(rows, str) and (ids := frozenset(filter(None, map(id_of, rows)))):
            return ids
    return frozenset()
