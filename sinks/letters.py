"""What the sink says in a dead letter."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from schemas.outcome import LetterState
from schemas.requests import DiscardRequested, Request
from sinks.readback import in_utf8

PARENT = "its parent "
"""What the name of a missing parent stands behind, in the reason of its customer's letter and of those that follow."""


class Letter(Struct, frozen=True, kw_only=True):
    """What a dead letter says, apart from the command itself. Texts that UTF-8 cannot hold are mended.

    ``request`` is what a person asked for and this came of.
    """

    state: LetterState
    reason: str
    waits_for: str | None = None
    status: int | None = None
    answer: str | None = None
    attempts: int = 0
    request: Request | None = None

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


def discarded(note: str = "") -> Letter:
    """The end of a dead letter whose command is never sent; ``note`` says what was found in NetSuite."""
    return Letter(state=LetterState.DISCARDED, reason=f"discarded; {note}" if note else "discarded")


def following(letter: Letter, before: Letter | None, request: Request | None) -> Letter:
    """A letter of a command that may have had one ``before``, and that may say what came of a ``request``."""
    late = letter.state is LetterState.CLOSED and isinstance(request, DiscardRequested)
    return replace(
        letter,
        reason=f"{letter.reason}: the discard came too late" if late else letter.reason,
        attempts=letter.attempts + (before.attempts if before else 0),
        request=request,
    )
