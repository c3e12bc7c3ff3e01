"""NetSuite's record service: create, read, update, upsert and delete over HTTP."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
from aiohttp import web

from sinks.sandbox.account import FAMILY
from sinks.sandbox.errors import Refused, invalid_content, nonexistent, not_json
from sinks.sandbox.records import Checker, Sublist, check_mandatory, is_external_id, naming_of
from sinks.sandbox.show import record_json
from sinks.sandbox.store import Body, Store, Stored

RECORDS = {name.lower(): name for name in FAMILY}
"""Record types by the lower-case name that stands in addresses."""

_EID = "eid:"
_LONGEST_HEADER = 4000
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class RecordService:
    """The handlers. Each reads the whole request first, then checks and writes in one transaction of the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def create(self, request: web.Request) -> web.Response:
        """POST: a new record; 204 and where it is."""
        record = _record(request)
        checker = self._checker(request, record)
        content = await content_of(request)
        with self._store.changing():
            body, given = checker.body(content)
            return self._created(request, checker, body, given)

    async def read(self, request: web.Request) -> web.Response:
        """GET: one record."""
        stored = self._stored(request)
        expand = request.query.get("expandSubResources", "").lower() == "true"
        return json_response(record_json(self._store, stored, _root(request), expand=expand))

    async def update(self, request: web.Request) -> web.Response:
        """PATCH: omitted fields stay, null empties one."""
        checker = self._checker(request, _record(request))
        content = await content_of(request)
        with self._store.changing():
            stored = self._stored(request)
            body, given = checker.body(content)
            return self._updated(request, checker, stored, body, given)

    async def upsert(self, request: web.Request) -> web.Response:
        """PUT: only by external id; creates or updates, and does not say which."""
        record, external_id = _record(request), _external_id(request)
        if external_id is None:
            raise invalid_content("id", request.match_info["id"], "id")
        checker = self._checker(request, record)
        content = await content_of(request)
        with self._store.changing():
            body, given = checker.body(content)
            other = body.pop("externalId", None) or external_id
            if other.lower() != external_id.lower():
                raise invalid_content("externalId", other, "externalId")
            stored = self._store.get_external(record, external_id)
            if stored is None:
                return self._created(request, checker, body | {"externalId": external_id}, given)
            return self._updated(request, checker, stored, body, given)

    async def delete(self, request: web.Request) -> web.Response:
        """DELETE: the record is gone."""
        with self._store.changing():
            self._store.delete(self._stored(request))
        return web.Response(status=204)

    def _stored(self, request: web.Request) -> Stored:
        record, external_id = _record(request), _external_id(request)
        if external_id is not None:
            found = self._store.get_external(record, external_id)
        else:
            found = self._store.get(record, request.match_info["id"])
        if found is None:
            raise nonexistent()
        return found

    def _created(self, request: web.Request, checker: Checker, body: Body, given: Sublist | None) -> web.Response:
        present = _without_nulls(body)
        lines = given.lines if given else []
        check_mandatory(checker.record, present, lines)
        return _no_content(request, checker, self._store.create(checker.record, present, lines))

    def _updated(
        self, request: web.Request, checker: Checker, stored: Stored, body: Body, given: Sublist | None
    ) -> web.Response:
        replaced = set(request.query.get("replace", "").split(","))
        changed = _without_nulls(_changed(stored.body, body, replaced))
        numbered = list(stored.lines)
        if given is not None:
            anew = given.emptied or "item" in replaced
            numbered = self._store.updated_lines(stored, changed, given.lines, replace=anew)
        check_mandatory(stored.type, changed, [line for _, line in numbered])
        self._store.replace(stored, changed, numbered)
        return _no_content(request, checker, stored.id)

    def _checker(self, request: web.Request, record: str) -> Checker:
        return Checker(self._store, record, naming_of(request.headers.get("X-NetSuite-PropertyNameValidation")))


async def content_of(request: web.Request) -> object:
    """The JSON of a request, its numbers as decimals. Raises ``Refused`` for what is none."""
    try:
        text = await request.text()
        content = json.loads(text, parse_float=_number, parse_int=_number, parse_constant=_no_number)
        _ENCODER.encode(content)  # an escape can spell half a character, which nothing can store
    except (ValueError, LookupError, RecursionError) as error:
        raise not_json() from error
    return content


def json_response(content: object) -> web.Response:
    """An answer in which decimals are numbers with their exact digits."""
    return web.Response(body=_ENCODER.encode(content), content_type="application/json")


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if number and abs(number.adjusted()) > 50:
        raise ValueError("a number beyond all measure")
    return number or number.copy_abs()  # no negative zero


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")


def _record(request: web.Request) -> str:
    name = request.match_info["record"]
    if name.lower() not in RECORDS:
        raise Refused(f"Record type '{name}' does not exist.", status=404, code="INVALID_REQUEST")
    return RECORDS[name.lower()]


def _external_id(request: web.Request) -> str | None:
    name = request.match_info["id"]
    if not name.startswith(_EID):
        return None
    external_id = name.removeprefix(_EID)
    if not is_external_id(external_id):
        raise invalid_content("externalId", external_id, "externalId")
    return external_id


def _changed(earlier: Body, given: Body, replaced: set[str]) -> Body:
    changed = dict(earlier)
    for name, value in given.items():
        if isinstance(value, dict) and isinstance(value.get("items"), list) and name not in replaced:
            changed[name] = {"items": [*earlier.get(name, {}).get("items", []), *value["items"]]}
        else:
            changed[name] = value
    return changed


def _without_nulls(body: Body) -> Body:
    return {name: value for name, value in body.items() if value is not None}


def _root(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}/services/rest/record/v1"


def _no_content(request: web.Request, checker: Checker, internal_id: int) -> web.Response:
    headers = {"Location": f"{_root(request)}/{checker.record.lower()}/{internal_id}"}
    if checker.dropped:
        # escaped: a name may hold what a header must not
        names = ", ".join(checker.dropped).encode("unicode_escape").decode()[:_LONGEST_HEADER]
        headers["X-NetSuite-PropertyValidation"] = f"Warning: unknown fields were ignored: {names}"
    return web.Response(status=204, headers=headers)
