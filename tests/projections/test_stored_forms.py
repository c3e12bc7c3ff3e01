"""State that an earlier version wrote, kept as it was: read, written anew, and folded further.

``golden/form1`` holds table records as the first form wrote them, key and value in hexadecimal: ``inline`` after three
orders of one customer, ``paged`` after ten and thirty orders more.
"""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from projections import forms, pages, shelf
from projections.forms import UnreadableState, form_of, position_of
from projections.pages import body_key, dump, head_key, load
from projections.state import CustomerState, subscription_key
from schemas.contract import OrderOutcome
from schemas.order import EventType, LineSemantics
from tests.projections.given import (
    History,
    cancelled,
    discarded,
    fewer,
    more,
    names,
    order,
    outcome,
    papers,
    reasons,
    released,
    seats,
)

FORM1 = Path(__file__).parent / "golden" / "form1"
SMALL = [
    order("O1", seats("S1", 100, "1200.00", subscription_version=1), seats("S2", 5, "60.00", subscription_version=1)),
    order("O2", more("S1", 10, "120.00", subscription_version=2), fewer("S2", 1, "12.00", subscription_version=2)),
    order("O3", seats("S3", 1, "1.00"), total_amount=Decimal(9)),
]
LARGE = [
    *SMALL,
    *(order(f"N{n}", seats(f"T{n}", 10, "100.00", subscription_version=1, root_subscription_id=f"root-{n}"))
      for n in range(30)),
    *(order(f"M{n}", fewer(f"T{n}", n % 9 + 1, "10.00", subscription_version=2)) for n in range(0, 30, 3)),
]  # fmt: skip
HISTORIES = {"inline": SMALL, "paged": LARGE}


def kept(name):
    """The table as the first form left it."""
    records = json.loads((FORM1 / f"{name}.json").read_text())
    return {bytes.fromhex(key): bytes.fromhex(value) for key, value in records.items()}


def write(store, writes):
    """All of a write, in its order."""
    for key, value in writes.in_order():
        if value is None:
            del store[key]
        else:
            store[key] = value


def continued(store, events):
    """The orders folded on what is stored, each written before the next is read; their steps."""
    steps = []
    for event in events:
        state = load("acme", store.get)
        history = History(state=state, steps=[None] * (state.position + 1))
        steps.append(history.when(event))
        write(store, dump(history.state, store.get))
    return steps


def folded(events):
    history = History()
    for event in events:
        history.when(event)
    return dict(history.state.entries())


def told(entries):
    """What both forms say of an entry."""
    fields = ("position", "contract_id", "version", "quantity", "status", "product_id", "posted", "currency",
              "start_on", "end_on", "changes", "billing_account_id", "content", "outcome")  # fmt: skip
    return {
        key: {name: getattr(entry, name) for name in fields if hasattr(entry, name)}
        for key, entry in entries.items()
        if key[0] in "osc"
    }


@pytest.mark.parametrize("name", ["inline", "paged"])
def test_what_the_first_form_says_is_what_the_same_orders_say_now(name):
    store = kept(name)
    assert {form_of(value) for value in store.values()} == {1}
    state = load("acme", store.get)
    assert state.position == len(HISTORIES[name]) - 1
    assert told(dict(state.entries())) == told(folded(HISTORIES[name]))


def test_the_first_form_knew_no_schedules_so_a_line_that_states_what_is_after_it_waits_for_a_person():
    store = kept("inline")
    assert load("acme", store.get).subscription("S1").schedule == ()
    now = more("S1", 120, "1440.00", unit_price=Decimal(1), subscription_version=3)
    (step,) = continued(store, [order("O9", now, line_semantics=LineSemantics.SNAPSHOT)])
    assert reasons(step) == ["schedule_unknown"]


def test_the_first_form_counted_no_documents_so_those_of_a_cancellation_get_numbers_that_none_of_them_had():
    store = kept("inline")
    assert load("acme", store.get).order(EventType.ORDER_ACTIVATED, "O1").outcome is OrderOutcome.POSTED
    opened = replace(SMALL[1].order, status="Canceled")
    gone = replace(SMALL[1], event_id="event-C", event_type=EventType.ORDER_CANCELED, order=opened)
    _, step = continued(store, [gone, released("C", "order_cancelled")])
    assert names(step) == ["NUE-RA-O2-100"]


def test_copies_and_conflicts_are_known_across_forms():
    store = kept("paged")
    copy, conflict = continued(store, [LARGE[0], order("O1", seats("S1", 1, "1.00"), event_id="other")])
    assert (copy.documents, copy.contract_events) == ((), ())
    assert reasons(conflict) == ["conflict"]


@pytest.mark.parametrize("name", ["inline", "paged"])
def test_the_next_order_finds_its_place_and_the_customer_is_written_anew(name):
    store = kept(name)
    ending = order("O9", cancelled("S1", 110, "1320.00", subscription_version=3))
    (step,) = continued(store, [ending])
    assert papers(step) == [("RA", "root-S1", "1320.00", [("110", "1320.00")])]
    assert {form_of(value) for value in store.values()} == {forms.FORM}
    assert not [key for key in store if key.startswith(b"p\x00")]
    assert told(dict(load("acme", store.get).entries())) == told(folded([*HISTORIES[name], ending]))


@pytest.mark.parametrize("name", ["inline", "paged"])
def test_the_old_or_the_new_state_is_read_wherever_the_upgrade_is_cut_off(name):
    old = kept(name)
    state = load("acme", old.get)
    history = History(state=state, steps=[None] * (state.position + 1))
    history.when(order("O9", more("S1", 1, "12.00", subscription_version=3)))
    writes = dump(history.state, old.get)
    records = writes.in_order()
    before, after = dict(state.entries()), dict(history.state.entries())
    assert len(writes.after) == len(old) - 1
    for cut in range(len(records) + 1):
        store = {**old, **dict(records[:cut])}
        read = {key: value for key, value in store.items() if value is not None}
        assert dict(load("acme", read.get).entries()) == (after if cut > len(writes.before) else before)


def test_a_cut_off_upgrade_is_begun_again_over_what_it_left():
    store = kept("paged")
    state = load("acme", store.get)
    history = History(state=state, steps=[None] * (state.position + 1))
    ending = order("O9", cancelled("S1", 110, "1320.00", subscription_version=3))
    history.when(ending)
    store.update(dump(history.state, store.get).before[::2])
    continued(store, [ending])
    assert dict(load("acme", store.get).entries()) == dict(history.state.entries())


@pytest.mark.parametrize("damage", [lambda value: value[:-1], lambda value: b"\x03" + value[1:], lambda value: b""])
def test_a_damaged_page_of_the_first_form_is_refused(damage):
    store = kept("paged")
    key = b"p\x00acme\x003"
    store[key] = damage(store[key])
    with pytest.raises(UnreadableState):
        load("acme", store.get)


def test_a_missing_page_of_the_first_form_is_refused():
    store = kept("paged")
    del store[b"p\x00acme\x003"]
    with pytest.raises(UnreadableState, match="page 3 of customer acme"):
        load("acme", store.get)


def gap(n, **fields):
    return order(f"G{n}", more("S1", 1, "12.00", subscription_version=n), **fields)


def test_the_bytes_of_a_waiting_event_are_written_before_the_head_and_removed_after_it():
    state = CustomerState("acme")
    history = History(state=state)
    history.when(SMALL[0])
    history.when(gap(3))
    store = {}
    writes = dump(history.state, store.get)
    key = body_key("acme", "event-G3")
    assert [name for name, _ in writes.before] == [key]
    assert position_of(dict(writes.before)[key]) == history.state.position
    write(store, writes)
    again = History(state=load("acme", store.get), steps=list(history.steps))
    assert names(again.when(gap(2))) == ["NUE-SO-G2", "NUE-SO-G3"]
    writes = dump(again.state, store.get)
    assert writes.after == [(key, None)]
    write(store, writes)
    assert list(store) == [head_key("acme")]
    assert load("acme", store.get).body("event-G3") is None


def test_what_was_held_and_settled_between_two_writes_leaves_no_bytes():
    history = History()
    for event in (SMALL[0], gap(3), gap(2)):
        history.when(event)
    writes = dump(history.state, {}.get)
    assert (writes.before, writes.after) == ([], [])


def test_a_quarantined_order_is_released_from_what_is_stored():
    store = {}
    continued(store, [SMALL[0], SMALL[2]])
    (step,) = continued(store, [released("O3", "totals_do_not_tie")])
    assert outcome(step) == "POSTED"
    assert body_key("acme", "event-O3") not in store


def test_a_discarded_order_is_folded_from_what_is_stored():
    store = {}
    continued(store, [SMALL[0], gap(3)])
    steps = continued(store, [discarded("G3"), gap(4)])
    assert [outcome(step) for step in steps] == ["DISCARDED", "POSTED"]
    assert list(store) == [head_key("acme")]


@pytest.mark.parametrize(
    "damage", [lambda value: value[:-1], lambda value: value[:9], lambda value: value[:-5] + b"\x00" * 5]
)
def test_damaged_bytes_of_a_waiting_event_are_refused_when_they_are_asked_for(damage):
    store = {}
    continued(store, [SMALL[0], gap(3)])
    key = body_key("acme", "event-G3")
    store[key] = damage(store[key])
    with pytest.raises(UnreadableState, match=r"the stored event event-G3 is damaged: Error -\d while decompressing"):
        load("acme", store.get).body("event-G3")


def test_the_first_subscriptions_of_a_contract_are_at_home_with_it_and_the_others_by_themselves(monkeypatch):
    monkeypatch.setattr(pages, "INLINE_ENTRIES", 0)
    monkeypatch.setattr(shelf, "PAGE_ENTRIES", 1)
    many = shelf.AT_HOME + 3
    store = {}
    together = [seats(f"S{n}", 1, "1.00", root_subscription_id="root") for n in range(many)]
    continued(store, [order("O1", *together)])

    def pages_read(number):
        asked = set()

        def read(key):
            asked.add(key)
            return store.get(key)

        state = load("acme", read)
        assert state.subscription(number).contract_id == "root"
        before = len(asked)
        assert state.contract("root") is not None
        return before - len({head_key("acme")}), len(asked) - before

    # the index under its number, and then its contract's page, or the page of the index itself
    read = [pages_read(f"S{n}") for n in range(many)]
    assert set(read) <= {(2, 0), (1, 1), (1, 0)}
    assert read.count((2, 0)) >= shelf.AT_HOME - read.count((1, 0))
    assert read.count((1, 1)) >= many - shelf.AT_HOME - read.count((1, 0))
    assert {key for key, _ in load("acme", store.get).entries() if key[0] == "s"} == {
        subscription_key(f"S{n}") for n in range(many)
    }


def test_a_subscription_stays_where_it_is_at_home_when_it_changes(monkeypatch):
    monkeypatch.setattr(pages, "INLINE_ENTRIES", 0)
    monkeypatch.setattr(shelf, "PAGE_ENTRIES", 1)
    store, history = {}, History()
    for event in LARGE:
        history.when(event)
        continued(store, [event])
        assert dict(load("acme", store.get).entries()) == dict(history.state.entries())
    assert len(load("acme", store.get).stored) == len(dict(history.state.entries()))
    assert load("acme", store.get).subscription("S1").end_on == date(2025, 12, 31)
