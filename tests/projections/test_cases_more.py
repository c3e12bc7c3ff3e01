"""Cases 6.15 to 6.25 of those that the connector's documentation leaves open, each decided; see :mod:`test_cases`."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from schemas.command import CreateReturnAuthorization, UpsertCustomer, UpsertItem
from schemas.order import ChangeType, EventType, LineType
from schemas.policy import OrderCancellations, Policy
from tests.projections.given import (
    cancelled,
    changes,
    changing,
    decided,
    fewer,
    given,
    line,
    more,
    names,
    order,
    outcome,
    papers,
    party,
    reasons,
    released,
    seats,
    segment,
    totals,
)

YEAR = order("O1", seats("S1", 100, "120000.00", unit_price=Decimal(100)))
TWO = order("O1", seats("S1", 100, "120000.00"), seats("S2", 10, "6000.00"))
OTHER = order("P1", seats("T1", 5, "500.00"))


def test_case_6_15_a_back_dated_change_keeps_its_dates_and_is_dated_the_day_of_its_activation():
    back = order("O2", cancelled("S1", 100, "90000.00", start_on=date(2025, 4, 1)), effective_on=date(2025, 4, 1),
                 activated_at=datetime(2025, 9, 30, 23, tzinfo=UTC))  # fmt: skip
    (returned,) = given(YEAR, policy=Policy(tenant_time_zone="Asia/Tokyo")).when(back).documents
    assert (returned.tran_on, returned.lines[0].start_on) == (date(2025, 10, 1), date(2025, 4, 1))


def test_case_6_16_another_currency_than_the_contracts_is_never_converted():
    history = given(YEAR)
    assert reasons(history.when(order("O2", more("S1", 1, "12.00"), currency="EUR"))) == ["currency_mismatch"]
    (sold,) = history.when(released("O2", "currency_mismatch")).documents
    assert (sold.currency, sold.total) == ("EUR", Decimal("12.00"))


@pytest.mark.parametrize(
    ("currency", "amounts", "total", "posted"),
    [
        ("USD", ["10.004", "10.004"], "20.01", ["10.00", "10.01"]),
        ("JPY", ["10.4", "10.4"], "21", ["10", "11"]),
        ("KWD", ["1.0004", "1.0004"], "2.001", ["1.000", "1.001"]),
    ],
)
def test_case_6_17_rounding_leaves_its_residual_on_the_last_line(currency, amounts, total, posted):
    lines = [seats(f"S{n}", 1, amount) for n, amount in enumerate(amounts)]
    step = given().when(order("O1", *lines, currency=currency, total_amount=Decimal(total)))
    assert [str(row.amount) for row in step.documents[0].lines] == posted
    assert str(step.documents[0].total) == total


def test_case_6_17_totals_that_do_not_tie_wait_for_a_person():
    history = given(YEAR)
    off = order("O2", more("S1", 1, "12.00"), total_amount=Decimal("13.00"))
    assert reasons(history.when(off)) == ["totals_do_not_tie"]
    assert totals(history.when(released("O2", "totals_do_not_tie")).documents) == Decimal("12.00")


def test_case_6_18_of_a_bundle_with_a_ramp_the_segments_are_posted_and_what_repeats_them_is_not():
    bundle = seats("S1", 1, 0, subscription_level=1)
    summary = line("1100.00", 10, line_id="ramp", line_type=LineType.SUMMARY_ITEM)
    split = line("5.00", 1, line_type=LineType.SPLIT_ITEM)
    link = {"subscription_number": "S2", "subscription_id": "id-S2", "root_subscription_id": "root-S1"}
    free = segment("ramp", 10, 0, end_on=date(2025, 1, 31), subscription_level=2, **link)
    paid = segment("ramp", 10, "1100.00", start_on=date(2025, 2, 1))
    step = given().when(order("O1", bundle, summary, free, paid, split, total_amount=Decimal("1100.00")))
    assert papers(step) == [("SO", "root-S1", "1100.00", [("1", "0.00"), ("10", "0.00"), ("10", "1100.00")])]
    assert [each.subscription_number for each in changes(step)] == ["S1", "S2"]


def test_case_6_19_amounts_are_before_tax():
    taxed = order("O2", more("S1", 1, "12.00"), total_amount=Decimal("13.00"), tax_amount=Decimal("1.00"))
    assert totals(given(YEAR).when(taxed).documents) == Decimal("12.00")


def test_case_6_20_a_free_trial_is_posted_as_the_contracts_anchor_and_its_conversion_joins_it():
    history = given()
    trial = order("O1", seats("S1", 10, 0, unit_price=Decimal(0), end_on=date(2025, 1, 31)))
    assert papers(history.when(trial)) == [("SO", "root-S1", "0.00", [("10", "0.00")])]
    paid = changing("S1", ChangeType.CONVERT_FREE_TRIAL, 10, "1100.00", start_on=date(2025, 2, 1))
    step = history.when(order("O2", paid))
    assert papers(step) == [("SO", "root-S1", "1100.00", [("10", "1100.00")])]
    assert changes(step)[0].quantity_after == 10


def test_case_6_21_an_evergreen_line_has_no_end():
    step = given().when(order("O1", seats("S1", 10, "100.00", unit_price=Decimal(10), end_on=None, evergreen=True)))
    assert step.documents[0].lines[0].end_on is None
    assert changes(step)[0].schedule_after[0].end_on is None
    assert changes(step)[0].mrr_after == 100


CANCELED = order("O1", *YEAR.order.lines, event_type=EventType.ORDER_CANCELED, status="Canceled", event_id="event-C")


def test_case_6_22_an_order_cancelled_after_it_was_posted_is_taken_back_once_a_person_agrees():
    history = given(YEAR)
    assert reasons(history.when(CANCELED)) == ["order_cancelled"]
    step = history.when(released("C", "order_cancelled"))
    assert papers(step) == [("RA", "root-S1", "120000.00", [("100", "120000.00")])]
    assert changes(step)[0].status_after == "Cancelled"
    assert history.when(replace(CANCELED, event_id="again")).documents == ()


def test_case_6_22_a_swap_that_is_taken_back_gives_the_old_product_back():
    lines = (
        changing("S1", ChangeType.SWAP, -100, "-60000.00"),
        changing("S1", ChangeType.SWAP, 100, "72000.00", product_id="better"),
    )
    history = given(YEAR, order("O2", *lines), policy=Policy(order_cancellations=OrderCancellations.POST))
    history.when(order("O2", *lines, event_type=EventType.ORDER_CANCELED, status="Canceled", event_id="event-C"))
    assert history.state.subscription("S1").product_id == "seat"


def test_case_6_22_the_policy_can_take_a_cancelled_order_back_at_once():
    policy = Policy(order_cancellations=OrderCancellations.POST)
    assert names(given(YEAR, policy=policy).when(CANCELED)) == ["NUE-RA-O1"]


def test_case_6_23_customers_go_along_with_every_activation_and_items_with_what_is_posted():
    history = given(YEAR)
    nothing = history.when(order("O2", changing("S1", ChangeType.CO_TERM, 100, 0)))
    assert [type(each) for each in nothing.upserts] == [UpsertCustomer]
    something = history.when(order("O3", more("S1", 1, "12.00")))
    assert [type(each) for each in something.upserts] == [UpsertCustomer, UpsertItem]


def test_case_6_24_a_return_authorization_stands_alone():
    (returned,) = given(YEAR).when(order("O2", fewer("S1", 1, "1200.00"))).documents
    assert isinstance(returned, CreateReturnAuthorization)
    assert returned.original_order_id == "root-S1"
    assert not hasattr(returned, "created_from")


@pytest.mark.parametrize("status", ["Draft", "Canceled", "Pending"])
def test_case_6_25_only_activated_orders_are_decided(status):
    step = given().when(order("O1", seats("S1", 1, "1.00"), status=status))
    assert (outcome(step), step.documents, step.upserts) == ("IGNORED", (), ())


def test_a_contract_whose_billing_account_changes_moves_to_it_once_a_person_agrees():
    history = given(YEAR)
    moved = {"billing_account_id": "reseller", "billing_account": party("reseller")}
    assert reasons(history.when(order("O2", more("S1", 1, "12.00"), **moved))) == ["billing_account_mismatch"]
    (sold,) = history.when(released("O2", "billing_account_mismatch")).documents
    assert sold.entity == "NUE-CUST-reseller"
    assert outcome(history.when(order("O3", more("S1", 1, "12.00"), **moved))) == "POSTED"
    assert reasons(history.when(order("O4", more("S1", 1, "12.00")))) == ["billing_account_mismatch"]
    assert decided(history.steps[-1]).outcome.value == "QUARANTINED"
