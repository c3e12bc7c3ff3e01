"""What waits, by what the quarantine topic tells."""

from __future__ import annotations

from datetime import UTC, datetime

from projections.decide import told_missing
from schemas.contract import OrderOutcome
from schemas.holding import Settled
from schemas.policy import Policy
from streams.chains import Facts, chains_of, not_posted, standing_by_topics
from streams.held_back import HeldBack
from streams.quarantine_tables import codes_to_waive, waiting_as_dict, ways_out
from tests.projections.given import (
    History,
    discarded,
    expired,
    fewer,
    given,
    more,
    order,
    released,
    seats,
)

NOW = datetime(2025, 6, 1, tzinfo=UTC)
TOO_MUCH = order("O2", fewer("S1", 50, "9999.00", subscription_version=2))


def quarantined(policy: Policy | None = None) -> History:
    history = given(order("O1", seats("S1", 100, "1200.00")), policy=policy)
    history.when(TOO_MUCH)
    return history


def told(history: History) -> HeldBack:
    found = HeldBack()
    for step in history.steps:
        for record in (*step.quarantined, *step.holdings):
            found.take(record)
            found.take(record)
    return found


def facts_of(history: History) -> Facts:
    facts = Facts()
    for step in history.steps:
        for record in (*step.contract_events, *step.quarantined, *step.holdings):
            facts.take(record)
    return facts


def test_a_quarantined_order_waits_until_it_is_settled() -> None:
    history = quarantined()
    (waiting,) = told(history).open()
    assert (waiting.event_id, waiting.is_held, waiting.codes) == ("event-O2", False, ("credit_exceeds_remaining",))
    history.when(released("O2", "credit_exceeds_remaining"))
    assert told(history).open() == []
    (settled,) = told(history).called("O2")
    assert isinstance(settled.newest, Settled)
    assert (settled.newest.outcome, settled.newest.by) == (OrderOutcome.POSTED, "kim")


def test_an_order_is_found_by_any_of_its_names_and_what_waits_comes_first() -> None:
    history = quarantined()
    copy = order("O2", fewer("S1", 51, "9999.00", subscription_version=2), event_id="event-copy")
    history.when(copy)
    history.when(discarded("O2"))
    found = told(history)
    quarantine_id = waiting_as_dict(found.orders["event-copy"])["quarantineId"]
    for name in ("O2", "No. O2", "event-copy", quarantine_id):
        assert [each.event_id for each in found.called(name)] == ["event-copy"]
    assert [each.event_id for each in found.called("event-O2")] == ["event-O2"]
    assert found.called("O1") == []


def test_a_held_order_whose_gap_expires_is_quarantined_from_then_on() -> None:
    history = given(order("O1", seats("S1", 100, "1200.00")))
    history.when(order("O4", more("S1", 1, "12.00", subscription_version=4)))
    (waiting,) = told(history).open()
    assert waiting.is_held
    assert waiting.codes == ("version_gap",)
    shown = waiting_as_dict(waiting)
    assert (shown["state"], shown["waitsFor"][0]["firstVersion"], shown["waitsFor"][0]["lastVersion"]) == ("held", 2, 3)
    history.when(expired("O4"))
    (waiting,) = told(history).open()
    assert not waiting.is_held
    assert waiting_as_dict(waiting)["state"] == "quarantined"


def test_a_request_is_open_until_the_order_is_quarantined_again_or_settled() -> None:
    history = quarantined(Policy(release_by_two=True))
    history.when(released("O2", "credit_exceeds_remaining", by="kim"))
    (waiting,) = told(history).open()
    assert waiting.request is not None
    assert waiting.request.by == "kim"
    assert codes_to_waive(waiting) == ("credit_exceeds_remaining",)
    history.when(released("O2", "credit_exceeds_remaining", by="lee"))
    assert told(history).open() == []


def test_what_nobody_can_waive_can_only_be_discarded() -> None:
    history = given(order("O1", seats("S1", 100, "1200.00")))
    history.when(order("O1", seats("S1", 101, "1212.00"), event_id="event-copy"))
    (waiting,) = told(history).open()
    assert waiting.for_good == ("conflict",)
    said, discard = ways_out(waiting, "O1")
    assert "conflict" in said
    assert discard.startswith("nuestream quarantine discard O1 ")


def test_a_copy_whose_event_id_was_used_before_is_nobodys_to_decide() -> None:
    history = quarantined()
    history.when(order("O2", fewer("S1", 51, "9999.00", subscription_version=2), event_id="event-O2"))
    found = told(history)
    assert [each.event_id for each in found.open()] == ["event-O2"]
    (unreadable,) = found.unreadable.values()
    assert unreadable.customer_id == "acme"


def test_a_chain_tells_an_order_once_by_its_last_decision() -> None:
    history = quarantined()
    facts = facts_of(history)
    assert [(each.order_number, each.outcome) for each in not_posted(facts)] == [("No. O2", "quarantined")]
    history.when(discarded("O2"))
    facts = facts_of(history)
    (chain,) = chains_of(facts, standing_by_topics(facts))
    assert [(link.decided.order_number, link.decided.outcome.value) for link in chain.links] == [
        ("No. O1", "POSTED"),
        ("No. O2", "DISCARDED"),
    ]
    assert [each.outcome for each in not_posted(facts)] == ["discarded"]


def test_an_order_that_was_held_and_then_posted_stands_where_it_was_posted() -> None:
    history = given(order("O1", seats("S1", 100, "1200.00")))
    history.when(order("O3", more("S1", 1, "12.00", subscription_version=3)))
    assert [each.outcome for each in not_posted(facts_of(history))] == ["held"]
    history.when(order("O2", more("S1", 1, "12.00", subscription_version=2)))
    facts = facts_of(history)
    (chain,) = chains_of(facts, standing_by_topics(facts))
    assert [link.decided.order_number for link in chain.links] == ["No. O1", "No. O2", "No. O3"]
    assert not_posted(facts) == []


def test_a_discarded_copy_is_told_as_discarded_although_nothing_was_decided_about_it() -> None:
    history = given(order("O1", seats("S1", 100, "1200.00")))
    history.when(order("O1", seats("S1", 101, "1212.00"), event_id="event-copy"))
    act = discarded("O1")
    history.when(type(act)(**{**_fields(act), "about": "event-copy"}))
    (left_out,) = not_posted(facts_of(history))
    assert (left_out.outcome, left_out.why) == ("discarded", "discarded by kim: sent twice")


def _fields(act: object) -> dict[str, object]:
    return {name: getattr(act, name) for name in type(act).__struct_fields__}  # type: ignore[attr-defined]


def test_what_is_missing_is_told_in_words() -> None:
    history = given(order("O1", seats("S1", 100, "1200.00")))
    history.when(order("O4", more("S1", 1, "12.00", subscription_version=4)))
    held = told(history).orders["event-O4"].since
    assert [told_missing(each) for each in held.waits_for] == ["S1 versions 2 to 3"]  # type: ignore[union-attr]
