"""External ids: the same every time, different for different things, and in NetSuite's alphabet."""

import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from projections.identity import external_id, stable_id
from projections.zones import local_date, time_zone
from tests.projections.given import NOON


def test_a_uuid_stands_in_the_external_id_as_it_is():
    assert external_id("SO", "b636440c-b3dd-4a92") == "NUE-SO-b636440c-b3dd-4a92"


def test_a_second_document_adds_its_number():
    assert external_id("RA", "O1", 2) == "NUE-RA-O1-2"


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("001A0000006Vm9r", "001A0000006Vm9rIAC"),
        ("001a0000006vm9r", "001a0000006vm9rAAA"),
        ("701000000000001", "701000000000001AAA"),
        ("00QABCDEFGHIJKL", "00QABCDEFGHIJKL255"),
    ],
)
def test_a_salesforce_id_of_15_characters_is_widened_to_18(short, long):
    assert external_id("CUST", short) == external_id("CUST", long) == f"NUE-CUST-{long}"


SALESFORCE = st.text(string.ascii_letters + string.digits, min_size=14, max_size=14).map(lambda rest: f"0{rest}")


@given(SALESFORCE, SALESFORCE)
def test_two_salesforce_ids_stay_apart_where_case_does_not_count(one, other):
    assume(one != other)
    assert external_id("SO", one).casefold() != external_id("SO", other).casefold()


@given(SALESFORCE)
def test_ids_that_differ_in_case_alone_stay_apart(one):
    assume(one != one.swapcase())
    assert external_id("SO", one).casefold() != external_id("SO", one.swapcase()).casefold()


@given(st.text(min_size=1), st.integers(1, 9))
def test_an_external_id_has_letters_digits_underscores_and_hyphens_alone(nue_id, ordinal):
    assert re.fullmatch(r"[A-Za-z0-9_-]+", external_id("ITEM", nue_id, ordinal))


@given(st.text(min_size=1), st.text(min_size=1))
def test_odd_characters_keep_two_ids_apart(one, other):
    assume(one != other)
    odd = re.compile(r"[^A-Za-z0-9_-]")
    assume(odd.search(one) or odd.search(other))
    assert external_id("ITEM", one).casefold() != external_id("ITEM", other).casefold()


def test_an_id_with_other_characters_keeps_the_external_id_that_it_was_given_once():
    assert external_id("ITEM", "Seat/Pro 7_x-é") == "NUE-ITEM-Seat_Pro_7_x-_-2c1e32eb60"


def test_a_stable_id_keeps_its_parts_apart():
    assert stable_id("a", "bc") != stable_id("ab", "c")
    assert stable_id("a", None) == stable_id("a", "")
    assert re.fullmatch(r"[0-9a-f]{32}", stable_id("a", 1))


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../zoneinfo/UTC", "/etc/localtime", "Europe", "Europe//Berlin"])
def test_a_zone_that_does_not_exist_is_refused(name):
    with pytest.raises(ValueError, match="no time zone"):
        time_zone(name)


def test_a_local_date_comes_from_the_zone_data_that_is_shipped():
    assert local_date(NOON, "Pacific/Kiritimati").day == 16
    assert local_date(NOON, "Pacific/Pago_Pago").day == 15
