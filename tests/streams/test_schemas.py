"""`nuestream schemas` against a real registry: what it has, what it lacks, and what does not go with ours."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import fastavro
import pytest
from click.testing import CliRunner, Result
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from msgspec import Struct

from schemas.catalog import TYPES, earlier_versions, name_of, schema_text, topic_role, type_named
from schemas.codec import Encoder
from schemas.command import UpsertCustomer, UpsertItem
from schemas.outcome import DeadLetter, Outcome
from schemas.registry import Registry
from streams.cli import cli
from streams.settings import TopicSettings
from tests.environment import SchemaRegistry
from tests.schemas.golden_records import golden, golden_bytes, versions_of

ROLES = ("orders", "contracts", "commands", "quarantine", "outcomes", "dead_letters")
BROKEN = schema_text(Outcome).replace('"name": "account", "type": "string"', '"name": "account", "type": "double"')


class Schemas:
    """The command with topics of one test's own, and the registry beside it."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url, self.prefix = url, prefix
        self.client = SchemaRegistryClient({"url": url})

    def run(self, *arguments: str, **settings: str) -> Result:
        topics = {f"NUESTREAM_TOPICS__{role.upper()}": f"{self.prefix}{role}" for role in ROLES}
        given = {f"NUESTREAM_{name}": value for name, value in settings.items()}
        return CliRunner().invoke(
            cli, ["schemas", *arguments], env=topics | {"NUESTREAM_REGISTRY__URL": self.url} | given
        )

    def check(self, status: int, **settings: str) -> tuple[dict[str, dict[str, Any]], str]:
        """What it tells by subject, and what it says on standard error."""
        ran = self.run("check", "--json", **settings)
        assert ran.exit_code == status, ran.output
        return {each["subject"]: each for each in json.loads(ran.stdout)}, ran.stderr

    def subject(self, type_: type[Struct]) -> str:
        return f"{self.prefix}{topic_role(type_)}-{name_of(type_)}"

    def register(self, subject: str, text: str) -> int:
        return int(self.client.register_schema(subject, Schema(text, "AVRO")))

    def subjects(self) -> set[str]:
        return {name for name in self.client.get_subjects() if name.startswith(self.prefix)}


@pytest.fixture
def schemas(schema_registry: SchemaRegistry, topic_prefix: str) -> Schemas:
    return Schemas(schema_registry.url, topic_prefix)


def named(record: str) -> type[Struct]:
    type_ = type_named(record)
    assert type_ is not None
    return type_


def test_what_is_registered_is_found_and_registering_again_changes_nothing(schemas: Schemas) -> None:
    missing, said = schemas.check(1)
    assert {each["state"] for each in missing.values()} == {"missing"}
    assert len(missing) == len(TYPES)
    assert f"{len(TYPES)} of {len(TYPES)} schemas are missing" in said
    assert schemas.subjects() == set(), "check changes nothing"

    assert schemas.run("register", REGISTRY__REGISTER_SCHEMAS="false").exit_code == 0
    found, said = schemas.check(0)
    assert {(each["state"], each["versions"]) for each in found.values()} == {("registered", 1)}
    assert said == ""
    assert schemas.subjects() == set(found)

    again = schemas.run("register")
    assert again.exit_code == 0
    assert again.stdout.splitlines() == [f"{name}: was there with id {each['id']}" for name, each in found.items()]
    assert all(schemas.client.get_versions(name) == [1] for name in found)

    encoder = Encoder(Registry({"url": schemas.url}, register=False))
    for each in found.values():
        value = encoder.encode(each["topic"], golden(named(each["record"])))
        assert value[1:5] == each["id"].to_bytes(4, "big"), "a worker that may not register finds it"


def test_every_version_ever_shipped_passes_a_registry_that_demands_full_transitive(schemas: Schemas) -> None:
    outdated = [type_ for type_ in TYPES if earlier_versions(type_)]
    assert outdated
    for type_ in outdated:
        subject = schemas.subject(type_)
        schemas.client.set_compatibility(subject, "FULL_TRANSITIVE")
        for text in earlier_versions(type_).values():
            schemas.register(subject, text)

    ran = schemas.run("register", "--compatibility", "FULL_TRANSITIVE")
    assert ran.exit_code == 0
    assert ran.stdout.count("compatibility FULL_TRANSITIVE, was ") == len(TYPES) - len(outdated)
    found, _ = schemas.check(0)
    for each in found.values():
        assert each["versions"] == each["version"] == len(versions_of(named(each["record"])))
        assert (each["unknown"], each["compatibility"]) == ([], "FULL_TRANSITIVE")
    with pytest.raises(SchemaRegistryError) as refused:
        schemas.register(schemas.subject(Outcome), BROKEN)
    assert refused.value.http_status_code == 409


def test_what_is_incompatible_is_named_and_left_out_while_the_rest_is_registered(schemas: Schemas) -> None:
    outcome, letter = schemas.subject(Outcome), schemas.subject(DeadLetter)
    schemas.register(outcome, BROKEN)
    schemas.client.set_compatibility(outcome, "FULL_TRANSITIVE")
    schemas.register(letter, schema_text(DeadLetter))
    schemas.register(letter, BROKEN)
    schemas.client.set_compatibility(letter, "NONE")
    # as good as ours: in another layout, and in other words
    item, customer = schemas.subject(UpsertItem), schemas.subject(UpsertCustomer)
    schemas.register(item, json.dumps(json.loads(schema_text(UpsertItem))))
    number = schemas.register(customer, json.dumps(json.loads(schema_text(UpsertCustomer)) | {"doc": "A payer."}))

    found, said = schemas.check(1)
    assert (found[outcome]["state"], found[outcome]["incompatible_with"]) == ("incompatible", [1])
    assert f"{outcome} is incompatible with version 1 by FULL_TRANSITIVE\n" in said
    assert (found[letter]["state"], found[letter]["version"], found[letter]["unknown"]) == ("registered", 1, [2])
    assert (
        f"{letter} has version 2, which no nuestream up to this one wrote, and its level lets everything pass" in said
    )

    ran = schemas.run("register", "--compatibility", "FULL_TRANSITIVE")
    assert ran.exit_code == 1
    assert f"{outcome}: not registered: incompatible with version 1 by FULL_TRANSITIVE\n" in ran.stdout
    found, _ = schemas.check(1)
    states = {name: each["state"] for name, each in found.items() if each["state"] != "registered"}
    assert states == {outcome: "incompatible", letter: "incompatible", item: "alike", customer: "alike"}
    assert found[letter]["incompatible_with"] == [2]
    assert all(schemas.client.get_versions(name) == [1] for name in (outcome, item, customer))
    writing = Encoder(Registry({"url": schemas.url}, register=False))
    assert writing.encode(found[customer]["topic"], golden(UpsertCustomer))[1:5] == number.to_bytes(4, "big")


def test_subjects_are_called_as_the_settings_have_it(schemas: Schemas) -> None:
    ran = schemas.run("check", "--json", REGISTRY__SUBJECT_NAMING="record")
    assert [each["subject"] for each in json.loads(ran.stdout)] == [each["record"] for each in json.loads(ran.stdout)]


def test_without_a_registry_checking_and_registering_name_the_setting() -> None:
    for command in ("check", "register"):
        ran = CliRunner().invoke(cli, ["schemas", command])
        assert ran.exit_code == 2
        assert ran.stdout == ""
        assert "registry.url (NUESTREAM_REGISTRY__URL): is not set" in ran.stderr


def test_what_is_listed_is_enough_to_read_every_record_without_a_registry() -> None:
    ran = CliRunner().invoke(cli, ["schemas", "list", "--json"])
    assert ran.exit_code == 0
    listed = json.loads(ran.stdout)
    known = {bytes.fromhex(each["fingerprint"]): each["schema"] for row in listed for each in row["versions"]}
    for type_ in TYPES:
        for version in versions_of(type_):
            value = golden_bytes(type_, version)
            assert fastavro.schemaless_reader(BytesIO(value[10:]), known[value[2:10]], None)
    topics = TopicSettings()
    assert {row["topic"] for row in listed} == {getattr(topics, role) for role in ROLES}
    table = CliRunner().invoke(cli, ["schemas", "list"]).stdout
    assert all(row["record"] in table and row["versions"][-1]["fingerprint"] in table for row in listed)
