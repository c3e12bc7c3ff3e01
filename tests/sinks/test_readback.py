from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from schemas.outcome import LetterState
from sinks.letters import Letter
from sinks.readback import id_in_location, id_of, matches, refusal_in, rows_of
from sinks.translate import LINE_ID, Defaults, References, request_for
from tests.sinks import orders
from tests.sinks.orders import CUSTOMER, SEAT

REFERENCES = References(ids={CUSTOMER: "7", SEAT: "11"}, currency="1")


class _AnyId(dict[str, str]):
    def __missing__(self, external_id: str) -> str:
        return f"id of {external_id}"


def given_back(document: Any, references: References = REFERENCES) -> dict[str, Any]:
    """The document as NetSuite gives it back: what was sent, and fields of its own."""
    record = json.loads(request_for(document, references, Defaults()).content, parse_float=Decimal)
    record["entity"]["refName"] = "Acme"
    record["item"]["items"].append({"item": {"id": "99"}, "quantity": 1, "amount": Decimal("9.90"), "line": 2})
    return dict(record | {"id": "1001", "total": Decimal("129900.00"), "status": {"id": "A"}})


@given(orders.sales_orders | orders.return_authorizations)
def test_a_document_matches_itself_with_netsuites_own_lines_and_totals(document: Any) -> None:
    references = References(ids=_AnyId(), currency="1")
    assert matches(document, given_back(document, references), references) == []


def _set(record: Any, path: list[Any], value: object) -> None:
    for step in path[:-1]:
        record = record[step]
    record[path[-1]] = value


@pytest.mark.parametrize(
    ("path", "value", "difference"),
    [
        (["entity"], {"id": "8"}, "entity is '8', not '7'"),
        (["currency"], {"id": "2"}, "currency is '2', not '1'"),
        (["custbody_nue_original_orderid"], None, "custbody_nue_original_orderid is None, not 'root-subscription'"),
        (["item", "items", 0, "quantity"], 99, "line line-1 (item 11, quantity 100, amount 120000.00) is not there"),
        (["item", "items", 0, "amount"], Decimal("119999.99"), "line line-1 (item 11, quantity 100, amount 120000.00)"),
        (["item", "items", 0, "item"], {"id": "12"}, "line line-1 (item 12, quantity 100, amount 120000.00) is not of"),
        (["item", "items", 0, LINE_ID], None, "line line-1 (item 11, quantity 100, amount 120000.00) is not there"),
        (
            ["item", "items", 1, LINE_ID],
            "line-9",
            "line line-9 (item 99, quantity 1, amount 9.90) is not of",
        ),
        (["item"], {"links": []}, "its lines were not given"),
    ],
)
def test_what_differs_is_named(path: list[Any], value: object, difference: str) -> None:
    document = orders.sales_order()
    record = given_back(document)
    _set(record, path, value)
    assert difference in "; ".join(matches(document, record, REFERENCES))


def test_a_line_that_stands_twice_differs() -> None:
    document = orders.sales_order()
    record = given_back(document)
    record["item"]["items"].append(dict(record["item"]["items"][0]))
    assert matches(document, record, REFERENCES) == [
        "line line-1 (item 11, quantity 100, amount 120000.00) is not of this document"
    ]


def test_errors_are_read_nested_and_flat() -> None:
    nested = {
        "title": "Bad Request",
        "status": 400,
        "o:errorDetails": [
            {"detail": "Invalid value 9.", "o:errorCode": "INVALID_CONTENT", "o:errorPath": "item.items[0].item"},
            {"detail": "Another one.", "o:errorCode": "USER_ERROR"},
        ],
    }
    assert refusal_in(nested) == "Invalid value 9. (at item.items[0].item); Another one."
    flat = {"title": "Bad Request", "status": 429, "o:errorCode": "USER_ERROR", "detail": "Blocked."}
    assert refusal_in(flat) == "Blocked."
    assert refusal_in({"title": "Not Found", "status": 404}) == "Not Found"
    assert refusal_in({"title": "Not Found", "status": 404, "o:errorDetails": [{}]}) == "Not Found"


@pytest.mark.parametrize("body", [None, "", [], {}, {"message": "Forbidden"}, {"o:errorDetails": []}, 7])
def test_what_is_not_in_netsuites_form_is_not_taken_for_its_refusal(body: object) -> None:
    assert refusal_in(body) is None


@pytest.mark.parametrize(
    ("location", "internal_id"),
    [
        ("https://1.suitetalk.api.netsuite.com/services/rest/record/v1/salesorder/647", "647"),
        ("/services/rest/record/v1/salesorder/647/", "647"),
        ("", None),
        (None, None),
    ],
)
def test_the_internal_id_is_read_from_the_location(location: str | None, internal_id: str | None) -> None:
    assert id_in_location(location) == internal_id


def test_ids_are_text_whatever_netsuite_gives() -> None:
    assert id_of({"id": 107}) == "107"
    assert id_of({"id": "107"}) == "107"
    assert id_of({"id": None}) is None
    assert rows_of({"items": [{"ID": "1", "externalId": "x"}]}) == [{"id": "1", "externalid": "x"}]


def test_half_a_surrogate_pair_in_netsuites_words_does_not_keep_a_letter_from_being_written() -> None:
    body = json.loads('{"title": "Bad Request", "status": 400, "o:errorDetails": [{"detail": "too long: abc\\ud83d"}]}')
    words = refusal_in(body)
    assert words == "too long: abc?"
    letter = Letter(state=LetterState.REFUSED, reason="line \ud83d is not there", answer="\udc00!")
    assert (letter.reason, letter.answer) == ("line ? is not there", "?!")
    assert Letter(state=LetterState.REFUSED, reason="Größe \U0001f600").reason == "Größe \U0001f600"
