"""What a record of an earlier version says about fields that came later, where their defaults would be untrue.

Avro's resolution reads every version as today's, with defaults for what its writer did not know. Where what the
writer did say decides such a field, a pure function puts it in place of the default. It is found by the fingerprint
of the writer's schema, wherever that schema was found, and runs on no record of today's version.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from schemas.contract import SubscriptionChanged

Upcast = Callable[[Any], Struct]
"""From a record whose later fields have their defaults to the same record as it would be written today."""


def _subscription_changed_1(record: SubscriptionChanged) -> SubscriptionChanged:
    """Version 1 posted every change, so that its money is its contract value; recurring revenue it cannot tell."""
    before = record.quantity_before or Decimal(0)
    return replace(record, quantity_delta=record.quantity_after - before, delta_tcv=record.amount)


UPCASTS: Final[dict[bytes, Upcast]] = {
    bytes.fromhex("f683f3a90a571c92"): _subscription_changed_1,
}
"""By the CRC-64-AVRO of the writer's schema, as in :func:`schemas.catalog.fingerprint_of`."""
