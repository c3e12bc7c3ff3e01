"""Whether the account has the custom fields that documents carry, on the records that carry them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from sinks.attempts import Reply
from sinks.client import NetSuiteClient
from sinks.findings import Calls, Finding, fix, ok, unchecked
from sinks.retry import Kind
from sinks.translate import LINE_END, LINE_ID, LINE_START, ORIGINAL_ORDER

_LINES: Mapping[str, str] = {LINE_ID: "Free-Form Text", LINE_START: "Date", LINE_END: "Date"}
_FIELDS: Mapping[str, str] = {ORIGINAL_ORDER: "Free-Form Text", **_LINES}
_PLURALS: Mapping[str, str] = {"salesOrder": "sales orders", "returnAuthorization": "return authorizations"}


async def fields(client: NetSuiteClient, calls: Calls) -> AsyncIterator[Finding]:
    """The fields per record type, by the metadata-catalog; where that does not answer, by SuiteQL."""
    for record in _PLURALS:
        reply = await calls.read(client.catalog, record)
        known = _known_fields(record, reply)
        for name, kind in _FIELDS.items():
            check = f"field {name} on {record}"
            if known is None:
                yield await _by_query(client, calls, check, name, record, reply.words)
            elif name in known[name in _LINES]:
                yield ok(check, "it is there")
            else:
                yield fix(check, _to_make(name, kind, record))


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


async def _by_query(client: NetSuiteClient, calls: Calls, check: str, name: str, record: str, silence: str) -> Finding:
    table, key = ("transactionline", "transaction") if name in _LINES else ("transaction", "id")
    query = f"SELECT {name} FROM {table} WHERE {key} = ?"  # noqa: S608  names of ours
    reply = await calls.read(client.suiteql, query, ["0"])
    if reply.kind is Kind.ACCEPTED:
        return ok(
            check, f"SuiteQL knows it; for which records it does not say, nor does the metadata-catalog ({silence})"
        )
    if reply.kind is Kind.REFUSED:
        return fix(check, _to_make(name, _FIELDS[name], record) + f" (SuiteQL: {reply.words})")
    return unchecked(check, f"neither the metadata-catalog ({silence}) nor SuiteQL answers ({reply.words})")


def _to_make(name: str, kind: str, record: str) -> str:
    place = "Transaction Line Fields" if name in _LINES else "Transaction Body Fields"
    return (
        f"make it under Customization > Lists, Records, & Fields > {place}, of type {kind}, apply it to "
        f"{_PLURALS[record]}, and let the role edit it"
    )
