"""The schema registry: which schema an id stands for, and which id a schema of ours has."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from msgspec import Struct

from schemas.catalog import name_of, schema_text
from schemas.strict import Malformed

_T = TypeVar("_T")

# The registry's own codes for what it does not hold. A plain 404 is a wrong address.
_NOT_THERE: Final = (40401, 40402, 40403)
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


class Registry:
    """A Confluent-compatible registry.

    ``config`` is the client's: ``url`` and, where needed, ``basic.auth.user.info``, ``ssl.ca.location`` and so on.
    With ``register`` off, schemas are only looked up, and one that was not registered beforehand is an error.
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
        self._client: Any = self._ask(lambda: SchemaRegistryClient.new_client({"timeout": _TIMEOUT, **config}))

    def id_for(self, topic: str, type_: type[Struct]) -> int:
        """The id of this type's schema in the topic's subject, registered where that is allowed; asked for once.

        Raises:
            RegistryUnavailable: no usable answer, the schema is incompatible with the subject's earlier versions,
                or it is not registered and ``register`` is off.
        """
        if (topic, type_) not in self._ids:
            name = name_of(type_)
            subject = f"{topic}-{name}" if self._naming is SubjectNaming.TOPIC_RECORD else name
            schema = Schema(schema_text(type_), "AVRO")
            try:
                self._ids[topic, type_] = self._ask(lambda: self._id(subject, schema))
            except _NotThere as error:
                raise RegistryUnavailable(
                    f"the schema registry at {self._address} has no {name} of this version under the subject "
                    f"{subject}, and registering is off: {error}"
                ) from None
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

    def _id(self, subject: str, schema: Schema) -> int:
        if self._register:
            return int(self._client.register_schema(subject, schema))
        return int(self._client.lookup_schema(subject, schema).schema_id)

    def _text(self, what: str, fetch: Callable[[], Schema]) -> str:
        try:
            schema = self._ask(fetch)
        except _NotThere as error:
            raise Malformed(f"the schema registry has no schema with the {what}: {error}") from None
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
                raise _NotThere(error.error_message) from None
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


class _NotThere(Exception):
    """The registry answered, and does not have it."""


def _without_credentials(text: str) -> str:
    return _CREDENTIALS.sub("", text)
