from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

from schemas.command import Command, ItemType, Upsert
from schemas.order import Address
from sinks.fields import body_fields, section_fields
from sinks.translate import (
    COMMENTS_LIMIT,
    HEADERS,
    LINE_END,
    LINE_ID,
    LINE_START,
    ORIGINAL_ORDER,
    QUERY_HEADERS,
    Defaults,
    References,
    Untranslatable,
    content_hash,
    patch_for,
    record_of,
    request_for,
    siblings_of,
)
from tests.sinks import orders
from tests.sinks.orders import CUSTOMER, SEAT

HOLDING = "NUE-CUST-holding"
REFERENCES = References(ids={CUSTOMER: "7", SEAT: "11", HOLDING: "5"}, currency="1", term="2")
DEFAULTS = Defaults(subsidiary="3")


class _AnyId(dict[str, str]):
    def __missing__(self, external_id: str) -> str:
        return "1"


def body_of(command: Command, references: References = REFERENCES) -> dict[str, Any]:
    """The body as it goes over the wire, numbers as exact decimals."""
    content = request_for(command, references, DEFAULTS).content
    return dict(json.loads(content, parse_float=Decimal, parse_int=Decimal))


def unknown_names(record: str, body: dict[str, Any]) -> set[str]:
    """The names in a body, its lines and addresses that the record's field tables do not have."""
    unknown = body.keys() - body_fields(record).keys() - {ORIGINAL_ORDER}
    for line in body.get("item", {"items": []})["items"]:
        unknown |= line.keys() - section_fields(record, "item").keys() - {LINE_ID, LINE_START, LINE_END}
    for entry in body.get("addressBook", {"items": []})["items"]:
        unknown |= entry.keys() - section_fields(record, "addressBook").keys()
        unknown |= entry["addressBookAddress"].keys() - section_fields(record, "address").keys()
    return unknown


FULL_ADDRESS = Address(street="a\nb\nc", city="San Francisco", state="CA", postal_code="94105", country="US")
FULL_CUSTOMER: dict[str, Any] = {
    "account_number": "A-1",
    "phone": "+1",
    "comments": "A note",
    "customer_since": date(2024, 5, 1),
    "billing_address": FULL_ADDRESS,
    "shipping_address": Address(city="Bern", country="CH"),
    "parent": HOLDING,
}
TERM: dict[str, Any] = {"start_on": date(2025, 1, 1), "end_on": date(2025, 12, 31)}
FULL_ACME = orders.customer(
    name="Acme",
    phone="+1",
    comments="x" * 1200,
    customer_since=date(2024, 5, 1),
    billing_address=Address(city="Bern"),
)
ODD_LINE = orders.line(quantity=Decimal(3), rate=Decimal("33.33333333"), amount=Decimal("100.10"))
FULL: list[Command] = [
    orders.customer(**FULL_CUSTOMER),
    orders.customer(name="Maria García", is_person=True, **FULL_CUSTOMER),
    *(orders.item(item_type=item_type) for item_type in ItemType if item_type is not ItemType.UNKNOWN),
    orders.sales_order(po_number="PO-1", **TERM),
    orders.return_authorization(po_number="PO-1"),
]


@pytest.mark.parametrize("command", FULL, ids=lambda command: type(command).__name__)
def test_every_field_of_a_command_with_all_there_is_has_a_name_that_its_record_knows(command: Any) -> None:
    request = request_for(command, REFERENCES, DEFAULTS)
    assert unknown_names(request.record, request.body) == set()
    if isinstance(command, Upsert):
        patch = patch_for(command, "42")
        assert unknown_names(patch.record, patch.body) == set()
        assert patch.body.keys() < request.body.keys()


@given(orders.customers | orders.items | orders.sales_orders | orders.return_authorizations)
def test_every_field_of_any_command_has_a_name_that_its_record_knows(command: Any) -> None:
    request = request_for(command, References(ids=_AnyId(), currency="1", term="2"), DEFAULTS)
    assert unknown_names(request.record, request.body) == set()


def test_the_check_of_names_sees_what_a_return_authorization_has_not() -> None:
    order = request_for(orders.sales_order(**TERM), REFERENCES, DEFAULTS)
    assert unknown_names("returnAuthorization", order.body) == {"startDate", "endDate"}


def test_a_sales_order_carries_its_contract_its_dates_and_every_line() -> None:
    free = orders.line("line-2", quantity=Decimal(20), rate=Decimal(0), amount=Decimal("0.00"), end_on=None)
    command = orders.sales_order(
        po_number="PO-7781", start_on=date(2025, 1, 1), end_on=date(2025, 12, 31), lines=(orders.line(), free)
    )
    request = request_for(command, REFERENCES, DEFAULTS)
    assert (request.method, request.path) == ("POST", "salesOrder")
    assert body_of(command) == {
        "externalId": "NUE-SO-order-1",
        "entity": {"id": "7"},
        "currency": {"id": "1"},
        "tranDate": "2025-01-01",
        "startDate": "2025-01-01",
        "endDate": "2025-12-31",
        "otherRefNum": "PO-7781",
        "memo": "O-00000300",
        "custbody_nue_original_orderid": "root-subscription",
        "item": {
            "items": [
                {
                    "item": {"id": "11"},
                    "quantity": 100,
                    "price": {"id": "-1"},
                    "rate": Decimal("1200.00"),
                    "amount": Decimal("120000.00"),
                    "custcol_nue_transactionlineid": "line-1",
                    "custcol_nue_start_date": "2025-01-01",
                    "custcol_nue_end_date": "2025-12-31",
                },
                {
                    "item": {"id": "11"},
                    "quantity": 20,
                    "price": {"id": "-1"},
                    "rate": 0,
                    "amount": Decimal("0.00"),
                    "custcol_nue_transactionlineid": "line-2",
                    "custcol_nue_start_date": "2025-01-01",
                },
            ]
        },
    }


def test_a_return_authorization_has_neither_terms_nor_header_dates() -> None:
    body = body_of(orders.return_authorization(po_number="PO-1"))
    assert body.keys() & {"terms", "startDate", "endDate"} == set()
    assert body["custbody_nue_original_orderid"] == "root-subscription"
    assert body["otherRefNum"] == "PO-1"


def test_a_new_customer_carries_all_that_nue_and_the_settings_know() -> None:
    command = orders.customer(
        name="Acme",
        parent=HOLDING,
        phone="+1 415 555 0100",
        comments="A note",
        customer_since=date(2024, 5, 1),
        billing_address=Address(
            street="1 Market St\nFloor 2\nRoom 3\nDesk 4",
            city="San Francisco",
            state="CA",
            postal_code="94105",
            country="us",
        ),
    )
    assert body_of(command) == {
        "externalId": CUSTOMER,
        "isPerson": False,
        "companyName": "Acme",
        "email": "ap@acme.example",
        "phone": "+1 415 555 0100",
        "comments": "A note",
        "startDate": "2024-05-01",
        "currency": {"id": "1"},
        "terms": {"id": "2"},
        "parent": {"id": "5"},
        "subsidiary": {"id": "3"},
        "addressBook": {
            "items": [
                {
                    "defaultBilling": True,
                    "defaultShipping": False,
                    "addressBookAddress": {
                        "addr1": "1 Market St",
                        "addr2": "Floor 2",
                        "addr3": "Room 3, Desk 4",
                        "city": "San Francisco",
                        "state": "CA",
                        "zip": "94105",
                        "country": {"id": "US"},
                    },
                }
            ]
        },
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Maria José García", {"firstName": "Maria José", "lastName": "García"}),
        ("Prince", {"lastName": "Prince"}),
    ],
)
def test_a_person_has_names_instead_of_a_company(name: str, words: dict[str, str]) -> None:
    body = body_of(orders.customer(name=name, is_person=True))
    assert body["isPerson"] is True
    assert {key: value for key, value in body.items() if key.endswith("Name")} == words


def test_one_address_for_both_purposes_is_sent_once() -> None:
    address = Address(street="1 Market St")
    body = body_of(orders.customer(billing_address=address, shipping_address=address))
    assert [(one["defaultBilling"], one["defaultShipping"]) for one in body["addressBook"]["items"]] == [(True, True)]


def test_a_country_that_is_no_code_is_left_out_and_said_so() -> None:
    request = request_for(
        orders.customer(billing_address=Address(city="Bern", country="Switzerland")), REFERENCES, DEFAULTS
    )
    assert "country" not in str(request.body)
    assert request.warnings == ("country 'Switzerland' is not a two-letter code and was left out of the address",)


def test_long_comments_are_cut_where_everybody_sees_it() -> None:
    assert body_of(orders.customer(comments="x" * COMMENTS_LIMIT))["comments"] == "x" * COMMENTS_LIMIT
    cut = body_of(orders.customer(comments="x" * (COMMENTS_LIMIT + 1)))["comments"]
    assert len(cut) == COMMENTS_LIMIT
    assert cut.endswith("x … (cut)")


def test_a_customer_is_changed_without_what_finance_owns_or_would_be_appended() -> None:
    command = orders.customer(name="Acme", billing_address=Address(city="Bern"), comments="New")
    request = patch_for(command, "42")
    assert (request.method, request.path) == ("PATCH", "customer/42")
    assert request.body == {"companyName": "Acme", "email": "ap@acme.example", "comments": "New"}


@pytest.mark.parametrize(
    ("item_type", "record"),
    [
        (ItemType.NON_INVENTORY_SALE_ITEM, "nonInventorySaleItem"),
        (ItemType.SERVICE_SALE_ITEM, "serviceSaleItem"),
        (ItemType.INVENTORY_ITEM, "inventoryItem"),
    ],
)
def test_an_item_is_created_with_its_sku_and_changed_without_it(item_type: ItemType, record: str) -> None:
    command = orders.item(item_type=item_type, sku="PLAT-ENT", name="Platform", description="The platform")
    request = request_for(command, REFERENCES, DEFAULTS)
    words = {"displayName": "Platform", "salesDescription": "The platform"}
    assert (request.method, request.path) == ("POST", record)
    sold_in = {"subsidiary": {"items": [{"id": "3"}]}}
    assert request.body == {"externalId": SEAT, "itemId": "PLAT-ENT", **sold_in, **words}
    assert patch_for(command, "42").path == f"{record}/42"
    assert patch_for(command, "42").body == words


def test_an_item_of_a_type_that_is_not_known_yet_cannot_be_translated() -> None:
    with pytest.raises(Untranslatable, match=SEAT):
        record_of(orders.item(item_type=ItemType.UNKNOWN))


def test_misspelt_fields_are_asked_to_be_refused_on_every_request() -> None:
    for headers in (HEADERS, QUERY_HEADERS):
        assert headers["X-NetSuite-PropertyNameValidation"] == "Error"
    assert QUERY_HEADERS["Prefer"] == "transient"


def test_the_types_that_share_external_ids_are_siblings() -> None:
    assert siblings_of("salesOrder") == ("returnAuthorization",)
    assert siblings_of("serviceSaleItem") == ("nonInventorySaleItem", "inventoryItem")
    assert siblings_of("customer") == ()


@given(orders.sales_orders | orders.return_authorizations)
def test_every_number_arrives_exactly(command: Any) -> None:
    body = body_of(command, References(ids=_AnyId(), currency="1"))
    sent = [(one["quantity"], one["rate"], one["amount"]) for one in body["item"]["items"]]
    assert sent == [(one.quantity, one.rate, one.amount) for one in command.lines]


@given(orders.customers)
def test_no_customer_is_sent_with_a_null_or_with_too_long_a_comment(command: Any) -> None:
    content = request_for(command, REFERENCES, DEFAULTS).content
    assert None not in json.loads(content).values()
    assert len(json.loads(content).get("comments", "")) <= COMMENTS_LIMIT


def test_the_hash_follows_the_content_and_nothing_else() -> None:
    customer = orders.customer(name="Acme")
    assert content_hash(customer) == content_hash(
        orders.customer(name="Acme", order_id="order-9", payment_term="Net 60")
    )
    assert content_hash(customer) != content_hash(orders.customer(name="Acme Inc."))
    document = orders.sales_order()
    assert content_hash(document) == content_hash(orders.sales_order(command_id="another"))
    assert content_hash(document) != content_hash(orders.sales_order(currency="EUR"))
    assert content_hash(document) != content_hash(orders.sales_order(lines=(orders.line(amount=Decimal(1)),)))


GOLDEN = [
    (FULL_ACME, "3650cfe82178a0db120595077b4d9e4d29054a079d9b74b8fcd8f1033839a5d7"),
    (
        orders.customer(name="Maria García", is_person=True),
        "876b24e9181e18c993312e4d98fde6778c19d3dbc82e7fe999bc57adfe89c248",
    ),
    (orders.item(sku="PLAT-ENT"), "7e957e409f98b2a65ec360afc42fe88928c54b27a10df3f82b5b1e2fb2e8e85f"),
    (
        orders.sales_order(po_number="PO-1", **TERM),
        "9efbf69f048d0628a658c6ba795e0f6fce984652196557761d9a767704ce327a",
    ),
    (
        orders.return_authorization(lines=(ODD_LINE,)),
        "311c419bf2f37967236c4ff169015378d582820b8091f770f15273bfe3a93635",
    ),
]


@pytest.mark.parametrize(("command", "known"), GOLDEN, ids=lambda value: type(value).__name__)
def test_the_hash_is_the_one_that_outcomes_of_earlier_versions_have(command: Any, known: str) -> None:
    assert content_hash(command) == known
