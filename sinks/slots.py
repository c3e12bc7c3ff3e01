"""Which deliveries are under way, and which of them only wait. Pure."""

from __future__ import annotations

from sinks.entry import Entry


class Slots:
    """At most ``concurrency`` deliveries begin side by side; up to ``quiet_limit`` that only wait take no slot.

    One that goes on after waiting does so at once: for that moment more than ``concurrency`` may be under way.
    """

    def __init__(self, concurrency: int, quiet_limit: int) -> None:
        self._concurrency = concurrency
        self._quiet_limit = quiet_limit
        self._loud: set[Entry] = set()
        self._quiet: set[Entry] = set()

    @property
    def free(self) -> bool:
        """Whether another delivery may begin."""
        return len(self._loud) < self._concurrency

    def take(self, entry: Entry) -> None:
        """A delivery begins."""
        self._loud.add(entry)

    def quiet(self, entry: Entry) -> None:
        """A delivery waits, for minutes perhaps, and asks NetSuite nothing meanwhile."""
        if entry in self._loud and len(self._quiet) < self._quiet_limit:
            self._loud.discard(entry)
            self._quiet.add(entry)

    def loud(self, entry: Entry) -> None:
        """It has waited. Ignored for one that kept its slot, or is no longer under way."""
        if entry in self._quiet:
            self._quiet.discard(entry)
            self._loud.add(entry)

    def give_back(self, entry: Entry) -> None:
        """A delivery has ended, or counts no longer."""
        self._loud.discard(entry)
        self._quiet.discard(entry)
