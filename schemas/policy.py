"""Policy: the settings that change documents. They are data in the log, so that a replay decides alike."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache

import msgspec
from msgspec import Struct


class MixedOrders(StrEnum):
    """What becomes of a change order with both positive and negative lines.

    ``ONE_DOCUMENT`` keeps Nue's one order to one transaction; ``SPLIT`` makes a sales order and a return
    authorization, each with lines of one sign; ``QUARANTINE`` asks a person.
    """

    UNKNOWN = "UNKNOWN"
    ONE_DOCUMENT = "ONE_DOCUMENT"
    SPLIT = "SPLIT"
    QUARANTINE = "QUARANTINE"


class ZeroOrders(StrEnum):
    """Whether a new order with a total of zero is posted (it is its contract's anchor) or left out."""

    UNKNOWN = "UNKNOWN"
    POST_NEW = "POST_NEW"
    SKIP = "SKIP"


class DocumentDate(StrEnum):
    """Which date a document carries: the day of activation or the order's effective date."""

    UNKNOWN = "UNKNOWN"
    ACTIVATED = "ACTIVATED"
    EFFECTIVE = "EFFECTIVE"


class LineRate(StrEnum):
    """What a document line's rate is: the price of the whole term, or Nue's price per period."""

    UNKNOWN = "UNKNOWN"
    PER_TERM = "PER_TERM"
    PER_PERIOD = "PER_PERIOD"


class TermBasis(StrEnum):
    """How the length of a term is counted, by the names of the spreadsheet function YEARFRAC."""

    UNKNOWN = "UNKNOWN"
    US_30_360 = "US_30_360"
    ACTUAL_ACTUAL = "ACTUAL_ACTUAL"
    ACTUAL_360 = "ACTUAL_360"
    ACTUAL_365 = "ACTUAL_365"
    EU_30_360 = "EU_30_360"
    WHOLE_MONTHS = "WHOLE_MONTHS"


class OrderCancellations(StrEnum):
    """What becomes of an order that Nue cancels after it was posted.

    ``HOLD`` quarantines the reversal until a person releases it; ``POST`` makes its documents at once.
    """

    UNKNOWN = "UNKNOWN"
    HOLD = "HOLD"
    POST = "POST"


class Policy(Struct, frozen=True, kw_only=True):
    """The settings by which orders become documents.

    ``tie_out_tolerance`` is in minor units of the order's currency (cents for USD) per posted line: how far
    the lines may miss the order's total before the order is quarantined instead of rounded. Orders whose documents
    would be dated before ``post_from`` are projected and never posted. ``release_by_two`` asks for two people where
    an order is released.
    """

    mixed_orders: MixedOrders = MixedOrders.ONE_DOCUMENT
    split_by_contract: bool = True
    zero_orders: ZeroOrders = ZeroOrders.POST_NEW
    document_date: DocumentDate = DocumentDate.ACTIVATED
    tenant_time_zone: str = "UTC"
    line_rate: LineRate = LineRate.PER_TERM
    term_basis: TermBasis = TermBasis.US_30_360
    tie_out_tolerance: Decimal = Decimal(1)
    post_from: date | None = None
    order_cancellations: OrderCancellations = OrderCancellations.HOLD
    release_by_two: bool = False

    @property
    def policy_id(self) -> str:
        """A name for these settings: the same settings have the same name on every partition and log.

        A setting that came later counts only where it is not at its default, so that older logs keep their names.
        """
        return _policy_id(self)


_LATER = {"post_from": None, "order_cancellations": OrderCancellations.HOLD, "release_by_two": False}


@cache
def _policy_id(policy: Policy) -> str:
    values = [each for each in msgspec.structs.asdict(policy).items() if _LATER.get(each[0], ...) != each[1]]
    spelled = {key: f"{value.normalize():f}" if isinstance(value, Decimal) else str(value) for key, value in values}
    canonical = msgspec.json.encode(spelled)
    return hashlib.sha256(canonical).hexdigest()[:16]


class PolicyActivated(Struct, frozen=True, kw_only=True):
    """The policy from this position of this partition on. Every partition of the log begins with one.

    ``partitions`` is the number of partitions of the log, the commands and the dead letters, which is fixed
    when the topics are made.
    """

    event_id: str
    partition: int
    partitions: int
    activated_at: datetime
    activated_by: str
    policy: Policy
