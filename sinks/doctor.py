"""Whether an account is ready for the sink: each check by a call that changes nothing, unless writing is asked for."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from sinks.answer import Answer, NoAnswer, NotSent
from sinks.attempts import Reply
from sinks.client import TRIAL, NetSuiteClient
from sinks.defaults import Defaults
from sinks.doctor_fields import fields, mapped_fields
from sinks.doctor_segments import look_up
from sinks.doctor_writing import SAFE, writing
from sinks.findings import Calls, Finding, fix, ok, unchecked
from sinks.readback import rows_of
from sinks.retry import Kind
from sinks.segments import SEGMENTS
from sinks.verdict import Unauthorized

SKEW = 60.0
"""Seconds that this machine's clock may be off; NetSuite refuses signatures at 300."""

_CURRENCIES = "SELECT id, symbol FROM currency"
_TERMS = "SELECT id, name FROM term"
_SEEN = 8

_QUERIES: Mapping[str, tuple[str, str]] = {
    "transactions": ("SELECT id FROM transaction WHERE externalid = ?", "Transactions > Find Transaction (View)"),
    "customers": ("SELECT id FROM customer WHERE externalid = ?", "Lists > Customers (View)"),
    "items": ("SELECT id FROM item WHERE externalid = ?", "Lists > Items (View)"),
}
_WRITTEN: Mapping[str, str] = {
    "customer": "Lists > Customers (Full)",
    "nonInventorySaleItem": "Lists > Items (Full)",
    "serviceSaleItem": "Lists > Items (Full)",
    "inventoryItem": "Lists > Items (Full)",
    "salesOrder": "Transactions > Sales Order (Full)",
    "returnAuthorization": "Transactions > Return Authorization (Full), and the feature Return Authorizations",
}
_ONLY_IF_SOLD = frozenset({"serviceSaleItem", "inventoryItem"})
_LOG_IN = (
    "where everything is refused, the role lacks Setup > REST Web Services (Full), or Setup > Log in using OAuth 2.0 "
    "Access Tokens (token-based: Log in using Access Tokens)"
)


class Wishes(Struct, frozen=True, kw_only=True):
    """What the settings and the caller ask of the account.

    ``defaults`` are what the sink adds to new records, places by name or internal id. ``currencies`` (ISO codes) and
    ``terms`` (names) are those that Nue uses, as far as the caller says. ``mixes``: the policy puts opposite lines on
    one document. ``try_writing``: prove by records that are deleted at once.
    """

    defaults: Defaults = Defaults()
    currencies: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    mixes: bool = True
    try_writing: bool = False


async def examine(
    client: NetSuiteClient, wishes: Wishes, calls: Calls, now: Callable[[], float] = time.time
) -> AsyncIterator[Finding]:
    """Every check, as it ends. After a refused login nothing more is asked: failed logins lock the user out."""
    try:
        greeting = await client.knock()
    except (NoAnswer, NotSent) as error:
        why = f"{client.url} does not answer ({error})"
        yield fix("address", f"{why}: check netsuite.account, netsuite.url and that this machine reaches it")
        yield unchecked("everything else", "nobody answers")
        return
    yield ok("address", "it answers")
    yield _clock(greeting, now())
    try:
        async for finding in _logged_in(client, wishes, calls):
            yield finding
    except Unauthorized as refused:
        why = str(refused).rstrip(".")
        trail = "" if "Login Audit Trail" in why else ". The Login Audit Trail of the account names the cause"
        yield fix("login", why + trail)
        yield unchecked("everything else", "it needs a login, and a refused one is not tried again")


async def _logged_in(client: NetSuiteClient, wishes: Wishes, calls: Calls) -> AsyncIterator[Finding]:
    currencies = await calls.read(client.suiteql, _CURRENCIES)
    if currencies.kind not in (Kind.ACCEPTED, Kind.REFUSED, Kind.ABSENT):
        why = f"whether it works cannot be told ({currencies.words})"
        yield fix("login", f"{why}: see that {client.url} is NetSuite's address (netsuite.url), else try again later")
        yield unchecked("everything else", "it needs a login")
        return
    yield ok("login", "NetSuite lets this integration in")
    async for finding in _permissions(client, calls):
        yield finding
    async for finding in fields(client, calls, mapped_fields(wishes.defaults)):
        yield finding
    yield _named("currencies", currencies, "symbol", wishes.currencies, "Lists > Currency (View)")
    terms = await calls.read(client.suiteql, _TERMS)
    yield _named("payment terms", terms, "name", wishes.terms, "Lists > Accounting Lists (View)")
    places: dict[str, str | None] = {}
    for segment in SEGMENTS:
        value: str | None = getattr(wishes.defaults, segment)
        if value is not None:
            finding, places[segment] = await look_up(client, calls, segment, value)
            yield finding
    if wishes.try_writing and None not in places.values():
        defaults = replace(wishes.defaults, **places)
        symbols = [str(row.get("symbol")) for row in rows_of(currencies.body)]
        async for finding in writing(client, calls, defaults, [*wishes.currencies, *symbols], wishes.mixes):
            yield finding
        return
    why = "it needs what netsuite.mapping names" if wishes.try_writing else "only writing proves it: --try-writing"
    yield unchecked("creating records", why if wishes.try_writing else f"{why}, in a sandbox account")
    if wishes.mixes:
        yield unchecked("opposite lines on one document", f"{why}; until it is proved {SAFE}")
    else:
        yield ok("opposite lines on one document", "the policy makes none")


def _clock(answer: Answer, now: float) -> Finding:
    there = _instant(answer.headers.get("date"))
    if there is None:
        return unchecked("clock", "the answer does not say what time it is")
    off = now - there.timestamp()
    if abs(off) > SKEW:
        side = "ahead of" if off > 0 else "behind"
        words = (
            f"this machine is {abs(off):.0f} s {side} NetSuite, which refuses logins that are off: set its clock (NTP)"
        )
        return fix("clock", words)
    return ok("clock", f"within {SKEW:.0f} s of NetSuite's")


def _instant(date: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(date or "")
    except ValueError:
        return None


async def _permissions(client: NetSuiteClient, calls: Calls) -> AsyncIterator[Finding]:
    nobody = f"{TRIAL}{uuid4().hex}"
    for name, (query, permission) in _QUERIES.items():
        check = f"permission to query {name}"
        reply = await calls.read(client.suiteql, query, [nobody])
        needed = f"give the role Reports > SuiteAnalytics Workbook (Edit) and {permission}"
        yield ok(check, "granted") if reply.kind is Kind.ACCEPTED else _lacking(check, reply, needed)
    for record, permission in _WRITTEN.items():
        check = f"permission to open {record}"
        reply = await calls.read(client.get_by_eid, record, nobody)
        if reply.kind is Kind.ABSENT and "NONEXISTENT_ID" in _codes(reply.body):
            yield ok(check, "granted")
        elif record in _ONLY_IF_SOLD and reply.kind in (Kind.REFUSED, Kind.ABSENT):
            yield unchecked(check, f"{reply.words}: matters only where products of this kind are sold ({permission})")
        else:
            yield _lacking(check, reply, f"give the role {permission}")


def _lacking(check: str, reply: Reply, needed: str) -> Finding:
    if reply.kind in (Kind.REFUSED, Kind.ABSENT):
        return fix(check, f"{needed} (NetSuite: {reply.words}); {_LOG_IN}")
    return unchecked(check, f"NetSuite does not say: {reply.words}")


def _codes(body: object) -> set[str]:
    details = body.get("o:errorDetails") if isinstance(body, Mapping) else None
    places = [body, *details] if isinstance(details, list) else [body]
    return {str(place.get("o:errorCode")) for place in places if isinstance(place, Mapping)}


def _named(check: str, reply: Reply, column: str, wanted: tuple[str, ...], permission: str) -> Finding:
    if reply.kind is not Kind.ACCEPTED:
        return _lacking(check, reply, f"give the role {permission}")
    known = [str(row[column]) for row in rows_of(reply.body) if row.get(column)]
    missing = [name for name in wanted if name not in known]
    if missing:
        return fix(check, f"not known in NetSuite: {', '.join(missing)}; add them, under these very names")
    if not known:
        return fix(check, f"none are to be seen: give the role {permission}")
    shown = ", ".join(known[:_SEEN]) + (" ..." if len(known) > _SEEN else "")
    return ok(check, f"{len(known)} are known: {shown}")
