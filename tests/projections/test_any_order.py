"""Whatever stands in an order that can be read, its decision can be sent, and what is posted ties out."""

from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from schemas.codec import Decoder, Encoder
from schemas.contract import OrderDecided, OrderOutcome
from schemas.headers import headers_of
from schemas.order import ChangeType, EventType, LineSemantics, LineType
from schemas.policy import LineRate, MixedOrders, Policy, ZeroOrders
from tests.projections.given import History, fewer, line, more, order, seats, totals

ENCODER, DECODER = Encoder(None), Decoder(None)
SMALL = st.decimals(-30, 30, places=2)
LARGEST = Decimal("999999999999.999999")
LARGE = st.sampled_from([LARGEST, -LARGEST, Decimal(700_000_000_000), Decimal(-250_000_000_000), Decimal("0.000001")])
ANY = SMALL | LARGE | st.decimals(-LARGEST, LARGEST, places=6)
DAYS = st.dates(date(1, 1, 1), date(9999, 12, 31))
INSTANTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59), timezones=st.just(UTC))  # noqa: DTZ001
NUMBERS = st.sampled_from(["S1", "S2", "S3"])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def mostly(usual, otherwise):
    """Nine times of ten the usual, so that enough orders come through."""
    return st.integers(0, 9).flatmap(lambda n: st.just(usual) if n else otherwise)


def lines(numbers):
    """A line of any kind with amounts and quantities from ``numbers``."""
    shared = {
        "line_type": mostly(LineType.LINE_ITEM, st.sampled_from(LineType)),
        "product_id": st.sampled_from(["seat", "setup", ""]),
        "unit_price": st.none() | numbers,
        "quantity_after": mostly(None, numbers),
        "subscription_version": mostly(None, st.integers(0, 4)),
        "status_after": mostly(None, st.sampled_from(["Active", "Cancelled", ""])),
        "subscription_id": st.none() | TEXT,
        "root_subscription_id": st.none() | TEXT,
        "subscription_level": st.none() | st.integers(0, 3),
        "parent_line_id": st.sampled_from([None, "p", "q"]),
        "line_number": st.integers(1, 5),
        "start_on": st.none() | DAYS,
        "end_on": st.none() | DAYS,
    }
    kinds = mostly(ChangeType.UPDATE_QUANTITY, st.sampled_from(ChangeType)) | st.just(ChangeType.RENEW)
    new = st.builds(line, numbers, numbers, subscription_number=st.none() | NUMBERS, **shared)
    change = st.builds(line, numbers, numbers, asset_number=NUMBERS, change_type=kinds, **shared)
    return new | change


def orders(numbers, sold):
    """A sale of three subscriptions for ``sold`` each, then orders about them whose totals mostly tie."""

    @st.composite
    def build(draw):
        fields = {
            "currency": draw(mostly("USD", st.sampled_from(["JPY", "KWD", "CLF", "usd", ""]))),
            "activated_at": draw(st.none() | INSTANTS),
            "effective_on": draw(DAYS),
            "po_number": draw(st.none() | TEXT),
            "billing_account_id": draw(mostly("acme", st.just("payer"))),
            "status": draw(mostly("Activated", st.just("Draft"))),
            "event_type": draw(mostly(EventType.ORDER_ACTIVATED, st.sampled_from(EventType))),
            "line_semantics": draw(mostly(LineSemantics.DELTA, st.sampled_from(LineSemantics))),
        }
        total = draw(mostly(None, numbers))
        if total is not None:
            fields["total_amount"] = total
        tax = draw(mostly(None, numbers))
        order_id = draw(st.sampled_from(["O1", "O2", "O3"]) | TEXT)
        event = order(order_id, *draw(st.lists(lines(numbers), max_size=5)), **fields)
        if tax is not None and abs(event.order.total_amount + tax) <= LARGEST:
            taxed = msgspec.structs.replace(event.order, tax_amount=tax, total_amount=event.order.total_amount + tax)
            event = msgspec.structs.replace(event, order=taxed)
        return event

    opened = order("O0", *(seats(number, 500, sold) for number in ("S1", "S2", "S3")))
    return st.lists(build(), max_size=4).map(lambda later: [each for each in (opened, *later) if can_be_read(each)])


def can_be_read(event):
    """Only what fits the log's schema ever reaches a decision."""
    try:
        ENCODER.encode("orders", event)
    except ValueError:
        return False
    return True


POLICIES = st.builds(
    Policy,
    mixed_orders=st.sampled_from([each for each in MixedOrders if each is not MixedOrders.UNKNOWN]),
    split_by_contract=st.booleans(),
    zero_orders=st.sampled_from([ZeroOrders.POST_NEW, ZeroOrders.SKIP]),
    line_rate=st.sampled_from([LineRate.PER_TERM, LineRate.PER_PERIOD]),
    tenant_time_zone=st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York"]),
)


def folded(events, policy):
    history = History(policy)
    for event in events:
        yield event, history.when(DECODER.decode(ENCODER.encode("orders", event)))


@settings(max_examples=60, deadline=None)
@given(orders(SMALL, 1000), POLICIES)
def test_what_is_posted_ties_out_and_has_the_right_signs(events, policy):
    for _, step in folded(events, policy):
        for decision in step.contract_events:
            if isinstance(decision, OrderDecided) and decision.outcome is OrderOutcome.POSTED:
                assert totals(step.documents) == decision.posted_total == decision.order_total
        for document in step.documents:
            assert document.total >= 0
            assert document.total == sum(row.amount for row in document.lines)
            for row in document.lines:
                assert row.rate >= 0
                assert row.quantity != 0
                assert (row.quantity < 0) == (row.amount < 0)


@settings(max_examples=60, deadline=None, phases=set(Phase) - {Phase.shrink, Phase.explain})
@given(orders(ANY, 300_000_000_000), POLICIES)
def test_every_order_that_can_be_read_leads_to_something_that_can_be_sent(events, policy):
    for _, step in folded(events, policy):
        for each in (*step.upserts, *step.documents, *step.contract_events, *step.quarantined):
            assert DECODER.decode(ENCODER.encode("topic", each)) is not None
            assert headers_of(each)


OPENED = order("O1", seats("S1", 500, 300_000_000_000))
HUGE = 900_000_000_000
TAXED = {"total_amount": LARGEST, "tax_amount": Decimal(-1)}
EXTREMES = {
    "a total that its tax takes beyond the schema": order("O2", line(1), **TAXED),
    "a document whose lines exceed what the order nets": order(
        "O2", more("S1", 1, HUGE), more("S1", 1, HUGE), fewer("S1", 1, HUGE)
    ),
    "the last evening of the calendar": order("O2", line(1), activated_at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC)),
    "the first morning of the calendar": order("O2", line(1), activated_at=datetime(1, 1, 1, 0, 1, tzinfo=UTC)),
    "a price that is tiny for its quantity": order("O2", line("0.01", LARGEST)),
    "a price that is huge for its quantity": order("O2", line(HUGE, "0.000001")),
    "a price per period that is as large as can be": order("O2", line(1, unit_price=Decimal("9" * 18 + ".0123456789"))),
    "ids of any characters": order("/\x00é" * 40, line(1, product_id="\x00"), customer_id="acme"),
}


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_an_extreme_order_leads_to_something_that_can_be_sent(name, zone):
    policy = Policy(mixed_orders=MixedOrders.SPLIT, line_rate=LineRate.PER_PERIOD, tenant_time_zone=zone)
    for _, step in folded([OPENED, EXTREMES[name]], policy):
        said = (*step.upserts, *step.documents, *step.contract_events, *step.quarantined)
        assert said
        for each in said:
            ENCODER.encode("topic", each)
