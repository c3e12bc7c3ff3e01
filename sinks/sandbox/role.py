"""What the integration's role may not do."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from sinks.sandbox.errors import Refused


@dataclass(frozen=True, slots=True)
class Role:
    """A role. ``lacks`` are record types, ``suiteql`` or ``metadata-catalog``, or one method: ``POST customer``."""

    lacks: frozenset[str] = frozenset()

    def check(self, method: str, url: str) -> None:
        """Raise NetSuite's refusal of a request that the role may not make."""
        steps = urlsplit(url).path.removeprefix("/services/rest/").split("/")
        subject = steps[2].lower() if len(steps) > 2 else ""
        if {subject, f"{method} {subject}".lower()} & {lacking.lower() for lacking in self.lacks}:
            raise Refused("Your current role does not have permission to perform this action.")
