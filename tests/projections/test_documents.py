"""Which documents an order becomes: how many, of which type, with which lines, under which name."""

from dataclasses import replace
from decimal import Decimal

import pytest
from msgspec import structs

from schemas.order import ChangeType, LineType
from schemas.policy import Policy, ZeroOrders
from tests.projections.given import (
    ASK,
    ONE_DOCUMENT,
    SPLIT,
    cancelled,
    changing,
    decided,
    fewer,
    given,
    line,
    more,
    names,
    once,
    order,
    outcome,
    papers,
    reasons,
    released,
    renewed,
    repriced,
    seats,
    segment,
    totals,
)

OPENED = order("O1", seats("S1", 100, "1200.00"), seats("S2", 10, "600.00", product_id="support"))
OTHER = order("P1", seats("T1", 5, "500.00", product_id="other"))


def test_a_new_order_makes_one_sales_order_of_all_its_lines():
    step = given().when(order("O1", seats("S1", 100, "1200.00"), once("500.00")))
    assert papers(step) == [("SO", "root-S1", "1700.00", [("100", "1200.00"), ("1", "500.00")])]
    assert names(step) == ["NUE-SO-O1"]
    assert outcome(step) == "POSTED"


def test_an_increase_makes_a_new_sales_order_of_the_difference_alone():
    step = given(OPENED).when(order("O2", more("S1", 10, "100.00")))
    assert papers(step) == [("SO", "root-S1", "100.00", [("10", "100.00")])]


def test_a_reduction_makes_a_return_authorization_with_positive_amounts():
    step = given(OPENED).when(order("O2", fewer("S1", 50, "300.00")))
    assert papers(step) == [("RA", "root-S1", "300.00", [("50", "300.00")])]
    assert names(step) == ["NUE-RA-O2"]
    assert decided(step).posted_total == Decimal("-300.00")


def test_a_cancellation_returns_what_was_not_used():
    step = given(OPENED).when(order("O2", cancelled("S1", 100, "700.00")))
    assert papers(step) == [("RA", "root-S1", "700.00", [("100", "700.00")])]


def test_a_change_of_zero_lines_makes_no_document():
    step = given(OPENED).when(order("O2", changing("S2", ChangeType.CANCEL, 0, 0)))
    assert (papers(step), outcome(step)) == ([], "NO_OP")
    assert decided(step).why == "zero total: cancel"


def test_a_decision_says_which_kinds_of_change_led_to_it():
    event = order("O2", more("S1", 10, "100.00"), repriced("S2", 10, "5.00"), more("S1", 1, "10.00"))
    assert decided(given(OPENED).when(event)).why == "update quantity, adjust price"
    assert decided(given().when(OPENED)).why == "new order"
    assert decided(given().when(order("O3"))).why == "zero total: no line that could be posted"


def test_a_new_order_at_zero_is_posted_as_its_contracts_anchor():
    step = given().when(order("O1", seats("S1", 20, 0)))
    assert papers(step) == [("SO", "root-S1", "0.00", [("20", "0.00")])]


def test_a_new_order_at_zero_can_be_left_out_and_still_opens_its_contract():
    history = given(policy=Policy(zero_orders=ZeroOrders.SKIP))
    assert outcome(history.when(order("O1", seats("S1", 20, 0)))) == "NO_OP"
    assert papers(history.when(order("O2", more("S1", 5, "50.00")))) == [("SO", "root-S1", "50.00", [("5", "50.00")])]


def test_an_order_without_lines_makes_nothing():
    assert outcome(given().when(order("O1"))) == "NO_OP"


def test_a_renewal_makes_a_sales_order_of_the_whole_new_term():
    step = given(OPENED).when(order("O2", renewed("S1", 60, "756.00")))
    assert papers(step) == [("SO", "root-S1", "756.00", [("60", "756.00")])]


def test_a_renewal_at_zero_still_makes_a_sales_order():
    step = given(OPENED).when(order("O2", renewed("S1", 60, 0)))
    assert papers(step) == [("SO", "root-S1", "0.00", [("60", "0.00")])]


def test_a_renewal_with_a_larger_cancellation_stands_in_a_sales_order_beside_a_return_authorization():
    step = given(OPENED).when(order("O2", renewed("S2", 1, "60.00"), cancelled("S1", 100, "700.00")))
    assert papers(step) == [
        ("SO", "root-S1", "60.00", [("1", "60.00")]),
        ("RA", "root-S1", "700.00", [("100", "700.00")]),
    ]


def test_a_renewal_at_zero_with_a_cancellation_keeps_its_sales_order():
    step = given(OPENED).when(order("O2", cancelled("S1", 100, "700.00"), renewed("S2", 1, 0)))
    assert papers(step) == [
        ("RA", "root-S1", "700.00", [("100", "700.00")]),
        ("SO", "root-S1", "0.00", [("1", "0.00")]),
    ]


def test_a_renewal_with_a_smaller_reduction_is_one_sales_order_under_one_document():
    step = given(OPENED).when(order("O2", renewed("S2", 10, "600.00"), fewer("S1", 10, "100.00")))
    assert papers(step) == [("SO", "root-S1", "500.00", [("10", "600.00"), ("-10", "-100.00")])]


DOWN_AND_UP = order("O2", fewer("S1", 50, "1000.00"), more("S2", 2, "200.00"))
UP_AND_DOWN = order("O2", more("S2", 20, "1000.00"), fewer("S1", 10, "200.00"))


def test_a_mixed_order_that_nets_negative_is_one_return_authorization_with_every_line_negated():
    step = given(OPENED).when(DOWN_AND_UP, ONE_DOCUMENT)
    assert papers(step) == [("RA", "root-S1", "800.00", [("50", "1000.00"), ("-2", "-200.00")])]


def test_a_mixed_order_that_nets_positive_is_one_sales_order_with_an_opposite_line():
    step = given(OPENED).when(UP_AND_DOWN, ONE_DOCUMENT)
    assert papers(step) == [("SO", "root-S1", "800.00", [("20", "1000.00"), ("-10", "-200.00")])]


@pytest.mark.parametrize("event", [DOWN_AND_UP, UP_AND_DOWN], ids=["net negative", "net positive"])
def test_a_mixed_order_can_be_split_by_sign(event):
    step = given(OPENED).when(event, SPLIT)
    assert {kind: len(lines) for kind, _, _, lines in papers(step)} == {"SO": 1, "RA": 1}
    assert totals(step.documents) == event.order.total_amount
    assert all(row.amount > 0 and row.quantity > 0 for each in step.documents for row in each.lines)


@pytest.mark.parametrize("event", [DOWN_AND_UP, UP_AND_DOWN], ids=["net negative", "net positive"])
def test_a_mixed_order_can_be_left_to_a_person(event):
    assert reasons(given(OPENED).when(event, ASK)) == ["mixed_order"]


def test_a_reduction_beside_a_zero_line_is_not_mixed():
    step = given(OPENED).when(order("O2", fewer("S1", 50, "300.00"), repriced("S2", 10, 0)), ASK)
    assert papers(step) == [("RA", "root-S1", "300.00", [("50", "300.00"), ("10", "0.00")])]


def test_a_zero_on_a_return_authorization_has_no_minus_sign():
    step = given(OPENED).when(order("O2", fewer("S1", 50, "300.00"), repriced("S2", 10, 0)))
    assert not any(row.amount.is_signed() or row.rate.is_signed() for row in step.documents[0].lines)


@pytest.mark.parametrize("policy", [ONE_DOCUMENT, SPLIT, ASK], ids=["one document", "split", "quarantine"])
def test_a_swap_at_the_same_price_makes_both_documents_under_every_policy(policy):
    swap = order("O2", fewer("S1", 50, "300.00"), more("S2", 5, "300.00"))
    assert papers(given(OPENED).when(swap, policy)) == [
        ("RA", "root-S1", "300.00", [("50", "300.00")]),
        ("SO", "root-S1", "300.00", [("5", "300.00")]),
    ]
    cents = order("O2", fewer("S1", 1, "0.50"), more("S2", 1, "0.50"))
    assert [paper[0] for paper in papers(given(OPENED).when(cents, policy))] == ["RA", "SO"]


def test_in_a_split_zero_lines_stand_beside_the_positive_ones():
    event = order("O2", fewer("S1", 50, "300.00"), more("S2", 5, "100.00"), line(0, 1, product_id="gift"))
    assert papers(given(OPENED).when(event, SPLIT)) == [
        ("RA", "root-S1", "300.00", [("50", "300.00")]),
        ("SO", "root-S1", "100.00", [("5", "100.00"), ("1", "0.00")]),
    ]


@pytest.mark.parametrize("policy", [ONE_DOCUMENT, SPLIT], ids=["one document", "split"])
def test_the_two_documents_of_a_split_are_of_the_contract_of_their_own_first_lines(policy):
    swap = order("O2", fewer("T1", 5, "300.00"), more("S1", 5, "300.00"))
    over_both = structs.replace(policy, split_by_contract=False)
    assert [paper[1] for paper in papers(given(OPENED, OTHER).when(swap, over_both))] == ["root-T1", "root-S1"]


def test_a_negative_renewal_that_somebody_lets_through_takes_the_zero_lines_into_its_return_authorization():
    history = given(OPENED)
    history.when(order("O2", renewed("S2", 10, "-1.00"), repriced("S1", 100, 0)))
    step = history.when(released("O2", "negative_renewal"))
    assert papers(step) == [("RA", "root-S1", "1.00", [("10", "1.00"), ("100", "0.00")])]


def test_in_a_split_without_a_positive_line_the_return_authorization_takes_the_zero_lines():
    event = order("O2", fewer("S1", 50, "300.00"), line(0, 1, product_id="gift"))
    assert papers(given(OPENED).when(event, SPLIT)) == [("RA", "root-S1", "300.00", [("50", "300.00"), ("1", "0.00")])]


def test_an_order_over_two_contracts_makes_a_document_for_each_by_its_own_total():
    step = given(OPENED, OTHER).when(order("O2", more("T1", 1, "80.00"), fewer("S1", 10, "100.00")))
    assert papers(step) == [
        ("SO", "root-T1", "80.00", [("1", "80.00")]),
        ("RA", "root-S1", "100.00", [("10", "100.00")]),
    ]
    assert names(step) == ["NUE-SO-O2", "NUE-RA-O2"]


def test_documents_of_one_type_are_numbered_by_their_first_lines():
    event = order("O2", more("T1", 1, "80.00", line_number=7), more("S1", 10, "100.00", line_number=3))
    step = given(OPENED, OTHER).when(event)
    assert [(each.external_id, each.original_order_id) for each in step.documents] == [
        ("NUE-SO-O2", "root-S1"),
        ("NUE-SO-O2-2", "root-T1"),
    ]


def test_a_contract_without_a_document_takes_no_number():
    third = order("Q1", seats("U1", 1, "10.00", product_id="third"))
    event = order("O2", repriced("S1", 10, 0), more("T1", 1, "80.00"), more("U1", 1, "10.00"))
    step = given(OPENED, OTHER, third).when(event)
    assert [(each.external_id, each.original_order_id) for each in step.documents] == [
        ("NUE-SO-O2", "root-T1"),
        ("NUE-SO-O2-2", "root-U1"),
    ]


def test_an_order_over_two_contracts_is_one_document_of_the_first_where_contracts_are_not_split():
    policy = Policy(split_by_contract=False)
    event = order("O2", more("T1", 1, "80.00"), fewer("S1", 10, "100.00"))
    assert papers(given(OPENED, OTHER).when(event, policy)) == [
        ("RA", "root-T1", "20.00", [("-1", "-80.00"), ("10", "100.00")])
    ]


def test_every_document_names_its_contract_its_policy_and_its_rules():
    history = given(OPENED, OTHER)
    step = history.when(order("O2", more("T1", 1, "80.00"), fewer("S1", 10, "100.00"), po_number="PO-9"))
    for document in step.documents:
        assert document.original_order_id in ("root-S1", "root-T1")
        assert document.origin.policy_id == history.policy.policy_id
        assert document.origin.rules_version >= 1
        assert (document.memo, document.po_number) == ("No. O2", "PO-9")
        assert document.entity == "NUE-CUST-acme"


def test_a_decision_lists_its_documents_with_their_names_and_contracts():
    step = given(OPENED, OTHER).when(order("O2", more("T1", 1, "80.00"), fewer("S1", 10, "100.00")))
    listed = decided(step)
    assert [(each.external_id, each.contract_id, str(each.amount)) for each in listed.documents] == [
        ("NUE-SO-O2", "root-T1", "80.00"),
        ("NUE-RA-O2", "root-S1", "100.00"),
    ]
    assert [each.command_id for each in listed.documents] == [each.command_id for each in step.documents]
    assert listed.posted_total == listed.order_total == Decimal("-20.00")


def test_the_state_before_a_decision_stays_as_it_was():
    history = given(OPENED)
    before = history.state
    copy = replace(before)
    history.when(order("O2", more("S1", 10, "100.00")))
    assert before == copy
    assert before.subscription("S1").quantity == 100
    assert history.state.subscription("S1").quantity == 110


def test_a_document_carries_the_custom_fields_of_its_order_and_each_line_its_own():
    sold = seats("S1", 100, "1200.00", custom_fields={"Region__c": "north"})
    history = given(order("O1", sold, once("500.00"), custom_fields={"Cost_Centre__c": "4711"}))
    returned = fewer("S1", 50, "600.00", custom_fields={"Region__c": "south"})
    step = history.when(order("O2", returned, custom_fields={"Cost_Centre__c": "4712"}))
    (sales_order,), (back,) = history.steps[0].documents, step.documents
    assert sales_order.custom_fields == {"Cost_Centre__c": "4711"}
    assert [row.custom_fields for row in sales_order.lines] == [{"Region__c": "north"}, {}]
    assert (back.custom_fields, back.lines[0].custom_fields) == ({"Cost_Centre__c": "4712"}, {"Region__c": "south"})


def test_a_line_names_the_root_of_its_subscription_as_far_as_the_order_tells():
    event = order(
        "O1",
        seats("S1", 20, "10.00", line_type=LineType.RAMP_ITEM, parent_line_id="sum"),
        segment("sum", 20, "20.00"),
        seats("S2", 1, "5.00", root_subscription_id=None),
        once("7.00"),
    )
    step = given().when(event)
    assert [row.root_subscription_id for row in step.documents[0].lines] == ["root-S1", "root-S1", None, None]
