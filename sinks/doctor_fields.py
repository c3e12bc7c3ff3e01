"""Whether the account has the custom fields that documents carry, on the records that carry them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import NamedTuple

from sinks.attempts import Reply
from sinks.client import NetSuiteClient
from sinks.defaults import CustomType, Defaults
from sinks.findings import Calls, Finding, fix, ok, unchecked
from sinks.retry import Kind
from sinks.translate import LINE_END, LINE_ID, LINE_START, ORIGINAL_ORDER

_KINDS: Mapping[CustomType, str] = {
    "text": "Free-Form Text",
    "number": "Decimal Number",
    "checkbox": "Check Box",
    "date": "Date",
    "list": "List/Record",
}
_PLURALS: Mapping[str, str] = {"salesOrder": "sales orders", "returnAuthorization": "return authorizations"}


class Field(NamedTuple):
    """A custom field: its id, what NetSuite calls its type, and whether lines have it or documents."""

    name: str
    kind: str
    on_lines: bool


_FIELDS = (
    Field(ORIGINAL_ORDER, _KINDS["text"], on_lines=False),
    Field(LINE_ID, _KINDS["text"], on_lines=True),
    Field(LINE_START, _KINDS["date"], on_lines=True),
    Field(LINE_END, _KINDS["date"], on_lines=True),
)


def mapped_fields(defaults: Defaults) -> tuple[Field, ...]:
    """The fields that the mapping fills with what Nue says."""
    root = defaults.root_field
    return (
        *(Field(into.field, _KINDS[into.type], on_lines=False) for into in defaults.order_custom.values()),
        *(Field(into.field, _KINDS[into.type], on_lines=True) for into in defaults.line_custom.values()),
        *([Field(root, _KINDS["text"], on_lines=True)] if root else []),
    )


async def fields(client: NetSuiteClient, calls: Calls, mapped: tuple[Field, ...]) -> AsyncIterator[Finding]:
    """Our own and the ``mapped`` fields per record type, by the metadata-catalog; where that is silent, by SuiteQL."""
    for record in _PLURALS:
        reply = await calls.read(client.catalog, record)
        known = _known_fields(record, reply)
        for field in (*_FIELDS, *mapped):
            check = f"field {field.name} on {record}"
            if known is None:
                yield await _by_query(client, calls, check, field, record, reply.words)
            elif field.name.lower() in known[field.on_lines]:
                yield ok(check, "it is there")
            else:
                yield fix(check, _to_make(field, record))


def _known_fields(record: str, reply: Reply) -> tuple[frozenset[str], frozenset[str]] | None:
    """Names of the record's fields and of its lines' fields; ``None`` where the catalog does not tell them."""
    body = reply.body
    components = body.get("components") if reply.kind is Kind.ACCEPTED and isinstance(body, Mapping) else None
    schemas = components.get("schemas") if isinstance(components, Mapping) else None
    if not isinstance(schemas, Mapping):
        return None
    header, lines = (_properties(schemas.get(name)) for name in (record, f"{record}-itemElement"))
    return (header, lines) if header and lines else None


def _properties(schema: object) -> frozenset[str]:
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    return frozenset(str(name).lower() for name in properties) if isinstance(properties, Mapping) else frozenset()


async def _by_query(
    client: NetSuiteClient, calls: Calls, check: str, field: Field, record: str, silence: str
) -> Finding:
    table, key = ("transactionline", "transaction") if field.on_lines else ("transaction", "id")
    query = f"SELECT {field.name} FROM {table} WHERE {key} = ?"  # noqa: S608  ids of fields
    reply = await calls.read(client.suiteql, query, ["0"])
    if reply.kind is Kind.ACCEPTED:
        return ok(
            check, f"SuiteQL knows it; for which records it does not say, nor does the metadata-catalog ({silence})"
        )
    if reply.kind is Kind.REFUSED:
        return fix(check, _to_make(field, record) + f" (SuiteQL: {reply.words})")
    return unchecked(check, f"neither the metadata-catalog ({silence}) nor SuiteQL answers ({reply.words})")


def _to_make(field: Field, record: str) -> str:
    place = "Transaction Line Fields" if field.on_lines else "Transaction Body Fields"
    return (
        f"make it under Customization > Lists, Records, & Fields > {place}, of type {field.kind}, apply it to "
        f"{_PLURALS[record]}, and let the role edit it"
    )
