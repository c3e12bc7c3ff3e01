"""Stored state: whatever part of a write survives a crash, the old state or the new one is read back."""

import sys
from decimal import Decimal

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from projections import pages, shelf
from projections.forms import UnreadableState, position_of
from projections.in_force import PolicyInForce, dump_policy, load_policy, policy_key
from projections.linear_hashing import page_of
from projections.pages import dump, head_key, load
from projections.shelf import page_key
from projections.state import NO_POSITION, CustomerState, OrderEntry, SubscriptionEntry, order_key, subscription_key
from schemas.contract import OrderOutcome
from schemas.order import EventType
from schemas.policy import LineRate, Policy


def entry(position, word="a"):
    return OrderEntry(position=position, content=word.encode(), outcome=OrderOutcome.POSTED)


def key(name):
    return order_key(EventType.ORDER_ACTIVATED, str(name))


def subscription(position, contract="c"):
    return SubscriptionEntry(
        position=position,
        contract_id=contract,
        version=1,
        quantity=Decimal(1),
        status="Active",
        product_id="seat",
        posted=Decimal(1),
        start_on=None,
        end_on=None,
        currency="USD",
    )


def entries(store, customer="acme"):
    return dict(load(customer, store.get).entries())


def put(store, position, names, customer="acme"):
    """Write ``names`` at ``position``; returns how many pages that took."""
    state = load(customer, store.get).with_changes(position, {key(name): entry(position) for name in names})
    writes = dump(state, store.get)
    store.update([*writes.before, writes.head])
    return len(writes.before)


class StoredState(RuleBasedStateMachine):
    """A store against a plain dictionary, with writes that are cut off after any of their pages."""

    def __init__(self):
        super().__init__()
        self.before = (pages.INLINE_ENTRIES, shelf.PAGE_ENTRIES)
        self.store, self.model, self.position = {}, {}, NO_POSITION

    @initialize(inline=st.integers(0, 6), page=st.integers(1, 4))
    def small_pages(self, inline, page):
        pages.INLINE_ENTRIES, shelf.PAGE_ENTRIES = inline, page

    def teardown(self):
        pages.INLINE_ENTRIES, shelf.PAGE_ENTRIES = self.before

    @rule(names=st.sets(st.integers(0, 60), max_size=12), step=st.integers(1, 3), cuts=st.lists(st.data(), max_size=3))
    def write(self, names, step, cuts):
        position = self.position + step
        changed = {key(name): entry(position, str(step)) for name in names}
        for cut in cuts:
            written = dump(load("acme", self.store.get).with_changes(position, changed), self.store.get).before
            survived = cut.draw(st.lists(st.sampled_from(written), unique=True) if written else st.just([]))
            self.store.update(survived)
            self.reads_back()
        writes = dump(load("acme", self.store.get).with_changes(position, changed), self.store.get)
        self.store.update(writes.before)
        self.reads_back()
        self.store.update([writes.head])
        self.model |= changed
        self.position = position

    @invariant()
    def reads_back(self):
        state = load("acme", self.store.get)
        assert state.position == self.position
        assert dict(state.entries()) == self.model
        assert len(state.stored) == len(self.model)
        for name in range(61):
            assert state.stored.get(key(name)) == self.model.get(key(name))

    @invariant()
    def says_its_position(self):
        for value in self.store.values():
            assert position_of(value) <= self.position


TestStoredState = StoredState.TestCase
TestStoredState.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)


def test_a_customer_that_was_never_seen_has_an_empty_state():
    assert load("acme", {}.get) == CustomerState("acme")


def test_a_small_customer_is_one_record():
    store = {}
    for position in range(pages.INLINE_ENTRIES):
        assert put(store, position, [position]) == 0
    assert list(store) == [head_key("acme")]


def test_a_large_customer_grows_to_hundreds_of_pages_and_every_write_stays_small():
    store, most = {}, 0
    for position in range(4000):
        written = put(store, position, [f"order-{position}", f"order-{position // 2}"])
        most = max(most, written) if position > pages.INLINE_ENTRIES else 0
    state = load("acme", store.get)
    assert len(store) - 1 > 300
    assert len(list(state.entries())) == len(state.stored) == 4000
    assert most <= 6
    largest = max(len(value) for key, value in store.items() if key != head_key("acme"))
    assert largest < 60 * shelf.PAGE_ENTRIES * 3
    assert all(state.stored[key(f"order-{n}")].position in (2 * n, 2 * n + 1, n) for n in range(4000))


def test_entries_above_the_heads_position_do_not_count(monkeypatch):
    monkeypatch.setattr(pages, "INLINE_ENTRIES", 0)
    store = {}
    put(store, 5, ["a", "b"])
    changed = load("acme", store.get).with_changes(9, {key("a"): entry(9), key("c"): entry(9)})
    store.update(dump(changed, store.get).before)
    assert entries(store) == {key("a"): entry(5), key("b"): entry(5)}
    assert load("acme", store.get).order(EventType.ORDER_ACTIVATED, "c") is None


def test_the_first_pages_do_not_count_before_the_head_that_names_them():
    store = {}
    names = [str(n) for n in range(pages.INLINE_ENTRIES)]
    put(store, 0, names)
    writes = dump(load("acme", store.get).with_changes(1, {key("one more"): entry(1)}), store.get)
    store.update(writes.before)
    assert set(entries(store)) == {key(name) for name in names}
    store.update([writes.head])
    assert set(entries(store)) == {key(name) for name in [*names, "one more"]}


def test_what_is_on_the_pages_stays_also_where_the_state_that_is_written_did_not_read_them(monkeypatch):
    monkeypatch.setattr(pages, "INLINE_ENTRIES", 0)
    store = {}
    put(store, 5, ["a", "b"])
    writes = dump(CustomerState("acme").with_changes(6, {key("b"): entry(6)}), store.get)
    store.update([*writes.before, writes.head])
    assert entries(store) == {key("a"): entry(5), key("b"): entry(6)}


def test_a_page_is_read_once_however_often_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(pages, "INLINE_ENTRIES", 0)
    store, asked = {}, []
    put(store, 5, [str(n) for n in range(50)])

    def read(name):
        asked.append(name)
        return store.get(name)

    state = load("acme", read)
    for _ in range(2):
        assert [state.stored[key(n)] for n in range(50)] == 50 * [entry(5)]
    assert sorted(asked) == sorted(store)


def test_an_entry_that_is_on_no_page_is_asked_for_in_vain(monkeypatch):
    monkeypatch.setattr(pages, "INLINE_ENTRIES", 0)
    store = {}
    put(store, 5, ["a"])
    stored = load("acme", store.get).stored
    with pytest.raises(KeyError, match="ORDER_ACTIVATED/b"):
        stored[key("b")]
    assert stored.get(key("b"), "nothing") == "nothing"
    assert stored[key("a")] == stored.get(key("a"), "nothing") == entry(5)


def test_customers_do_not_meet():
    store = {}
    for position, customer in enumerate(["a", "a\x00", "ab", "a\x001"]):
        for page in range(100):
            put(store, position * 100 + page, [f"{customer}-{page}"], customer)
    for customer in ["a", "a\x00", "ab", "a\x001"]:
        assert set(entries(store, customer)) == {key(f"{customer}-{page}") for page in range(100)}


@pytest.mark.parametrize("number", [1, 2, 3, 5, 8, 13, 300])
def test_one_page_more_moves_entries_to_the_new_page_alone(number):
    for name in range(500):
        before, after = page_of(str(name), number), page_of(str(name), number + 1)
        assert 0 <= before < number
        assert after in (before, number)


def test_a_policy_is_read_as_it_was_written():
    store = dict([dump_policy(3, PolicyInForce(7, "log", 4, Policy(line_rate=LineRate.PER_PERIOD)))])
    assert load_policy(3, store.get) == PolicyInForce(7, "log", 4, Policy(line_rate=LineRate.PER_PERIOD))
    assert load_policy(2, store.get) is None
    assert position_of(store[policy_key(3)]) == 7


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (b"", "has no bytes; this version reads forms up to 2"),
        (b"\x01", "has form 1; this version reads forms up to 2"),
        (b"\x00" + bytes(20), "has form 0; this version reads forms up to 2"),
        (b"\x03" + bytes(20), "has form 3; this version reads forms up to 2"),
        (b"\x02" + bytes(8), "is damaged: Input data was truncated"),
        (b"\x02" + bytes(8) + b"\xc1", "is damaged: MessagePack data is malformed"),
    ],
)
def test_bytes_of_another_form_or_damaged_ones_are_refused(damage, told):
    with pytest.raises(UnreadableState, match=f"^the stored state {told}"):
        load("acme", {head_key("acme"): damage}.get)
    with pytest.raises(UnreadableState, match=f"^the stored state {told}"):
        load_policy(0, {policy_key(0): damage}.get)


def test_every_cut_of_a_record_is_refused():
    store = {}
    put(store, 3, ["a", "b"])
    whole = store[head_key("acme")]
    for length in range(len(whole)):
        with pytest.raises(UnreadableState):
            load("acme", {head_key("acme"): whole[:length]}.get)


def test_a_page_that_is_missing_or_damaged_is_refused(monkeypatch):
    monkeypatch.setattr(pages, "INLINE_ENTRIES", 0)
    store = {}
    put(store, 3, ["a"])
    missing = {name: value for name, value in store.items() if name != page_key("acme", 0)}
    damaged = {**store, page_key("acme", 0): store[page_key("acme", 0)][:-1]}
    for broken, told in ((missing, "page 0 of customer acme is missing"), (damaged, "the stored state is damaged")):
        with pytest.raises(UnreadableState, match=told):
            entries(broken)


def test_an_outcome_of_a_later_version_is_refused():
    store = {}
    put(store, 3, ["a"])
    later = store[head_key("acme")].replace(b"POSTED", b"UNSURE")
    assert later != store[head_key("acme")]
    with pytest.raises(UnreadableState):
        load("acme", {head_key("acme"): later}.get)


def test_a_position_survives_its_form():
    for position in (NO_POSITION, 0, 2**40):
        store = {}
        state = msgspec.structs.replace(entry(0), position=position)
        writes = dump(CustomerState("acme").with_changes(position, {key("a"): state}), store.get)
        assert writes.before == writes.after == []
        assert position_of(writes.head[1]) == position


def test_a_write_of_many_subscriptions_of_one_contract_costs_in_proportion():
    def calls(number):
        added = {subscription_key(str(each)): subscription(1) for each in range(number)}
        made = 0

        def count(_frame, event, _argument):
            nonlocal made
            made += event == "call"

        before = sys.getprofile()
        sys.setprofile(count)
        try:
            dump(CustomerState("acme").with_changes(1, added), {}.get)
        finally:
            sys.setprofile(before)
        return made

    assert calls(4000) < 10 * calls(500)
