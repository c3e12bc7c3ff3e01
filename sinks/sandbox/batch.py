"""Batches: several records of one type in one request, as calls for one record each."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from aiohttp import web

from sinks.sandbox.addresses import EID
from sinks.sandbox.errors import Refused, invalid_content, user_error
from sinks.sandbox.service import Call, content_of, record_of, root_of

MOST = 100
"""Records that one batch may hold."""

_WITH_BODY = ("POST", "PUT", "PATCH")


def is_batch(request: web.Request) -> bool:
    """Whether a request to a record type's address is about several records."""
    if request.method in _WITH_BODY:
        parameters = {part.strip().lower() for part in request.headers.get("Content-Type", "").split(";")}
        return "type=collection" in parameters
    return "ids" in request.query


async def batch_of(request: web.Request) -> list[Call]:
    """The calls of a batch, in order. Raises ``Refused`` for what is no batch, or too large."""
    if request.method in _WITH_BODY:
        content = await content_of(request)
        items = content.get("items") if isinstance(content, dict) else None
        if not isinstance(items, list):
            raise invalid_content("items", "", "items")
        calls = [_with_body(request, item) for item in items]
    else:
        if request.method == "GET" and request.query.get("expandRecords", "").lower() != "true":
            detail = "The query parameter expandRecords must be true."
            raise Refused(detail, code="INVALID_PARAMETER", parameter="expandRecords")
        calls = [_call(request, _unquoted(name)) for name in request.query["ids"].split(",")]
    if not 1 <= len(calls) <= MOST:
        detail = f"The maximum number ( {MOST} ) of records allowed for a {request.method} operation has been exceeded."
        raise user_error(detail)
    return calls


def _with_body(request: web.Request, item: object) -> Call:
    given = item if isinstance(item, Mapping) else {}
    name, internal_id, external_id = "", given.get("id"), given.get("externalId")
    if request.method == "PATCH" and isinstance(internal_id, str | Decimal):
        name = str(internal_id)
    elif request.method != "POST" and isinstance(external_id, str):
        name = EID + external_id
    return _call(request, name, item)


def _call(request: web.Request, name: str, content: object = None) -> Call:
    return Call(request.method, record_of(request), root_of(request), name, request.query, request.headers, content)


def _unquoted(name: str) -> str:
    prefix = EID if name.startswith(EID) else ""
    return prefix + name.removeprefix(EID).strip("'")
