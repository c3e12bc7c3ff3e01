"""No bytes do more harm than to be refused, with a reason."""

import time
import tracemalloc
from datetime import UTC, date, datetime
from decimal import Decimal
from io import BytesIO

import fastavro
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from schemas.catalog import TYPES, name_of
from schemas.codec import Decoder, Encoder, Malformed
from schemas.command import CreateSalesOrder
from schemas.order import OrderEvent
from schemas.outcome import Outcome
from schemas.policy import Policy, PolicyActivated
from schemas.quarantine import Quarantined
from tests.schemas.golden_records import as_single_object, golden, golden_body, golden_bytes

AT = datetime(2025, 7, 1, 9, 30, tzinfo=UTC)
RELAXED = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
DECODER = Decoder()


def refusal(value: bytes | None, decoder: Decoder | None = None) -> str:
    with pytest.raises(Malformed) as error:
        (decoder or DECODER).decode(value)
    return str(error.value)


MUTATIONS = st.one_of(
    st.tuples(st.just("cut"), st.integers(0, 2000), st.just(b"")),
    st.tuples(st.just("flip"), st.integers(0, 2000), st.integers(1, 255).map(lambda byte: bytes([byte]))),
    st.tuples(st.just("insert"), st.integers(0, 2000), st.binary(min_size=1, max_size=10)),
    st.tuples(st.just("append"), st.just(0), st.binary(min_size=1, max_size=10)),
    st.tuples(st.just("remove"), st.integers(0, 2000), st.just(b"")),
)


def mutated(value: bytes, how: str, place: int, data: bytes) -> bytes:
    place %= len(value)
    match how:
        case "cut":
            return value[:place]
        case "flip":
            return value[:place] + bytes([value[place] ^ data[0]]) + value[place + 1 :]
        case "insert":
            return value[:place] + data + value[place:]
        case "append":
            return value + data
        case _:
            return value[:place] + value[place + 1 :]


@settings(RELAXED, max_examples=1000)
@given(st.sampled_from(TYPES), st.lists(MUTATIONS, min_size=1, max_size=3))
def test_damaged_bytes_are_refused_or_read_as_a_record_that_can_be_written(
    type_: type[Struct], mutations: list[tuple[str, int, bytes]]
) -> None:
    value = golden_bytes(type_)
    for mutation in mutations:
        value = mutated(value, *mutation) or b"\xc3"
    try:
        record = DECODER.decode(value)
    except Malformed:
        return
    assert DECODER.decode(Encoder().encode("topic", record)) == record


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_no_beginning_of_a_record_is_a_record(type_: type[Struct]) -> None:
    value = golden_bytes(type_)
    for end in range(len(value)):
        refusal(value[:end])


@pytest.mark.parametrize("extra", [b"\x00", b"\x00\x00\x00", b"{}"])
def test_bytes_behind_a_record_are_refused(extra: bytes) -> None:
    assert "follow the record" in refusal(golden_bytes(OrderEvent) + extra)


def test_negative_indexes_are_refused_though_fastavro_takes_them_from_the_end() -> None:
    plain = replace(golden(OrderEvent), event_id="", tenant_id=None, correlation_id=None, custom_fields={})
    value = Encoder().encode("topic", plain)
    prefix, body, cause = value[:10], value[10:], b"\x02\x16webhook-991\x00"
    assert body[:2] == b"\x00\x02"  # no id, then the symbol ORDER_ACTIVATED
    assert "symbol -1 of 3" in refusal(prefix + b"\x00\x01" + body[2:])
    assert body.endswith(b"\x00\x00" + cause)
    tenant_by_negative_branch = b"\x01" + b"\x06abc"
    tail = tenant_by_negative_branch + b"\x00" + cause
    assert "branch -1 of 2" in refusal(prefix + body[: -len(cause) - 2] + tail)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "no value"),
        (b"", "no value"),
        (b"{}", "first byte, 7b"),
        (b"\xc3\x02" + bytes(20), "first byte, c3"),
        (b"\xc3\x01\x01", "fingerprint 01"),
        (b"\xc3\x01" + bytes(8), "fingerprint 0000000000000000"),
        (b"\x00\x00\x00", "ends within its schema id"),
        (b"\x00\x00\x00\x00\x01", "this process has none"),
    ],
)
def test_what_is_no_record_says_why(value: bytes | None, why: str) -> None:
    assert why in refusal(value)


def test_a_value_over_the_limit_is_not_looked_at() -> None:
    value = golden_bytes(OrderEvent)
    assert "at most 1000 are read" in refusal(value, decoder=Decoder(max_bytes=1000))
    Decoder(max_bytes=len(value)).decode(value)


@pytest.mark.parametrize("count", ["feffffffffffffffff01", "ff" * 9 + "01", "80ade204"])
def test_a_count_of_billions_in_a_small_record_costs_neither_time_nor_memory(count: str) -> None:
    # Quarantined begins with its id ("q-1") and its array of reasons.
    value = as_single_object(
        Quarantined, golden_body(Quarantined)[:4] + bytes.fromhex(count) + golden_body(Quarantined)[5:]
    )
    refusal(value)  # the schema is parsed once
    tracemalloc.start()
    began = time.perf_counter()
    refusal(value)
    took = time.perf_counter() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 0.5
    assert peak < 200_000


def test_the_longest_value_of_the_smallest_items_stays_within_some_hundred_times_its_bytes() -> None:
    reasons = 100_000
    head, tail = golden_body(Quarantined)[:4], Encoder().encode("t", replace(golden(Quarantined), reasons=()))[10 + 5 :]
    value = as_single_object(Quarantined, head + long(reasons) + bytes(2 * reasons) + b"\x00" + tail)
    tracemalloc.start()
    record = Decoder(max_bytes=len(value)).decode(value)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(record, Quarantined)
    assert len(record.reasons) == reasons
    assert peak < 300 * len(value)


def test_what_another_encoder_writes_differently_is_read_alike() -> None:
    value = Encoder().encode("t", replace(golden(Quarantined), quarantine_id="", reasons=(), headers={}))
    prefix, body = value[:10], value[10:]
    assert body[:2] == b"\x00\x00"
    long_zero = b"\x80\x00"
    assert DECODER.decode(prefix + long_zero + body[1:]) == DECODER.decode(value)
    two = replace(golden(Quarantined), quarantine_id="")
    (reason,) = two.reasons
    item = text(reason.code) + text(reason.detail)
    body = Encoder().encode("t", two)[10:]
    assert body.startswith(b"\x00\x02" + item + b"\x00")
    block_with_its_size = b"\x01" + long(len(item)) + item
    assert DECODER.decode(prefix + b"\x00" + block_with_its_size + body[2 + len(item) :]) == two


def text(value: str) -> bytes:
    return long(len(value.encode())) + value.encode()


def long(number: int) -> bytes:
    out = BytesIO()
    fastavro.schemaless_writer(out, {"type": "long"}, number)
    return out.getvalue()


def test_a_decimal_with_leading_zeros_is_read_and_one_that_is_too_long_refused() -> None:
    policy = PolicyActivated(
        event_id="",
        partition=0,
        partitions=1,
        activated_at=AT,
        activated_by="",
        policy=Policy(tie_out_tolerance=Decimal(1)),
    )
    after = bytes.fromhex("000200")  # the fields behind it: null, an enum's symbol, false
    value = Encoder().encode("t", policy).removesuffix(after)
    assert value.endswith(b"\x06\x0fB@")
    assert DECODER.decode(value[:-4] + b"\x0a\x00\x00\x0fB@" + after) == policy
    most = (10**18 - 1).to_bytes(8, "big")
    read = DECODER.decode(value[:-4] + b"\x10" + most + after)
    assert isinstance(read, PolicyActivated)
    assert read.policy.tie_out_tolerance == Decimal("999999999999.999999")
    assert "more than 18 digits" in refusal(value[:-4] + b"\x10" + (10**18).to_bytes(8, "big") + after)
    assert "more than 18 digits" in refusal(value[:-4] + b"\x80\x02" + bytes(128) + after)


def test_a_day_or_an_instant_outside_the_calendar_is_refused() -> None:
    order = golden(CreateSalesOrder)
    value = Encoder().encode("t", replace(order, end_on=date(1970, 1, 2), start_on=None, custom_fields={}))
    assert value.endswith(b"\x00\x02\x02\x00")
    assert "nuestream.commands.CreateSalesOrder" in refusal(value[:-2] + b"\xfe\xff\xff\xff\x0f" + b"\x00")
    outcome = golden(Outcome)
    instant = Encoder().encode("t", replace(outcome, activated_at=None, warnings=(), epoch=0))
    late = Encoder().encode("t", replace(outcome, activated_at=datetime.max.replace(tzinfo=UTC), warnings=(), epoch=0))
    assert "nuestream.outcomes.Outcome" in refusal(
        instant[:-3] + b"\x02" + b"\xfe" + b"\xff" * 8 + b"\x01" + b"\x00\x00"
    )
    assert DECODER.decode(late)


def test_a_text_that_is_not_utf_8_is_refused() -> None:
    assert "not a nuestream.quarantine.Quarantined" in refusal(
        as_single_object(Quarantined, b"\x02\xff" + golden_body(Quarantined)[4:])
    )
