"""The example histories leave exactly the documents, customers and items that stand beside them."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from schemas.command import CreateSalesOrder, Document, ItemType, UpsertCustomer, UpsertItem
from schemas.contract import OrderDecided, OrderOutcome
from schemas.nue import parse_json
from tests.projections.histories import Projection, folded, read_all

EXAMPLES = Path(__file__).parents[1] / "examples"
ITEM_TYPES = {
    ItemType.NON_INVENTORY_SALE_ITEM: "nonInventorySaleItem",
    ItemType.SERVICE_SALE_ITEM: "serviceSaleItem",
    ItemType.INVENTORY_ITEM: "inventoryItem",
}
OUTCOMES = {OrderOutcome.NO_OP: "NoOp", OrderOutcome.IGNORED: "ignored"}


def project(folder: Path) -> Projection:
    text = (folder / "activations.ndjson").read_text().splitlines()
    return folded(read_all(parse_json(each) for each in text))


def as_expected(document: Document) -> dict[str, Any]:
    """A command in the words of NetSuite's record."""
    sold = isinstance(document, CreateSalesOrder)
    found = {
        "recordType": "salesOrder" if sold else "returnAuthorization",
        "externalId": document.external_id,
        "entity": document.entity,
        "custbody_nue_original_orderid": document.original_order_id,
        "tranDate": document.tran_on.isoformat(),
        "currency": document.currency,
        "otherRefNum": document.po_number,
        "memo": document.memo,
        "lines": [
            {
                "item": line.item,
                "quantity": line.quantity,
                "rate": line.rate,
                "amount": line.amount,
                "custcol_nue_transactionlineid": line.line_id,
                "custcol_nue_start_date": line.start_on and line.start_on.isoformat(),
                "custcol_nue_end_date": line.end_on and line.end_on.isoformat(),
            }
            for line in document.lines
        ],
        "total": document.total,
    }
    if sold:
        found |= {
            "startDate": document.start_on and document.start_on.isoformat(),
            "endDate": document.end_on and document.end_on.isoformat(),
        }
    return found


def with_numbers(expected: dict[str, Any]) -> dict[str, Any]:
    """The expectation with its numbers as decimals; some files write them as text."""
    lines = [
        {key: Decimal(value) if key in ("quantity", "rate", "amount") else value for key, value in line.items()}
        for line in expected["lines"]
    ]
    return {**expected, "lines": lines, "total": Decimal(expected["total"])}


@pytest.fixture(params=["", "history-delta", "history-snapshot"])
def example(request):
    folder = EXAMPLES / request.param
    expected = json.loads((folder / "expected.json").read_text(), parse_float=Decimal)
    return project(folder), expected


def test_the_documents_are_the_expected_ones(example):
    projection, expected = example
    wanted = {each["externalId"]: with_numbers(each) for each in expected["documents"]}
    found = {each.external_id: as_expected(each) for each in projection.documents}
    assert len(projection.documents) == len(found)
    for name, document in found.items():
        for line, stated in zip(document["lines"], wanted[name]["lines"], strict=True):
            if "rate" not in stated:
                del line["rate"]
        assert document == wanted[name]
    assert found.keys() == wanted.keys()


def test_the_customers_and_items_are_the_expected_ones(example):
    projection, expected = example
    customers = {each.external_id for each in projection.upserts if isinstance(each, UpsertCustomer)}
    items = {
        each.external_id: ITEM_TYPES[each.item_type] for each in projection.upserts if isinstance(each, UpsertItem)
    }
    assert customers == set(expected["customers"])
    assert items == expected["items"]


def test_the_orders_that_are_not_posted_are_the_expected_ones(example):
    projection, expected = example
    decisions = [
        event for _, step in projection.steps for event in step.contract_events if isinstance(event, OrderDecided)
    ]
    found = {each.order_id: OUTCOMES[each.outcome] for each in decisions if each.outcome is not OrderOutcome.POSTED}
    assert found == {each["order"]: each["outcome"] for each in expected["not_posted"]}


def test_nothing_is_held_back(example):
    projection, _ = example
    assert [held.reasons for _, step in projection.steps for held in step.quarantined] == []
