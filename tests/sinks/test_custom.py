"""Nue's custom fields in NetSuite's: which go where, in which type, and what cannot."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.outcome import LetterState
from sinks.advice import advice_on
from sinks.body import Untranslatable
from sinks.catalog import needed
from sinks.defaults import CustomField, Defaults
from sinks.deliver import Refused
from sinks.sandbox.account import DEFAULT_CUSTOM_FIELDS
from sinks.translate import References, content_hash, request_for
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.sinks.account import account_behind_a_bad_line
from tests.sinks.orders import CUSTOMER, SEAT

REFERENCES = References(ids={CUSTOMER: "7", SEAT: "11"}, currency="1")
REGION = CustomField(field="custcol_region", type="list", values={"North": "3"})
DEFAULTS = Defaults(
    order_custom={"Cost_Centre__c": CustomField(field="custbody_cost_centre")},
    line_custom={"Region__c": REGION, "Share__c": CustomField(field="custcol_share", type="number")},
    root_field="custcol_root",
)
ROOT = "46e37874-b2f2-5260-86f4-bac065c9b5e3"
LINE = orders.line(root_subscription_id=ROOT, custom_fields={"Region__c": "North", "Share__c": "0.10", "Other__c": "x"})
DOCUMENTS = [
    make(lines=(LINE, orders.line("line-2")), custom_fields={"Cost_Centre__c": "4711", "Other__c": "x"})
    for make in (orders.sales_order, orders.return_authorization)
]


def body_of(document: Any, defaults: Defaults = DEFAULTS) -> dict[str, Any]:
    content = request_for(document, REFERENCES, defaults).content
    return dict(json.loads(content, parse_float=Decimal))


@pytest.mark.parametrize("document", DOCUMENTS, ids=["order", "return"])
def test_the_mapping_says_which_fields_of_order_and_line_go_where(document: Any) -> None:
    body = body_of(document)
    first, second = body["item"]["items"]
    assert {name: value for name, value in body.items() if name.startswith("custbody")} == {
        "custbody_nue_original_orderid": "root-subscription",
        "custbody_cost_centre": "4711",
    }
    assert {name: value for name, value in first.items() if not name.startswith("custcol_nue")} == {
        "item": {"id": "11"},
        "quantity": 100,
        "price": {"id": "-1"},
        "rate": Decimal("1200.00"),
        "amount": Decimal("120000.00"),
        "custcol_root": ROOT,
        "custcol_region": {"id": "3"},
        "custcol_share": Decimal("0.10"),
    }
    assert second.keys() & {"custcol_root", "custcol_region", "custcol_share"} == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=["order", "return"])
def test_without_a_mapping_a_document_is_what_it_would_be_without_custom_fields(document: Any) -> None:
    plain = replace(document, custom_fields={}, lines=(orders.line(), orders.line("line-2")))
    assert body_of(document, Defaults()) == body_of(plain, Defaults())
    assert content_hash(document) == content_hash(plain)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("text", " as it is ", " as it is "),
        ("number", "-12.50", Decimal("-12.50")),
        ("checkbox", "true", True),
        ("checkbox", "False", False),
        ("date", "2025-07-01", "2025-07-01"),
        ("date", "2025-07-01T09:30:15Z", "2025-07-01"),
    ],
)
def test_a_text_of_nue_becomes_what_the_field_holds(kind: Any, text: str, value: Any) -> None:
    defaults = Defaults(order_custom={"X__c": CustomField(field="custbody_x", type=kind)})
    assert body_of(orders.sales_order(custom_fields={"X__c": text}), defaults)["custbody_x"] == value


@pytest.mark.parametrize(
    ("kind", "text", "wants"),
    [
        ("number", "twelve", "a number"),
        ("number", "NaN", "a number"),
        ("checkbox", "maybe", "a checkbox"),
        ("date", "1.7.2025", "a date"),
        ("list", "South", "one of its values"),
    ],
)
def test_a_text_that_the_field_cannot_hold_is_told_with_its_setting(kind: Any, text: str, wants: str) -> None:
    into = CustomField(field="custbody_x", type=kind, values={"North": "3"} if kind == "list" else {})
    with pytest.raises(Untranslatable) as raised:
        body_of(orders.sales_order(custom_fields={"X__c": text}), Defaults(order_custom={"X__c": into}))
    assert str(raised.value) == (
        f"netsuite.mapping.order_custom_fields.X__c: {text!r} is not {wants}, as custbody_x needs"
    )
    assert "Correct the field's type or values" in (advice_on(LetterState.REFUSED, str(raised.value)) or "")


def test_a_field_without_a_text_has_the_value_that_every_document_gets() -> None:
    defaults = Defaults(fields={"salesOrder": {"custbody_cost_centre": "0000"}}, order_custom=DEFAULTS.order_custom)
    for given, value in (({"Cost_Centre__c": ""}, "0000"), ({}, "0000"), ({"Cost_Centre__c": "4711"}, "4711")):
        assert body_of(orders.sales_order(custom_fields=given), defaults)["custbody_cost_centre"] == value


def test_the_account_needs_every_field_that_the_mapping_fills_on_both_documents() -> None:
    for record in ("salesOrder", "returnAuthorization"):
        assert needed(DEFAULTS)[record] - needed(Defaults())[record] == {"custbody_cost_centre"}
        lines = needed(DEFAULTS)[f"{record}.item"] - needed(Defaults())[f"{record}.item"]
        assert lines == {"custcol_root", "custcol_region", "custcol_share"}


async def test_netsuite_holds_what_was_mapped_and_what_cannot_be_is_refused_before_it_is_sent() -> None:
    own = {place: names | needed(DEFAULTS)[place] for place, names in DEFAULT_CUSTOM_FIELDS.items()}
    with running_sandbox(custom_fields=own) as sandbox:
        async with account_behind_a_bad_line(sandbox, defaults=DEFAULTS) as account:
            await account.deliverer.prepare()
            await account.deliver(DOCUMENTS[0])
            record = await account.record("salesOrder", DOCUMENTS[0].external_id)
            assert record is not None
            assert record["custbody_cost_centre"] == "4711"
            line = record["item"]["items"][0]
            assert (line["custcol_root"], line["custcol_region"]) == (ROOT, {"id": "3"})
            account.line.calls.clear()
            odd = orders.line(custom_fields={"Share__c": "half"})
            refused = await account.deliver(orders.sales_order("NUE-SO-2", lines=(odd,)))
            assert isinstance(refused, Refused)
            assert "line_custom_fields.Share__c: 'half' is not a number" in refused.reason
            assert account.line.writes() == []
