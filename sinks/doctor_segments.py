"""Whether the account has the subsidiary, location, department and class of the settings, as the sink looks them up."""

from __future__ import annotations

from collections.abc import Mapping

from sinks.client import NetSuiteClient
from sinks.findings import Calls, Finding, fix, ok, unchecked
from sinks.readback import rows_of
from sinks.retry import Kind
from sinks.segments import is_internal_id, query_by, setting_of, the_one
from sinks.verdict import Misconfigured

_PERMISSIONS: Mapping[str, str] = {
    "subsidiary": "Lists > Subsidiaries (View)",
    "location": "Lists > Locations (View)",
    "department": "Lists > Departments (View)",
    "classification": "Lists > Classes (View)",
}


async def look_up(client: NetSuiteClient, calls: Calls, segment: str, value: str) -> tuple[Finding, str | None]:
    """What is found of a setting that gives a name or an internal id, and the internal id that the sink would use.

    No internal id means that the sink would not start.
    """
    check = f"{segment} {value}"
    by_id = is_internal_id(value)
    reply = await calls.read(client.suiteql, query_by("id" if by_id else "name", segment), [value])
    permission = f"give the role {_PERMISSIONS[segment]}"
    if reply.kind in (Kind.REFUSED, Kind.ABSENT):
        if by_id:
            words = f"the sink takes this internal id as it is; to have it checked, {permission} ({reply.words})"
            return unchecked(check, words), value
        words = f"{setting_of(segment)} is a name, which nobody may look up: {permission}, or set its internal id"
        return fix(check, f"{words} (NetSuite: {reply.words})"), None
    if reply.kind is not Kind.ACCEPTED:
        return unchecked(check, f"NetSuite does not say: {reply.words}"), value if by_id else None
    rows = rows_of(reply.body)
    if not by_id:
        try:
            internal_id = the_one(segment, value, rows)
        except Misconfigured as error:
            return fix(check, str(error)), None
        return ok(check, f"it has internal id {internal_id}"), internal_id
    if not rows:
        words = f"{setting_of(segment)}: there is none of this internal id in NetSuite that the role may see"
        return fix(check, words), None
    return ok(check, str(rows[0].get("name"))), value
