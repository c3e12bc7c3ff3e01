"""Stored state against a dictionary: orders, contracts with their subscriptions, and events that wait.

Every write may be cut off after any of its records, more than once, before it is done whole.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from projections import pages, shelf
from projections.forms import position_of
from projections.pages import body_key, dump, load
from projections.records import LogRecord
from projections.state import (
    NO_POSITION,
    ContractEntry,
    OrderEntry,
    SubscriptionEntry,
    WaitingEntry,
    contract_key,
    order_key,
    subscription_key,
    waiting_key,
)
from projections.waiting import body_of
from schemas.contract import OrderOutcome
from schemas.order import EventType
from tests.projections.given import NOON, order, seats

EVENT = order("O1", seats("S1", 1, "1.00"))
SUBSCRIPTION = SubscriptionEntry(
    position=0, contract_id="", version=1, quantity=Decimal(1), status="Active", product_id="seat", posted=Decimal(1),
    start_on=None, end_on=None, currency="USD",
)  # fmt: skip
KEYS = [
    *(order_key(EventType.ORDER_ACTIVATED, str(n)) for n in range(20)),
    *(contract_key(str(n)) for n in range(4)),
    *(subscription_key(str(n)) for n in range(30)),
]
EVENTS = [f"event-{n}" for n in range(5)]


@dataclass
class Change:
    """What one record of the log changes."""

    entries: dict = field(default_factory=dict)
    bodies: dict = field(default_factory=dict)


def body(event_id, position):
    record = LogRecord("orders", 0, position, NOON, b"acme", f"{event_id} {position}".encode())
    return body_of(record, EVENT, b"content")


def entry(key, position):
    """An entry of the kind that its key names; a subscription stays with its contract."""
    match key[0]:
        case "o":
            return OrderEntry(position, str(position).encode(), OrderOutcome.POSTED)
        case "c":
            return ContractEntry(position, "USD", "acme", Decimal(position), position)
        case "w":
            return WaitingEntry(position, position, OrderOutcome.HELD, 1)
        case _:
            return replace(SUBSCRIPTION, position=position, contract_id=str(int(key[2:]) % 3))


class StoredState(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.before = (pages.INLINE_ENTRIES, shelf.PAGE_ENTRIES, shelf.AT_HOME)
        self.store, self.entries, self.bodies, self.position = {}, {}, {}, NO_POSITION

    @initialize(inline=st.integers(0, 10), page=st.integers(1, 4), at_home=st.integers(0, 4))
    def small_pages(self, inline, page, at_home):
        pages.INLINE_ENTRIES, shelf.PAGE_ENTRIES, shelf.AT_HOME = inline, page, at_home

    def teardown(self):
        pages.INLINE_ENTRIES, shelf.PAGE_ENTRIES, shelf.AT_HOME = self.before

    @rule(
        keys=st.sets(st.sampled_from(KEYS), max_size=15),
        waits=st.sets(st.sampled_from(EVENTS), max_size=3),
        step=st.integers(1, 3),
        cuts=st.lists(st.data(), max_size=3),
        rest=st.data(),
    )
    def write(self, keys, waits, step, cuts, rest):
        position = self.position + step
        change = self._change(position, keys, waits)
        for cut in cuts:
            self._some_of(cut, self._writes(position, change).before)
            self.reads_back()
        writes = self._writes(position, change)
        for record in writes.before:
            self._put([record])
            self.reads_back()
        self._put([writes.head])
        self.entries |= change.entries
        self.bodies = {name: each for name, each in (self.bodies | change.bodies).items() if each is not None}
        self.position = position
        self.reads_back()
        self._some_of(rest, writes.after)

    def _change(self, position, keys, waits):
        change = Change({key: entry(key, position) for key in keys})
        for event in waits:
            change.entries[waiting_key(event)] = entry("w/", position)
            change.bodies[event] = None if event in self.bodies else body(event, position)
        return change

    def _writes(self, position, change):
        state = load("acme", self.store.get).with_changes(position, change.entries, change.bodies)
        return dump(state, self.store.get)

    def _some_of(self, data, records):
        """The part of the records that a crash left."""
        if records:
            self._put(data.draw(st.lists(st.sampled_from(records), unique=True)))

    def _put(self, records):
        for key, value in records:
            if value is None:
                self.store.pop(key, None)
            else:
                self.store[key] = value

    @invariant()
    def reads_back(self):
        state = load("acme", self.store.get)
        assert state.position == self.position
        assert dict(state.entries()) == self.entries
        assert len(state.stored) == len(self.entries)
        for key in KEYS:
            assert state.stored.get(key) == self.entries.get(key)
        for event, each in self.bodies.items():
            assert state.body(event) == each


TestStoredState = StoredState.TestCase
TestStoredState.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)


def test_every_record_of_a_write_says_its_position():
    changes = {key: entry(key, 7) for key in KEYS}
    writes = dump(load("acme", {}.get).with_changes(7, changes, {"event": body("event", 7)}), {}.get)
    assert {position_of(value) for _, value in [*writes.before, writes.head]} == {7}


def test_bytes_that_a_crash_left_behind_are_written_over_when_the_event_waits_again():
    store = {}
    for position in (0, 1, 2):
        bodies = {"event": None if position == 1 else body("event", position)}
        writes = dump(load("acme", store.get).with_changes(position, {}, bodies), store.get)
        assert [key for key, _ in writes.after] == ([body_key("acme", "event")] if position == 1 else [])
        store.update([*writes.before, writes.head])  # what comes after the head is lost
    assert load("acme", store.get).body("event").offset == 2
