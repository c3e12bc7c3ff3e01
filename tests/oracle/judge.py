"""The log of one customer, record by record."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from tests.oracle.papers import Paper, Policy, amounts_of, contracts_of, is_of_before, papers
from tests.oracle.past import Decided, Past, changes
from tests.oracle.reading import Order, read
from tests.oracle.reasons import has_gap, reasons, standing, unreadable
from tests.oracle.undoing import reasons_against, undone

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
                self._arrive(read(record))
            else:
                self._act(record)
        return self._verdict

    def _arrive(self, order: Order) -> None:
        if not order.is_activated and not order.is_cancelled:
            self._say(order, "ignored")
            return
        same = [each for each in self._seen if (each.id, each.is_cancelled) == (order.id, order.is_cancelled)]
        if same and same[0].content == order.content:
            self._verdict.outcomes.setdefault(order.event_id, "copy")
            return
        if order.is_cancelled and not same and not self._activation(order) and not order.activated:
            against = set(unreadable(order))
            self._say(order, "quarantined" if against else "ignored", against)
            if not against:
                return
        self._seen.append(order)
        if same:
            self._say(order, "quarantined", {"conflict"})
            return
        self._decide(order)
        self._let_go()

    def _activation(self, order: Order) -> Order | None:
        return next((each for each in self._seen if each.id == order.id and each.is_activated), None)

    def _decide(self, order: Order) -> None:
        """Decide the order, or let it wait for the versions before it, or for a person."""
        against = self._against(order)
        if against:
            self._say(order, "held" if against == {"version_gap"} else "quarantined", against)
        elif order.is_cancelled:
            self._undo(order)
        else:
            self._post(order)

    def _against(self, order: Order) -> set[str]:
        waived = self._waives(order)
        if order.is_cancelled:
            return self._against_undoing(order, waived)
        before = standing(set(unreadable(order)), waived)
        cancelled = [each for each in self._seen if each.id == order.id and each.is_cancelled]
        if cancelled and not self._is(cancelled[0], "held", "quarantined") and "cancelled_before" not in waived:
            before.add("cancelled_before")
        return before or reasons(self._past, order, self._policy, waived)

    def _against_undoing(self, order: Order, waived: set[str]) -> set[str]:
        if against := standing(set(unreadable(order)), waived):
            return against
        if self._waits(order):
            return {"version_gap"}
        done = self._done(order)
        return standing(reasons_against(self._past, order, done, self._policy), waived) if done else set()

    def _done(self, order: Order) -> Decided | None:
        """What the cancelled order did, unless it was discarded or never came."""
        return next((each for each in self._past if each.order is self._activation(order) and not each.discarded), None)

    def _post(self, order: Order) -> None:
        told = changes(self._past, order, self._policy["term_basis"])
        made = papers(self._past, order, told, self._policy)
        if is_of_before(order, self._policy):
            made = []
        contracts = contracts_of(self._past, order)
        self._past.append(Decided(order, contracts, amounts_of(order, told, self._policy)))
        self._say(order, "posted" if made else "NoOp")
        self._verdict.papers[order.event_id] = made

    def _undo(self, order: Order) -> None:
        done, made = self._done(order), []
        if done:
            before = self._verdict.papers[done.order.event_id]
            made, decided = undone(self._past, order, done, before, self._policy)
            done.undone = True
            self._past.append(decided)
        self._say(order, "posted" if made else "NoOp")
        self._verdict.papers[order.event_id] = made

    def _let_go(self) -> None:
        """Decide everything that waits for nothing any more, again and again, by arrival."""
        while ready := [each for each in self._seen if self._is(each, "held") and not self._waits(each)]:
            self._decide(ready[0])

    def _waits(self, order: Order) -> bool:
        """Whether something that has to come before it has not: versions, or what a cancellation is about."""
        if order.is_cancelled:
            about = self._activation(order)
            if about is None:
                return "version_gap" not in self._waives(order)
            return self._is(about, "held", "quarantined")
        return "version_gap" not in self._waives(order) and has_gap(self._past, order)

    def _waives(self, order: Order) -> set[str]:
        return self._waived.get(order.event_id, set())

    def _act(self, record: Record) -> None:
        """A person's word, or the clock's, about an order that is held or quarantined; else it does nothing."""
        about = next((each for each in self._seen if each.event_id == record["event_id"]), None)
        if about is None or not self._is(about, "held", "quarantined"):
            return
        conflict = self._verdict.reasons[about.event_id] == {"conflict"}
        if record["kind"] == "gap_expired":
            if self._is(about, "held"):
                self._say(about, "quarantined", self._against(about))
        elif record["kind"] == "discarded":
            if not conflict and not about.is_cancelled:
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

    def _is(self, order: Order, *outcomes: str) -> bool:
        return self._verdict.outcomes.get(order.event_id) in outcomes

    def _say(self, order: Order, outcome: str, why: set[str] | None = None) -> None:
        self._verdict.outcomes[order.event_id] = outcome
        self._verdict.reasons[order.event_id] = why or set()
