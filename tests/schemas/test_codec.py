"""Every record survives its bytes, and what its schema cannot hold is an error where it is written."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from schemas.catalog import TYPES, fingerprint, name_of
from schemas.codec import Decoder, Encoder
from schemas.command import CreateSalesOrder
from schemas.order import Address, OrderEvent, Party
from schemas.policy import Policy, PolicyActivated
from schemas.quarantine import Quarantined
from tests.schemas.golden_records import golden
from tests.schemas.shapes import records

AT = datetime(2025, 7, 1, 9, 30, tzinfo=UTC)
ANY_RECORD = st.sampled_from(TYPES).flatmap(records)
RELAXED = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)


@RELAXED
@given(ANY_RECORD)
def test_every_record_of_every_type_is_read_as_it_was_written(record: Struct) -> None:
    assert Decoder().decode(Encoder().encode("topic", record)) == record


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_without_a_registry_the_fingerprint_of_the_schema_is_in_front(type_: type[Struct]) -> None:
    assert Encoder().encode("topic", golden(type_))[:10] == b"\xc3\x01" + fingerprint(type_)


def test_an_address_and_a_line_keep_their_empty_texts_apart_from_nothing() -> None:
    party = Party(id="", name="", email="", billing_address=Address(street=""))
    record = replace(golden(OrderEvent), customer=party)
    read = Decoder().decode(Encoder().encode("topic", record))
    assert isinstance(read, OrderEvent)
    assert read.customer == party


def line(**changes: Any) -> CreateSalesOrder:
    order = golden(CreateSalesOrder)
    return replace(order, lines=(order.lines[0], replace(order.lines[0], **changes)))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (line(amount=Decimal("1e22")), ".lines[1].amount: 1.000E+22 has more than 22 digits before the point"),
        (line(amount=Decimal("1e999999")), ".lines[1].amount:"),
        (line(amount=Decimal("0.0000001")), ".lines[1].amount: 1E-7 has more than 6 decimals"),
        (line(amount=Decimal("NaN")), ".lines[1].amount: NaN is not a number"),
        (line(amount=Decimal("sNaN")), ".lines[1].amount: sNaN is not a number"),
        (line(rate=Decimal("-Infinity")), ".lines[1].rate: -Infinity is not a number"),
        (line(item="half \ud83d"), ".lines[1].item:"),
    ],
)
def test_a_value_that_its_field_cannot_hold_is_an_error_that_names_record_and_field(record: Struct, said: str) -> None:
    with pytest.raises(ValueError, match="CreateSalesOrder") as error:
        Encoder().encode("topic", record)
    assert f"nuestream.commands.CreateSalesOrder{said}" in str(error.value)


def test_an_instant_without_a_zone_is_an_error_that_names_the_field() -> None:
    naive = replace(golden(OrderEvent), order=replace(golden(OrderEvent).order, activated_at=datetime(2025, 7, 1)))  # noqa: DTZ001
    with pytest.raises(ValueError, match=r"OrderEvent\.order\.activated_at: .* has no time zone"):
        Encoder().encode("topic", naive)


def test_a_number_beyond_64_bits_is_an_error_that_names_the_field() -> None:
    with pytest.raises(ValueError, match=r"Quarantined\.offset: "):
        Encoder().encode("topic", replace(golden(Quarantined), offset=2**63))


def test_an_instant_in_another_zone_is_the_same_instant_in_utc() -> None:
    there = AT.astimezone(timezone(timedelta(hours=-8)))
    read = Decoder().decode(Encoder().encode("topic", replace(golden(OrderEvent), occurred_at=there)))
    assert isinstance(read, OrderEvent)
    assert (read.occurred_at, read.occurred_at.tzinfo) == (AT, UTC)


@pytest.mark.parametrize(
    ("amount", "written"),
    [("-0.000128", "80"), ("-0.000129", "ff7f"), ("0.000127", "7f"), ("0.000128", "0080"), ("0", "00"), ("-0", "00")],
)
def test_a_decimal_is_written_as_the_shortest_twos_complement(amount: str, written: str) -> None:
    policy = replace(golden(PolicyActivated), policy=Policy(tie_out_tolerance=Decimal(amount)))
    data = bytes.fromhex(written)
    after = bytes.fromhex("000200")  # the fields behind it: null, an enum's symbol, false
    assert Encoder().encode("topic", policy).endswith(bytes([2 * len(data)]) + data + after)


def test_decimals_that_are_equal_are_written_alike() -> None:
    encoder = Encoder()
    assert len({encoder.encode("t", line(amount=Decimal(text))) for text in ("100", "100.00", "1E+2")}) == 1
