"""What a request is about, by its address and, where faults ask for it, by the external id in its body."""

from __future__ import annotations

import msgspec
from aiohttp import web

from sinks.sandbox.account import FAMILY
from sinks.sandbox.faults import Asked
from sinks.sandbox.oauth import TOKEN_PATH

SUITEQL = "/services/rest/query/v1/suiteql"
JOBS = "/services/rest/async/v1/job"
RECORDS = {name.lower(): name for name in FAMILY}
"""Record types by the lower-case name that stands in addresses."""

EID = "eid:"
"""What an address puts before an external id."""


class _Named(msgspec.Struct):
    external_id: str | None = msgspec.field(name="externalId", default=None)


_DECODER = msgspec.json.Decoder(_Named)


def kind_of(request: web.Request) -> str:
    """A record type, ``suiteql``, ``job``, ``token`` or ``other``."""
    if request.path == SUITEQL:
        return "suiteql"
    if request.path == TOKEN_PATH:
        return "token"
    if request.path.startswith(JOBS):
        return "job"
    return RECORDS.get(request.match_info.get("record", "").lower(), "other")


async def asked_of(request: web.Request) -> Asked:
    """What a request asks, as a plan of faults sees it."""
    name = request.match_info.get("id", "")
    external_id = name.removeprefix(EID) if name.startswith(EID) else None
    record = kind_of(request)
    if external_id is None and request.method == "POST" and record in FAMILY:
        external_id = _named_in(await request.read())
    return Asked(request.method, record, external_id)


def _named_in(body: bytes) -> str | None:
    try:
        return _DECODER.decode(body).external_id
    except (msgspec.DecodeError, UnicodeDecodeError):  # the service will say what is wrong
        return None
