"""What a person is told to do about a dead letter."""

import pytest

from schemas.outcome import LetterState
from sinks.advice import advice_on

PREFIX = "Error while accessing a resource. "


@pytest.mark.parametrize(
    ("answer", "tells"),
    [
        ("The transaction date you specified is not within the date range of your accounting period.", "period"),
        ("You cannot post to a closed period.", "Open the accounting period"),
        ("There are no Accounting Periods that cover this transaction date", "Open the accounting period"),
        (
            f"{PREFIX}You have entered an Invalid Field Value 9999 for the following field: item (item.items[0].item)",
            "The item of a line is inactive",
        ),
        (
            f"{PREFIX}You have entered an Invalid Field Value 12 for the following field: entity",
            "The customer is inactive",
        ),
        ("The item SEAT is inactive.", "Make the item active"),
        ("Customer Acme is inactive.", "Make the customer active"),
        ("This record is inactive", "active"),
        (f"{PREFIX}Your current role does not have permission to perform this action.", "role"),
        (f"{PREFIX}Please enter value(s) for: Location", "field"),
        (f"{PREFIX}This entity already exists.", "adopt it: `nuestream adopt check` lists it, netsuite.adopt"),
        ("A customer record with this ID already exists. You must enter a unique customer ID for each record", "adopt"),
        ("Uniqueness error - there is already an item with that name or name/parent combination.", "adopt check"),
        ("This record has been locked by a user defined workflow.", "Unlock"),
        ("Transaction subsidiary 2 is not valid for entity 7. Please choose a different entity.", "subsidiary"),
        ("The total cannot be negative", "split"),
        (f"{PREFIX}Unknown reference or field custbody_nue_original_orderid.", "custom field"),
    ],
)
def test_netsuites_words_are_answered_with_what_to_correct(answer: str, tells: str) -> None:
    advice = advice_on(LetterState.REFUSED, f"NetSuite refuses it: {answer}", answer)
    assert advice is not None
    assert tells in advice


@pytest.mark.parametrize(
    ("reason", "tells"),
    [
        ("currency XXX is not known in NetSuite", "Set the currency up"),
        ("the item with internal id 9, which is to be adopted, is not in NetSuite", "netsuite.adopt"),
        ("a different document stands under our external id (internal id 7): entity is '1', not '2'", "who made it"),
        ("it was made before (internal id 7), and deleted in NetSuite since", "discard it"),
        ("the command cannot be read: it is no Avro", "written again"),
    ],
)
def test_the_sinks_own_reasons_are_answered_too(reason: str, tells: str) -> None:
    advice = advice_on(LetterState.REFUSED, reason)
    assert advice is not None
    assert tells in advice


def test_advice_that_ends_in_a_redrive_says_so() -> None:
    assert "redrive" in (advice_on(LetterState.REFUSED, "no", "The item SEAT is inactive.") or "")


def test_what_is_parked_needs_nothing_and_what_waits_is_told_what_brings_it_on() -> None:
    assert "by itself" in (advice_on(LetterState.PARKED, "behind NUE-SO-1") or "")
    assert "redrive" in (advice_on(LetterState.WAITING, "NUE-ITEM-1 is not in NetSuite") or "")


def test_nothing_is_said_where_nothing_better_is_known_or_all_is_over() -> None:
    assert advice_on(LetterState.REFUSED, "NetSuite refuses it: computer says no", "computer says no") is None
    assert advice_on(LetterState.CLOSED, "applied") is None
    assert advice_on(LetterState.DISCARDED, "discarded") is None
