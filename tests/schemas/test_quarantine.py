"""What quarantine keeps of a record that is larger than anything that may be written."""

import hashlib
from datetime import UTC, datetime

import pytest

from schemas.codec import Decoder, Encoder
from schemas.quarantine import MOST_BYTES, Quarantined, Reason, fitted
from streams.kafka import MAX_RECORD_BYTES

AT = datetime(2026, 1, 1, tzinfo=UTC)
WHY = Reason(code="malformed", detail="no order")


def held(key: bytes | None, value: bytes | None, headers: dict[str, bytes] | None = None) -> Quarantined:
    return Quarantined(
        quarantine_id="q",
        reasons=(WHY,),
        topic="orders",
        partition=1,
        offset=2,
        recorded_at=AT,
        key=key,
        value=value,
        headers=headers or {},
    )


@pytest.mark.parametrize(
    "whole",
    [
        held(b"k", bytes(MOST_BYTES - 2)),
        held(None, None),
        held(b"", b"", {"": b""}),
        held(bytes(1000), bytes(1000), {str(number): bytes(1000) for number in range(4000)}),
    ],
    ids=["value", "nothing", "empty", "headers"],
)
def test_what_fits_is_kept_as_it_was(whole: Quarantined) -> None:
    assert fitted(whole) is whole


def test_a_value_beyond_it_is_left_out_and_named_by_its_digest() -> None:
    value = b"x" * (MOST_BYTES + 1)
    left = fitted(held(b"k", value, {"h": b"1"}))
    assert (left.key, left.value, left.headers) == (b"k", None, {"h": b"1"})
    assert left.reasons[0] == WHY
    (reason,) = left.reasons[1:]
    assert reason.code == "too_large"
    assert f"the value of {len(value)} bytes (SHA-256 {hashlib.sha256(value).hexdigest()})" in reason.detail


def test_headers_beyond_it_are_left_out_and_counted() -> None:
    left = fitted(held(b"k", bytes(MOST_BYTES // 2), {"a": bytes(MOST_BYTES), "b": b"2", "c": bytes(MOST_BYTES)}))
    assert left.headers == {"b": b"2"}
    assert left.value == bytes(MOST_BYTES // 2)
    assert left.reasons[1].detail.startswith("2 headers left out")


@pytest.mark.parametrize("size", [MOST_BYTES // 2 + 1, MOST_BYTES, 3 * MOST_BYTES])
def test_whatever_the_record_its_quarantine_can_be_written(size: int) -> None:
    for part in (held(bytes(size), bytes(size)), held(None, bytes(size), {"h": bytes(size)}), held(bytes(size), None)):
        left = fitted(part)
        value = Encoder().encode("quarantine", left)
        assert len(value) + len(left.key or b"") < MAX_RECORD_BYTES - 1_000_000
        assert Decoder(max_bytes=MAX_RECORD_BYTES).decode(value) == left
