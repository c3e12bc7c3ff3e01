"""When a worker says that an order has waited too long."""

from __future__ import annotations

from dataclasses import dataclass

from projections.pages import dump
from projections.state import CustomerState
from streams.gaps import Gap, GapWatch, held_among
from tests.projections.given import fewer, given, more, order, seats

GAP = Gap("acme", "event-O3", 1)


@dataclass
class ReadTo:
    since: float
    through: float


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def watching() -> tuple[GapWatch, Clock]:
    clock = Clock()
    return GapWatch(100, clock), clock


def test_an_order_has_waited_too_long_once_the_worker_saw_it_held_and_kept_up_for_the_timeout() -> None:
    watch, clock = watching()
    clock.now = 10
    assert watch.look(0, ReadTo(0, 10), [GAP]) == []
    clock.now = 109
    assert watch.look(0, ReadTo(0, 109), [GAP]) == []
    clock.now = 110
    assert watch.look(0, ReadTo(0, 110), [GAP]) == [(GAP, 100)]


def test_the_time_before_the_partition_was_read_to_its_end_does_not_count() -> None:
    watch, clock = watching()
    watch.look(0, ReadTo(0, 0), [GAP])
    clock.now = 150
    assert watch.look(0, ReadTo(60, 150), [GAP]) == []
    assert watch.look(0, ReadTo(60, 160), [GAP]) == [(GAP, 100)]


def test_a_worker_that_is_behind_does_not_know_that_what_is_missing_has_not_arrived() -> None:
    watch, clock = watching()
    watch.look(0, ReadTo(0, 0), [GAP])
    clock.now = 1000
    assert watch.look(0, ReadTo(0, 99), [GAP]) == []


def test_it_is_said_once_per_waiting() -> None:
    watch, _ = watching()
    watch.look(0, ReadTo(0, 0), [GAP])
    assert watch.look(0, ReadTo(0, 100), [GAP]) == [(GAP, 100)]
    watch.told(GAP)
    assert watch.look(0, ReadTo(0, 200), [GAP]) == []
    again = GAP._replace(ordinal=3)
    assert watch.look(0, ReadTo(0, 200), [again]) == [(again, 200)]


def test_an_order_that_was_decided_meanwhile_begins_to_wait_anew() -> None:
    watch, clock = watching()
    watch.look(0, ReadTo(0, 0), [GAP])
    watch.look(0, ReadTo(0, 50), [])
    clock.now = 60
    assert watch.look(0, ReadTo(0, 110), [GAP]) == []


def test_what_another_worker_had_meanwhile_begins_anew_here() -> None:
    watch, clock = watching()
    watch.look(0, ReadTo(0, 0), [GAP])
    watch.forget_others([1])
    clock.now = 90
    assert watch.look(0, ReadTo(0, 100), [GAP]) == []


def test_of_the_events_that_are_stored_the_held_ones_wait_and_the_quarantined_ones_do_not() -> None:
    history = given(order("O1", seats("S1", 100, "1200.00"), seats("S2", 100, "1200.00")))
    history.when(order("O2", fewer("S1", 50, "9999.00", subscription_version=2)))
    history.when(order("O3", more("S2", 1, "12.00", subscription_version=3)))
    stored = _stored(history.state)
    keys = [key for key in stored if key.startswith(b"b\x00")]
    assert len(keys) == 2
    assert list(held_among(keys, stored.get)) == [GAP]


def _stored(state: CustomerState) -> dict[bytes, bytes]:
    writes = dump(state, lambda _: None)
    return {key: value for key, value in [*writes.before, writes.head] if value is not None}
