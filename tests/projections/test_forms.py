"""State that an earlier version wrote is read, and written anew."""

from datetime import date
from decimal import Decimal

import msgspec
import pytest

from projections.forms import form_of
from projections.linear_hashing import page_of
from projections.pages import dump, head_key, load
from projections.state import order_key, subscription_key
from schemas.content import content_hash
from schemas.order import EventType, LineSemantics
from tests.projections.given import History, changes, more, names, order, seats

HASH = "ab" * 32


def form_1(position, value):
    """A record as form 1 had it: the form, the position, MessagePack."""
    return b"\x01" + position.to_bytes(8, "big", signed=True) + msgspec.msgpack.encode(value)


def entries_1(count):
    """Orders, subscriptions and a contract in form 1, at positions from 1."""
    found = {"c/root": ["c", 1, "USD", "acme", Decimal("12.00"), count]}
    for n in range(1, count + 1):
        found[f"o/ORDER_ACTIVATED/O{n}"] = ["o", n, HASH, f"event-{n}", "POSTED"]
        dates = [date(2025, 1, 1), date(2025, 12, 31)]
        found[f"s/S{n}"] = ["s", n, "root", 1, Decimal(10), "Active", "seat", Decimal("12.00"), *dates]
    return found


def inline(count=3):
    return {head_key("acme"): form_1(count, [count, entries_1(count), 0, 2 * count + 1])}


def paged(count=60, pages=11):
    store = {}
    for number in range(pages):
        own = {key: [entry] for key, entry in entries_1(count).items() if page_of(key, pages) == number}
        store[b"p\x00acme\x00" + str(number).encode()] = form_1(count, [own])
    return {**store, head_key("acme"): form_1(count, [count, {}, pages, 2 * count + 1])}


@pytest.mark.parametrize(("store", "count"), [(inline(), 3), (paged(), 60)], ids=["inline", "paged"])
def test_a_customer_of_form_1_is_read_whole(store, count):
    state = load("acme", store.get)
    assert state.position == count
    assert len(dict(state.entries())) == 2 * count + 1
    subscription = state.subscription("S2")
    assert (subscription.contract_id, subscription.version, subscription.quantity) == ("root", 1, 10)
    assert (subscription.posted, subscription.currency, subscription.schedule) == (Decimal("12.00"), "USD", ())
    assert state.order(EventType.ORDER_ACTIVATED, "O3").content == bytes.fromhex(HASH)[:16]
    assert state.contract("root").changes == count


@pytest.mark.parametrize("store", [inline(), paged()], ids=["inline", "paged"])
def test_a_customer_of_form_1_is_written_anew_with_its_next_order_and_what_is_left_over_goes_after_the_head(store):
    store = dict(store)
    history = History(state=load("acme", store.get))
    history.steps = [None] * 100
    step = history.when(order("O99", more("S2", 1, "1.00", subscription_version=2)))
    assert names(step) == ["NUE-SO-O99"]
    assert changes(step)[0].quantity_before == 10
    wanted = dict(history.state.entries())
    writes = dump(history.state, store.get)
    old = dict(load("acme", store.get).entries())
    store.update(writes.before)
    assert dict(load("acme", store.get).entries()) == old, "before the head, the old form is what counts"
    store.update([writes.head])
    assert dict(load("acme", store.get).entries()) == wanted
    for key, value in writes.after:
        assert value is None
        del store[key]
    assert dict(load("acme", store.get).entries()) == wanted
    assert {form_of(value) for value in store.values()} == {2}


def test_a_copy_of_an_order_of_form_1_is_still_known():
    event = order("O1", seats("S1", 1, "1.00"))
    whole = content_hash(event.order, LineSemantics.DELTA)
    entries = {order_key(EventType.ORDER_ACTIVATED, "O1"): ["o", 1, whole, "event-1", "POSTED"]}
    history = History(state=load("acme", {head_key("acme"): form_1(1, [1, entries, 0, 1])}.get))
    history.steps = [None] * 5
    step = history.when(event)
    assert (step.documents, step.quarantined, step.contract_events) == ((), (), ())
    assert history.state.entry(subscription_key("S1")) is None
