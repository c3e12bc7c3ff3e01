"""The schema registry: which schema an id stands for, and which id a schema of ours has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeVar

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from msgspec import Struct

from schemas.catalog import name_of, same_but_for_words, schema_text
from schemas.strict import Malformed

_T = TypeVar("_T")

# The registry's own codes for what it does not hold; the last is of a subject without a level of its own. A plain 404
# is a wrong address.
_NOT_THERE: Final = (40401, 40402, 40403, 40408)
# A user and password, in an address with or without its scheme.
_CREDENTIALS: Final = re.compile(r"(?<=//)\S*@|(?<!\S)[^\s/]*@")
# The client's own default is to wait for ever.
_TIMEOUT: Final = 10


class RegistryUnavailable(Exception):
    """The registry gave no usable answer. A fault of the infrastructure or the settings, never of a record."""


class SubjectNaming(StrEnum):
    """How a subject is called: ``<topic>-<record name>``, or the record's name alone."""

    TOPIC_RECORD = "topic_record"
    RECORD = "record"


@dataclass(frozen=True, slots=True)
class Version:
    """A schema in a subject, as the registry holds it. ``number`` counts within the subject, from 1."""

    number: int
    schema_id: int
    text: str

    def reads_as(self, text: str) -> bool:
        """Whether it is this schema, whatever the descriptions and the layout of either."""
        try:
            return same_but_for_words(self.text, text)
        except (ValueError, RecursionError):
            return False


class Registry:
    """A Confluent-compatible registry.

    ``config`` is the client's: ``url`` and, where needed, ``basic.auth.user.info``, ``ssl.ca.location`` and so on.
    With ``register`` off, schemas are only looked up, whatever their descriptions and layout, and one that was not
    registered beforehand is an error.
    """

    def __init__(
        self,
        config: Mapping[str, str | float],
        *,
        naming: SubjectNaming = SubjectNaming.TOPIC_RECORD,
        register: bool = True,
    ) -> None:
        self._address = ", ".join(_without_credentials(url.strip()) for url in str(config.get("url", "")).split(","))
        self._naming = naming
        self._register = register
        self._ids: dict[tuple[str, type[Struct]], int] = {}
        self._level: str | None = None
        self._client: Any = self._ask(lambda: SchemaRegistryClient.new_client({"timeout": _TIMEOUT, **config}))

    def id_for(self, topic: str, type_: type[Struct]) -> int:
        """The id of this type's schema in the topic's subject, registered where that is allowed; asked for once.

        Raises:
            RegistryUnavailable: no usable answer, the schema is incompatible with the subject's earlier versions,
                or it is not registered and ``register`` is off.
        """
        if (topic, type_) not in self._ids:
            subject = self.subject(topic, type_)
            number = self.register(subject, type_) if self._register else self._found(subject, type_)
            self._ids[topic, type_] = number
        return self._ids[topic, type_]

    def schema_by_id(self, schema_id: int) -> str:
        """The text of the schema with this id.

        Raises:
            Malformed: the registry says that it has no such schema, or it is not an Avro schema by itself.
            RegistryUnavailable: no usable answer.
        """
        return self._text(f"id {schema_id}", lambda: self._client.get_schema(schema_id))

    def schema_by_guid(self, guid: str) -> str:
        """The text of the schema with this GUID; errors as in :meth:`schema_by_id`."""
        return self._text(f"GUID {guid}", lambda: self._client.get_schema_by_guid(guid))

    def subject(self, topic: str, type_: type[Struct]) -> str:
        """What the subject of this type's schemas on this topic is called."""
        name = name_of(type_)
        return f"{topic}-{name}" if self._naming is SubjectNaming.TOPIC_RECORD else name

    def versions(self, subject: str) -> list[Version]:
        """What the subject holds, the oldest first; nothing where there is no such subject.

        Raises:
            RegistryUnavailable: no usable answer.
        """
        try:
            numbers = self._ask(lambda: sorted(self._client.get_versions(subject)))
            return self._ask(lambda: [_version(self._client.get_version(subject, number)) for number in numbers])
        except _NotThere:
            return []

    def held(self, subject: str, type_: type[Struct], versions: Sequence[Version] | None = None) -> Version | None:
        """This version's schema as the subject holds it: its very text, else one that differs in words alone.

        ``versions`` are what the subject holds, where that is known already.

        Raises:
            RegistryUnavailable: no usable answer.
        """
        text = schema_text(type_)
        try:
            return self._ask(lambda: _version(self._client.lookup_schema(subject, Schema(text, "AVRO")), text))
        except _NotThere:
            holds = self.versions(subject) if versions is None else versions
            return next((each for each in reversed(holds) if each.reads_as(text)), None)

    def register(self, subject: str, type_: type[Struct]) -> int:
        """Put this version's schema into the subject, where it is not there yet; its id.

        Raises:
            RegistryUnavailable: no usable answer, or the registry refuses the schema.
        """
        schema = Schema(schema_text(type_), "AVRO")
        return self._ask(lambda: int(self._client.register_schema(subject, schema)))

    def accepts(self, subject: str, version: int, type_: type[Struct]) -> bool:
        """Whether this version's schema is compatible with one that the subject holds, by the subject's level.

        Raises:
            RegistryUnavailable: no usable answer.
        """
        schema = Schema(schema_text(type_), "AVRO")
        return self._ask(lambda: bool(self._client.test_compatibility(subject, schema, version)))

    def compatibility(self, subject: str) -> str:
        """The level that counts for the subject, such as ``FULL_TRANSITIVE``: its own, else the registry's, asked once.

        Raises:
            RegistryUnavailable: no usable answer.
        """
        try:
            return self._ask(lambda: str(self._client.get_compatibility(subject)))
        except _NotThere:
            if self._level is None:
                self._level = self._ask(lambda: str(self._client.get_compatibility()))
            return self._level

    def set_compatibility(self, subject: str, level: str) -> None:
        """Give the subject a level of its own; it need not hold a schema yet.

        Raises:
            RegistryUnavailable: no usable answer.
        """
        self._ask(lambda: self._client.set_compatibility(subject, level))

    def _found(self, subject: str, type_: type[Struct]) -> int:
        held = self.held(subject, type_)
        if held is None:
            raise RegistryUnavailable(
                f"the schema registry at {self._address} has no {name_of(type_)} of this version under the subject "
                f"{subject}, and registering is off: `nuestream schemas register` puts it there"
            )
        return held.schema_id

    def _text(self, what: str, fetch: Callable[[], Schema]) -> str:
        try:
            schema = self._ask(fetch)
        except _NotThere as error:
            raise Malformed(f"the schema registry has no schema with the {what}: {error.said}") from None
        if schema.schema_type not in (None, "AVRO") or schema.references:
            raise Malformed(f"the schema with the {what} is not an Avro schema that stands by itself")
        if not isinstance(schema.schema_str, str):
            raise RegistryUnavailable(f"what answers at {self._address} is no schema registry: no schema with {what}")
        return schema.schema_str

    def _ask(self, question: Callable[[], _T]) -> _T:
        try:
            return question()
        except SchemaRegistryError as error:
            if error.http_status_code == 404 and error.error_code in _NOT_THERE:
                raise _NotThere(self._address, _without_credentials(str(error.error_message))) from None
            raise RegistryUnavailable(
                f"the schema registry at {self._address} answered {error.http_status_code}: "
                f"{_without_credentials(str(error.error_message))}"
            ) from None
        except Exception as error:
            # Whatever the client raises here is about the connection or the settings: no record was looked at yet.
            text = _without_credentials(str(error))
            raise RegistryUnavailable(
                f"the schema registry at {self._address} cannot be asked: {type(error).__name__}: {text}"
            ) from None


class _NotThere(RegistryUnavailable):
    """The registry answered, and does not have it."""

    def __init__(self, address: str, said: str) -> None:
        super().__init__(f"the schema registry at {address} answered 404: {said}")
        self.said = said


def _version(answer: Any, text: str | None = None) -> Version:
    return Version(int(answer.version), int(answer.schema_id), str(answer.schema.schema_str) if text is None else text)


def _without_credentials(text: str) -> str:
    return _CREDENTIALS.sub("", text)
