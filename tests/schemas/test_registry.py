"""The registry is asked once, and its silence is never taken for bad data."""

import uuid
from collections.abc import Iterator

import pytest
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from msgspec.structs import replace

from schemas.catalog import TYPES, name_of, schema_text
from schemas.codec import Decoder, Encoder, Malformed, RegistryUnavailable
from schemas.order import OrderEvent
from schemas.outcome import Outcome
from schemas.registry import Registry, SubjectNaming
from tests.environment import SchemaRegistry
from tests.schemas.golden_records import golden, golden_body
from tests.schemas.small_registry import SmallRegistry, small_registry

FAST: dict[str, str | float] = {"max.retries": 0}


@pytest.fixture
def small() -> Iterator[SmallRegistry]:
    with small_registry() as running:
        yield running


def unavailable(registry: Registry) -> str:
    with pytest.raises(RegistryUnavailable) as error:
        Decoder(registry).decode(b"\x00\x00\x00\x00\x01abc")
    return str(error.value)


# Against a real registry


def test_every_record_goes_through_a_real_registry(schema_registry: SchemaRegistry, topic_prefix: str) -> None:
    writer, reader = Registry({"url": schema_registry.url}), Registry({"url": schema_registry.url})
    for type_ in TYPES:
        value = Encoder(writer).encode(topic_prefix + "t", golden(type_))
        assert value[:1] == b"\x00"
        assert value[5:] == golden_body(type_)
        assert Decoder(reader).decode(value) == golden(type_)


def test_a_subject_is_called_by_topic_and_record(schema_registry: SchemaRegistry, topic_prefix: str) -> None:
    registry = Registry({"url": schema_registry.url})
    number = registry.id_for(topic_prefix + "t", Outcome)
    known = SchemaRegistryClient({"url": schema_registry.url})
    assert known.get_latest_version(f"{topic_prefix}t-{name_of(Outcome)}").schema_id == number
    assert registry.id_for(topic_prefix + "t", Outcome) == number


def test_a_subject_may_be_called_by_the_record_alone(schema_registry: SchemaRegistry) -> None:
    Registry({"url": schema_registry.url}, naming=SubjectNaming.RECORD).id_for("any topic", Outcome)
    assert name_of(Outcome) in SchemaRegistryClient({"url": schema_registry.url}).get_subjects()


def test_with_registering_off_a_schema_is_found_or_its_subject_named(
    schema_registry: SchemaRegistry, topic_prefix: str
) -> None:
    reading = Registry({"url": schema_registry.url}, register=False)
    with pytest.raises(RegistryUnavailable, match=f"{topic_prefix}t-{name_of(Outcome)}"):
        reading.id_for(topic_prefix + "t", Outcome)
    number = Registry({"url": schema_registry.url}).id_for(topic_prefix + "t", Outcome)
    assert reading.id_for(topic_prefix + "t", Outcome) == number


def test_an_id_that_a_real_registry_does_not_have_is_malformed(schema_registry: SchemaRegistry) -> None:
    for prefix in (b"\x00\x7f\xff\xff\xff", b"\x00\x00\x00\x00\x00"):
        with pytest.raises(Malformed, match="no schema with the id"):
            Decoder(Registry({"url": schema_registry.url})).decode(prefix + b"abc")


def test_a_schema_of_another_name_in_a_real_registry_is_malformed(
    schema_registry: SchemaRegistry, topic_prefix: str
) -> None:
    text = '{"type": "record", "name": "OrderEvent", "fields": [{"name": "id", "type": "string"}]}'
    client = SchemaRegistryClient({"url": schema_registry.url})
    number = client.register_schema(topic_prefix + "foreign", Schema(text, "AVRO"))
    with pytest.raises(Malformed, match="OrderEvent is no record of this project"):
        Decoder(Registry({"url": schema_registry.url})).decode(b"\x00" + number.to_bytes(4, "big") + b"\x02a")


def test_an_incompatible_schema_stops_the_writer(schema_registry: SchemaRegistry, topic_prefix: str) -> None:
    subject = f"{topic_prefix}t-{name_of(Outcome)}"
    client = SchemaRegistryClient({"url": schema_registry.url})
    other = schema_text(Outcome).replace('"name": "account", "type": "string"', '"name": "account", "type": "double"')
    client.register_schema(subject, Schema(other, "AVRO"))
    client.set_compatibility(subject, "FULL_TRANSITIVE")
    with pytest.raises(RegistryUnavailable, match="answered 409"):
        Encoder(Registry({"url": schema_registry.url})).encode(topic_prefix + "t", golden(Outcome))


# Against answers that a healthy registry does not give


def test_a_registry_that_does_not_answer_is_named_without_credentials() -> None:
    registry = Registry({"url": "http://kim:secret@127.0.0.1:9", **FAST})
    said = unavailable(registry)
    assert "http://127.0.0.1:9" in said
    assert "secret" not in said
    assert "kim" not in said


@pytest.mark.parametrize(
    ("status", "code"), [(401, 40101), (403, 40301), (404, 404), (500, 50001), (503, 503), (400, 400), (200, 0)]
)
def test_no_answer_but_not_found_is_about_the_record(small: SmallRegistry, status: int, code: int) -> None:
    small.answer = status, {"error_code": code, "message": "see http://kim:secret@127.0.0.1/help"}
    said = unavailable(Registry({"url": small.url, "basic.auth.user.info": "kim:secret", **FAST}))
    assert small.url in said
    assert "secret" not in said


def test_a_failure_is_not_remembered(small: SmallRegistry) -> None:
    registry = Registry({"url": small.url, **FAST})
    decoder = Decoder(registry)
    prefix = small.add(schema_text(OrderEvent))
    small.answer = 503, {"error_code": 503, "message": "starting"}
    with pytest.raises(RegistryUnavailable):
        decoder.decode(prefix + golden_body(OrderEvent))
    small.answer = None
    assert decoder.decode(prefix + golden_body(OrderEvent)) == golden(OrderEvent)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"url": "kim:secret@nowhere"},
        {"url": "http://kim:secret@x", "ssl.ca.location": "/none.pem"},
        {"url": "http://x", "ulr": "y"},
    ],
    ids=["no address", "no scheme", "no CA", "unknown setting"],
)
def test_settings_that_cannot_work_are_said_at_once_without_credentials(config: dict[str, str]) -> None:
    with pytest.raises(RegistryUnavailable) as error:
        Registry(config)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "answer", [{"schemaType": "JSON"}, {"references": [{"name": "a", "subject": "b", "version": 1}]}]
)
def test_a_schema_that_is_not_avro_by_itself_is_malformed(small: SmallRegistry, answer: dict[str, object]) -> None:
    small.answer = 200, {"schema": schema_text(Outcome), "id": 1, **answer}
    with pytest.raises(Malformed, match="stands by itself"):
        Decoder(Registry({"url": small.url})).decode(b"\x00\x00\x00\x00\x01abc")


def test_an_unknown_guid_is_malformed(small: SmallRegistry) -> None:
    guid = b"\x01" + uuid.uuid4().bytes
    with pytest.raises(Malformed, match="no schema with the GUID"):
        Decoder(Registry({"url": small.url})).decode(b"abc", [("__value_schema_id", guid)])


def test_an_encoder_asks_the_registry_once_per_topic(small: SmallRegistry) -> None:
    small.answer = 200, {"id": 7}
    encoder = Encoder(Registry({"url": small.url}))
    for number in range(5):
        value = encoder.encode("t", replace(golden(Outcome), epoch=number))
        assert value[:5] == b"\x00\x00\x00\x00\x07"
    assert small.requests == 1
