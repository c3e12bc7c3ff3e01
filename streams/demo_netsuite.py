"""What the sandbox of a demo really holds, put beside what was decided."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx

from schemas.contract import DecidedDocument, DocumentType, OrderDecided, OrderOutcome
from streams.chains import RECORD_TYPES, Facts, Standing, StandingOf, letter_text, not_posted
from streams.errors import NuestreamError

LINK_FIELD = "custbody_nue_original_orderid"
HEADER = ("recordType", "externalId", "entity", LINK_FIELD, "tranDate", "currency", "otherRefNum", "memo")
SALES_ORDER_HEADER = ("startDate", "endDate")
LINE = (
    "item",
    "quantity",
    "rate",
    "amount",
    "custcol_nue_transactionlineid",
    "custcol_nue_start_date",
    "custcol_nue_end_date",
)
_SALES_ORDER = RECORD_TYPES[DocumentType.SALES_ORDER]
_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Held:
    """The documents, by external id, and the customers and items that NetSuite holds."""

    documents: Mapping[str, dict[str, Any]]
    customers: list[dict[str, Any]]
    items: list[dict[str, Any]]

    def amount(self, external_id: str) -> Decimal:
        """The sum of a document's lines: positive, before tax."""
        return sum((Decimal(line["amount"]) for line in self.documents[external_id]["lines"]), Decimal(0))

    def customer_name(self, external_id: str | None) -> str | None:
        """What a customer is called there."""
        return next((each["name"] for each in self.customers if each["externalId"] == external_id), None)


def held_by(sandbox_url: str) -> Held:
    """Ask the sandbox for everything that it holds.

    Raises:
        NuestreamError: it does not answer.
    """
    try:
        answer = httpx.get(f"{sandbox_url}/sandbox/documents", timeout=_TIMEOUT, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        raise NuestreamError(f"the sandbox does not say what it holds: {error}") from None
    content = json.loads(answer.text, parse_float=Decimal)
    documents = {document["externalId"]: document for document in content["documents"]}
    return Held(documents, content["customers"], content["items"])


def standing_in(held: Held, facts: Facts) -> StandingOf:
    """Where documents stand by what NetSuite holds; why one is not there, the sink's dead letter says."""

    def standing_of(decided: OrderDecided, document: DecidedDocument) -> Standing:
        found = held.documents.get(document.external_id)
        if found is None:
            letter = facts.letter_of(document.command_id)
            return Standing(
                record_type=RECORD_TYPES[document.document_type],
                external_id=document.external_id,
                link=document.contract_id,
                currency=decided.currency,
                amount=document.amount,
                internal_id=None,
                problem=letter_text(letter) if letter else "not in NetSuite",
            )
        return Standing(
            record_type=found["recordType"],
            external_id=document.external_id,
            link=found[LINK_FIELD],
            currency=found["currency"],
            amount=held.amount(document.external_id),
            internal_id=found["id"],
        )

    return standing_of


@dataclass(frozen=True, slots=True)
class TieOut:
    """One order's total in Nue beside what its documents in NetSuite say. ``problems`` is empty where they agree."""

    order_number: str
    currency: str
    nue_total: Decimal
    sold: Decimal
    returned: Decimal
    problems: tuple[str, ...]


def tie_outs(held: Held, facts: Facts) -> list[TieOut]:
    """The tie-out of every order that was decided to be posted, or to need no document.

    An order that the policy or its discarded original keeps out of NetSuite is not among them.
    """
    return [_tie_out(held, order) for order in facts.decided.values() if _ties_out(order)]


def _ties_out(order: OrderDecided) -> bool:
    return order.outcome is OrderOutcome.POSTED or (order.outcome is OrderOutcome.NO_OP and not order.order_total)


def _tie_out(held: Held, order: OrderDecided) -> TieOut:
    sold = returned = Decimal(0)
    problems = []
    for document in order.documents:
        found = held.documents.get(document.external_id)
        if found is None:
            problems.append(f"{document.external_id} is not in NetSuite")
            continue
        if found["recordType"] == _SALES_ORDER:
            sold += held.amount(document.external_id)
        else:
            returned += held.amount(document.external_id)
        problems += [
            f"{document.external_id} says {field} {found[field]} instead of {wanted}"
            for field, wanted in (
                ("recordType", RECORD_TYPES[document.document_type]),
                (LINK_FIELD, document.contract_id),
                ("currency", order.currency),
            )
            if found[field] != wanted
        ]
    if sold - returned != order.order_total:
        problems.append(f"{sold - returned - order.order_total:+f} {order.currency} off")
    return TieOut(order.order_number, order.currency, order.order_total, sold, returned, tuple(problems))


def strangers(held: Held, facts: Facts) -> list[str]:
    """Documents in NetSuite that no decided order accounts for."""
    known = {each.external_id for decided in facts.decided.values() for each in decided.documents}
    return [external_id for external_id in held.documents if external_id not in known]


def as_json(held: Held, facts: Facts) -> dict[str, Any]:
    """What NetSuite holds and what was not posted, for other programs; numbers are strings, exactly."""
    return {
        "documents": [_document(document) for document in held.documents.values()],
        "customers": [customer["externalId"] for customer in held.customers],
        "items": {item["externalId"]: item["recordType"] for item in held.items},
        "not_posted": [
            {"order": order.order_id, "outcome": order.outcome, "why": order.why} for order in not_posted(facts)
        ],
    }


def _document(document: Mapping[str, Any]) -> dict[str, Any]:
    header = HEADER + (SALES_ORDER_HEADER if document["recordType"] == _SALES_ORDER else ())
    return {
        **{field: document[field] for field in header},
        "lines": [{field: line[field] for field in LINE} for line in document["lines"]],
        "total": document["total"],
    }
