"""A short log in which everything happens that can happen to a customer's orders."""

from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from projections.records import LogRecord
from schemas.opening import OpenedSegment, OpenedSubscription, Opening
from schemas.order import EventType, OrderEvent
from schemas.policy import MixedOrders, Policy
from tests.projections.given import LATER, discarded, expired, fewer, line, more, order, released, seats
from tests.projections.histories import generated
from tests.streams.crashes import ENCODER, TOPICS, activated, log_of


def eventful_log() -> list[LogRecord]:
    """Policies, copies, drafts, several customers, bad bytes, conflicts, what waits, and what is said of it."""
    split = activated(Policy(mixed_orders=MixedOrders.SPLIT))
    made_up = generated(3, 10, 2)
    conflict = order("O1", seats("S1", 9, "9.00"))
    unknown = order("O9", more("S9", 1, "12.00"))
    opened = order("O1", seats("S1", 9, "10.00"), seats("S2", 1, "3.00"), line("5.00", product_id="setup"))
    astray = (b"other", ENCODER.encode(TOPICS.orders, opened))
    later = order("O2", more("S1", 1, "1.00"), more("S2", 1, "1.00"))
    beginning = (activated(), *made_up[:5], opened, (b"acme", b"\xc3\x01nonsense"), split)
    return log_of(*beginning, *made_up[5:], conflict, unknown, opened, astray, later)


OPENING = Opening(
    event_id="opened",
    customer_id="acme",
    contract_id="root-W1",
    currency="USD",
    billing_account_id="acme",
    opened_on=date(2025, 1, 1),
    posted=Decimal("1200.00"),
    subscriptions=(
        OpenedSubscription(
            number="W1",
            version=2,
            product_id="seat",
            quantity=Decimal(10),
            status="Active",
            posted=Decimal("1200.00"),
            start_on=date(2025, 1, 1),
            end_on=date(2025, 12, 31),
            segments=(OpenedSegment(start_on=date(2025, 1, 1), quantity=Decimal(10), unit_price=Decimal(10)),),
        ),
    ),
    by="kim",
    at=LATER,
)


def version(n: int, **fields: object) -> OrderEvent:
    """The order that makes version ``n`` of the opened subscription."""
    return order(f"v{n}", more("W1", 1, "1.00", subscription_version=n), **fields)


def canceled(n: int) -> OrderEvent:
    """The same order, cancelled."""
    gone = {"event_type": EventType.ORDER_CANCELED, "status": "Canceled"}
    return version(n, event_id=f"event-canceled-v{n}", **gone)


def waiting_log() -> list[LogRecord]:
    """An opening balance, versions that overtake others, and all that people and workers say of them."""
    return log_of(
        activated(),
        version(6),  # before its contract is known
        OPENING,
        version(4),
        version(5),  # waits for the same as version 6, which came before it
        version(3),  # and then 4, 5 and 6
        version(8),
        version(10),
        expired("v8"),
        replace(expired("v8"), event_id="expired again"),
        released("v8", "version_gap"),
        discarded("v10"),
        version(9),  # stale, since version 10 was folded
        released("v9"),  # quarantined again: nothing is waived
        activated(Policy(release_by_two=True)),
        released("v9", "stale_version"),
        released("v9", "stale_version", by="lee"),
        order("credit", fewer("W1", 1, "9999.00", subscription_version=11)),
        version(12),
        discarded("credit"),  # and version 12 finds its place
        canceled(12),
        canceled(14),  # before its activation
        released("canceled-v12", "order_cancelled"),
        released("canceled-v12", "order_cancelled", by="lee"),
        version(14),
        version(13),  # then 14, and its cancellation after it
        order("v14", more("W1", 2, "2.00", subscription_version=14), event_id="event-other"),  # a conflict
        discarded("other"),
        replace(OPENING, event_id="opened again", posted=Decimal(1)),
        expired("v14"),  # which waits no longer
        version(17),  # and waits on
    )
