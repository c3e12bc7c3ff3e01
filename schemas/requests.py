"""What people ask for about dead letters, and the sink's answer where it does not do so: on the dead-letter topic.

A request stands in the partition of the letter that it is about, and is carried out by the sink that owns it. What
came of it is told by the next :class:`~schemas.outcome.DeadLetter` that names it, or by a :class:`RequestDeclined`.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from schemas.bounds import Name


class RedriveRequested(Struct, frozen=True, kw_only=True):
    """A person asks that a refused command be sent again; once it is applied, what is parked behind it follows."""

    request_id: Name
    command_id: Name
    external_id: str
    lane: str
    by: Name
    why: str
    requested_at: datetime


class DiscardRequested(Struct, frozen=True, kw_only=True):
    """A person asks that a command never be sent. Once carried out this is final, for duplicates too."""

    request_id: Name
    command_id: Name
    external_id: str
    lane: str
    by: Name
    why: str
    requested_at: datetime


class RequestDeclined(Struct, frozen=True, kw_only=True):
    """A request that the sink does not carry out, with the reason in words."""

    request_id: Name
    command_id: Name
    external_id: str
    reason: str
    declined_at: datetime


Request = RedriveRequested | DiscardRequested
