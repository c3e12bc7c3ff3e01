"""What the sink says in a dead letter."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import force_setattr

from schemas.outcome import LetterState
from sinks.readback import in_utf8


class Letter(Struct, frozen=True, kw_only=True):
    """What a dead letter says, apart from the command itself. Texts that UTF-8 cannot hold are mended."""

    state: LetterState
    reason: str
    waits_for: str | None = None
    status: int | None = None
    answer: str | None = None
    attempts: int = 0

    def __post_init__(self) -> None:
        force_setattr(self, "reason", in_utf8(self.reason))
        if self.answer is not None:
            force_setattr(self, "answer", in_utf8(self.answer))


def refused(reason: str) -> Letter:
    """The dead letter of a command that will not do as it is."""
    return Letter(state=LetterState.REFUSED, reason=reason)


def waiting_for(external_id: str, reason: str) -> Letter:
    """The dead letter of a document whose customer or item is not there."""
    return Letter(state=LetterState.WAITING, reason=reason, waits_for=external_id)


def parked_behind(front: str) -> Letter:
    """The dead letter of a document behind another one."""
    return Letter(state=LetterState.PARKED, reason=f"behind {front}", waits_for=front)


def closed(reason: str) -> Letter:
    """The end of a dead letter."""
    return Letter(state=LetterState.CLOSED, reason=reason)
