"""What is known about NetSuite's records from the outcomes, whoever wrote them."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable

import msgspec

from schemas.outcome import Outcome
from sinks.entry import Kind, Place, Subject, Version
from sinks.outcome_file import OutcomeFile


class Knowledge:
    """The newest outcome per external id, and the references that NetSuite refused to hold.

    ``adopted`` are the external ids of customers that were in NetSuite before; ``await_parents`` says whether customers
    wait for the ones above them.
    """

    def __init__(self, adopted: Collection[str] = (), *, await_parents: bool = True) -> None:
        self._adopted = frozenset(adopted)
        self._await_parents = await_parents
        self._upserts: dict[str, Outcome] = {}
        self._documents = OutcomeFile()
        self._places: dict[str, Place] = {}
        self._refused: dict[str, str] = {}

    def learn(self, outcome: Outcome, place: Place | None = None) -> tuple[Place, Outcome] | None:
        """Take ``outcome`` as what NetSuite holds now; ``place`` is its command's, where this sink delivered it.

        Returns the newer version, with the place of its command, that this sink had delivered before another one
        brought the record back in time: it has to be sent again.
        """
        name = outcome.external_id
        if outcome.activated_at is None:
            self._documents.keep(outcome)
            return None
        before, delivered = self._upserts.get(name), self._places.pop(name, None)
        self._upserts[name] = _small(outcome)
        self._refused.pop(name, None)
        if place is not None:
            self._places[name] = place
        if before is None or delivered is None or place is not None or version_of(before) <= version_of(outcome):
            return None
        return delivered, before

    def refuse(self, external_id: str, reason: str) -> None:
        """A customer or item could not be brought into NetSuite."""
        known = self._upserts.get(external_id)
        if known is None:
            self._refused[external_id] = reason
        else:  # a refused change may have been saved all the same: nobody knows the content now
            self._upserts[external_id] = msgspec.structs.replace(known, content_hash="")

    def doubt(self, external_id: str) -> tuple[Place, Outcome] | None:
        """An older version may have been written on top: nobody knows the content and version now.

        Returns what this sink has delivered, with the place of its command: it has to be sent again.
        """
        known, delivered = self._upserts.get(external_id), self._places.pop(external_id, None)
        if known is None or delivered is None:
            return None
        self._upserts[external_id] = msgspec.structs.replace(known, command_id="", content_hash="", activated_at=None)
        return delivered, known

    def forget_places(self, partition: int) -> None:
        """The partition is another sink's now: bringing its records up to date is too."""
        self._places = {name: place for name, place in self._places.items() if place.partition != partition}

    def newest(self, external_id: str) -> Outcome | None:
        """The newest outcome of an external id."""
        return self._upserts.get(external_id) or self._documents.get(external_id)

    def holds(self, subject: Subject) -> bool:
        """Whether NetSuite holds this command already, or for an upsert a newer version."""
        if subject.kind is Kind.UNREADABLE or (known := self.newest(subject.external_id)) is None:
            return False
        if known.command_id == subject.command_id:
            return True
        return subject.version is not None and version_of(known) > (subject.version,)

    def covers(self, subject: Subject) -> bool:
        """Whether NetSuite holds this version of an upsert or a newer one, from whichever command."""
        known = self._upserts.get(subject.external_id)
        return known is not None and subject.version is not None and version_of(known) >= (subject.version,)

    def internal_ids(self, external_ids: Iterable[str]) -> dict[str, str]:
        """Internal ids of customers and items by external id, as far as they are known."""
        return {name: self._upserts[name].internal_id for name in external_ids if name in self._upserts}

    def missing(self, external_ids: Iterable[str]) -> list[str]:
        """The external ids of customers and items without an outcome."""
        return [name for name in external_ids if name not in self._upserts]

    def awaited_parents(self, external_ids: Iterable[str]) -> list[str]:
        """Those of ``external_ids`` that nothing tells to be in NetSuite; none where parents are not waited for."""
        return [name for name in self.missing(external_ids) if self._await_parents and name not in self._adopted]

    def refusal(self, external_id: str) -> str | None:
        """Why a reference is not in NetSuite, where it was refused."""
        return self._refused.get(external_id)


def version_of(outcome: Outcome) -> tuple[Version, ...]:
    """The version of an upsert's outcome, empty for a document's."""
    return () if outcome.activated_at is None else ((outcome.activated_at, outcome.order_id),)


def _small(outcome: Outcome) -> Outcome:
    """One of many that are kept: what they have in common is kept once."""
    return msgspec.structs.replace(
        outcome,
        account=sys.intern(outcome.account),
        record_type=sys.intern(outcome.record_type),
        customer_id=sys.intern(outcome.customer_id),
        warnings=(),
    )
