"""What NetSuite answered: outcomes (what it holds) and dead letters (what it refused)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Result(StrEnum):
    """How a command ended in success.

    ``FOUND`` is a document that an earlier, unanswered attempt had made and that was compared before it
    counted; ``UNCHANGED`` is an upsert whose content NetSuite already had from us.
    """

    UNKNOWN = "UNKNOWN"
    CREATED = "CREATED"
    FOUND = "FOUND"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"


class Outcome(Struct, frozen=True, kw_only=True):
    """A command that NetSuite holds. Keyed by account and external id, so the newest says what is there.

    ``activated_at`` and ``order_id`` are the version of an upsert. ``content_hash`` covers the fields sent.
    ``epoch`` counts the rebuilds of an account.
    """

    account: str
    external_id: str
    record_type: str
    internal_id: str
    command_id: str
    result: Result
    order_id: str
    customer_id: str
    content_hash: str
    applied_at: datetime
    activated_at: datetime | None = None
    warnings: tuple[str, ...] = ()
    epoch: int = 0


class LetterState(StrEnum):
    """Where a dead letter stands.

    ``REFUSED`` by NetSuite; ``WAITING`` for a customer or item that is missing; ``PARKED`` behind an earlier
    command of its customer; ``CLOSED`` when it was applied after all; ``DISCARDED`` for ever by a person.
    """

    UNKNOWN = "UNKNOWN"
    REFUSED = "REFUSED"
    WAITING = "WAITING"
    PARKED = "PARKED"
    CLOSED = "CLOSED"
    DISCARDED = "DISCARDED"

    @property
    def is_open(self) -> bool:
        """Whether the command may still be applied."""
        return self not in (LetterState.CLOSED, LetterState.DISCARDED)


class DeadLetter(Struct, frozen=True, kw_only=True):
    """A command that is not in NetSuite, with its bytes and its place among the commands.

    ``lane`` is what is kept in order: the customer of a document, the external id of an upsert.
    ``waits_for`` is the external id of the missing reference or of the command in front.
    ``status`` and ``answer`` are NetSuite's HTTP status and the error it gave, without credentials.
    ``request_id``, ``by`` and ``why`` are those of a person's request, where the letter says what came of one.
    """

    command_id: str
    external_id: str
    lane: str
    state: LetterState
    reason: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    recorded_at: datetime
    headers: dict[str, bytes] = {}
    waits_for: str | None = None
    status: int | None = None
    answer: str | None = None
    attempts: int = 0
    request_id: str | None = None
    by: str | None = None
    why: str | None = None
