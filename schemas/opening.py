"""Opening balances: the contracts that a tenant brings along when it goes live."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from schemas.bounds import Count, Name


class OpenedSegment(Struct, frozen=True, kw_only=True):
    """A part of a subscription's term with one quantity and one price.

    ``unit_price`` is the net price per unit and month, in the contract's currency, before tax. Dates are inclusive;
    a segment without an end runs on (evergreen).
    """

    start_on: date
    quantity: Decimal
    unit_price: Decimal
    end_on: date | None = None


class OpenedSubscription(Struct, frozen=True, kw_only=True):
    """A subscription as it stands at the opening: the next order is expected to make ``version`` + 1.

    ``posted`` is what NetSuite's documents hold for it, less what was returned: what a credit can take back at most.
    """

    number: Name
    version: Count
    product_id: Name
    quantity: Decimal
    status: Name
    posted: Decimal
    start_on: date | None = None
    end_on: date | None = None
    segments: tuple[OpenedSegment, ...] = ()


class Opening(Struct, frozen=True, kw_only=True):
    """One contract as it stood on ``opened_on``, before the first order that this system posts for it.

    ``contract_id`` is its anchor, the value of ``custbody_nue_original_orderid``; ``posted`` the sum of its
    documents in ``currency``, before tax, one-time lines included. Keyed by the customer id.
    """

    event_id: Name
    customer_id: Name
    contract_id: Name
    currency: Name
    billing_account_id: Name
    opened_on: date
    posted: Decimal
    subscriptions: tuple[OpenedSubscription, ...]
    by: Name
    at: datetime
