"""What happened in the sandbox, counted."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sinks.sandbox.account import FAMILY


class Tally:
    """Counts since the start, or since the last :meth:`reset`."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Count from nothing again."""
        self.requests: Counter[str] = Counter()
        self.made: Counter[str] = Counter()
        self.updated: Counter[str] = Counter()
        self.deleted: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.duplicates = 0

    def report(self) -> dict[str, Any]:
        """The counts: requests by method, kind and status, records by type, faults by kind."""
        return {
            "requests": dict(sorted(self.requests.items())),
            "duplicatesRefused": self.duplicates,
            "made": dict(sorted(self.made.items())),
            "updated": dict(sorted(self.updated.items())),
            "transactionsUpdated": sum(count for name, count in self.updated.items() if FAMILY[name] == "transaction"),
            "deleted": dict(sorted(self.deleted.items())),
            "faults": dict(sorted(self.faults.items())),
        }
