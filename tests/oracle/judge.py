"""The log of one customer, record by record."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.oracle.papers import Paper, Policy, amounts_of, contracts_of, dated, papers
from tests.oracle.past import Decided, Past, changes
from tests.oracle.reading import Order, read
from tests.oracle.reasons import has_gap, reasons

Record = dict[str, Any]


@dataclass
class Verdict:
    """What became of every event, by its id, why, and the documents.

    An outcome is posted, NoOp, ignored, held, quarantined, discarded, or copy for an order that was there already.
    """

    outcomes: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, set[str]] = field(default_factory=dict)
    papers: dict[str, list[Paper]] = field(default_factory=dict)

    @property
    def documents(self) -> list[Paper]:
        """All documents, event by event."""
        return [paper for papers in self.papers.values() for paper in papers]


def judge(records: list[Record], policy: Policy) -> Verdict:
    """What becomes of one customer's ``records``, which are in the order of their arrival."""
    return _Case(policy).hear(records)


class _Case:
    def __init__(self, policy: Policy) -> None:
        self._policy = policy | {"tie_out_tolerance": Fraction(policy["tie_out_tolerance"])}
        self._past: Past = []
        self._seen: list[Order] = []
        self._waived: dict[str, set[str]] = {}
        self._asked: dict[str, tuple[str, set[str]]] = {}
        self._verdict = Verdict()

    def hear(self, records: list[Record]) -> Verdict:
        for record in records:
            if record["kind"] == "order":
                self._arrive(read(record["event_id"], record["document"]))
            else:
                self._act(record)
        return self._verdict

    def _arrive(self, order: Order) -> None:
        if order.status not in ("activated", "active"):
            self._say(order, "ignored")
            return
        first = next((each for each in self._seen if each.id == order.id), None)
        if first is None:
            self._seen.append(order)
            self._decide(order)
            self._let_go()
        elif first.content == order.content:
            self._verdict.outcomes.setdefault(order.event_id, "copy")
        else:
            self._seen.append(order)
            self._say(order, "quarantined", {"conflict"})

    def _decide(self, order: Order) -> None:
        """Decide the order, or let it wait for the versions before it, or for a person."""
        against = reasons(self._past, order, self._policy, self._waives(order))
        if against:
            self._say(order, "held" if against == {"version_gap"} else "quarantined", against)
            return
        told = changes(self._past, order, self._policy["term_basis"])
        made = papers(self._past, order, told, self._policy)
        before_cut_over = self._policy["post_from"] and dated(order, self._policy) < self._policy["post_from"]
        contracts = contracts_of(self._past, order)
        self._past.append(Decided(order, contracts, amounts_of(order, told, self._policy)))
        if before_cut_over or not made:
            self._say(order, "NoOp")
        else:
            self._say(order, "posted")
            self._verdict.papers[order.event_id] = made

    def _let_go(self) -> None:
        """Decide everything that waits for nothing any more, again and again, by arrival."""
        while ready := [each for each in self._seen if self._is(each, "held") and not self._waits(each)]:
            self._decide(ready[0])

    def _waits(self, order: Order) -> bool:
        return "version_gap" not in self._waives(order) and has_gap(self._past, order)

    def _waives(self, order: Order) -> set[str]:
        return self._waived.get(order.event_id, set())

    def _act(self, record: Record) -> None:
        """A person's word, or the clock's, about an order that is held or quarantined; else it does nothing."""
        about = next((each for each in self._seen if each.event_id == record["event_id"]), None)
        if about is None or not (self._is(about, "held") or self._is(about, "quarantined")):
            return
        conflict = self._verdict.reasons[about.event_id] == {"conflict"}
        if record["kind"] == "gap_expired":
            if self._is(about, "held"):
                self._say(about, "quarantined", reasons(self._past, about, self._policy, self._waives(about)))
        elif record["kind"] == "discarded":
            if not conflict:
                self._past.append(Decided(about, contracts_of(self._past, about), discarded=True))
            self._say(about, "discarded")
        elif not conflict and self._is_released(about, record):
            self._decide(about)
        self._let_go()

    def _is_released(self, about: Order, record: Record) -> bool:
        """What is waived adds up; where it takes two, another person has to have asked for no less before."""
        by, waives = record["by"], set(record["waives"])
        if self._policy["release_by_two"]:
            asked_by, asked = self._asked.pop(about.event_id, (by, set()))
            if asked_by == by or not waives <= asked:
                self._asked[about.event_id] = (by, waives)
                return False
        self._waived.setdefault(about.event_id, set()).update(waives)
        return True

    def _is(self, order: Order, outcome: str) -> bool:
        return self._verdict.outcomes.get(order.event_id) == outcome

    def _say(self, order: Order, outcome: str, why: set[str] | None = None) -> None:
        self._verdict.outcomes[order.event_id] = outcome
        self._verdict.reasons[order.event_id] = why or set()
