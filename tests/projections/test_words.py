"""What people are told: the sentence that comes with each reason, and why an order came to what it did."""

from datetime import date
from decimal import Decimal

import pytest
from msgspec.structs import replace

from projections import turn, waiting
from schemas.order import ChangeType, EventType, LineSemantics, LineType
from schemas.policy import OrderCancellations, Policy
from tests.projections.given import (
    ASK,
    NOON,
    cancelled,
    changing,
    decided,
    discarded,
    expired,
    fewer,
    given,
    line,
    more,
    once,
    order,
    party,
    released,
    renewed,
    seats,
)
from tests.projections.test_openings import OPENED as OPENED_SUBSCRIPTION
from tests.projections.test_openings import OPENING

SOLD = order("O1", seats("S1", 100, "1200.00", subscription_version=1), seats("S2", 10, "600.00"))
SNAPSHOT = {"line_semantics": LineSemantics.SNAPSHOT}
GONE = order("O1", *SOLD.order.lines, event_type=EventType.ORDER_CANCELED, status="Canceled", event_id="event-C")


def told(step):
    """The reasons with which a step holds something back, and their sentences."""
    (held_back,) = step.quarantined
    return [(each.code, each.detail) for each in held_back.reasons]


AGAINST_ITSELF = {
    "event_type": (
        order("O2", more("S1", 1, "12.00"), event_type=EventType.UNKNOWN),
        "the event is of a type that this version does not know",
    ),
    "line_semantics": (
        order("O2", more("S1", 1, "12.00"), line_semantics=LineSemantics.UNKNOWN),
        "what the lines mean is not known to this version",
    ),
    "unknown_currency": (
        order("O2", more("S1", 1, "12.00"), currency="usd"),
        "'usd' is not an ISO 4217 currency code",
    ),
    "missing_party": (
        replace(order("O2", more("S1", 1, "10.00")), billing_account=party("somebody else")),
        "the customer or billing account of the order is not described",
    ),
    "duplicate_line": (
        order("O2", more("S1", 1, "10", line_id="x"), more("S1", 1, "20", line_id="x")),
        "line x stands in the order more than once",
    ),
    "line_type": (
        order("O2", line(1, line_type=LineType.UNKNOWN), total_amount=Decimal(1)),
        "line O2/1 is of a type that is not known",
    ),
    "change_type": (
        order("O2", changing("S1", ChangeType.UNKNOWN, 1, "12.00")),
        "line O2/1 is a change that is not known",
    ),
    "missing_product": (order("O2", more("S1", 1, "12.00"), products=()), "product seat is not described"),
    "price_too_large": (
        order("O2", more("S1", 12, "12.00", unit_price=Decimal(10) ** 17)),
        "line O2/1 costs 1.200E+18 a month",
    ),
}
AGAINST_WHAT_IS_KNOWN = {
    "stale_version": (
        order("O2", more("S1", 1, "12.00", subscription_version=1)),
        "S1 version 1 is not above version 1, already folded",
    ),
    "unknown_subscription": (
        order("O2", more("S9", 1, "12.00")),
        "S9 is changed, and no order so far made such a subscription",
    ),
    "changed_without_asset": (
        order("O2", seats("S1", 1, "12.00")),
        "S1 is there already, and no line of the order says that it changes it",
    ),
    "quantity_mismatch": (
        order("O2", more("S1", 10, "12.00", quantity_after=Decimal("111.50"))),
        "S1: Nue reports quantity 111.5 after the order, its lines lead to 110",
    ),
    "negative_renewal": (order("O2", renewed("S1", 10, "-1.00")), "S1: a renewed line is negative"),
    "negative_new_order": (order("O2", line("-1.00")), "a new order has a negative total"),
    "totals_do_not_tie": (
        order("O2", more("S1", 1, "12.004"), more("S2", 1, "1.00"), total_amount=Decimal(20), tax_amount=Decimal(4)),
        "the posted lines sum to 13.00, the order's total before tax is 16.00 USD",
    ),
    "currency_mismatch": (
        order("O2", more("S1", 1, "12.00"), currency="EUR"),
        "contract root-S1 is in USD, the order in EUR",
    ),
    "billing_account_mismatch": (
        order("O2", more("S1", 1, "12.00"), billing_account_id="reseller"),
        "contract root-S1 is billed to acme, the order to reseller",
    ),
}


@pytest.mark.parametrize("code", [*AGAINST_ITSELF, *AGAINST_WHAT_IS_KNOWN])
def test_one_reason_is_told_in_one_sentence(code):
    event, sentence = (AGAINST_ITSELF | AGAINST_WHAT_IS_KNOWN)[code]
    step = given(SOLD).when(event)
    assert told(step) == [(code, sentence)]
    assert decided(step).why == sentence


def test_a_credit_is_told_with_what_it_asks_for_and_what_there_is():
    history = given(SOLD, order("O2", fewer("S1", 50, "300.50")))
    assert told(history.when(order("O3", fewer("S1", 1, "901.00")))) == [
        ("credit_exceeds_remaining", "S1: a credit of 901 is more than the 899.5 that remain posted")
    ]
    assert told(history.when(order("O4", fewer("S2", 11, "1.00")))) == [
        ("credit_exceeds_remaining", "S2: the quantity would fall to -1")
    ]
    assert told(history.when(order("O5", more("S1", 1, 0), once("-1500.00")))) == [
        ("credit_exceeds_remaining", "contract root-S1: a credit of 1500.00 is more than the 1499.50 posted")
    ]


def test_a_change_of_what_is_cancelled_is_told():
    history = given(SOLD, order("O2", cancelled("S1", 100, "1200.00")))
    assert told(history.when(order("O3", more("S1", 1, "12.00")))) == [
        ("dead_subscription", "S1 is cancelled and cannot be changed")
    ]


def test_an_order_of_both_signs_that_the_policy_leaves_to_a_person_is_told():
    step = given(SOLD, policy=ASK).when(order("O2", more("S1", 1, "12.00"), fewer("S2", 1, "60.00")))
    assert told(step) == [
        ("mixed_order", "the order adds and takes away, and the policy leaves such orders to a person")
    ]


def test_lines_that_state_what_is_are_told_with_the_amounts_that_they_state():
    stated = order("O2", more("S1", 110, "1320.00", unit_price=Decimal(1)), total_amount=Decimal(1400), **SNAPSHOT)
    assert told(given(SOLD).when(stated)) == [
        ("totals_do_not_tie", "the posted lines sum to 1320.00, the order's total before tax is 1400.00 USD")
    ]
    history = given(replace(OPENING, subscriptions=(replace(OPENED_SUBSCRIPTION, segments=()),)))
    event = order("v5", more("S1", 101, "101.00", unit_price=Decimal(1), subscription_version=5), **SNAPSHOT)
    assert told(history.when(event)) == [
        (
            "schedule_unknown",
            "S1: what its dates were worth before is not known, so neither is the difference; "
            "the opening gave it no segments",
        )
    ]


def test_what_an_order_waits_for_is_told():
    history = given(SOLD)
    history.when(
        order("O3", more("S1", 1, "12.00", subscription_version=3), more("S2", 1, "60.00", subscription_version=5))
    )
    sentence = "waits for S1 version 2; waits for S2 versions 2 to 4"
    assert decided(history.steps[-1]).why == sentence
    assert told(history.when(expired("O3"))) == [("version_gap", each) for each in sentence.split("; ")]
    step = given().when(GONE)
    assert [each.detail for each in decided(step).reasons] == ["waits for the activation of order O1"]


def test_that_too_many_wait_is_told_with_what_they_wait_for(monkeypatch):
    monkeypatch.setattr(waiting, "MOST_WAITING", 0)
    step = given(SOLD).when(order("O3", more("S1", 1, "12.00", subscription_version=3)))
    assert told(step)[0] == ("too_many_waiting", "0 orders wait already for S1")
    assert told(given().when(GONE))[0] == ("too_many_waiting", "0 orders wait already for O1")


def test_an_order_that_is_too_large_to_wait_is_told(monkeypatch):
    monkeypatch.setattr(turn, "is_too_large", lambda body: True)
    sentence = "the order is too large to be kept until it can be decided: it cannot be released"
    step = given(SOLD).when(order("O3", more("S1", 1, "12.00", subscription_version=3)))
    assert told(step) == [("too_large", sentence), ("version_gap", "waits for S1 version 2")]


def test_two_versions_of_one_order_are_told_with_the_place_of_the_first():
    history = given(order("O0", once(1)), SOLD)
    other = replace(order("O1", once("1.00")), event_id="event-X")
    sentence = "order No. O1 was taken in{} with other content; one of the two is wrong"
    assert told(history.when(other)) == [("conflict", sentence.format(" at offset 1"))]
    assert told(history.when(released("X", "conflict"))) == [("conflict", sentence.format(""))]


def test_an_event_id_that_was_used_before_is_told():
    history = given(SOLD)
    history.when(order("O3", more("S1", 1, "12.00", subscription_version=3)))
    step = history.when(replace(order("O9", once(1)), event_id="event-O3"))
    assert told(step) == [
        ("conflict", "event event-O3 was taken in before with other content; event ids are not used twice")
    ]
    assert (step.quarantined[0].customer_id, step.quarantined[0].event_id) == ("acme", None)


def test_what_speaks_against_an_opening_is_told():
    history = given(OPENING)
    step = history.when(replace(OPENING, event_id="other", posted=Decimal(7)))
    assert told(step) == [("conflict", "contract anchor was opened otherwise; one of the two is wrong")]
    assert (step.quarantined[0].customer_id, step.quarantined[0].event_id) == ("acme", "other")
    late = given(order("O1", seats("S9", 1, "1.00", root_subscription_id="anchor"))).when(OPENING)
    assert told(late) == [("opened_late", "contract anchor is there already: an opening comes before its first order")]
    assert told(given().when(replace(OPENING, currency="XXX"))) == [
        ("unknown_currency", "'XXX' is not an ISO 4217 currency code")
    ]
    (segment,) = OPENED_SUBSCRIPTION.segments
    backwards = replace(OPENED_SUBSCRIPTION, segments=(replace(segment, end_on=date(2024, 1, 1)),))
    assert told(given().when(replace(OPENING, subscriptions=(backwards,)))) == [
        ("opened_segments", "S1 has segments that overlap, end before they begin, or have less than no quantity")
    ]


def test_what_a_cancellation_would_do_is_told_before_anybody_releases_it():
    assert told(given(SOLD).when(GONE)) == [
        ("order_cancelled", "the order was cancelled after it was posted: once released, 1800.00 USD is returned")
    ]
    less = order("O2", fewer("S1", 50, "600.00"))
    gone = replace(less, event_type=EventType.ORDER_CANCELED, order=replace(less.order, status="Canceled"))
    assert told(given(SOLD, less).when(replace(gone, event_id="event-C"))) == [
        ("order_cancelled", "the order was cancelled after it was posted: once released, 600.00 USD is sold again")
    ]


def test_a_cancellation_that_does_not_fit_is_told():
    history = given(SOLD, order("O2", more("S1", 1, "12.00", subscription_version=2)),
                    policy=Policy(order_cancellations=OrderCancellations.POST))  # fmt: skip
    other = replace(GONE, order=replace(GONE.order, po_number="another"), line_semantics=LineSemantics.SNAPSHOT)
    assert told(history.when(other)) == [
        (
            "snapshot_cancellation",
            "its lines state what the subscriptions were after it, not what it posted: publish them as they are now",
        ),
        (
            "cancellation_differs",
            "the cancelled order does not say what its activation said; what it says now would be taken back",
        ),
        ("changed_since", "S1 has been changed since, to version 2"),
    ]


def test_an_activation_after_its_cancellation_is_told():
    history = given()
    history.when(GONE)
    history.when(expired("C"))
    step = history.when(released("C", "version_gap"))
    assert decided(step).why == "its activation never arrived: nothing was posted"
    assert told(history.when(SOLD)) == [("cancelled_before", "the order was cancelled before its activation arrived")]


def test_why_an_order_posts_nothing_is_told():
    draft = order("O2", more("S1", 1, "12.00"), status="Draft")
    assert decided(given(SOLD).when(draft)).why == "not activated: its status is Draft"
    assert decided(given().when(replace(GONE, order=replace(GONE.order, activated_at=None)))).why == (
        "cancelled before it was activated"
    )
    from_april = Policy(post_from=date(2025, 4, 1))
    assert decided(given().when(SOLD, from_april)).why == "dated before 2025-04-01: projected, never posted"
    contained = order("v3", more("S1", 1, "12.00", subscription_version=3), activated_at=NOON)
    assert decided(given(OPENING).when(contained, from_april)).why == "contained in the opening balance of its contract"
    assert decided(given(SOLD).when(order("O2", renewed("S1", 1, 0), more("S2", 0, 0)))).why == "renew, update quantity"
    assert decided(given(SOLD).when(order("O2", more("S2", 1, 0)))).why == "zero total: update quantity"


def test_of_a_discarded_order_it_is_told_who_discarded_it_and_that_its_cancellation_takes_nothing_back():
    history = given(SOLD)
    off = order("O2", more("S1", 1, "12.00", subscription_version=2), total_amount=Decimal(13))
    gone = replace(off, event_id="event-C", event_type=EventType.ORDER_CANCELED,
                   order=replace(off.order, status="Canceled"))  # fmt: skip
    history.when(off)
    history.when(gone)
    step = history.when(discarded("O2"))
    assert [each.why for each in step.contract_events if hasattr(each, "outcome")] == [
        "discarded by kim: sent twice",
        "the cancelled order was discarded: nothing was posted",
    ]
    assert [each.why for each in step.holdings] == [
        "sent twice",
        "the cancelled order was discarded: nothing was posted",
    ]
