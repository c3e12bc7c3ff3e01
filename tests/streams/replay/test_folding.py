"""A replay leads to what the projector leads to, and can look back to any instant and day."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from projections.as_of import WHOLE, View
from projections.fold import fold
from projections.records import LogRecord, customer_of
from projections.state import CustomerState
from schemas.opening import Opening
from schemas.order import EventType, OrderEvent
from schemas.policy import MixedOrders, Policy, PolicyActivated
from streams.errors import PolicyMissing
from streams.replay.outputs import OutputExists, read_said
from streams.replay.report import Money, Report, total
from streams.replay.run import Followed, Task, replay_partition
from streams.replay.span import EVERYTHING, Span
from tests.projections.given import fewer, more, order, seats
from tests.projections.histories import generated
from tests.streams.crashes import AT, DECODER, TOPICS, activated, clean, log_of
from tests.streams.eventful import eventful_log, waiting_log
from tests.streams.replay.in_memory import LogInMemory

LOOKS = int(os.environ.get("NUESTREAM_REPLAY_LOOKS", "30"))
SEED = int(os.environ.get("NUESTREAM_REPLAY_SEED", str(random.SystemRandom().randrange(1 << 30))))
KINDS = ("commands", "contracts", "quarantine", "state")


def replayed(log: Sequence[LogRecord], folder: Path, view: View = WHOLE, span: Span = EVERYTHING, **more) -> Report:
    source = LogInMemory(log)
    task = Task(source, view, span, folder=folder, kinds=KINDS, **more)
    return replay_partition(task, 0, source.extent, lambda _: None)


def put_out(folder: Path, kind: str) -> list[tuple[bytes, bytes, dict[str, bytes]]]:
    found = read_said(folder / kind / "partition-00000.avro")
    return [(each["key"], each["value"], each["headers"]) for each in found]


def states_in(folder: Path) -> dict[str, dict]:
    lines = (folder / "state" / "partition-00000.ndjson").read_bytes().splitlines()
    return {row["customer_id"]: row for row in map(msgspec.json.decode, lines)}


def sent(log: Sequence[LogRecord], topic: str) -> list[tuple[bytes, bytes, dict[str, bytes]]]:
    return [(each.key, each.value, dict(each.headers)) for each in clean(log).outputs if each.topic == topic]


@pytest.mark.parametrize("log", [eventful_log(), waiting_log()], ids=["eventful", "waiting"])
def test_a_replay_says_what_the_projector_says_to_the_byte_and_in_the_same_order(log, tmp_path):
    report = replayed(log, tmp_path)
    for kind in ("commands", "contracts", "quarantine"):
        expected = sent(log, getattr(TOPICS, kind))
        assert put_out(tmp_path, kind) == expected
        assert expected or kind == "commands"
    assert report.records == len(log)


def test_the_same_log_gives_the_same_files(tmp_path):
    for name in ("one", "other"):
        replayed(eventful_log(), tmp_path / name)
    for path in (tmp_path / "one").rglob("partition-*"):
        assert path.read_bytes() == (tmp_path / "other" / path.relative_to(tmp_path / "one")).read_bytes()


def test_what_lies_outside_a_span_is_folded_and_not_put_out(tmp_path):
    log = eventful_log()
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    replayed(log, whole)
    replayed(log, cut, span=Span(5, 12))
    offsets = [each["offset"] for each in read_said(whole / "contracts" / "partition-00000.avro")]
    expected = [said for said, at in zip(put_out(whole, "contracts"), offsets, strict=True) if 5 <= at < 12]
    assert put_out(cut, "contracts") == expected
    assert len(expected) > 3


def test_a_span_by_time_begins_and_ends_at_the_first_record_of_that_time(tmp_path):
    log = [replace(each, recorded_at=AT + timedelta(hours=hour)) for hour, each in enumerate(eventful_log())]
    replayed(log, tmp_path / "time", span=Span(log[5].recorded_at, log[12].recorded_at))
    replayed(log, tmp_path / "offset", span=Span(5, 12))
    assert put_out(tmp_path / "time", "contracts") == put_out(tmp_path / "offset", "contracts")


def test_of_one_customer_is_put_out_what_the_projector_says_of_it(tmp_path):
    log = eventful_log()
    report = replayed(log, tmp_path, customer="acme")
    assert put_out(tmp_path, "contracts") == [said for said in sent(log, TOPICS.contracts) if said[0] == b"acme"]
    assert report.customers == 1


def test_files_that_are_there_already_are_not_written_over(tmp_path):
    replayed(eventful_log(), tmp_path)
    with pytest.raises(OutputExists, match=r"commands/partition-00000\.avro is there already"):
        replayed(eventful_log(), tmp_path)


def test_a_replay_that_fails_leaves_no_file_behind(tmp_path):
    with pytest.raises(PolicyMissing):
        replayed(eventful_log()[1:], tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_another_policy_decides_the_whole_history_again(tmp_path):
    mixed = order("O2", more("S1", 2, "20.00"), fewer("S2", 1, "5.00"))
    log = log_of(activated(), order("O1", seats("S1", 9, "90.00"), seats("S2", 9, "90.00")), mixed)
    one, two = (
        replayed(log, tmp_path / "a"),
        replayed(log, tmp_path / "b", instead=Policy(mixed_orders=MixedOrders.SPLIT)),
    )
    assert "RETURN_AUTHORIZATION" not in one.documents
    assert two.documents["RETURN_AUTHORIZATION"]["USD"].documents == 1


def test_the_reports_of_partitions_add_up():
    sold = {"SALES_ORDER": {"USD": Money(2, 30)}}
    one = Report(partitions=1, records=5, outcomes={"POSTED": 2, "HELD": 1}, documents=sold, customers=1)
    other = Report(partitions=1, records=7, outcomes={"POSTED": 1}, documents={"SALES_ORDER": {"EUR": Money(1, 1)}})
    whole = total([one, other, one])
    assert (whole.partitions, whole.records, whole.customers) == (3, 17, 2)
    assert whole.outcomes == {"POSTED": 5, "HELD": 2}
    assert whole.documents == {"SALES_ORDER": {"USD": Money(4, 60), "EUR": Money(1, 1)}}


# --- looking back


def scattered(seed: int) -> list[LogRecord]:
    """A history whose orders were written at random instants, and take effect on days that know nothing of them."""
    chance = random.Random(seed)
    told: list[object] = [activated(Policy(tenant_time_zone="Asia/Tokyo"))]
    for each in [
        *generated(seed, 25, 3),
        *(DECODER.decode(record.value) for record in waiting_log()[1:] if record.value),
    ]:
        if isinstance(each, OrderEvent):
            day = date(2025, 1, 1) + timedelta(days=chance.randrange(400))
            each = structs.replace(each, order=structs.replace(each.order, effective_on=day))
            told.append(structs.replace(each, published_at=_instant(chance)))
        elif isinstance(each, PolicyActivated):
            told.append(structs.replace(each, activated_at=_instant(chance)))
        else:
            told.append(structs.replace(each, at=_instant(chance)))
    return log_of(*told)


def _instant(chance: random.Random) -> datetime:
    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(400 * 86_400))


def plainly(log: Sequence[LogRecord], known_at: datetime | None, day: date | None) -> dict[str, CustomerState]:
    """What a person would do: leave out what was not known yet, and what took effect later, and fold the rest."""
    policy, states = None, {}
    for record in log:
        said = DECODER.decode(record.value)
        if isinstance(said, PolicyActivated):
            if policy is None or known_at is None or said.activated_at <= known_at:
                policy = said.policy
            continue
        written = said.published_at if isinstance(said, OrderEvent) else said.at
        if known_at is not None and written > known_at:
            continue
        if day is not None:
            if isinstance(said, Opening) and said.opened_on > day:
                continue
            if isinstance(said, OrderEvent):
                is_canceled = said.event_type is EventType.ORDER_CANCELED
                tokyo = (written + timedelta(hours=9)).date()
                if (tokyo if is_canceled else said.order.effective_on) > day:
                    continue
        customer = customer_of(said)
        states[customer] = fold(states.get(customer, CustomerState(customer)), record, said, policy).state
    return states


def test_a_look_back_is_a_fold_of_what_was_known_then_and_in_effect_on_that_day():
    chance = random.Random(SEED)
    print(f"seed {SEED}, {LOOKS} looks")
    log = scattered(SEED)
    sizes = set()
    for look in range(LOOKS):
        known_at = None if look % 3 == 1 else _instant(chance)
        day = None if look % 3 == 0 else date(2025, 1, 1) + timedelta(days=chance.randrange(400))
        source = LogInMemory(log)
        followed = Followed(Task(source, View(known_at, day)), 0, source.extent, lambda _: None)
        for _ in followed:
            pass
        found = {state.customer_id: (state.position, dict(state.entries())) for state in followed.fold.states()}
        expected = plainly(log, known_at, day)
        assert found == {each: (state.position, dict(state.entries())) for each, state in expected.items()}, (
            known_at,
            day,
        )
        sizes.add(sum(len(entries) for _, entries in found.values()))
    assert len(sizes) > min(LOOKS, 100) // 4


def test_the_state_on_a_day_tells_what_a_subscription_has_then(tmp_path):
    log = log_of(activated(), order("O1", seats("S1", 9, "108.00"), effective_on=date(2025, 1, 1)))
    replayed(log, tmp_path, View(effective_on=date(2025, 6, 30)))
    on = states_in(tmp_path)["acme"]["subscriptions"]["S1"]["on"]
    assert (on["day"], Decimal(on["quantity"]), Decimal(on["monthly"])) == ("2025-06-30", 9, 9)
