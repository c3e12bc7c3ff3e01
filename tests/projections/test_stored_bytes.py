"""State as this version writes it, kept as it was: what is stored once is read by any later version, and a worker of
another build writes the same record for the same orders.

``golden/form2`` holds table records as :mod:`projections.pages` wrote them after each order, key and value in
hexadecimal: ``inline`` of a small customer, ``paged`` of a large one. An event that waits is kept compressed and with
whatever its schema has, so that of those records the keys alone must be the same.
"""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from projections.in_force import PolicyInForce, dump_policy, load_policy
from projections.pages import BODIES, dump, load
from schemas.order import EventType
from schemas.policy import LineRate, Policy
from tests.projections.given import History, fewer, more, once, order, released, seats
from tests.projections.test_openings import OPENED, OPENING

FORM2 = Path(__file__).parent / "golden" / "form2"
TWO_PEOPLE = Policy(release_by_two=True)
SOLD = order("O1", seats("A1", 10, "1200.00", subscription_version=1), seats("A2", 5, "60.00", subscription_version=1))
EARLY = order("O4", more("A1", 1, "12.00", subscription_version=4))
OFF = order("O3", seats("A3", 1, "1.00"), total_amount=Decimal(9))
GONE = replace(SOLD, event_id="event-C", event_type=EventType.ORDER_CANCELED,
               order=replace(SOLD.order, status="Canceled"))  # fmt: skip
SMALL = [
    replace(OPENING, subscriptions=(OPENED, replace(OPENED, number="S2", segments=()))),
    SOLD,
    order("O2", more("A1", 2, "240.00", subscription_version=2), fewer("A2", 1, "12.00", subscription_version=2)),
    EARLY,
    order("O5", more("A1", 1, "12.00", subscription_version=5)),
    released("O4", "stale_version"),
    released("O4", "stale_version", by="lee"),
    OFF,
    released("O3", "totals_do_not_tie"),
    order("O2", once(1), event_id="event-X"),
    released("X", "conflict"),
    released("X", "conflict", by="lee"),
    GONE,
]
LARGE = [
    *SMALL,
    *(order(f"N{n}", seats(f"T{n}", 10, "100.00", subscription_version=1)) for n in range(20)),
    order("W", *(seats(f"U{n}", 1, "1.00", root_subscription_id="root-W") for n in range(6))),
    order("X/1", more("U0", 1, "1.00"), *(seats(f"U{n}", 1, "1.00") for n in range(6, 12))),
    *(order(f"M{n}", fewer(f"T{n}", n % 9 + 1, "10.00", subscription_version=2)) for n in range(0, 20, 3)),
    *(order(f"V{n}", more(f"U{n}", 1, "1.00")) for n in range(6, 12)),
    replace(
        GONE,
        event_id="event-D/2",
        order=replace(order("N1", seats("T1", 10, "100.00", subscription_version=1)).order, status="Canceled"),
    ),
    replace(GONE, event_id="event-E", order=replace(order("Y/2", once(1)).order, status="Canceled")),
    order("O6", more("A1", 1, "12.00", subscription_version=3)),
]
HISTORIES = {"inline": SMALL, "paged": LARGE}


def written(contents):
    """The table after every one of ``contents`` was folded on what is stored, and the history kept in memory."""
    store, whole = {}, History(TWO_PEOPLE)
    for offset, content in enumerate(contents):
        whole.when(content)
        history = History(TWO_PEOPLE, load("acme", store.get), [None] * offset)
        history.when(content)
        for key, value in dump(history.state, store.get).in_order():
            if value is None:
                del store[key]
            else:
                store[key] = value
    return store, whole


def kept(name):
    """The table as it was."""
    records = json.loads((FORM2 / f"{name}.json").read_text())
    return {bytes.fromhex(key): bytes.fromhex(value) for key, value in records.items()}


def folded(store):
    """The records of what was folded."""
    return {key: value for key, value in store.items() if not key.startswith(BODIES)}


@pytest.mark.parametrize("name", HISTORIES)
def test_the_same_orders_are_stored_in_the_same_bytes_under_the_same_keys(name):
    store, _ = written(HISTORIES[name])
    assert folded(store) == folded(kept(name))
    assert store.keys() == kept(name).keys()


@pytest.mark.parametrize("name", HISTORIES)
def test_what_was_stored_is_read_as_what_the_same_orders_say(name):
    state, whole = load("acme", kept(name).get), written(HISTORIES[name])[1].state
    assert state.position == whole.position
    assert dict(state.entries()) == dict(whole.entries())
    waiting = [key[2:] for key, _ in state.entries() if key.startswith("w/")]
    assert [state.body(each) for each in waiting] == [whole.body(each) for each in waiting]
    assert any(state.body(each) for each in waiting)


def test_a_partitions_policy_is_stored_under_the_same_key_and_read_as_it_was():
    policy = PolicyInForce(7, "log-1", 12, Policy(line_rate=LineRate.PER_PERIOD))
    stored = kept("policy")
    assert [dump_policy(3, policy)[0]] == list(stored)
    assert load_policy(3, stored.get) == policy
