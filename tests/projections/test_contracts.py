"""Which contract a document belongs to, and what the contract remembers."""

from decimal import Decimal

from schemas.order import ChangeType, LineType
from schemas.policy import Policy
from tests.projections.given import (
    changes,
    changing,
    decided,
    fewer,
    given,
    line,
    more,
    once,
    order,
    outcome,
    papers,
    released,
    renewed,
    seats,
    segment,
)

OPENED = order("O1", seats("S1", 100, "1200.00"), seats("S2", 10, "600.00"))
OTHER = order("P1", seats("T1", 5, "500.00"))


def contracts(step):
    return [each.original_order_id for each in step.documents]


def test_the_anchor_is_the_root_of_the_first_top_level_subscription():
    event = order(
        "O1",
        seats("S1", 1, "5.00", subscription_level=2, root_subscription_id="root-S3"),
        seats("S2", 1, "9.00", subscription_level=1, root_subscription_id="root-S2"),
        seats("S3", 1, "7.00", subscription_level=1, root_subscription_id="root-S3"),
    )
    assert contracts(given().when(event)) == ["root-S2"]


def test_a_subscription_whose_level_is_not_told_is_a_top_level_one():
    event = order("O1", seats("S1", 1, "5.00", subscription_level=2), seats("S2", 1, "9.00"))
    assert contracts(given().when(event)) == ["root-S2"]


def test_the_first_line_is_the_one_with_the_lowest_number_wherever_it_stands():
    event = order("O1", seats("S1", 1, "5.00", line_number=20), seats("S2", 1, "9.00", line_number=10))
    assert contracts(given().when(event)) == ["root-S2"]


def test_a_one_time_line_in_front_is_not_the_anchor():
    assert contracts(given().when(order("O1", once("500.00"), seats("S1", 1, "5.00")))) == ["root-S1"]


def test_a_subscription_without_a_root_id_is_its_own_root():
    event = order("O1", seats("S1", 1, "5.00", root_subscription_id=None))
    assert contracts(given().when(event)) == ["id-S1"]


def test_an_order_without_subscriptions_is_its_own_anchor():
    assert contracts(given().when(order("O1", once("500.00")))) == ["O1"]


def test_a_ramp_is_anchored_through_the_sibling_that_names_the_subscription():
    event = order(
        "O1",
        line(11000, 20, line_id="sum", line_type=LineType.SUMMARY_ITEM),
        segment("sum", 20, 0),
        segment("sum", 20, 11000, subscription_number="S1", subscription_id="i", root_subscription_id="root-S1"),
    )
    assert papers(given().when(event)) == [("SO", "root-S1", "11000.00", [("20", "0.00"), ("20", "11000.00")])]


def test_every_subscription_of_a_new_order_inherits_its_anchor():
    history = given(OPENED)
    assert contracts(history.when(order("O2", more("S2", 1, "60.00")))) == ["root-S1"]
    assert contracts(history.when(order("O3", renewed("S2", 11, "660.00")))) == ["root-S1"]


def test_a_later_version_with_another_root_id_stays_in_its_contract():
    step = given(OPENED).when(order("O2", more("S2", 1, "60.00", root_subscription_id="elsewhere")))
    assert contracts(step) == ["root-S1"]


def test_two_new_orders_open_two_contracts():
    assert contracts(given(OPENED).when(OTHER)) == ["root-T1"]


def test_a_new_product_beside_changes_of_one_contract_joins_it():
    history = given(OPENED)
    step = history.when(order("O2", more("S1", 10, "100.00"), seats("S3", 3, "90.00")))
    assert papers(step) == [("SO", "root-S1", "190.00", [("10", "100.00"), ("3", "90.00")])]
    assert history.state.subscription("S3").contract_id == "root-S1"


def test_a_new_product_beside_changes_of_two_contracts_opens_its_own():
    history = given(OPENED, OTHER)
    step = history.when(order("O2", more("S1", 1, "12.00"), more("T1", 1, "80.00"), seats("S3", 3, "90.00")))
    assert contracts(step) == ["root-S1", "root-T1", "root-S3"]
    assert contracts(history.when(order("O3", more("S3", 1, "30.00")))) == ["root-S3"]


def test_one_time_lines_go_with_the_contract_that_the_order_opens():
    event = order("O2", once("40.00"), more("S1", 1, "12.00"), more("T1", 1, "80.00"), seats("S3", 3, "90.00"))
    step = given(OPENED, OTHER).when(event)
    assert ("SO", "root-S3", "130.00", [("1", "40.00"), ("3", "90.00")]) in papers(step)


def test_one_time_lines_go_with_the_contract_that_the_order_joins():
    step = given(OPENED).when(order("O2", once("40.00"), fewer("S1", 10, "100.00"), seats("S3", 3, "90.00")))
    assert contracts(step) == ["root-S1"]
    assert len(step.documents[0].lines) == 3


def test_one_time_lines_beside_two_contracts_go_with_the_first_changed_line():
    step = given(OPENED, OTHER).when(order("O2", once("40.00"), more("T1", 1, "80.00"), more("S1", 1, "12.00")))
    assert papers(step) == [
        ("SO", "root-T1", "120.00", [("1", "40.00"), ("1", "80.00")]),
        ("SO", "root-S1", "12.00", [("1", "12.00")]),
    ]


def test_a_contract_counts_its_changes_and_what_it_posted():
    history = given(OPENED)
    assert [each.sequence for each in changes(history.steps[0])] == [1, 2]
    step = history.when(order("O2", fewer("S1", 50, "300.00"), once("40.00")))
    assert [each.sequence for each in changes(step)] == [3]
    contract = history.state.contract("root-S1")
    assert (contract.changes, contract.posted) == (3, Decimal("1540.00"))


def test_what_somebody_lets_through_in_other_money_is_all_that_is_posted_in_that_money():
    history = given(OPENED)
    history.when(order("O2", more("S1", 1, "12.00"), currency="EUR"))
    history.when(released("O2", "currency_mismatch"))
    subscription, contract = history.state.subscription("S1"), history.state.contract("root-S1")
    assert (subscription.currency, subscription.posted) == (contract.currency, contract.posted) == ("EUR", 12)
    assert contract.changes == 3


def test_a_change_tells_the_quantity_and_status_before_and_after():
    history = given(OPENED)
    first = changes(history.steps[0])[0]
    assert (first.quantity_before, first.status_before, first.version) == (None, None, 1)
    (change,) = changes(history.when(order("O2", fewer("S1", 50, "300.00"))))
    assert (change.quantity_before, change.quantity_after, change.version) == (100, 50, 2)
    assert (change.amount, change.documents) == (Decimal("-300.00"), ("NUE-RA-O2",))


def test_a_decision_names_the_contracts_it_touched_also_those_without_a_document():
    step = given(OPENED, OTHER).when(order("O2", more("T1", 1, "80.00"), more("S1", 0, 0)))
    assert set(decided(step).contracts) == {"root-T1", "root-S1"}
    assert contracts(step) == ["root-T1"]


def test_a_ramps_unlinked_segment_stays_in_the_contract_that_its_linked_segment_changes():
    first, second = order("O1", seats("SA", 1, "100.00")), order("O2", seats("SB", 1, "100.00"))
    linked = renewed("SA", 1, "1000.00", line_type=LineType.RAMP_ITEM, parent_line_id="ramp")
    unlinked = segment("ramp", 1, "1500.00", change_type=ChangeType.RENEW)
    step = given(first, second).when(order("O3", linked, unlinked, renewed("SB", 1, "700.00")))
    assert [(each.original_order_id, each.total) for each in step.documents] == [
        ("root-SA", Decimal("2500.00")),
        ("root-SB", Decimal("700.00")),
    ]


def test_one_document_for_two_contracts_is_anchored_at_the_first_line_that_stands_on_it():
    first, second = order("O1", seats("SA", 1, "100.00")), order("O2", seats("SB", 1, "100.00"))
    nothing = changing("SB", ChangeType.UPDATE_TERM, 0, 0)
    history = given(first, second, policy=Policy(split_by_contract=False))
    step = history.when(order("O3", nothing, more("SA", 1, "300.00")), policy=Policy(split_by_contract=False))
    assert [each.original_order_id for each in step.documents] == ["root-SA"]


def test_an_order_that_makes_two_versions_of_a_subscription_is_followed_by_the_next():
    both = order(
        "O2",
        more("S1", 1, "10.00", subscription_version=2, quantity_after=Decimal(11)),
        renewed("S1", 11, "110.00", subscription_version=3, quantity_after=Decimal(11)),
    )
    step = given(order("O1", seats("S1", 10, "100.00")), both).when(
        order("O3", more("S1", 1, "5.00", subscription_version=4))
    )
    assert outcome(step) == "POSTED"
