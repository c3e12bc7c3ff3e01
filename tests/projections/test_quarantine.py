"""What is held back for a person, and why."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from schemas.order import ChangeType, EventType, LineSemantics, LineType
from schemas.policy import Policy
from tests.projections.given import (
    cancelled,
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
    party,
    reasons,
    released,
    renewed,
    repriced,
    seats,
    segment,
)

OPENED = order("O1", seats("S1", 100, "1200.00"), seats("S2", 10, "600.00"))
OTHER = order("P1", seats("T1", 5, "500.00"))
ENDED = order("O2", cancelled("S1", 100, "1200.00"))


@pytest.mark.parametrize(
    ("code", "event"),
    [
        ("totals_do_not_tie", order("O2", more("S1", 1, "12.00"), total_amount=Decimal("13.00"))),
        ("totals_do_not_tie", order("O2", more("S1", 1, 0), total_amount=Decimal("0.01"))),
        ("currency_mismatch", order("O2", more("S1", 1, "12.00"), currency="EUR")),
        ("billing_account_mismatch", order("O2", more("S1", 1, "12.00"), billing_account_id="reseller")),
        ("credit_exceeds_remaining", order("O2", fewer("S1", 50, "1200.02"))),
        ("credit_exceeds_remaining", order("O2", fewer("S1", 101, "1200.00"))),
        ("quantity_mismatch", order("O2", more("S1", 10, "12.00", quantity_after=Decimal(111)))),
        ("quantity_mismatch", order("O2", cancelled("S1", 100, "12.00", quantity_after=Decimal(1)))),
        ("negative_renewal", order("O2", renewed("S1", 10, "-1.00"))),
        ("negative_new_order", order("O2", line("-1.00"))),
        ("stale_version", order("O2", more("S1", 1, "12.00", subscription_version=1))),
        ("unknown_subscription", order("O2", more("S9", 1, "12.00"))),
        ("line_semantics", order("O2", more("S1", 1, "12.00"), line_semantics=LineSemantics.UNKNOWN)),
        ("event_type", order("O2", more("S1", 1, "12.00"), event_type=EventType.UNKNOWN)),
        ("unknown_currency", order("O2", more("S1", 1, "12.00"), currency="XXX")),
        ("line_type", order("O2", line(1, line_type=LineType.UNKNOWN), total_amount=Decimal(1))),
        ("change_type", order("O2", changing("S1", ChangeType.UNKNOWN, 1, "12.00"))),
        ("missing_product", order("O2", more("S1", 1, "12.00"), products=())),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_an_order_is_held_back_for(code, event):
    history = given(OPENED)
    before = dict(history.state.entries())
    step = history.when(event)
    assert reasons(step) == [code]
    assert (outcome(step), changes(step)) == ("QUARANTINED", [])
    assert decided(step).reasons == step.quarantined[0].reasons
    after = dict(history.state.entries())
    assert len(after) == len(before) + 2  # the order, and that it waits for a person
    assert {key: after[key] for key in before} == before


def test_a_cancelled_order_does_not_touch_the_state_or_the_copy_of_its_activation():
    history = given(OPENED)
    history.when(order("O1", *OPENED.order.lines, event_type=EventType.ORDER_CANCELED, status="Canceled"))
    again = history.when(OPENED)
    assert (again.documents, again.contract_events, again.quarantined) == ((), (), ())


def test_one_reason_against_one_line_holds_the_whole_order_back_and_all_reasons_are_named():
    event = order(
        "O2", more("S1", 1, "12.00"), fewer("S2", 11, "60.00"), more("T1", 1, "9.00"), billing_account_id="reseller"
    )
    held = reasons(given(OPENED, OTHER).when(event))
    assert held == ["credit_exceeds_remaining", "billing_account_mismatch", "billing_account_mismatch"]
    assert decided(given(OPENED, OTHER).when(event)).why == (
        "S2: the quantity would fall to -1; contract root-S1 is billed to acme, the order to reseller; "
        "contract root-T1 is billed to acme, the order to reseller"
    )


def test_a_held_back_order_keeps_its_bytes_and_its_place():
    history = given(OPENED)
    (held,) = history.when(order("O2", more("S9", 1, "12.00"))).quarantined
    assert (held.topic, held.partition, held.offset, held.key, held.value) == ("orders", 0, 1, b"acme", b"bytes 1")
    assert (held.event_id, held.order_id, held.customer_id) == ("event-O2", "O2", "acme")


def test_a_held_back_order_stops_no_other_contract():
    history = given(OPENED, OTHER)
    assert reasons(history.when(order("O2", fewer("S1", 50, "9999.00"))))
    assert papers(history.when(order("O3", more("T1", 1, "80.00")))) == [("SO", "root-T1", "80.00", [("1", "80.00")])]


def test_after_a_quarantined_version_the_next_one_waits():
    history = given(OPENED)
    history.when(order("O2", fewer("S1", 50, "9999.00", subscription_version=2)))
    assert outcome(history.when(order("O3", more("S1", 1, "12.00", subscription_version=3)))) == "HELD"


def test_a_cancelled_subscription_takes_no_more_changes():
    history = given(OPENED, ENDED)
    assert reasons(history.when(order("O3", more("S1", 1, "12.00")))) == ["dead_subscription"]
    assert reasons(history.when(order("O4", renewed("S1", 100, "1200.00")))) == ["dead_subscription"]


def test_the_next_version_that_nue_reports_active_reactivates():
    event = order("O3", renewed("S1", 100, "1200.00", subscription_version=3, status_after="Active"))
    history = given(OPENED, ENDED, event)
    assert papers(history.steps[-1]) == [("SO", "root-S1", "1200.00", [("100", "1200.00")])]
    assert not history.state.subscription("S1").is_dead


def test_a_version_whose_status_nue_does_not_report_does_not_reactivate():
    event = order("O3", renewed("S1", 100, "1200.00", subscription_version=3))
    assert reasons(given(OPENED, ENDED).when(event)) == ["dead_subscription"]


def test_a_version_that_nue_reports_cancelled_does_not_reactivate():
    event = order("O3", renewed("S1", 100, "1200.00", subscription_version=3, status_after="Cancelled"))
    assert reasons(given(OPENED, ENDED).when(event)) == ["dead_subscription"]


def test_only_the_very_next_version_reactivates():
    history = given(order("O1", seats("S1", 100, "1200.00", subscription_version=1)))
    history.when(order("O2", cancelled("S1", 100, "600.00", subscription_version=2)))
    active = {"status_after": "Active", "quantity_after": Decimal(10)}
    history.when(order("O4", more("S1", 10, "120.00", subscription_version=4, **active)))
    assert reasons(history.when(released("O4", "version_gap"))) == ["dead_subscription"]


def test_an_expired_subscription_is_not_dead():
    lapsed = order("O2", repriced("S1", 100, 0, status_after="Expired"))
    assert outcome(given(OPENED, lapsed).when(order("O3", renewed("S1", 60, "756.00")))) == "POSTED"


def test_a_partial_cancellation_leaves_the_subscription_alive():
    for quantity in (40, 99):
        after = given(OPENED, order("O2", cancelled("S1", quantity, "480.00"))).state.subscription("S1")
        assert (after.quantity, after.status) == (100 - quantity, "Active")


def test_credits_add_up_until_nothing_remains():
    history = given(OPENED, order("O2", fewer("S1", 50, "600.00")), order("O3", fewer("S1", 49, "600.00")))
    assert reasons(history.when(order("O4", repriced("S1", 1, "-0.02")))) == ["credit_exceeds_remaining"]


def test_a_credit_may_miss_what_remains_by_one_minor_unit():
    assert outcome(given(OPENED).when(order("O2", cancelled("S1", 100, "1200.01")))) == "POSTED"
    strict = Policy(tie_out_tolerance=Decimal(0))
    assert reasons(given(OPENED).when(order("O2", cancelled("S1", 100, "1200.01")), strict)) == [
        "credit_exceeds_remaining"
    ]


def test_a_contract_that_owes_more_than_it_posted_takes_changes_of_nothing():
    history = given(order("O1", seats("S1", 100, "1200.00")))
    history.when(order("O2", fewer("S1", 50, "1500.00")))
    history.when(released("O2", "credit_exceeds_remaining"))
    assert reasons(history.when(order("O3", repriced("S1", 50, 0)))) == []
    assert reasons(history.when(order("O4", once("5.00")))) == []


def test_what_a_contract_has_left_may_be_missed_by_one_minor_unit_and_by_no_more():
    opened = order("O1", once("100.00"), seats("S1", 1, "20.00"))
    within, beyond = (order("O2", more("S1", 1, 0), once(amount)) for amount in ("-120.01", "-120.02"))
    assert outcome(given(opened).when(within)) == "POSTED"
    told = decided(given(opened).when(beyond))
    assert told.why == "contract root-S1: a credit of 120.02 is more than the 120.00 posted"


def test_a_credit_of_one_subscription_is_not_covered_by_another():
    event = order("O2", fewer("S2", 5, "700.00"))
    assert reasons(given(OPENED).when(event)) == ["credit_exceeds_remaining"]


def test_a_contract_cannot_return_more_than_it_posted_through_one_time_lines():
    event = order("O2", line("-1900.00", product_id="setup"), repriced("S1", 100, 0))
    assert reasons(given(OPENED).when(event)) == ["credit_exceeds_remaining"]


def test_a_renewal_states_the_renewed_quantity_and_a_price_change_the_affected_one():
    history = given(
        OPENED,
        order("O2", renewed("S1", 60, "720.00", quantity_after=Decimal(60))),
        order("O3", repriced("S1", 60, "-12.00", quantity_after=Decimal(60))),
        order("O4", changing("S1", ChangeType.CO_TERM, 60, "30.00")),
    )
    assert history.state.subscription("S1").quantity == 60


def test_a_renewal_beside_a_price_change_of_the_same_subscription_is_one_change():
    event = order("O2", renewed("S1", 60, "720.00"), repriced("S1", 60, "-12.00"))
    history = given(OPENED)
    step = history.when(event)
    assert papers(step) == [("SO", "root-S1", "708.00", [("60", "720.00"), ("-60", "-12.00")])]
    (change,) = changes(step)
    assert change.change_types == (ChangeType.RENEW, ChangeType.ADJUST_PRICE)
    assert (change.amount, change.quantity_after) == (Decimal("708.00"), 60)


@pytest.mark.parametrize(
    "line",
    [
        renewed("S1", 60, "720.00", quantity_after=Decimal(70)),
        changing("S1", ChangeType.SWAP, 60, "72.00", quantity_after=Decimal(70)),
        repriced("S1", 60, "72.00", quantity_after=Decimal(70)),
        segment("sum", 10, "72.00", asset_number="S1", subscription_number="S1", quantity_after=Decimal(70)),
    ],
    ids=["renewal", "swap", "price", "ramp"],
)
def test_where_lines_do_not_say_by_how_much_the_quantity_changes_nues_own_word_counts(line):
    history = given(OPENED, order("O2", line))
    assert history.state.subscription("S1").quantity == 70


def test_products_of_summary_lines_need_no_description():
    event = order("O1", line(1), line(1, line_type=LineType.SUMMARY_ITEM, product_id="bundle"))
    kept = tuple(each for each in event.products if each.id != "bundle")
    step = given().when(order("O1", *event.order.lines, products=kept))
    assert outcome(step) == "POSTED"


def test_an_order_with_one_line_id_twice_is_held_back():
    step = given(OPENED).when(order("O2", more("S1", 1, "10", line_id="x"), more("S1", 1, "20", line_id="x")))
    assert "duplicate_line" in reasons(step)


def test_a_line_of_a_known_subscription_that_does_not_say_that_it_changes_it_is_held_back():
    again = seats("S1", 100, "1200.00", change_type=ChangeType.RENEW, subscription_version=2)
    assert reasons(given(OPENED).when(order("O2", again))) == ["changed_without_asset"]


def test_an_order_whose_billing_account_is_not_described_is_held_back():
    event = replace(order("O2", more("S1", 1, "10.00")), billing_account=party("somebody else"))
    assert "missing_party" in reasons(given(OPENED).when(event))


def test_of_very_many_reasons_the_first_are_told_and_how_many_more_there_are():
    event = order("O2", *(more(f"X{n}", 1, "1.00") for n in range(50)))
    told = decided(given(OPENED).when(event)).reasons
    assert [each.code for each in told] == 20 * ["unknown_subscription"] + ["more"]
    assert told[-1].detail == "and 30 reasons more"
    twenty = order("O3", *(more(f"X{n}", 1, "1.00") for n in range(20)))
    assert [each.code for each in decided(given(OPENED).when(twenty)).reasons] == 20 * ["unknown_subscription"]
