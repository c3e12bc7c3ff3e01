"""Sales orders and return authorizations: created once, never changed, compared before they count as ours."""

from __future__ import annotations

from schemas.command import Document
from schemas.outcome import Outcome, Result
from sinks.attempts import Attempts, Reply
from sinks.lookup import Found, find
from sinks.readback import matches
from sinks.retry import AFTER_CREATE, Step, when_absent
from sinks.translate import Defaults, References, content_hash, record_of, request_for, siblings_of
from sinks.verdict import Absent, Applied, Refused


async def create(
    document: Document, references: References, defaults: Defaults, attempts: Attempts
) -> Applied | Refused:
    """Bring ``document`` into NetSuite exactly once, whatever happens to the attempts."""
    request = request_for(document, references, defaults)
    while True:
        reply = await attempts.write(request)
        step = AFTER_CREATE[reply.kind]
        if step is Step.DONE and reply.created_id:
            return _applied(document, Result.CREATED, reply.created_id, attempts)
        if step in (Step.AGAIN, Step.LOOK_UP_LATER):
            await attempts.pause(reply)
        if step is Step.AGAIN:
            continue
        found = await find(attempts, request.record, document.external_id)
        if found is None:
            next_step = when_absent(refused=step is Step.LOOK_UP or attempts.hopeless, running=attempts.running)
            if next_step is Step.WAIT:
                await attempts.wait_until_quiet(f"refused ({reply.words})")
                found = await find(attempts, request.record, document.external_id)
            if next_step is Step.REFUSE or (found is None and attempts.hopeless):
                return await _refused(document, reply, attempts)
        if found is not None:
            return _compared(document, found, references, Result.FOUND, attempts)


def unchanged(document: Document, newest: Outcome) -> Applied | None:
    """The verdict without a call: this document, with these fields, was applied before."""
    if newest.content_hash != content_hash(document):
        return None
    return Applied(
        record_type=newest.record_type,
        internal_id=newest.internal_id,
        result=Result.UNCHANGED,
        content_hash=newest.content_hash,
    )


def stands(document: Document, internal_id: str, attempts: Attempts) -> Applied:
    """The verdict on a document that was found and compared before its turn came."""
    return _applied(document, Result.FOUND, internal_id, attempts)


async def confirm(document: Document, newest: Outcome, references: References, attempts: Attempts) -> Applied | Refused:
    """Compare a document that was applied before with other fields: it is never posted again, deleted or not."""
    found = await find(attempts, record_of(document), document.external_id)
    if found is None:
        return attempts.refused(f"it was made before (internal id {newest.internal_id}), and deleted in NetSuite since")
    return _compared(document, found, references, Result.UNCHANGED, attempts)


async def search(document: Document, references: References, attempts: Attempts) -> Applied | Absent | Refused:
    """Whether NetSuite holds ``document``; ``references`` may lack what NetSuite does not have.

    Refused where that cannot be told. A different document under its external id is not ours.
    """
    found = await find(attempts, record_of(document), document.external_id)
    if found is None:
        return Absent()
    if found.content is None:
        return _compared(document, found, references, Result.FOUND, attempts)
    if not _has_all(document, references) or matches(document, found.content, references):
        return Absent(note=f"a different document stands under its external id (internal id {found.internal_id})")
    return _applied(document, Result.FOUND, found.internal_id, attempts)


def _has_all(document: Document, references: References) -> bool:
    """Whether everything is in NetSuite that the document names; what was made from it names them too."""
    names = (document.entity, *(line.item for line in document.lines))
    return references.currency is not None and all(name in references.ids for name in names)


def _compared(
    document: Document, found: Found, references: References, result: Result, attempts: Attempts
) -> Applied | Refused:
    where = f"under our external id (internal id {found.internal_id})"
    if found.content is None:
        return attempts.refused(
            f"a transaction stands {where} but could not be compared, NetSuite does not show it: {found.reason}"
        )
    differences = matches(document, found.content, references)
    if differences:
        return attempts.refused(f"a different document stands {where}: {'; '.join(differences)}")
    return _applied(document, result, found.internal_id, attempts)


async def _refused(document: Document, reply: Reply, attempts: Attempts) -> Refused:
    for sibling in siblings_of(record_of(document)):
        if clash := await find(attempts, sibling, document.external_id):
            return attempts.refused(
                f"a different document stands under our external id: a {sibling} (internal id {clash.internal_id})",
                reply,
            )
    return attempts.refused(f"NetSuite refuses it: {reply.words}", reply)


def _applied(document: Document, result: Result, internal_id: str, attempts: Attempts) -> Applied:
    return Applied(
        record_type=record_of(document),
        internal_id=internal_id,
        result=result,
        content_hash=content_hash(document),
        attempts=attempts.writes,
    )
