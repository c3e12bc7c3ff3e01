"""What was known at an instant: which records of a partition count, and by which of their times."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from projections.as_of import View, as_of, written_at
from projections.records import LogRecord, customer_of
from schemas.order import EventType
from schemas.policy import LineRate, Policy, PolicyActivated
from tests.projections.given import LATER, NOON, fewer, given, order, released, seats
from tests.projections.test_openings import OPENING

BEGUN = NOON - timedelta(days=1)
FIRST = PolicyActivated(
    event_id="policy", partition=0, partitions=1, activated_at=BEGUN, activated_by="kim", policy=Policy()
)
SOLD = order("O1", seats("S1", 100, "1200.00"))
CREDIT = order("O2", fewer("S1", 1, "1200.02"))
LET_THROUGH = released("O2", "credit_exceeds_remaining")


def logged(*contents):
    """The records of a partition that hold ``contents``."""
    return [
        (
            LogRecord("orders", 0, offset, NOON, None if isinstance(each, PolicyActivated) else
                      customer_of(each).encode(), b""),
            each,
        )
        for offset, each in enumerate(contents)
    ]  # fmt: skip


def test_a_record_before_any_policy_is_refused_with_its_place():
    with pytest.raises(ValueError, match=r"orders\[0\] offset 0 comes before any policy"):
        as_of(logged(SOLD, FIRST))


def test_what_people_say_counts_from_when_they_said_it():
    log = logged(FIRST, SOLD, CREDIT, LET_THROUGH)
    known = {
        instant: as_of(log, View(instant))["acme"]
        for instant in (SOLD.published_at, LATER - timedelta(seconds=1), LATER)
    }
    assert [each.position for each in known.values()] == [2, 2, 3]
    assert [each.subscription("S1").quantity for each in known.values()] == [100, 100, 99]
    assert as_of(log, View(BEGUN)) == {}


def test_an_opening_counts_from_when_it_was_given():
    log = logged(FIRST, OPENING)
    assert as_of(log, View(LATER - timedelta(seconds=1))) == {}
    assert as_of(log, View(LATER))["acme"].contract("anchor") is not None


def test_what_was_published_by_then_counts_also_behind_what_was_said_after_it():
    then = as_of(logged(FIRST, OPENING, SOLD), View(SOLD.published_at))["acme"]
    assert (then.position, then.contract("anchor"), then.subscription("S1").quantity) == (2, None, 100)


def test_an_order_counts_from_when_it_was_published_and_a_policy_from_when_it_was_activated():
    late = replace(SOLD, published_at=LATER)
    assert [written_at(each) for each in (FIRST, SOLD, late)] == [BEGUN, SOLD.published_at, LATER]


def test_each_order_is_decided_by_the_policy_before_it():
    ask = replace(FIRST, activated_at=NOON, policy=Policy(release_by_two=True, line_rate=LineRate.PER_PERIOD))
    one = as_of(logged(FIRST, SOLD, CREDIT, LET_THROUGH))["acme"]
    two = as_of(logged(FIRST, SOLD, CREDIT, ask, LET_THROUGH))["acme"]
    assert (one.waiting("event-O2").is_open, two.waiting("event-O2").is_open) == (False, True)


def test_customers_are_folded_each_from_their_own_orders():
    other = order("P1", seats("T1", 5, "500.00"), customer_id="other")
    states = as_of(logged(FIRST, SOLD, other, CREDIT, LET_THROUGH))
    assert {name: (each.customer_id, each.position) for name, each in states.items()} == {
        "acme": ("acme", 4),
        "other": ("other", 2),
    }
    history = given(SOLD)
    history.when(CREDIT)
    history.when(LET_THROUGH)
    assert states["acme"].subscription("S1").quantity == history.state.subscription("S1").quantity == 99
    assert states["other"].subscription("S1") is None


def test_the_policy_that_a_partition_begins_with_counts_also_before_it_was_activated():
    assert as_of(logged(replace(FIRST, activated_at=LATER), SOLD), View(SOLD.published_at))["acme"].position == 1
    ask = replace(FIRST, activated_at=LATER + timedelta(days=1), policy=Policy(release_by_two=True))
    then = as_of(logged(FIRST, ask, SOLD, CREDIT, LET_THROUGH), View(LATER))["acme"]
    assert not then.waiting("event-O2").is_open


CANCELED = replace(
    SOLD,
    event_id="event-C",
    event_type=EventType.ORDER_CANCELED,
    published_at=LATER,
    order=replace(SOLD.order, status="Canceled"),
)


@pytest.mark.parametrize(
    ("content", "day"),
    [
        (SOLD, SOLD.order.effective_on),
        (OPENING, OPENING.opened_on),
        (CANCELED, LATER.date()),
    ],
    ids=["an order", "an opening", "a cancellation"],
)
def test_what_is_in_effect_on_a_day_is_so_from_its_own_day_on(content, day):
    begun = [FIRST] if content is not CANCELED else [FIRST, SOLD]
    log = logged(*begun, content)
    position = len(begun)
    before, then = (as_of(log, View(effective_on=each)) for each in (day - timedelta(days=1), day))
    assert then["acme"].position == position
    assert "acme" not in before or before["acme"].position < position


def test_what_people_say_has_no_day_of_its_own():
    day = replace(CREDIT.order, effective_on=LATER.date())
    log = logged(FIRST, SOLD, replace(CREDIT, order=day), LET_THROUGH)
    before, then = (as_of(log, View(effective_on=LATER.date() - timedelta(days=each)))["acme"] for each in (1, 0))
    assert [each.subscription("S1").quantity for each in (before, then)] == [100, 99]
    assert [each.position for each in (before, then)] == [3, 3]


def test_from_where_all_is_seen_nothing_is_left_out():
    assert View().is_whole
    assert not View(known_at=LATER).is_whole
    assert not View(effective_on=LATER.date()).is_whole
