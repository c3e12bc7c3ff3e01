"""The names of what is said. Readers drop copies by them, also those of earlier versions, so none may ever change."""

from datetime import UTC, date, datetime
from decimal import Decimal

from msgspec import structs

from projections.waiting import quarantined_record
from schemas.contract import Movement, OrderOutcome, SubscriptionChanged
from schemas.holding import Held, Missing, ReleaseRequested, Settled
from schemas.policy import Policy
from schemas.quarantine import Quarantined, Reason
from tests.projections.given import (
    LATER,
    NOON,
    History,
    LogRecord,
    discarded,
    expired,
    given,
    more,
    order,
    released,
    seats,
)
from tests.projections.test_openings import OPENING

OPENED = order("O1", seats("S1", 100, "1200.00", subscription_version=1))
EARLY = order("O3", more("S1", 1, "12.00", subscription_version=3))


def test_an_order_that_begins_to_wait():
    assert given(OPENED).when(EARLY).holdings == (
        Held(
            hold_id="fa78f5a8c8bc9b720e12a4a49a1ba418",
            event_id="event-O3",
            order_id="O3",
            order_number="No. O3",
            customer_id="acme",
            waits_for=(Missing(subscription_number="S1", first_version=2, last_version=2),),
            topic="orders",
            partition=0,
            offset=1,
            held_at=datetime(2025, 3, 15, 12, 1, tzinfo=UTC),
        ),
    )


def test_an_order_that_waits_no_longer():
    history = given(OPENED)
    history.when(EARLY)
    (held_back,) = history.when(expired("O3")).quarantined
    assert held_back == Quarantined(
        quarantine_id="13a6c97dc47018e078cd0949568be3f9",
        reasons=(Reason(code="version_gap", detail="waits for S1 version 2"),),
        topic="orders",
        partition=0,
        offset=1,
        recorded_at=NOON,
        key=b"acme",
        value=b"bytes 1",
        headers={},
        event_id="event-O3",
        order_id="O3",
        order_number="No. O3",
        customer_id="acme",
    )
    assert history.when(discarded("O3")).holdings == (
        Settled(
            settlement_id="61c5449faba01d526834866b80e6bbd6",
            event_id="event-O3",
            order_id="O3",
            order_number="No. O3",
            customer_id="acme",
            outcome=OrderOutcome.DISCARDED,
            why="sent twice",
            settled_at=LATER,
            by="kim",
        ),
    )


def test_a_release_that_another_person_has_to_join():
    history = given(OPENED, policy=Policy(release_by_two=True))
    history.when(order("O2", seats("S2", 1, "1.00"), total_amount=Decimal(9)))
    assert history.when(released("O2", "totals_do_not_tie")).holdings == (
        ReleaseRequested(
            request_id="9f7659a6ef9a3e66af4bc2451044ad48",
            event_id="event-O2",
            customer_id="acme",
            waives=("totals_do_not_tie",),
            by="kim",
            why="agreed",
            requested_at=LATER,
        ),
    )


def test_bytes_that_cannot_be_read_and_an_order_that_is_quarantined_once_and_again():
    record = LogRecord("orders", 2, 7, NOON, b"acme", b"bytes", {"ce_id": b"1"})
    held_back = quarantined_record(record, (Reason(code="malformed", detail="no bytes"),))
    assert held_back.quarantine_id == "310a6b9409091021cd440881e99a9fdc"
    history = given(OPENED)
    off = order("O2", seats("S2", 1, "1.00"), total_amount=Decimal(9))
    first, again = history.when(off), history.when(released("O2"))
    assert [step.quarantined[0].quarantine_id for step in (first, again)] == [
        "a15904e0f13bc1c5e03e1e36ea87b8b3",
        "5cbff865c4c662775f80d7deda5f0543",
    ]


def test_what_brings_in_a_customer_and_an_item():
    assert [each.command_id for each in given(OPENED).steps[-1].upserts] == [
        "1e331f64abcbb42db45e3c050891a0f2",
        "20d4b7d1ee179fba07bbd987c70c6579",
    ]


def test_a_subscription_that_comes_with_an_opening_balance():
    (event,) = History().when(OPENING).contract_events
    assert structs.replace(event, schedule_after=()) == SubscriptionChanged(
        change_id="0df9f086b55040f84dfa78e7fa9d215b",
        contract_id="anchor",
        sequence=1,
        subscription_number="S1",
        subscription_id=None,
        version=4,
        order_id="anchor",
        order_number="opening 2025-02-28",
        customer_id="acme",
        event_id="opening-1",
        change_types=(),
        product_id="seat",
        currency="USD",
        amount=Decimal(0),
        quantity_before=None,
        quantity_after=Decimal(100),
        status_before=None,
        status_after="Active",
        start_on=date(2024, 1, 1),
        end_on=date(2025, 12, 31),
        documents=(),
        occurred_at=LATER,
        known_at=LATER,
        movement=Movement.OPENING,
        effective_on=date(2025, 2, 28),
        quantity_delta=Decimal(100),
        mrr_before=Decimal(0),
        mrr_after=Decimal(10000),
        delta_mrr=Decimal(10000),
        delta_arr=Decimal(120000),
        delta_tcv=Decimal(1000),
        schedule_before=(),
        schedule_after=(),
    )
