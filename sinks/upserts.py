"""Customers and items: created by ``POST`` with their external id, changed by ``PATCH``, never brought back in time."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from schemas.command import Upsert
from schemas.outcome import Outcome, Result
from sinks.attempts import Attempts, Reply
from sinks.lookup import Found, find, find_by_id
from sinks.retry import AFTER_CREATE, AFTER_PATCH, Step, when_absent
from sinks.translate import Defaults, References, Request, content_hash, patch_for, record_of, request_for, siblings_of
from sinks.verdict import Applied, Refused


def unchanged(upsert: Upsert, newest: Outcome) -> Applied | None:
    """The verdict without a call: NetSuite already has this content, or a version at least as new."""
    version = (upsert.activated_at, upsert.origin.order_id)
    is_newer = newest.activated_at is None or version > (newest.activated_at, newest.order_id)
    if is_newer and newest.content_hash != content_hash(upsert):
        return None
    return Applied(
        record_type=newest.record_type,
        internal_id=newest.internal_id,
        result=Result.UNCHANGED,
        content_hash=newest.content_hash,
    )


def stands(upsert: Upsert, internal_id: str, defaults: Defaults) -> Applied:
    """The verdict on a record that was found before its turn came, with all that we would change."""
    return Applied(
        record_type=record_of(upsert, defaults),
        internal_id=internal_id,
        result=Result.UNCHANGED,
        content_hash=content_hash(upsert),
    )


async def change(upsert: Upsert, known: Found, defaults: Defaults, attempts: Attempts) -> Applied | Refused | None:
    """Bring a record that is known to be there to ``upsert``; ``None`` if NetSuite does not have it, or no more."""
    outcome = await _patch(upsert, known, defaults, attempts)
    return None if isinstance(outcome, Reply) else outcome


async def create(upsert: Upsert, references: References, defaults: Defaults, attempts: Attempts) -> Applied | Refused:
    """Create the record, or bring the one that already stands under our external id to ``upsert``."""
    request = request_for(upsert, references, defaults)
    while True:
        reply = await attempts.write(request)
        step = AFTER_CREATE[reply.kind]
        if step is Step.DONE and reply.created_id:
            return _applied(upsert, request, Result.CREATED, reply.created_id, defaults, attempts)
        if step in (Step.AGAIN, Step.LOOK_UP_LATER):
            await attempts.pause(reply)
        if step is Step.AGAIN:
            continue
        found = await find(attempts, request.record, upsert.external_id)
        if found is None:
            next_step = when_absent(refused=step is Step.LOOK_UP or attempts.hopeless, running=attempts.running)
            if next_step is Step.WAIT:
                await attempts.wait_until_quiet(f"refused ({reply.words})")
                found = await find(attempts, request.record, upsert.external_id)
            if next_step is Step.REFUSE or (found is None and attempts.hopeless):
                found = await _under_another_type(upsert, defaults, attempts)
                if found is None:
                    return attempts.refused(f"NetSuite refuses it: {reply.words}", reply)
        if found is not None:
            outcome = await _patch(upsert, found, defaults, attempts)
            if isinstance(outcome, Reply):  # it was there a moment ago
                return attempts.refused(f"NetSuite refuses to change it: {outcome.words}", outcome)
            return outcome


async def adopt(upsert: Upsert, internal_id: str, defaults: Defaults, attempts: Attempts) -> Applied | Refused:
    """Bring a record that was in NetSuite before to ``upsert``, and put our external id on it. Never creates one."""
    record = record_of(upsert, defaults)
    what = (
        f"the {'customer' if record == 'customer' else 'item'} with internal id {internal_id}, which is to be adopted,"
    )
    for each in (record, *siblings_of(record)):
        if found := await find_by_id(attempts, each, internal_id):
            break
    else:
        return attempts.refused(f"{what} is not in NetSuite")
    theirs = found.content.get("externalId") if isinstance(found.content, Mapping) else None
    if theirs and str(theirs).casefold() != upsert.external_id.casefold():
        return attempts.refused(f"{what} has the external id {theirs} already: another system may find it by that")
    outcome = await _patch(upsert, found, defaults, attempts, adopts=True)
    if isinstance(outcome, Reply):
        return attempts.refused(f"{what} was deleted in NetSuite", outcome)
    if isinstance(outcome, Refused):
        other = await find(attempts, record, upsert.external_id)
        if other is not None and other.internal_id != internal_id:
            reason = (
                f"{what} cannot get our external id, which internal id {other.internal_id} has: keep one of the two"
            )
            return msgspec.structs.replace(outcome, reason=reason)
    return outcome


async def _patch(
    upsert: Upsert, found: Found, defaults: Defaults, attempts: Attempts, *, adopts: bool = False
) -> Applied | Refused | Reply:
    """The verdict, or NetSuite's answer that the record is not there."""
    request = patch_for(upsert, found.internal_id, found.record, adopts=adopts)
    while True:
        reply = await attempts.write(request)
        step = AFTER_PATCH[reply.kind]
        if step is Step.DONE:
            return _applied(upsert, request, Result.UPDATED, found.internal_id, defaults, attempts)
        if step is Step.GONE:
            return reply
        if step is Step.AGAIN and not attempts.hopeless:
            await attempts.pause(reply)
            continue
        may_be_contradicted = attempts.running
        await attempts.wait_until_quiet(f"refused ({reply.words})")
        if attempts.hopeless or not may_be_contradicted:
            return attempts.refused(f"NetSuite refuses to change it: {reply.words}", reply)


async def _under_another_type(upsert: Upsert, defaults: Defaults, attempts: Attempts) -> Found | None:
    for sibling in siblings_of(record_of(upsert, defaults)):
        if found := await find(attempts, sibling, upsert.external_id):
            return found
    return None


def _applied(
    upsert: Upsert, request: Request, result: Result, internal_id: str, defaults: Defaults, attempts: Attempts
) -> Applied:
    warnings = list(request.warnings)
    if request.record != (wanted := record_of(upsert, defaults)):
        warnings.append(f"NetSuite has it as a {request.record}, not as a {wanted}; its type cannot be changed")
    return Applied(
        record_type=request.record,
        internal_id=internal_id,
        result=result,
        content_hash=content_hash(upsert),
        warnings=tuple(warnings),
        attempts=attempts.writes,
    )
