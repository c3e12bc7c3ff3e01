"""Headers say what a record is, and say it again in every replay."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from msgspec import Struct
from msgspec.structs import replace

from schemas.catalog import TYPES, name_of
from schemas.command import CreateReturnAuthorization, CreateSalesOrder
from schemas.headers import headers_of
from schemas.order import OrderEvent
from schemas.outcome import DeadLetter, LetterState, Outcome
from schemas.policy import PolicyActivated
from schemas.quarantine import Quarantined
from tests.schemas.golden_records import golden


def headers(record: Struct) -> dict[str, str]:
    return {name: value.decode() for name, value in headers_of(record)}


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_every_record_has_the_headers_of_cloudevents(type_: type[Struct]) -> None:
    said = headers(golden(type_))
    assert list(said) == ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "ce_subject", "content-type"]
    assert all(said.values())
    assert (said["ce_specversion"], said["content-type"]) == ("1.0", "application/avro")
    assert said["ce_type"] == name_of(type_)
    assert said["ce_source"].removeprefix("/nuestream/") in ("orders", "projections", "sinks", "deadletters")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", said["ce_time"])


@pytest.mark.parametrize("type_", TYPES, ids=name_of)
def test_equal_records_have_equal_headers(type_: type[Struct]) -> None:
    assert headers_of(golden(type_)) == headers_of(golden(type_))


def test_an_order_event_is_about_its_order_at_its_activation() -> None:
    event = golden(OrderEvent)
    said = headers(event)
    assert said["ce_id"] == event.event_id
    assert said["ce_subject"] == event.order.order_id
    assert said["ce_time"] == "2025-07-01T09:30:15.123456Z"
    assert said["ce_source"] == "/nuestream/orders"


def test_a_time_is_in_utc_whatever_zone_the_record_has() -> None:
    at = datetime(2025, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert headers(replace(golden(OrderEvent), occurred_at=at))["ce_time"] == "2024-12-31T23:00:00.000000Z"


@pytest.mark.parametrize("type_", [CreateSalesOrder, CreateReturnAuthorization], ids=name_of)
def test_a_document_is_about_its_external_id_at_its_date(type_: type[Struct]) -> None:
    said = headers(golden(type_))
    assert said["ce_subject"].startswith("NUE-")
    assert said["ce_id"] == "cmd-1"
    assert said["ce_time"] == "2025-07-01T00:00:00.000000Z"
    assert said["ce_source"] == "/nuestream/projections"


def test_a_policy_is_about_its_partition() -> None:
    assert headers(golden(PolicyActivated))["ce_subject"] == "policy/3"


def test_a_quarantined_record_that_could_not_be_read_is_about_itself() -> None:
    unread = replace(golden(Quarantined), order_id=None)
    assert headers(unread)["ce_subject"] == headers(unread)["ce_id"] == "q-1"


def test_what_a_sink_says_again_about_one_command_is_another_event() -> None:
    outcome, letter = golden(Outcome), golden(DeadLetter)
    again = datetime(2026, 1, 1, tzinfo=UTC)
    ids = {
        headers(record)["ce_id"]
        for record in (
            outcome,
            replace(outcome, applied_at=again),
            letter,
            replace(letter, recorded_at=again),
            replace(letter, state=LetterState.CLOSED),
        )
    }
    assert len(ids) == 5
