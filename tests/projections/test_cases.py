"""The 25 cases that the connector's documentation leaves open, each decided. The numbers are those of the domain notes:
6.1 is a mixed change order, 6.25 an order that is not activated.
"""

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from schemas.order import ChangeType
from tests.projections.given import (
    ASK,
    ONE_DOCUMENT,
    SPLIT,
    cancelled,
    changes,
    changing,
    fewer,
    given,
    more,
    names,
    order,
    outcome,
    papers,
    reasons,
    released,
    renewed,
    repriced,
    seats,
    totals,
)

YEAR = order("O1", seats("S1", 100, "120000.00", unit_price=Decimal(100)))
TWO = order("O1", seats("S1", 100, "120000.00"), seats("S2", 10, "6000.00"))
OTHER = order("P1", seats("T1", 5, "500.00"))


@pytest.mark.parametrize("policy", [ONE_DOCUMENT, SPLIT])
def test_case_6_1_a_mixed_change_order_ties_out_to_the_cent_as_one_document_and_split(policy):
    step = given(TWO, policy=policy).when(order("O2", fewer("S1", 10, "1000.01"), more("S2", 2, "200.00")))
    assert totals(step.documents) == Decimal("-800.01")
    if policy is SPLIT:
        assert papers(step) == [
            ("RA", "root-S1", "1000.01", [("10", "1000.01")]),
            ("SO", "root-S1", "200.00", [("2", "200.00")]),
        ]
    else:
        assert papers(step) == [("RA", "root-S1", "800.01", [("10", "1000.01"), ("-2", "-200.00")])]


def test_case_6_1_a_mixed_change_order_can_be_left_to_a_person_who_then_gets_one_document():
    history = given(TWO, policy=ASK)
    assert reasons(history.when(order("O2", fewer("S1", 10, "1000.00"), more("S2", 2, "200.00")))) == ["mixed_order"]
    step = history.when(released("O2", "mixed_order"))
    assert papers(step) == [("RA", "root-S1", "800.00", [("10", "1000.00"), ("-2", "-200.00")])]


def test_case_6_2_an_order_of_zero_lines_makes_no_document():
    step = given(YEAR).when(order("O2", changing("S1", ChangeType.CO_TERM, 100, 0)))
    assert (outcome(step), papers(step)) == ("NO_OP", [])


@pytest.mark.parametrize("policy", [ONE_DOCUMENT, SPLIT, ASK])
def test_case_6_2_an_equal_price_swap_is_split_under_every_policy(policy):
    swap = order(
        "O2",
        changing("S1", ChangeType.SWAP, -100, "-60000.00"),
        changing("S1", ChangeType.SWAP, 100, "60000.00", product_id="better"),
    )
    assert papers(given(YEAR, policy=policy).when(swap)) == [
        ("RA", "root-S1", "60000.00", [("100", "60000.00")]),
        ("SO", "root-S1", "60000.00", [("100", "60000.00")]),
    ]


@pytest.mark.parametrize("kind", [ChangeType.UPDATE_TERM, ChangeType.CO_TERM])
def test_case_6_3_a_term_change_with_money_has_the_added_or_removed_period_as_its_dates(kind):
    history = given(YEAR)
    longer = {"start_on": date(2026, 1, 1), "end_on": date(2026, 3, 31)}
    (sold,) = history.when(order("O2", changing("S1", kind, 100, "30000.00", **longer))).documents
    assert (sold.lines[0].start_on, sold.lines[0].end_on) == (date(2026, 1, 1), date(2026, 3, 31))
    shorter = {"start_on": date(2026, 2, 1), "end_on": date(2026, 3, 31)}
    step = history.when(order("O3", changing("S1", kind, 100, "-20000.00", **shorter)))
    assert papers(step) == [("RA", "root-S1", "20000.00", [("100", "20000.00")])]
    assert step.documents[0].lines[0].start_on == date(2026, 2, 1)
    assert changes(step)[0].quantity_after == 100


def test_case_6_4_a_cancellation_at_the_end_of_the_term_posts_nothing():
    leaving = changing("S1", ChangeType.CANCEL, 0, 0, start_on=date(2026, 1, 1), end_on=None)
    step = given(YEAR).when(order("O2", leaving))
    assert (outcome(step), papers(step)) == ("NO_OP", [])


def test_case_6_5_a_mid_term_cancellation_returns_the_unused_rest_with_its_dates():
    rest = {"start_on": date(2025, 7, 1), "end_on": date(2025, 12, 31)}
    step = given(YEAR).when(order("O2", cancelled("S1", 100, "60000.00", **rest)))
    assert papers(step) == [("RA", "root-S1", "60000.00", [("100", "60000.00")])]
    assert (step.documents[0].lines[0].start_on, step.documents[0].lines[0].end_on) == tuple(rest.values())
    assert changes(step)[0].status_after == "Cancelled"


def test_case_6_6_a_cancelled_subscription_is_not_renewed_unless_nue_says_that_it_lives():
    history = given(YEAR, order("O2", cancelled("S1", 100, "60000.00", subscription_version=2)))
    dead = order("O3", renewed("S1", 100, "120000.00", subscription_version=3))
    assert reasons(history.when(dead)) == ["dead_subscription"]
    alive = order("O4", renewed("S1", 100, "120000.00", subscription_version=3, status_after="Active"))
    assert outcome(history.when(alive)) == "POSTED"


def test_case_6_6_a_new_order_for_the_same_product_is_a_new_contract():
    history = given(YEAR, order("O2", cancelled("S1", 100, "60000.00")))
    assert papers(history.when(order("O3", seats("S9", 10, "100.00"))))[0][1] == "root-S9"


@pytest.mark.parametrize(
    "lines",
    [
        [renewed("S1", 50, "63000.00")],
        [renewed("S1", 100, "120000.00"), fewer("S1", 50, "60000.00"), repriced("S1", 50, "3000.00")],
    ],
    ids=["in one line", "in several lines"],
)
def test_case_6_7_a_renewal_for_less_is_still_new_business(lines):
    step = given(YEAR).when(order("O2", *lines))
    ((kind, contract, total, _),) = papers(step)
    assert (kind, contract, total) == ("SO", "root-S1", "63000.00")


def test_case_6_7_a_renewal_with_a_larger_cancellation_is_split():
    step = given(TWO).when(order("O2", renewed("S2", 10, "6000.00"), cancelled("S1", 100, "60000.00")))
    assert [(each[0], each[2]) for each in papers(step)] == [("SO", "6000.00"), ("RA", "60000.00")]


def test_case_6_8_several_roots_of_one_order_are_one_contract_with_one_anchor():
    history = given(TWO)
    assert papers(history.when(order("O2", more("S2", 1, "600.00"))))[0][1] == "root-S1"


def test_case_6_8_an_order_over_two_contracts_makes_a_document_for_each():
    step = given(YEAR, OTHER).when(order("O2", more("S1", 1, "1200.00"), fewer("T1", 1, "100.00")))
    assert [(each[0], each[1], each[2]) for each in papers(step)] == [
        ("SO", "root-S1", "1200.00"),
        ("RA", "root-T1", "100.00"),
    ]


def test_case_6_9_new_products_join_the_one_contract_that_the_order_touches_else_they_open_their_own():
    history = given(YEAR, OTHER)
    joined = history.when(order("O2", more("S1", 1, "1200.00"), seats("S5", 1, "10.00")))
    assert [each[1] for each in papers(joined)] == ["root-S1"]
    apart = history.when(order("O3", more("S1", 1, "1200.00"), more("T1", 1, "100.00"), seats("S6", 1, "10.00")))
    assert [each[1] for each in papers(apart)] == ["root-S1", "root-T1", "root-S6"]


@pytest.mark.parametrize(("kind", "after"), [(ChangeType.UPGRADE, "72000.00"), (ChangeType.DOWNGRADE, "48000.00")])
def test_case_6_10_an_upgrade_or_downgrade_returns_the_old_product_and_books_the_new_one(kind, after):
    swap = order("O2", changing("S1", kind, -100, "-60000.00"), changing("S1", kind, 100, after, product_id="better"))
    step = given(YEAR, policy=SPLIT).when(swap)
    assert [(each[0], each[2]) for each in papers(step)] == [("RA", "60000.00"), ("SO", after)]
    assert [document.lines[0].item for document in step.documents] == ["NUE-ITEM-seat", "NUE-ITEM-better"]
    assert changes(step)[0].product_id == "better"


@pytest.mark.parametrize("turned", [1, -1], ids=["old product first", "new product first"])
def test_case_6_10_the_subscription_has_the_product_that_comes_wherever_its_line_stands(turned):
    lines = [
        changing("S1", ChangeType.SWAP, -100, "-60000.00"),
        changing("S1", ChangeType.SWAP, 100, "72000.00", product_id="better"),
    ][::turned]
    history = given(YEAR, order("O2", *lines))
    assert changes(history.steps[-1])[0].product_id == history.state.subscription("S1").product_id == "better"


def test_case_6_11_a_price_decrease_returns_the_affected_quantity_at_the_difference():
    step = given(YEAR).when(order("O2", repriced("S1", 100, "-6000.00", unit_price=Decimal(-10))))
    assert papers(step) == [("RA", "root-S1", "6000.00", [("100", "6000.00")])]
    assert step.documents[0].lines[0].rate == Decimal(60)


def test_case_6_12_a_credit_beyond_what_remains_waits_for_a_person():
    history = given(YEAR, order("O2", fewer("S1", 50, "100000.00")))
    held = reasons(history.when(order("O3", fewer("S1", 10, "20000.02"))))
    assert set(held) == {"credit_exceeds_remaining"}  # of the subscription, and of its contract
    step = history.when(released("O3", "credit_exceeds_remaining"))
    assert papers(step) == [("RA", "root-S1", "20000.02", [("10", "20000.02")])]


def test_case_6_13_a_copy_says_nothing_and_other_content_is_a_conflict():
    history = given(YEAR)
    assert history.when(replace(YEAR, event_id="again")).documents == ()
    other = replace(order("O1", seats("S1", 101, "1.00")), event_id="other")
    assert reasons(history.when(other)) == ["conflict"]


def test_case_6_14_an_order_that_arrives_too_early_waits_for_what_it_follows_on_from():
    history = given(YEAR)
    early = history.when(order("O3", fewer("S1", 10, "1.00", subscription_version=3)))
    assert (outcome(early), early.documents) == ("HELD", ())
    step = history.when(order("O2", more("S1", 1, "2.00", subscription_version=2)))
    assert names(step) == ["NUE-SO-O2", "NUE-RA-O3"]
