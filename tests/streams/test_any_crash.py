"""A crash at any moment, however often, leaves what one clean run leaves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections import pages, shelf
from schemas.command import CreateReturnAuthorization
from schemas.contract import Movement, OrderDecided, OrderOutcome, SubscriptionChanged
from schemas.holding import Held, ReleaseRequested, Settled
from schemas.policy import MixedOrders, Policy
from schemas.quarantine import Quarantined
from tests.projections.histories import generated
from tests.streams.crashes import (
    DECODER,
    Crash,
    Durable,
    Worker,
    activated,
    clean,
    customers_of,
    log_of,
    survivors,
    view,
)
from tests.streams.eventful import eventful_log, waiting_log


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(pages, "INLINE_ENTRIES", 3)
    monkeypatch.setattr(shelf, "PAGE_ENTRIES", 2)


@pytest.mark.parametrize("eventful", [eventful_log, waiting_log])
def test_a_crash_at_every_moment_leaves_what_a_clean_run_leaves(small_pages, eventful):
    log = eventful()
    customers = customers_of(log)
    moments = []
    durable = Durable()

    def note(worker, portion):
        moments.extend((worker.durable.copy(), dict(worker.store), part) for part in survivors(portion))

    Worker(durable, on_portion=note).run(log)
    wanted = view(durable, customers)
    assert any(name.startswith(b"q\x00") for name, _ in durable.changelog), "no customer has pages"
    assert len(moments) > 250, "the history says too little"
    for number, (left, store, part) in enumerate(moments):
        left.keep(part)
        rewound = number % (left.committed + 1)
        Worker(left, store if number % 2 else {}).run(log, rewound if number % 3 == 0 else None)
        assert view(left, customers) == wanted, f"moment {number}"


PLANS = st.lists(
    st.tuples(st.integers(0, 120), st.randoms(use_true_random=False), st.booleans(), st.booleans()), max_size=5
)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 50),
    sizes=st.sampled_from([(3, 2), (0, 1), (40, 12), (8, 4)]),
    customers=st.sampled_from([1, 3]),
    crashes=PLANS,
)
def test_several_crashes_in_a_row_leave_what_a_clean_run_leaves(seed, sizes, customers, crashes):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pages, "INLINE_ENTRIES", sizes[0])
        patched.setattr(shelf, "PAGE_ENTRIES", sizes[1])
        orders = generated(seed, 15, customers)
        split = activated(Policy(mixed_orders=MixedOrders.SPLIT))
        log = log_of(activated(), *orders[:7], split, *orders[7:])
        found = crashed(log, crashes)
        assert view(found, customers_of(log)) == view(clean(log), customers_of(log))


@settings(max_examples=20, deadline=None)
@given(sizes=st.sampled_from([(3, 2), (0, 1), (40, 12)]), crashes=PLANS)
def test_crashes_among_orders_that_wait_leave_what_a_clean_run_leaves(sizes, crashes):
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pages, "INLINE_ENTRIES", sizes[0])
        patched.setattr(shelf, "PAGE_ENTRIES", sizes[1])
        log = waiting_log()
        assert view(crashed(log, crashes), customers_of(log)) == view(clean(log), customers_of(log))


def test_the_log_of_what_waits_leads_to_everything_that_can_become_of_an_order():
    durable = clean(waiting_log())
    said = [DECODER.decode(each.value) for each in durable.outputs]
    outcomes = {each.outcome for each in said if isinstance(each, OrderDecided)}
    assert outcomes >= {OrderOutcome(each) for each in ("POSTED", "HELD", "QUARANTINED", "DISCARDED")}
    assert {type(each) for each in said} >= {Held, Settled, ReleaseRequested, Quarantined, CreateReturnAuthorization}
    assert Movement.OPENING in {each.movement for each in said if isinstance(each, SubscriptionChanged)}
    codes = {reason.code for each in said if isinstance(each, Quarantined) for reason in each.reasons}
    assert codes == {"version_gap", "stale_version", "credit_exceeds_remaining", "order_cancelled", "conflict"}
    ((_, _, bodies),) = view(durable, ["acme"]).states.values()
    assert set(bodies) == {"event-v17", "event-canceled-v14"}
    assert all(bodies.values())


def crashed(log, crashes):
    """A run that is killed at each of ``crashes`` and then once left alone."""
    durable, store, start = Durable(), {}, None
    for portions, chance, kept, stale in crashes:
        worker = Worker(durable, store, killing(portions, chance))
        try:
            worker.run(log, start)
        except Crash:
            store = worker.store if kept else {}
        if stale and durable.changelog:
            # A worker that was stopped for long wrote its last record after its successor wrote newer ones.
            durable.changelog.append(chance.choice(durable.changelog))
        start = chance.randint(0, durable.committed) if chance.random() < 0.5 else None
    Worker(durable, store).run(log, start)
    return durable


def killing(portions, chance):
    def kill(worker, portion):
        if worker.portions == portions:
            worker.durable.keep(chance.choice(list(survivors(portion))))
            raise Crash

    return kill


@pytest.mark.parametrize("eventful", [eventful_log, waiting_log])
def test_a_clean_run_delivered_again_from_any_offset_says_nothing_new(small_pages, eventful):
    log = eventful()
    wanted = view(clean(log), customers_of(log))
    for start in range(len(log)):
        durable = clean(log)
        Worker(durable).run(log, start)
        assert view(durable, customers_of(log)) == wanted
