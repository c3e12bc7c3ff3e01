"""What a producer may put on a record without stopping the projector."""

from types import SimpleNamespace

import pytest

from streams.instants import EPOCH
from streams.log_records import log_record


def message(**fields: object) -> SimpleNamespace:
    plain = {"topic": "t", "partition": 0, "offset": 7, "timestamp": 1.5, "key": b"k", "value": b"v", "headers": ()}
    return SimpleNamespace(**{**plain, **fields})


@pytest.mark.parametrize("timestamp", [1700000000000000.0, float("nan"), None, -1e300])
def test_a_timestamp_that_is_no_instant_is_the_beginning_of_the_epoch(timestamp: float | None) -> None:
    assert log_record(message(timestamp=timestamp)).recorded_at == EPOCH


@pytest.mark.parametrize("headers", [[("x", None), ("y", b"1")], {"x": None, "y": b"1"}])
def test_a_header_without_a_value_is_an_empty_one(headers: object) -> None:
    assert log_record(message(headers=headers)).headers == {"x": b"", "y": b"1"}


def test_a_record_without_headers_has_none() -> None:
    assert log_record(message(headers=None)).headers == {}
