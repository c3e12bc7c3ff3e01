"""Which request meets which fault: scripts, matches, rates from a seed, outages."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.sandbox.faults import Asked, ByRate, ByRequest, Fault, Injector, Kind, Match, Plan, Script

STALL = Fault(Kind.STALL, seconds=600)
BEFORE, AFTER = Fault(Kind.ERROR_BEFORE), Fault(Kind.ERROR_AFTER)


def order(number: int, method: str = "POST") -> Asked:
    return Asked(method, "salesOrder", f"NUE-SO-{number}")


def drawn(plan: Plan, asked: list[Asked]) -> list[Fault | None]:
    injector = Injector(plan)
    return [injector.fault_for(each, 0.0) for each in asked]


def by_rate(seed: int) -> Plan:
    return Plan(seed=seed, rates=(ByRate(BEFORE, 0.1), ByRate(AFTER, 0.2, Match(method="POST"))))


@given(st.integers(), st.lists(st.integers(0, 20), max_size=40))
def test_from_one_seed_the_same_requests_meet_the_same_faults(seed: int, numbers: list[int]) -> None:
    asked = [order(number) for number in numbers]
    assert drawn(by_rate(seed), asked) == drawn(by_rate(seed), asked)


@given(st.integers(), st.permutations([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 7, 8]))
def test_what_a_request_meets_does_not_depend_on_the_requests_between(seed: int, numbers: list[int]) -> None:
    def by_number(numbers: list[int]) -> dict[int, list[Fault | None]]:
        met: dict[int, list[Fault | None]] = {}
        for number, fault in zip(numbers, drawn(by_rate(seed), [order(number) for number in numbers]), strict=True):
            met.setdefault(number, []).append(fault)
        return met

    assert by_number(numbers) == by_number(sorted(numbers))


def test_a_rate_is_the_share_of_requests_that_meet_the_fault_and_another_seed_means_other_requests() -> None:
    asked = [order(number) for number in range(5000)]
    met = drawn(by_rate(7), asked)
    assert met.count(BEFORE) / 5000 == pytest.approx(0.1, abs=0.02)
    assert met.count(AFTER) / 5000 == pytest.approx(0.2, abs=0.02)
    assert drawn(by_rate(8), asked) != met
    assert AFTER not in drawn(by_rate(7), [order(number, "GET") for number in range(500)])


def test_a_request_that_is_tried_again_is_drawn_again() -> None:
    met = drawn(by_rate(7), [order(1)] * 5000)
    assert met.count(AFTER) / 5000 == pytest.approx(0.2, abs=0.02)


def test_a_script_gives_its_faults_in_turn_to_what_matches_and_then_none() -> None:
    plan = Plan(scripts=(Script((STALL, None, AFTER), Match(record="salesorder")),))
    other = Asked("POST", "customer", "NUE-CUST-1")
    asked = [order(1), other, order(2), order(3), order(4)]
    assert drawn(plan, asked) == [STALL, None, None, AFTER, None]


def test_a_request_is_matched_by_method_type_and_external_id_in_any_case_with_wildcards() -> None:
    match = Match(method="post", record="SALESORDER", external_id="nue-so-1*")
    fitting = [order(1), order(17), order(2), order(1, "GET"), Asked("POST", "salesOrder")]
    assert [match.fits(asked) for asked in fitting] == [True, True, False, False, False]
    assert Match().fits(Asked("GET", "other"))


def test_a_fault_by_request_happens_so_many_times_after_so_many() -> None:
    plan = Plan(requests=(ByRequest(BEFORE, Match(external_id="NUE-SO-1"), after=1, times=2),))
    assert drawn(plan, [order(1), order(2), order(1), order(1), order(1)]) == [None, None, BEFORE, BEFORE, None]
    always = Plan(requests=(ByRequest(BEFORE, times=None),))
    assert drawn(always, [order(1)] * 3) == [BEFORE] * 3


def test_an_outage_lasts_for_so_many_requests_whosever_they_are() -> None:
    burst = Fault(Kind.TOO_MANY_REQUESTS, requests=3)
    plan = Plan(requests=(ByRequest(burst, Match(external_id="NUE-SO-2")),))
    assert drawn(plan, [order(n) for n in (1, 2, 3, 4, 5)]) == [None, burst, burst, burst, None]


def test_an_outage_lasts_for_so_long_by_the_clock_that_is_given() -> None:
    window = Fault(Kind.MAINTENANCE, seconds=600)
    injector = Injector(Plan(scripts=(Script((window,)),)))
    assert [injector.fault_for(order(1), now) for now in (100.0, 400.0, 699.0, 700.0)] == [window, window, window, None]


def test_a_plan_goes_through_json_and_comes_back_as_it_was() -> None:
    plan = Plan(
        seed=7,
        scripts=(Script((STALL, None)),),
        requests=(ByRequest(Fault(Kind.TOO_MANY_REQUESTS, requests=5, retry_after=3), Match("POST"), times=None),),
        rates=(ByRate(AFTER, 0.25, Match(external_id="X*")),),
    )
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


@pytest.mark.parametrize(
    "text",
    [
        '{"rates": [{"fault": {"kind": "error-after"}, "rate": 1.5}]}',
        '{"scripts": [{"faults": [{"kind": "stall"}]}]}',
        '{"scripts": [{"faults": [{"kind": "in-flight"}]}]}',
        '{"scripts": [{"faults": [{"kind": "stall", "seconds": 901}]}]}',
        '{"scripts": [{"faults": [{"kind": "reset", "seconds": -1}]}]}',
        '{"scripts": [{"faults": [{"kind": "flood"}]}]}',
        '{"scripts": [{"faults": [{"kind": "maintenance", "status": 500}]}]}',
        '{"scripts": [{"faults": [{"kind": "too-many-requests", "requests": 0}]}]}',
        '{"requests": [{"fault": {"kind": "reset"}, "match": {"external": "X"}}]}',
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=Plan)
