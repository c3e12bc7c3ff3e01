"""How long a name and how high a count of an order may be, for whoever wrote it.

An order's names stand again on every document and event that follows from it: without a bound, one record of a
megabyte would become hundreds. A decoder refuses what is beyond.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Meta

LONGEST_NAME: Final = 255
"""In characters."""

Name = Annotated[str, Meta(max_length=LONGEST_NAME)]
"""An id, a number that people see, a status or a code."""

Count = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
"""A version, a level or a place, with room to go on counting."""
