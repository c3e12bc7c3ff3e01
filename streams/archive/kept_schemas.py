"""The schemas that values name by a registry's id or GUID: kept beside the values, so that no registry is needed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from schemas.codec import GUID_HEADER
from schemas.registry import Registry
from schemas.strict import Malformed
from streams.archive.envelope import Headers

NO_REGISTRY: Final = "the record's schema is in a registry, and this process has none"
_REGISTERED: Final = b"\x00"
_ID_BYTES: Final = 5
_GUID_BYTES: Final = 17


def schema_named(value: bytes | None, headers: Headers) -> str | None:
    """The id or GUID of the registry's schema that a value names; None where it names none."""
    if not value:
        return None
    guid = next((data for name, data in reversed(headers) if name == GUID_HEADER), None)
    if guid is not None:
        return str(uuid.UUID(bytes=guid[1:])) if len(guid) == _GUID_BYTES and guid[:1] == b"\x01" else None
    if value[:1] != _REGISTERED or len(value) < _ID_BYTES:
        return None
    number = int.from_bytes(value[1:_ID_BYTES], "big")
    return str(number) if number < 2**31 else None


class SchemasToKeep:
    """Asks a registry once for each schema; also what it does not have is known from then on."""

    def __init__(self, registry: Registry | None) -> None:
        self._registry = registry
        self._found: dict[str, dict[str, str]] = {}

    def __getitem__(self, named: str) -> dict[str, str]:
        """The schema's text as ``schema``, or as ``error`` why the registry says that there is none.

        Raises:
            RegistryUnavailable: the registry gives no usable answer.
        """
        if named not in self._found:
            self._found[named] = self._asked(named)
        return self._found[named]

    def _asked(self, named: str) -> dict[str, str]:
        if self._registry is None:
            return {"error": NO_REGISTRY}
        try:
            by_id = named.isdecimal()
            text = self._registry.schema_by_id(int(named)) if by_id else self._registry.schema_by_guid(named)
        except Malformed as error:
            return {"error": str(error)}
        return {"schema": text}


class KeptSchemas(Registry):
    """A registry that is the schemas of an archive, for reading alone: nothing is asked of anybody."""

    def __init__(self, find: Callable[[str], Mapping[str, str] | None]) -> None:
        """``find`` gives what is kept under an id or GUID."""
        self._find = find

    def id_for(self, topic: str, type_: type[Struct]) -> int:
        """Not possible: an archive gives no ids. Raises ``NotImplementedError``."""
        raise NotImplementedError("an archive gives no schema ids")

    def schema_by_id(self, schema_id: int) -> str:
        """The text of the schema with this id; ``Malformed`` where the registry had none when it was archived."""
        return self._kept(str(schema_id))

    def schema_by_guid(self, guid: str) -> str:
        """The text of the schema with this GUID; ``Malformed`` where the registry had none when it was archived."""
        return self._kept(guid)

    def _kept(self, named: str) -> str:
        kept = self._find(named) or {"error": f"the archive has no schema {named}"}
        if "schema" not in kept:
            raise Malformed(kept["error"])
        return kept["schema"]
