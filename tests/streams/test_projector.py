"""What the projector says, in which order, and what it does with records that it cannot carry through."""

from dataclasses import replace
from decimal import Decimal

import pytest

from projections import pages, shelf
from projections.in_force import policy_key
from schemas.policy import MixedOrders, Policy
from streams.errors import PolicyMissing
from streams.messages import Message
from tests.projections.given import more, order, seats
from tests.streams.crashes import (
    AT,
    DECODER,
    ENCODER,
    TOPICS,
    Durable,
    Worker,
    activated,
    clean,
    log_of,
    view,
)


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(pages, "INLINE_ENTRIES", 3)
    monkeypatch.setattr(shelf, "PAGE_ENTRIES", 2)


def portions_of(log, durable=None):
    """The kinds of portions that the last record of ``log`` makes."""
    durable = durable or clean(log[:-1])
    kinds = []

    def note(worker, portion):
        first = portion[0] if portion else None
        if isinstance(first, Message):
            kinds.append(sorted({each.topic for each in portion}))
        elif first is not None:
            kinds.append([name[:1].decode() for name, _ in portion])

    Worker(durable, on_portion=note).run(log)
    return kinds


def test_a_record_that_the_state_contains_is_skipped():
    conflict = order("O1", seats("S1", 1, "2.00"))
    draft = order("O2", seats("S2", 1, "2.00"), status="Draft")
    for last in (conflict, draft, order("O3", seats("S3", 1, "2.00"))):
        log = log_of(activated(), order("O1", seats("S1", 1, "1.00")), last)
        durable = clean(log)
        durable.committed -= 1
        assert portions_of(log, durable) == []


def test_an_older_policy_delivered_again_does_not_replace_a_newer_one():
    log = log_of(activated(), activated(Policy(mixed_orders=MixedOrders.SPLIT)))
    durable = clean(log)
    written = list(durable.changelog)
    Worker(durable).run(log, 0)
    assert durable.changelog == written


def test_upserts_go_before_documents_and_both_before_pages_and_those_before_the_head(small_pages):
    first = order("O1", *(seats(f"S{n}", 1, "1.00") for n in range(9)))
    said = portions_of(log_of(activated(), first))
    assert said[0] == [TOPICS.commands]
    assert said[1] == sorted([TOPICS.commands, TOPICS.contracts])
    assert set(said[2][:-1]) == {"q"}
    assert said[2][-1] == "c"
    assert len(said) == 3


def test_a_small_customers_state_is_one_record():
    said = portions_of(log_of(activated(), order("O1", seats("S1", 1, "1.00"))))
    assert said == [[TOPICS.commands], sorted([TOPICS.commands, TOPICS.contracts]), ["c"]]


def test_documents_contract_events_and_quarantine_are_keyed_by_the_customer_and_upserts_by_themselves():
    log = log_of(activated(), order("O1", seats("S1", 1, "1.00")), order("O2", more("S9", 1, "1.00")))
    keys = {}
    for message in clean(log).outputs:
        keys.setdefault(dict(message.headers)["ce_type"].decode().rpartition(".")[2], set()).add(message.key)
    assert keys == {
        "UpsertCustomer": {b"NUE-CUST-acme"},
        "UpsertItem": {b"NUE-ITEM-seat"},
        "CreateSalesOrder": {b"acme"},
        "OrderDecided": {b"acme"},
        "SubscriptionChanged": {b"acme"},
        "Quarantined": {b"acme"},
    }


def held_back(durable):
    return [DECODER.decode(each.value) for each in durable.outputs if each.topic == TOPICS.quarantine]


@pytest.mark.parametrize("value", [None, b"", b"{}", b"\xc3\x01", b"\xc3\x01" + bytes(8), b"\x7f"])
@pytest.mark.parametrize("key", [None, b"acme", b"\xff\xfe"])
def test_bytes_that_cannot_be_read_are_held_back_with_their_place(key, value):
    durable = clean(log_of(activated(), (key, value), order("O1", seats("S1", 1, "1.00"))))
    (held,) = held_back(durable)
    assert (held.topic, held.partition, held.offset) == (TOPICS.orders, 0, 1)
    assert (held.key, held.value, held.recorded_at) == (key, value, AT)
    assert [each.code for each in held.reasons] == ["malformed"]
    assert any(each.topic == TOPICS.contracts for each in durable.outputs), "the next record was not carried through"


def test_an_order_under_another_key_is_held_back_and_leaves_no_trace():
    value = ENCODER.encode(TOPICS.orders, order("O1", seats("S1", 1, "1.00")))
    durable = clean(log_of(activated(), (b"somebody", value)))
    (held,) = held_back(durable)
    assert [each.code for each in held.reasons] == ["key"]
    assert (held.key, held.value) == (b"somebody", value)
    assert {name for name, _ in durable.changelog} == {policy_key(0)}


def test_a_record_of_another_kind_is_held_back():
    held_before = held_back(clean(log_of(activated(), (b"acme", b"nonsense"))))[0]
    value = ENCODER.encode(TOPICS.orders, held_before)
    (held,) = held_back(clean(log_of(activated(), (b"acme", value))))
    assert [each.code for each in held.reasons] == ["record_type"]


def test_the_headers_of_a_record_that_is_held_back_are_kept():
    (policy, bad) = log_of(activated(), (b"acme", b"nonsense"))
    (held,) = held_back(clean([policy, replace(bad, headers={"empty": b"", "x": b"1"})]))
    assert held.headers == {"empty": b"", "x": b"1"}


def test_documents_may_be_larger_than_the_order_that_they_come_from():
    large = "900000000000.00"
    opened = order("O1", seats("S1", 1, large))
    event = order("O2", more("S1", 1, large), more("S1", 1, large), more("S1", -1, f"-{large}"))
    durable = clean(log_of(activated(Policy(mixed_orders=MixedOrders.SPLIT)), opened, event))
    made = [DECODER.decode(each.value) for each in durable.outputs if each.key == b"acme"]
    assert [each.total for each in made if hasattr(each, "total")] == [
        Decimal(large),
        2 * Decimal(large),
        Decimal(large),
    ]


def test_a_log_that_does_not_begin_with_a_policy_stops_the_worker():
    durable = Durable()
    with pytest.raises(PolicyMissing, match="topics create"):
        Worker(durable).run(log_of(order("O1", seats("S1", 1, "1.00"))))
    assert durable == Durable()


def test_a_policy_for_another_number_of_partitions_stops_the_worker():
    durable = Durable()
    with pytest.raises(PolicyMissing, match="partitions"):
        Worker(durable).run(log_of(activated(), activated(partitions=8)))
    assert durable.committed == 1


def test_a_policy_counts_from_its_position_on():
    mixed = [order(f"O{n}", more("S1", 1, "1.00"), more("S2", -1, "-0.50")) for n in (2, 3)]
    opened = order("O1", seats("S1", 9, "10.00"), seats("S2", 9, "9.00"))
    split = activated(Policy(mixed_orders=MixedOrders.SPLIT))
    durable = clean(log_of(activated(), opened, mixed[0], split, mixed[1]))
    made = [dict(each.headers)["ce_subject"] for each in durable.outputs if each.key == b"acme"]
    made = [each for each in made if each.startswith(b"NUE-")]
    assert made == [b"NUE-SO-O1", b"NUE-SO-O2", b"NUE-SO-O3", b"NUE-RA-O3"]


class Refused(Exception):
    """The broker did not take a record."""


@pytest.mark.parametrize("portion", [0, 1, 2])
def test_what_the_broker_refuses_stops_the_worker_and_leaves_the_state_unwritten(portion):
    log = log_of(activated(), order("O1", seats("S1", 1, "1.00")))
    durable = clean(log[:1])

    def refuse(worker, _portion):
        if worker.portions == portion:
            raise Refused

    with pytest.raises(Refused):
        Worker(durable, on_portion=refuse).run(log)
    assert {name for name, _ in durable.changelog} == {policy_key(0)}
    assert durable.committed == 1
    Worker(durable).run(log)
    assert view(durable, ["acme"]) == view(clean(log), ["acme"])


def test_an_order_on_a_partition_that_is_not_its_customers_is_held_back():
    (policy, event) = log_of(activated(partitions=8), order("O1", seats("S1", 1, "1.00")))
    (held,) = held_back(clean([policy, event]))
    assert [each.code for each in held.reasons] == ["partition"]


def test_state_of_another_log_stops_the_worker_instead_of_skipping_the_new_logs_records():
    durable = clean(log_of(activated(), order("O1", seats("S1", 1, "1.00"))))
    with pytest.raises(PolicyMissing, match=r"groups\.project"):
        Worker(durable, log_id="the first policy of another log").run(log_of(activated()), start=0)


@pytest.mark.parametrize("policy", [Policy(mixed_orders=MixedOrders.UNKNOWN), Policy(tenant_time_zone="Mars/Olympus")])
def test_a_policy_that_cannot_be_decided_by_stops_the_worker(policy):
    with pytest.raises(PolicyMissing, match=r"mixed_orders|tenant_time_zone"):
        Worker(Durable()).run(log_of(activated(policy)))
