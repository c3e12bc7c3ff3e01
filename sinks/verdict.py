"""What delivering one command can end in."""

from __future__ import annotations

from msgspec import Struct

from schemas.outcome import Result


class Applied(Struct, frozen=True, kw_only=True):
    """NetSuite holds the command.

    ``record_type`` and ``internal_id`` say where; ``content_hash`` covers the fields that we own in it;
    ``attempts`` counts the writes that were tried (0 where none was needed).
    """

    record_type: str
    internal_id: str
    result: Result
    content_hash: str
    warnings: tuple[str, ...] = ()
    attempts: int = 0


class Refused(Struct, frozen=True, kw_only=True):
    """NetSuite will not hold the command as it is, and nothing of it that was tried can still take effect.

    ``reason`` is a sentence for people; ``status`` and ``answer`` are NetSuite's HTTP status and its words,
    where the refusal came from NetSuite.
    """

    reason: str
    status: int | None = None
    answer: str | None = None
    attempts: int = 0


class Missing(Struct, frozen=True, kw_only=True):
    """A command names a customer or item (by external id) that neither the outcomes nor NetSuite know."""

    external_id: str


class Absent(Struct, frozen=True, kw_only=True):
    """NetSuite does not hold the command, and nothing that was sent of it can still take effect.

    ``note`` says what stands under its external id instead, where something does.
    """

    note: str = ""


Verdict = Applied | Refused | Missing


class Unauthorized(Exception):
    """NetSuite does not let this integration work: a login was refused, or the role may not run the look-ups.

    It concerns every command alike, so the worker stops. Trying again would lock the user out.
    """


class Misconfigured(Exception):
    """What the settings ask for is not in this account. It concerns every command, so the worker stops."""
