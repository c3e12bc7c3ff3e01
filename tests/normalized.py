"""What NetSuite holds, in a form in which two runs can be compared."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class Held:
    """Documents, customers and items by external id, without what a run may number differently."""

    documents: dict[str, Any]
    customers: dict[str, Any]
    items: dict[str, Any]


def fetched(url: str) -> Any:
    """The sandbox's own account of everything that it holds."""
    with urllib.request.urlopen(f"{url}/sandbox/documents", timeout=30) as answer:
        return json.loads(answer.read(), parse_float=Decimal)


def documents_of(sandbox: Any) -> Held:
    """What a running sandbox holds.

    Internal ids are left out: they say in which order documents were made, which differs from run to run.
    """
    held = fetched(sandbox.url)
    documents = {each["externalId"]: {k: v for k, v in each.items() if k != "id"} for each in held["documents"]}
    assert len(documents) == len(held["documents"]), "an external id stands on two documents"
    return Held(
        documents=documents,
        customers={each["externalId"]: each["fields"] | {"name": each["name"]} for each in held["customers"]},
        items={each["externalId"]: (each["recordType"], each["name"], each["fields"]) for each in held["items"]},
    )
