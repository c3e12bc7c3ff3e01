"""Customers in NetSuite's words. Pure."""

from __future__ import annotations

import re

from schemas.command import UpsertCustomer
from schemas.order import Address
from sinks.body import Body, day, present, reference
from sinks.defaults import Defaults

# Nue's own connector cuts comments at this length.
COMMENTS_LIMIT = 999
_CUT = " … (cut)"
_ENTITY_ID_LIMIT = 80


def new_customer(
    customer: UpsertCustomer, currency: str | None, term: str | None, parent: str | None, defaults: Defaults
) -> tuple[Body, tuple[str, ...]]:
    """The body that creates ``customer``, and what could not be carried over.

    ``currency``, ``term`` and ``parent`` are internal ids: finance owns all three once the customer is there.
    """
    warnings: list[str] = []
    addresses = [
        {
            "defaultBilling": address == customer.billing_address,
            "defaultShipping": address == customer.shipping_address,
            "addressBookAddress": _address(address, warnings),
        }
        for address in dict.fromkeys((customer.billing_address, customer.shipping_address))
        if address is not None and address != Address()
    ]
    own: Body = {
        "externalId": customer.external_id,
        "isPerson": customer.is_person,
        "entityId": _entity_id(customer, defaults),
        "currency": reference(currency),
        "terms": reference(term),
        "parent": reference(parent),
        "subsidiary": reference(defaults.subsidiary),
        "addressBook": {"items": addresses} if addresses else None,
    }
    return {**defaults.fields.get("customer", {}), **present(own), **customer_words(customer)}, tuple(warnings)


def customer_words(customer: UpsertCustomer) -> Body:
    """The fields that are Nue's also after creation."""
    words: Body
    if customer.is_person:
        first, _, last = customer.name.strip().rpartition(" ")
        words = {"firstName": first or None, "lastName": last}
    else:
        words = {"companyName": customer.name}
    words |= {
        "email": customer.email,
        "phone": customer.phone,
        "comments": customer.comments and _cut(customer.comments),
        "startDate": day(customer.customer_since),
    }
    return present(words)


def _entity_id(customer: UpsertCustomer, defaults: Defaults) -> str | None:
    """Where NetSuite does not number customers by itself, their id is a name and has to be unique."""
    if defaults.customer_ids == "automatic":
        return None
    if defaults.customer_ids == "name":
        return customer.name[:_ENTITY_ID_LIMIT]
    number = customer.account_number or customer.external_id.removeprefix("NUE-CUST-")
    return f"{customer.name[: max(0, _ENTITY_ID_LIMIT - len(number) - 1)]} {number}".strip()


def _address(address: Address, warnings: list[str]) -> Body:
    street = [line.strip() for line in (address.street or "").splitlines() if line.strip()]
    body: Body = {
        "addr1": street[0] if street else None,
        "addr2": street[1] if len(street) > 1 else None,
        "addr3": ", ".join(street[2:]) or None,
        "city": address.city,
        "state": address.state,
        "zip": address.postal_code,
    }
    if address.country and re.fullmatch("[A-Za-z]{2}", address.country.strip()):
        body["country"] = {"id": address.country.strip().upper()}
    elif address.country:
        warnings.append(f"country {address.country!r} is not a two-letter code and was left out of the address")
    return present(body)


def _cut(text: str) -> str:
    return text if len(text) <= COMMENTS_LIMIT else text[: COMMENTS_LIMIT - len(_CUT)] + _CUT
