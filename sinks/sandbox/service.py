"""NetSuite's record service: create, read, update, upsert and delete over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec
from aiohttp import web

from sinks.sandbox.addresses import EID, RECORDS
from sinks.sandbox.enforce import check_rules, check_unlocked
from sinks.sandbox.errors import Refused, invalid_content, nonexistent, not_json
from sinks.sandbox.records import Checker, Sublist, check_mandatory, is_external_id, naming_of
from sinks.sandbox.rows import Body
from sinks.sandbox.show import record_json
from sinks.sandbox.store import Store, Stored
from sinks.sandbox.tally import Tally

_LONGEST_HEADER = 4000
_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Call:
    """One operation on one record. ``name`` is an internal id, or ``eid:`` and an external id; a POST has none.

    ``root`` is where the record service is, ``content`` the JSON that was sent.
    """

    method: str
    record: str
    root: str
    name: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    content: object = None

    @property
    def external_id(self) -> str | None:
        """The external id that addresses the record. Raises ``Refused`` for one that cannot be."""
        if not self.name.startswith(EID):
            return None
        external_id = self.name.removeprefix(EID)
        if not is_external_id(external_id):
            raise invalid_content("externalId", external_id, "externalId")
        return external_id


async def call_of(request: web.Request) -> Call:
    """What a request asks for. Raises ``Refused`` for a record type that is not there, and for what is no JSON."""
    return Call(
        method="GET" if request.method == "HEAD" else request.method,
        record=record_of(request),
        root=root_of(request),
        name=request.match_info.get("id", ""),
        query=request.query,
        headers=request.headers,
        content=await content_of(request) if request.method in ("POST", "PATCH", "PUT") else None,
    )


class RecordService:
    """Carries calls out. Each checks and writes in one transaction of the store."""

    def __init__(self, store: Store, tally: Tally) -> None:
        self._store = store
        self._tally = tally

    async def handle(self, request: web.Request) -> web.Response:
        """A request for one record, answered when it is done."""
        return self.perform(await call_of(request))

    def perform(self, call: Call) -> web.Response:
        """The answer to one call. Raises ``Refused``."""
        match call.method:
            case "POST":
                return self._create(call)
            case "PATCH":
                return self._update(call)
            case "PUT":
                return self._upsert(call)
            case "DELETE":
                return self._delete(call)
        expand = call.query.get("expandSubResources", "").lower() == "true"
        return json_response(record_json(self._store, self._stored(call), call.root, expand=expand))

    def _create(self, call: Call) -> web.Response:
        checker = self._checker(call)
        with self._store.changing():
            body, given = checker.body(call.content)
            answer = self._created(call, checker, body, given)
        self._tally.made[call.record] += 1
        return answer

    def _update(self, call: Call) -> web.Response:
        checker = self._checker(call)
        with self._store.changing():
            stored = self._stored(call)
            body, given = checker.body(call.content)
            answer = self._updated(call, checker, stored, body, given)
        self._tally.updated[call.record] += 1
        return answer

    def _upsert(self, call: Call) -> web.Response:
        external_id = call.external_id
        if external_id is None:  # only by external id; and the answer does not say what was done
            raise invalid_content("id", call.name, "id")
        checker = self._checker(call)
        with self._store.changing():
            body, given = checker.body(call.content)
            other = body.pop("externalId", None) or external_id
            if other.lower() != external_id.lower():
                raise invalid_content("externalId", other, "externalId")
            stored = self._store.get_external(call.record, external_id)
            if stored is not None:
                check_unlocked(self._store, stored)
            if stored is None:
                answer = self._created(call, checker, body | {"externalId": external_id}, given)
            else:
                answer = self._updated(call, checker, stored, body, given)
        (self._tally.updated if stored else self._tally.made)[call.record] += 1
        return answer

    def _delete(self, call: Call) -> web.Response:
        with self._store.changing():
            self._store.delete(self._stored(call))
        self._tally.deleted[call.record] += 1
        return web.Response(status=204)

    def _stored(self, call: Call) -> Stored:
        external_id = call.external_id
        if external_id is not None:
            found = self._store.get_external(call.record, external_id)
        else:
            found = self._store.get(call.record, call.name)
        if found is None:
            raise nonexistent()
        check_unlocked(self._store, found)
        return found

    def _created(self, call: Call, checker: Checker, body: Body, given: Sublist | None) -> web.Response:
        present = _without_nulls(body)
        lines = given.lines if given else []
        check_mandatory(checker.record, present, lines)
        check_rules(self._store, checker.record, present, lines)
        return _no_content(call, checker, self._store.create(checker.record, present, lines))

    def _updated(self, call: Call, checker: Checker, stored: Stored, body: Body, given: Sublist | None) -> web.Response:
        replaced = set(call.query.get("replace", "").split(","))
        changed = _without_nulls(_changed(stored.body, body, replaced))
        numbered = list(stored.lines)
        if given is not None:
            anew = given.emptied or "item" in replaced
            numbered = self._store.updated_lines(stored, changed, given.lines, replace=anew)
        lines = [line for _, line in numbered]
        check_mandatory(stored.type, changed, lines)
        check_rules(self._store, stored.type, changed, lines)
        self._store.replace(stored, changed, numbered)
        return _no_content(call, checker, stored.id)

    def _checker(self, call: Call) -> Checker:
        return Checker(self._store, call.record, naming_of(call.headers.get("X-NetSuite-PropertyNameValidation")))


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


def record_of(request: web.Request) -> str:
    """The record type that an address names, however it is spelt. Raises ``Refused`` where there is none."""
    name = request.match_info["record"]
    if name.lower() not in RECORDS:
        raise Refused(f"Record type '{name}' does not exist.", status=404, code="INVALID_REQUEST")
    return RECORDS[name.lower()]


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


def root_of(request: web.Request) -> str:
    """Where the record service is, as the caller reached it."""
    return f"{request.scheme}://{request.host}/services/rest/record/v1"


def _no_content(call: Call, checker: Checker, internal_id: int) -> web.Response:
    headers = {"Location": f"{call.root}/{checker.record.lower()}/{internal_id}"}
    if checker.dropped:
        # escaped: a name may hold what a header must not
        names = ", ".join(checker.dropped).encode("unicode_escape").decode()[:_LONGEST_HEADER]
        headers["X-NetSuite-PropertyValidation"] = f"Warning: unknown fields were ignored: {names}"
    return web.Response(status=204, headers=headers)
