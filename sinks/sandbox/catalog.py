"""The metadata-catalog: what records the account has, and which fields, its own custom ones included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web

from sinks.fields import section_fields, sections
from sinks.sandbox.account import FAMILY
from sinks.sandbox.errors import Refused
from sinks.sandbox.store import Store

PATH = "/services/rest/record/v1/metadata-catalog"
SWAGGER = "application/swagger+json"

_RECORDS = {name.lower(): name for name in FAMILY}
_REFERENCE = "nsResource"


class Catalog:
    """Answers for the records of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        """Where it answers."""
        return [web.get(PATH, self.answer), web.get(PATH + "/{name}", self.answer)]

    async def answer(self, request: web.Request) -> web.Response:
        """The records by name; as OpenAPI with their fields, where the caller accepts that."""
        named = request.match_info.get("name") or request.query.get("select") or ""
        chosen = [_known(name.strip()) for name in named.split(",") if name.strip()]
        if SWAGGER in request.headers.get("Accept", ""):
            answer = web.json_response(self._openapi(chosen or FAMILY))
            answer.content_type = SWAGGER
            return answer
        href = f"{request.scheme}://{request.host}{PATH}/"
        items = [{"name": name, "links": [{"rel": "canonical", "href": href + name}]} for name in chosen or FAMILY]
        return web.json_response({"items": items})

    def _openapi(self, records: Iterable[str]) -> dict[str, Any]:
        schemas: dict[str, Any] = {_REFERENCE: {"type": "object", "properties": {"id": {"type": "string"}}}}
        for record in records:
            schemas |= self._schemas(record)
        paths = {f"/{record}": {"post": {"tags": [record]}} for record in records}
        return {"openapi": "3.0.1", "info": {"title": "NetSuite REST Record API"}, "paths": paths} | {
            "components": {"schemas": schemas}
        }

    def _schemas(self, record: str) -> dict[str, Any]:
        own = self._store.custom_fields
        made = {record: _schema(section_fields(record, "body"), own.get(record, frozenset()))}
        for section in sections(record) - {"body"}:
            fields = _schema(section_fields(record, section), own.get(f"{record}.{section}", frozenset()))
            made[f"{record}-{section}Element"] = fields
            items = {"type": "array", "items": {"$ref": f"#/components/schemas/{record}-{section}Element"}}
            made[f"{record}-{section}Collection"] = {"type": "object", "properties": {"items": items}}
        return made


def _schema(fields: Mapping[str, Mapping[str, Any]], own: Iterable[str]) -> dict[str, Any]:
    properties = {name: _property(described) for name, described in fields.items()}
    return {"type": "object", "properties": properties | {name: {"type": "string"} for name in sorted(own)}}


def _property(described: Mapping[str, Any]) -> dict[str, Any]:
    if "ref" in described:
        return {"$ref": f"#/components/schemas/{described['ref']}"}
    return {name: value for name, value in described.items() if name in ("type", "format")}


def _known(name: str) -> str:
    if name.lower() not in _RECORDS:
        raise Refused(f"Record type '{name}' does not exist.", status=404, code="INVALID_REQUEST")
    return _RECORDS[name.lower()]
