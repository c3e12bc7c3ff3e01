"""Archives without personal data: nobody is named, and the same is decided."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import msgspec
import pytest
from msgspec.structs import replace

from projections.records import LogRecord
from schemas.catalog import earlier_versions, fingerprint_of, name_of, parse
from schemas.codec import Decoder, Malformed
from schemas.command import UpsertCustomer
from schemas.contract import OrderDecided
from schemas.headers import headers_of
from schemas.order import OrderEvent
from schemas.policy import PolicyActivated
from schemas.quarantine import Quarantined
from streams.archive.envelope import Archived
from streams.archive.manifest import Manifest
from streams.archive.personal_data import OMITTED, Redaction
from streams.archive.reading import ArchiveReader
from tests.streams.archive.making import NOON, TOPIC, make
from tests.streams.archive.people import PERSONAL, archived, logged, peopled, said_by_sinks
from tests.streams.crashes import ENCODER, TOPICS, Durable, clean
from tests.streams.eventful import eventful_log, waiting_log

DECODER = Decoder(None)


@pytest.fixture(params=[eventful_log, waiting_log])
def log(request: pytest.FixtureRequest) -> list[LogRecord]:
    return peopled(request.param())


def bare(records: list[Archived]) -> list[Archived]:
    redaction = Redaction(DECODER)
    return [redaction.of(each) for each in records]


def outputs(durable: Durable, topic: str) -> list[Archived]:
    messages = [each for each in durable.outputs if each.topic == topic]
    return [Archived(place, NOON, 1, each.key, each.value, each.headers) for place, each in enumerate(messages)]


def read(record: Archived) -> Any:
    return DECODER.decode(record.value, [(name, value or b"") for name, value in record.headers])


def everything_said(log: list[LogRecord]) -> list[Archived]:
    """The log, what the projector says about it and what a sink may say about that."""
    decided = clean(log)
    said = [archived(each) for each in log]
    for topic in (TOPICS.commands, TOPICS.contracts, TOPICS.quarantine):
        said += outputs(decided, topic)
    customers = [each.value for each in outputs(decided, TOPICS.commands) if isinstance(read(each), UpsertCustomer)]
    for place, each in enumerate(said_by_sinks(customers[0] or b"")):
        said.append(Archived(place, NOON, 1, b"NUE-CUST-acme", ENCODER.encode("", each), tuple(headers_of(each))))
    return said


def test_nobody_is_named_in_the_files(log: list[LogRecord]) -> None:
    said = everything_said(log)
    kinds = {name_of(read(each)) for each in said if each.key and b"mustermann" not in each.key and _reads(each)}
    assert len(kinds) >= 12, kinds
    in_order = [each._replace(offset=place) for place, each in enumerate(said)]
    url = f"memory://{uuid.uuid4().hex}"
    for without, (named, records) in enumerate([(True, in_order), (False, bare(in_order))]):
        storage = make(f"{url}/{without}", {0: records}, partitions=1)
        (entry,) = Manifest(storage, TOPIC, 0).entries
        found = b"".join(
            b"\0".join(
                (each.key or b"", each.value or b"", *(name.encode() + (value or b"") for name, value in each.headers))
            )
            for each in ArchiveReader(f"{url}/{without}", TOPIC).archived(0, 0, entry.end)
        ) + b"".join(storage.read(name) or b"" for name in storage.names() if not name.endswith(".avro"))
        assert {text in found for text in PERSONAL} == {named}


def test_a_replay_makes_the_same_documents_and_contract_events(log: list[LogRecord]) -> None:
    without = [logged(each, like) for each, like in zip(bare([archived(each) for each in log]), log, strict=True)]
    decided, again = clean(log), clean(without)
    commands = outputs(decided, TOPICS.commands)
    assert len(commands) > 10
    assert bare(commands) == outputs(again, TOPICS.commands)
    for before, after in zip(outputs(decided, TOPICS.contracts), bare(outputs(again, TOPICS.contracts)), strict=True):
        if isinstance(told := read(before), OrderDecided) and told.why.startswith("discarded by"):
            assert read(after).why == OMITTED
        else:
            assert after == before
    held = [read(each) for each in outputs(decided, TOPICS.quarantine)]
    held_again = [read(each) for each in outputs(again, TOPICS.quarantine)]
    assert [_reason_codes(each) for each in held] == [_reason_codes(each) for each in held_again]
    assert len(decided.changelog) == len(again.changelog)


def test_what_an_earlier_version_of_the_schemas_wrote_agrees_with_the_topic() -> None:
    redaction = Redaction(DECODER)
    for each in everything_said(peopled(waiting_log())):
        (without,) = bare([each])
        assert redaction.agrees(each, without)
        if _reads(without) and isinstance(content := read(without), OrderDecided):
            other = replace(content, why="another")
            assert not redaction.agrees(each, without._replace(value=ENCODER.encode("", other)))
    (earlier,) = earlier_versions(PolicyActivated).values()
    policy = archived(peopled(waiting_log())[0])
    (without,) = bare([policy])
    out = BytesIO()
    fastavro.schemaless_writer(
        out, parse(earlier), msgspec.to_builtins(read(without), builtin_types=(Decimal, datetime))
    )
    then = without._replace(value=b"\xc3\x01" + fingerprint_of(earlier) + out.getvalue())
    assert then != without
    assert redaction.agrees(policy, then)
    assert not redaction.agrees(policy._replace(offset=1), then)


def test_a_record_that_is_unreadable_for_its_size_does_not_become_readable() -> None:
    event = read(archived(peopled(eventful_log())[1]))
    large = replace(event, customer=replace(event.customer, description="x" * (4 << 20)))
    record = Archived(0, NOON, 1, b"k", ENCODER.encode("", large), ())
    (without,) = [Redaction(Decoder(None, max_bytes=8 << 20)).of(record)]
    for each in (record, without):
        with pytest.raises(Malformed):
            read(each)


def test_what_remains_of_a_customer_is_what_taxes_and_accounts_need() -> None:
    event = read(archived(peopled(eventful_log())[1]))
    (record,) = bare([Archived(0, NOON, 1, event.order.customer_id.encode(), ENCODER.encode("", event), ())])
    party = read(record).customer
    assert party.name == f"NUE-CUST-{party.id}"
    assert (party.email, party.phone, party.description) == (None, None, None)
    assert (party.billing_address.country, party.billing_address.state) == ("DE", "BE")
    assert (party.billing_address.street, party.billing_address.city, party.billing_address.postal_code) == (None,) * 3
    assert (party.account_number, party.record_type) == ("A-17", "Consumer")


def test_two_people_stay_two_people_and_two_texts_two_texts() -> None:
    contents = [read(each) for each in bare([archived(each) for each in peopled(waiting_log())])]
    assert len({each.by for each in contents if hasattr(each, "by")}) == 3  # kim, lee and the worker
    memos = {each.order.order_id: each.order.memo for each in contents if isinstance(each, OrderEvent)}
    assert len(set(memos.values())) > 1


def test_what_cannot_be_read_stays_unreadable_and_is_told_by_length_and_checksum() -> None:
    (record,) = bare([Archived(0, NOON, 1, b"erika@firm.example", b"\x00Mustermann", (("x", b"Mustermann"),))])
    assert record.headers == ()
    assert b"11 bytes, SHA-256 " in (record.value or b"")
    with pytest.raises(Malformed):
        read(record)
    kept = Archived(0, NOON, 1, None, None, ())
    assert bare([kept]) == [kept]


def _reads(record: Archived) -> bool:
    try:
        read(record)
    except Malformed:
        return False
    return True


def _reason_codes(held: Any) -> tuple[object, ...]:
    codes = [reason.code for reason in held.reasons] if isinstance(held, Quarantined) else []
    return type(held), codes, held.order_id if hasattr(held, "order_id") else None
