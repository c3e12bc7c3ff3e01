"""Customers and items: sent along with every activation, named and typed as NetSuite needs them."""

from datetime import date

import pytest

from schemas.command import ItemType, UpsertCustomer, UpsertItem
from schemas.order import Address, ChangeType, LineType, ProductKind
from tests.projections.given import changing, fewer, given, line, once, order, outcome, party, product, seats

OPENED = order("O1", seats("S1", 100, "1200.00"), once("500.00"))


def sent(step, form):
    return [each.external_id for each in step.upserts if isinstance(each, form)]


def test_an_activation_sends_its_customer_and_the_items_of_its_lines():
    step = given().when(OPENED)
    assert sent(step, UpsertCustomer) == ["NUE-CUST-acme"]
    assert sent(step, UpsertItem) == ["NUE-ITEM-seat", "NUE-ITEM-setup"]


def test_a_billing_account_is_sent_beside_its_customer_and_pays():
    step = given().when(order("O1", once("500.00"), billing_account_id="reseller"))
    assert sent(step, UpsertCustomer) == ["NUE-CUST-acme", "NUE-CUST-reseller"]
    assert step.documents[0].entity == "NUE-CUST-reseller"


def test_every_activation_sends_them_again_as_they_are_then():
    later = order("O2", fewer("S1", 10, "100.00"), customer=party("acme", name="Acme II"))
    step = given(OPENED).when(later)
    assert [each.name for each in step.upserts] == ["acme Inc.", "seat"]
    customer = step.upserts[0]
    assert (customer.activated_at, customer.origin.order_id) == (later.occurred_at, "O2")


def test_customers_go_along_also_where_no_document_is_made():
    step = given(OPENED).when(order("O2", changing("S1", ChangeType.CANCEL, 0, 0), billing_account_id="acme"))
    assert outcome(step) == "NO_OP"
    assert sent(step, UpsertCustomer) == ["NUE-CUST-acme"]
    assert sent(step, UpsertItem) == []


def test_items_go_along_only_with_the_lines_that_are_posted():
    event = order(
        "O1",
        line("5.00", product_id="a"),
        line(0, 0, product_id="b"),
        line("5.00", product_id="c", line_type=LineType.SUMMARY_ITEM),
    )
    assert sent(given().when(event), UpsertItem) == ["NUE-ITEM-a"]


def test_an_item_on_two_lines_is_sent_once():
    assert sent(given().when(order("O1", line(1), line(2))), UpsertItem) == ["NUE-ITEM-seat"]


@pytest.mark.parametrize(
    ("kind", "item_type"),
    [
        (ProductKind.SUBSCRIPTION, ItemType.NON_INVENTORY_SALE_ITEM),
        (ProductKind.UNKNOWN, ItemType.NON_INVENTORY_SALE_ITEM),
        (ProductKind.ENTITLEMENT, ItemType.SERVICE_SALE_ITEM),
        (ProductKind.ONE_TIME, ItemType.SERVICE_SALE_ITEM),
        (ProductKind.ASSET, ItemType.INVENTORY_ITEM),
    ],
)
def test_a_product_becomes_the_item_of_its_kind(kind, item_type):
    (item,) = [
        each
        for each in given().when(order("O1", line(1), products=(product("seat", kind=kind),))).upserts
        if isinstance(each, UpsertItem)
    ]
    assert (item.item_type, item.sku, item.name) == (item_type, "SKU-seat", "seat")


def test_a_customer_carries_what_nue_knows_of_it():
    who = party(
        "acme",
        record_type="Consumer",
        email="a@acme.example",
        currency="USD",
        payment_term="Net 30",
        description="since ever",
        customer_since=date(2020, 1, 1),
        billing_address=Address(city="Graz", country="AT"),
    )
    customer = given().when(order("O1", line(1), customer=who, billing_account=who)).upserts[0]
    assert customer.is_person
    assert (customer.email, customer.currency, customer.payment_term) == ("a@acme.example", "USD", "Net 30")
    assert (customer.comments, customer.customer_since) == ("since ever", date(2020, 1, 1))
    assert customer.billing_address.city == "Graz"


@pytest.mark.parametrize(
    ("above", "parent"), [("holding", "NUE-CUST-holding"), (None, None), ("", None), ("acme", None)]
)
def test_a_customer_names_the_one_above_it_and_never_itself(above, parent):
    who = party("acme", parent_customer_id=above)
    assert given().when(order("O1", line(1), customer=who, billing_account=who)).upserts[0].parent == parent


def test_a_billing_account_that_is_above_its_customer_is_sent_before_it():
    customer = party("acme", parent_customer_id="holding")
    step = given().when(order("O1", once("500.00"), billing_account_id="holding", customer=customer))
    assert sent(step, UpsertCustomer) == ["NUE-CUST-holding", "NUE-CUST-acme"]


def test_every_command_says_why_it_exists():
    history = given()
    step = history.when(OPENED)
    ids = [each.command_id for each in (*step.upserts, *step.documents)]
    assert len(set(ids)) == len(ids)
    for each in (*step.upserts, *step.documents):
        assert each.origin.policy_id == history.policy.policy_id
        assert (each.origin.order_id, each.origin.event_id, each.origin.customer_id) == ("O1", "event-O1", "acme")
