"""A record of an earlier version says as much as its writer knew."""

import json
from collections.abc import Iterator
from decimal import Decimal
from io import BytesIO

import fastavro
import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from schemas.catalog import TYPES, earlier_versions, fingerprint, fingerprint_of
from schemas.codec import Decoder, Encoder
from schemas.contract import Movement, SubscriptionChanged
from schemas.registry import Registry
from schemas.upcast import UPCASTS
from tests.schemas.golden_records import golden, golden_bytes, golden_today
from tests.schemas.small_registry import SmallRegistry, small_registry

VERSION_1 = earlier_versions(SubscriptionChanged)[1]


@pytest.fixture
def small() -> Iterator[SmallRegistry]:
    with small_registry() as running:
        yield running


def written_by_version_1(record: SubscriptionChanged) -> bytes:
    body = BytesIO(b"\xc3\x01" + fingerprint_of(VERSION_1))
    body.seek(0, 2)
    kept = (Decimal, type(record.start_on), type(record.known_at))
    fastavro.schemaless_writer(
        body, fastavro.parse_schema(json.loads(VERSION_1)), to_builtins(record, builtin_types=kept)
    )
    return body.getvalue()


def test_only_schemas_that_were_shipped_before_today_are_upcast() -> None:
    earlier = {fingerprint_of(text) for type_ in TYPES for text in earlier_versions(type_).values()}
    assert UPCASTS.keys() <= earlier - {fingerprint(type_) for type_ in TYPES}


def test_a_change_of_version_1_tells_its_quantity_and_value_but_no_recurring_revenue() -> None:
    read = Decoder().decode(golden_bytes(SubscriptionChanged, 1))
    assert isinstance(read, SubscriptionChanged)
    assert (read.quantity_delta, read.delta_tcv) == (Decimal("-50.5"), Decimal("-30300.125"))
    assert (read.movement, read.mrr_before, read.mrr_after, read.effective_on) == (Movement.UNKNOWN, 0, 0, None)


def test_a_new_subscription_of_version_1_gains_its_whole_quantity() -> None:
    record = replace(golden(SubscriptionChanged, 1), quantity_before=None, status_before=None)
    read = Decoder().decode(written_by_version_1(record))
    assert read == replace(record, quantity_delta=record.quantity_after, delta_tcv=record.amount)


def test_a_schema_is_upcast_wherever_it_was_found(small: SmallRegistry) -> None:
    body = golden_bytes(SubscriptionChanged, 1)[10:]
    said_otherwise = json.loads(VERSION_1) | {"doc": "In other words."}
    for prefix in (small.add(VERSION_1), small.add(said_otherwise)):
        read = Decoder(Registry({"url": small.url})).decode(prefix + body)
        assert read == golden_today(SubscriptionChanged, 1)


def test_what_is_of_today_keeps_what_it_says() -> None:
    record = replace(golden(SubscriptionChanged), quantity_delta=Decimal(7), delta_tcv=Decimal(0))
    assert Decoder().decode(Encoder().encode("any topic", record)) == record
