"""Each kind of message whole: an order that is sold, half of it returned, and the customer that bought it."""

from datetime import UTC, date, datetime
from decimal import Decimal

from msgspec.structs import replace

from schemas.command import (
    CreateReturnAuthorization,
    CreateSalesOrder,
    DocumentLine,
    ItemType,
    Origin,
    UpsertCustomer,
    UpsertItem,
)
from schemas.contract import (
    DecidedDocument,
    DocumentType,
    Movement,
    OrderDecided,
    OrderOutcome,
    Segment,
    SubscriptionChanged,
)
from schemas.order import Address, ChangeType, EventType
from schemas.policy import OrderCancellations, Policy
from tests.projections.given import (
    LATER,
    NOON,
    changes,
    decided,
    discarded,
    fewer,
    given,
    more,
    order,
    party,
    product,
    released,
    seats,
)

PUBLISHED = datetime(2025, 3, 15, 12, 1, tzinfo=UTC)
YEAR = {"start_on": date(2025, 1, 1), "end_on": date(2025, 12, 31)}
SOLD = order("O1", seats("S1", 10, "1200.00", unit_price=Decimal(10)), po_number="PO-1")
HALF = {"subscription_id": "id-2", "start_on": date(2025, 7, 1)}
RETURNED = order("O2", fewer("S1", 5, "300.00", **HALF), po_number="PO-2")
ORIGIN = Origin(
    customer_id="acme", order_id="O1", order_number="No. O1", event_id="event-O1", policy_id=Policy().policy_id,
    rules_version=2,
)  # fmt: skip
WHOLE_YEAR = Segment(quantity=Decimal(10), mrr=Decimal(100), **YEAR)


def test_a_sales_order():
    assert given().when(SOLD).documents == (
        CreateSalesOrder(
            command_id="fb1aae06231ecc1c39c6e6b8f5d0f36c",
            external_id="NUE-SO-O1",
            origin=ORIGIN,
            entity="NUE-CUST-acme",
            original_order_id="root-S1",
            tran_on=NOON.date(),
            currency="USD",
            memo="No. O1",
            lines=(
                DocumentLine(
                    line_id="O1/1",
                    item="NUE-ITEM-seat",
                    quantity=Decimal(10),
                    rate=Decimal(120),
                    amount=Decimal(1200),
                    root_subscription_id="root-S1",
                    **YEAR,
                ),
            ),
            total=Decimal(1200),
            po_number="PO-1",
            **YEAR,
        ),
    )


def test_a_return_authorization():
    assert given(SOLD).when(RETURNED).documents == (
        CreateReturnAuthorization(
            command_id="68b3fb4b0dac2c020d3460e06f2d2cae",
            external_id="NUE-RA-O2",
            origin=replace(ORIGIN, order_id="O2", order_number="No. O2", event_id="event-O2"),
            entity="NUE-CUST-acme",
            original_order_id="root-S1",
            tran_on=NOON.date(),
            currency="USD",
            memo="No. O2",
            lines=(
                DocumentLine(
                    line_id="O2/1",
                    item="NUE-ITEM-seat",
                    quantity=Decimal(5),
                    rate=Decimal(60),
                    amount=Decimal(300),
                    start_on=date(2025, 7, 1),
                    end_on=date(2025, 12, 31),
                ),
            ),
            total=Decimal(300),
            po_number="PO-2",
        ),
    )


def test_a_decision():
    assert decided(given(SOLD).when(RETURNED)) == OrderDecided(
        decision_id="b19d08c4bc6957fca9eede99d3033bba",
        event_id="event-O2",
        order_id="O2",
        order_number="No. O2",
        customer_id="acme",
        billing_account_id="acme",
        outcome=OrderOutcome.POSTED,
        why="update quantity",
        currency="USD",
        order_total=Decimal(-300),
        posted_total=Decimal(-300),
        occurred_at=NOON,
        known_at=PUBLISHED,
        policy_id=Policy().policy_id,
        rules_version=2,
        reasons=(),
        contracts=("root-S1",),
        documents=(
            DecidedDocument(
                document_type=DocumentType.RETURN_AUTHORIZATION,
                external_id="NUE-RA-O2",
                command_id="68b3fb4b0dac2c020d3460e06f2d2cae",
                contract_id="root-S1",
                amount=Decimal(300),
            ),
        ),
        upserts=("NUE-CUST-acme", "NUE-ITEM-seat"),
        ordinal=1,
        decided_by=None,
    )


def test_a_change_of_a_subscription():
    (change,) = changes(given(SOLD).when(RETURNED))
    assert change == SubscriptionChanged(
        change_id="bdc2a8648765aed5817882f70a1a3647",
        contract_id="root-S1",
        sequence=2,
        subscription_number="S1",
        subscription_id="id-2",
        version=2,
        order_id="O2",
        order_number="No. O2",
        customer_id="acme",
        event_id="event-O2",
        change_types=(ChangeType.UPDATE_QUANTITY,),
        product_id="seat",
        currency="USD",
        amount=Decimal(-300),
        quantity_before=Decimal(10),
        quantity_after=Decimal(5),
        status_before="Active",
        status_after="Active",
        documents=("NUE-RA-O2",),
        occurred_at=NOON,
        known_at=PUBLISHED,
        movement=Movement.CONTRACTION,
        effective_on=date(2025, 7, 1),
        quantity_delta=Decimal(-5),
        mrr_before=Decimal(100),
        mrr_after=Decimal(50),
        delta_mrr=Decimal(-50),
        delta_arr=Decimal(-600),
        delta_tcv=Decimal(-300),
        schedule_before=(WHOLE_YEAR,),
        schedule_after=(
            replace(WHOLE_YEAR, end_on=date(2025, 6, 30)),
            Segment(start_on=date(2025, 7, 1), end_on=date(2025, 12, 31), quantity=Decimal(5), mrr=Decimal(50)),
        ),
        **YEAR,
    )


def test_a_customer_and_an_item():
    where, to = Address(city="Graz", country="AT"), Address(city="Wien", country="AT")
    who = party(
        "acme", name="Acme", record_type="Consumer", account_number="A-7", email="a@acme.example", phone="+43 1",
        currency="USD", payment_term="Net 30", description="since ever", customer_since=date(2020, 1, 1),
        billing_address=where, shipping_address=to, parent_customer_id="holding",
    )  # fmt: skip
    what = product("seat", sku="SEAT", name="A seat", description="one of many")
    event = order("O1", *SOLD.order.lines, customer=who, billing_account=who, products=(what,), occurred_at=LATER)
    assert given().when(event).upserts == (
        UpsertCustomer(
            command_id="1e331f64abcbb42db45e3c050891a0f2",
            external_id="NUE-CUST-acme",
            activated_at=LATER,
            origin=ORIGIN,
            name="Acme",
            is_person=True,
            account_number="A-7",
            email="a@acme.example",
            phone="+43 1",
            currency="USD",
            payment_term="Net 30",
            comments="since ever",
            customer_since=date(2020, 1, 1),
            billing_address=where,
            shipping_address=to,
            parent="NUE-CUST-holding",
        ),
        UpsertItem(
            command_id="20d4b7d1ee179fba07bbd987c70c6579",
            external_id="NUE-ITEM-seat",
            activated_at=LATER,
            origin=ORIGIN,
            item_type=ItemType.NON_INVENTORY_SALE_ITEM,
            sku="SEAT",
            name="A seat",
            description="one of many",
        ),
    )


def test_a_second_decision_and_the_documents_of_a_cancellation_have_names_of_their_own():
    history = given(SOLD, policy=Policy(order_cancellations=OrderCancellations.POST))
    history.when(order("O3", more("S1", 1, "12.00"), total_amount=Decimal(13)))
    again = decided(history.when(released("O3", "totals_do_not_tie")))
    assert (again.decision_id, again.ordinal) == ("590f4bae3ab3afa9c8c9de7712ea2f4a", 2)
    assert again.decided_by == "released-O3-kim-1"
    gone = replace(SOLD, event_id="event-C", event_type=EventType.ORDER_CANCELED,
                   order=replace(SOLD.order, status="Canceled"))  # fmt: skip
    (returned,) = history.when(gone).documents
    assert (returned.command_id, returned.external_id) == ("a3a21a5fc3af939e302afed4405d1a23", "NUE-RA-O1")


def test_what_a_discarded_order_would_have_changed():
    history = given(SOLD)
    history.when(order("O3", more("S1", 1, "12.00"), total_amount=Decimal(13)))
    step = history.when(discarded("O3"))
    assert (decided(step).decided_by, decided(step).known_at) == ("discarded-O3-kim", LATER)
    (change,) = changes(step)
    assert (change.amount, change.delta_tcv, change.documents, change.known_at) == (0, 12, (), LATER)
