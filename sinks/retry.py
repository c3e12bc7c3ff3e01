"""What to do next, as tables: the whole retry policy of the sink. Pure.

Oracle's advice behind it: an error does not prove that nothing was written, and silence neither; a request may run on
for 15 minutes after its caller has gone. So nothing is written again before a look-up, and a refusal that an earlier
attempt may still contradict is not believed yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum

from sinks.answer import Answer, NoAnswer, NotSent
from sinks.readback import refusal_in

_LONGEST_RETRY_AFTER = 3600.0


class Kind(StrEnum):
    """What an attempt tells about the write."""

    ACCEPTED = "accepted"
    ABSENT = "absent"  # the record is not there
    REFUSED = "refused"  # in NetSuite's own words
    BUSY = "busy"  # turned away before it was processed
    NOT_SENT = "not sent"
    FAILED = "failed"  # NetSuite's own failure: answered, so nothing runs on, but it may have been written
    SILENT = "silent"  # no answer, or one that is not NetSuite's: it may even still be running
    UNAUTHORIZED = "unauthorized"


class Step(StrEnum):
    """What to do about it."""

    DONE = "done"
    AGAIN = "again"  # after a pause
    LOOK_UP = "look up"
    LOOK_UP_LATER = "look up later"  # after a pause
    WAIT = "wait"  # until no attempt can be running, then look up
    GONE = "gone"  # the record was deleted: create it anew
    REFUSE = "refuse"


AFTER_CREATE = {
    Kind.ACCEPTED: Step.DONE,
    Kind.BUSY: Step.AGAIN,
    Kind.NOT_SENT: Step.AGAIN,
    Kind.FAILED: Step.LOOK_UP_LATER,
    Kind.SILENT: Step.LOOK_UP_LATER,
    Kind.REFUSED: Step.LOOK_UP,  # whatever the words: "already exists" is told by the look-up, not by them
    Kind.ABSENT: Step.LOOK_UP,
}
# A PATCH sets plain fields to plain values: sending it twice is sending it once.
AFTER_PATCH = {
    Kind.ACCEPTED: Step.DONE,
    Kind.BUSY: Step.AGAIN,
    Kind.NOT_SENT: Step.AGAIN,
    Kind.FAILED: Step.AGAIN,
    Kind.SILENT: Step.AGAIN,
    Kind.REFUSED: Step.REFUSE,
    Kind.ABSENT: Step.GONE,
}
AFTER_READ = {
    Kind.ACCEPTED: Step.DONE,
    Kind.ABSENT: Step.GONE,
    Kind.REFUSED: Step.REFUSE,
    Kind.BUSY: Step.AGAIN,
    Kind.NOT_SENT: Step.AGAIN,
    Kind.FAILED: Step.AGAIN,
    Kind.SILENT: Step.AGAIN,
}


def when_absent(*, refused: bool, running: bool) -> Step:
    """What to do when nothing stands under our external id, after a create that was refused or got no answer.

    ``running``: an earlier attempt may still be at work. Sending again is safe, since external ids are unique.
    """
    if not refused:
        return Step.AGAIN
    return Step.WAIT if running else Step.REFUSE


def kind_of(reply: Answer | NoAnswer | NotSent) -> Kind:
    """Classify an answer by its status and by whether NetSuite is the one that speaks."""
    if isinstance(reply, NotSent):
        return Kind.NOT_SENT
    if isinstance(reply, NoAnswer):
        return Kind.SILENT
    if reply.status == 401:
        return Kind.UNAUTHORIZED
    if reply.status == 429:
        return Kind.BUSY
    if reply.status == 204 or (reply.status == 200 and isinstance(reply.body, Mapping)):
        return Kind.ACCEPTED
    refusal = refusal_in(reply.body)
    if refusal is None or reply.status not in (500, *range(400, 500)) or reply.status == 408:
        return Kind.SILENT
    if reply.status == 500 or "has been changed" in refusal:  # somebody else saved it at the same moment
        return Kind.FAILED
    return Kind.ABSENT if reply.status == 404 else Kind.REFUSED


def delay(tries: int, *, initial: float, longest: float, draw: float, asked: float | None) -> float:
    """Seconds to pause before the next attempt: exponential with full jitter, never less than NetSuite ``asked``.

    ``tries`` counts from 0; ``draw`` is a random number from 0 to 1.
    """
    ceiling = min(longest, initial * 2.0 ** min(tries, 32))
    return max(draw * ceiling, min(asked or 0.0, _LONGEST_RETRY_AFTER))


def retry_after(reply: Answer | NoAnswer | NotSent) -> float | None:
    """The pause in seconds that an answer asks for. A date is read against the answer's own clock, not ours."""
    answer = reply.answer if isinstance(reply, NotSent) else reply
    if not isinstance(answer, Answer) or (asked := answer.headers.get("retry-after")) is None:
        return None
    if asked.strip().isdecimal():
        return float(asked)
    try:
        until = parsedate_to_datetime(asked)
        since = parsedate_to_datetime(answer.headers.get("date", ""))
        return max(0.0, (until - since).total_seconds())
    except (TypeError, ValueError):
        return None


def words_of(reply: Answer | NoAnswer | NotSent) -> str:
    """What happened, for a log line or a dead letter; never credentials, which answers do not repeat."""
    if not isinstance(reply, Answer):
        return str(reply)
    refusal = refusal_in(reply.body)
    return refusal or f"HTTP {reply.status} without NetSuite's words"
