"""What a reconciliation tells: discrepancies, what is explained, the sums, and the orders of a period. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct


class Kind(StrEnum):
    """What does not tie out.

    ``MISSING`` was never posted; ``DELETED`` was posted and is not there any more; ``RENAMED`` stands under another
    external id; ``EXTRA`` is there, and no command asked for it. ``AMOUNT``, ``ENTITY``, ``LINES``, ``LINK``,
    ``CURRENCY`` and ``TYPE`` say what of a document is not as it was posted; one with another ``LINK`` stands in
    another contract. ``CUSTOMER`` and ``ITEM`` are records that are not as the newest version says. ``TOTALS``: an
    order and its commands do not tie; ``UNDECIDED``: an order was read and nothing was decided about it.
    """

    MISSING = "missing"
    DELETED = "deleted"
    RENAMED = "renamed"
    EXTRA = "extra"
    AMOUNT = "amount"
    ENTITY = "entity"
    LINES = "lines"
    LINK = "link"
    CURRENCY = "currency"
    TYPE = "type"
    CUSTOMER = "customer"
    ITEM = "item"
    TOTALS = "totals"
    UNDECIDED = "undecided"


class State(StrEnum):
    """Why something that is not in NetSuite, or is there without a command, is as it should be.

    ``PENDING`` is on its way; ``REFUSED``, ``WAITING`` and ``PARKED`` are open dead letters; ``DISCARDED`` by a person;
    ``CUT_OVER`` was there before this system took over.
    """

    PENDING = "pending"
    REFUSED = "refused"
    WAITING = "waiting"
    PARKED = "parked"
    DISCARDED = "discarded"
    CUT_OVER = "before the cut-over"


class About(Struct, frozen=True, kw_only=True, rename="camel"):
    """A record: ``name`` is its external id or, of an order, its number; ``internal_id`` NetSuite's.

    ``amount`` is in ``currency``, before tax, and negative for a return authorization.
    """

    record: str
    name: str
    words: str
    internal_id: str | None = None
    order_number: str | None = None
    customer_id: str | None = None
    contract_id: str | None = None
    currency: str | None = None
    amount: Decimal | None = None


class Discrepancy(About, frozen=True, kw_only=True, rename="camel"):
    """Something that does not tie out, and how, in ``words``."""

    kind: Kind


class Explained(About, frozen=True, kw_only=True, rename="camel"):
    """Something that is not posted, or not ours, and why that is as it should be."""

    state: State


class Sums(Struct, frozen=True, kw_only=True, rename="camel"):
    """One currency three ways, sales orders less return authorizations, before tax.

    ``orders`` is what posted orders say, ``commands`` what was decided, ``explained`` the part of it that is not in
    NetSuite for a reason, and ``netsuite`` what our lines in NetSuite say.
    """

    currency: str
    orders: Decimal = Decimal(0)
    commands: Decimal = Decimal(0)
    explained: Decimal = Decimal(0)
    netsuite: Decimal = Decimal(0)

    @property
    def difference(self) -> Decimal:
        """What NetSuite has beyond what the orders say, less what is explained."""
        return self.netsuite - (self.orders - self.explained)


class PostedDocument(Struct, frozen=True, kw_only=True, rename="camel"):
    """A document of an order. ``state`` is ``posted``, or why it is not; ``number`` is NetSuite's document number."""

    external_id: str
    state: str
    internal_id: str | None = None
    number: str | None = None


class OrderRow(Struct, frozen=True, kw_only=True, rename="camel"):
    """An order of the period. ``event`` is ``activated`` or ``cancelled``; ``dated`` its documents' day."""

    order_number: str
    order_id: str
    customer_id: str
    dated: date
    event: str
    outcome: str
    why: str
    currency: str
    total: Decimal
    posted: Decimal
    documents: tuple[PostedDocument, ...] = ()


class Counts(Struct, frozen=True, kw_only=True, rename="camel"):
    """How much was looked at; ``found`` is how many of the ``documents`` stand in NetSuite.

    ``orders`` are activated and cancelled ones, copies left out; ``outcomes`` counts them by what became of them.
    """

    orders: int
    documents: int
    found: int
    customers: int
    items: int
    unreadable: int
    outcomes: Mapping[str, int] = {}


class Report(Struct, frozen=True, kw_only=True, rename="camel"):
    """All that was found. ``orders`` are those of the period from ``first_on`` to ``last_on``, where one is given."""

    account: str
    checked_at: datetime
    counts: Counts
    sums: tuple[Sums, ...]
    discrepancies: tuple[Discrepancy, ...]
    explained: tuple[Explained, ...]
    first_on: date | None = None
    last_on: date | None = None
    orders: tuple[OrderRow, ...] = ()

    @property
    def ties_out(self) -> bool:
        """Whether nothing is wrong."""
        return not self.discrepancies
