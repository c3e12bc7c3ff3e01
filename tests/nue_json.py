"""The JSON of Nue's activation call, piece by piece. Months are counted from the year 0; ends are inclusive."""

import random
import uuid
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

Json = dict[str, Any]
CATALOGUE = 18  # products that become subscriptions; the two after them are sold once


@dataclass
class Subscription:
    """A subscription as its orders leave it; ``contract`` is the generator's number for what opened it."""

    id: str
    number: str
    root: str
    level: int
    contract: int
    product: int
    quantity: int
    segments: list[tuple[int, int, Decimal]]  # first and last month, price per unit and month
    version: int = 1
    status: str = "Active"
    leaving: bool = False

    @property
    def last(self) -> int:
        """The last month of its term."""
        return self.segments[-1][1]

    def worth(self, start: int, end: int | None = None) -> Decimal:
        """What one unit costs from month ``start`` to ``end``."""
        end = self.last if end is None else end
        spans = ((min(last, end) - max(first, start) + 1, price) for first, last, price in self.segments)
        return sum((months * price for months, price in spans if months > 0), Decimal(0))

    def cut(self, last: int) -> None:
        """End the term with the month ``last``."""
        self.segments = [(a, min(b, last), price) for a, b, price in self.segments if a <= last]

    def reprice(self, start: int, by: Decimal) -> None:
        """Change the price from the month ``start`` on."""
        before = [(a, min(b, start - 1), price) for a, b, price in self.segments if a < start]
        after = [(max(a, start), b, price + by) for a, b, price in self.segments if b >= start]
        self.segments = before + after

    def to_json(self, line_id: str, customer: Json, payer: Json) -> Json:
        """The version that the line ``line_id`` made."""
        return subscription_json(
            self, line_id, customer, payer, product_id(self.product), self.segments[0][0], self.last
        )


class Versioned(Protocol):
    """What a version of a subscription says of itself."""

    id: str
    number: str
    version: int
    level: int
    root: str
    quantity: int
    status: str


def subscription_json(
    of: Versioned, line_id: str, customer: Json, payer: Json, product: str, first: int, last: int | None
) -> Json:
    """The version of a subscription that the line ``line_id`` made; one without a ``last`` month is evergreen."""
    return {
        "id": of.id,
        "name": of.number,
        "subscriptionCompositeId": f"{of.number}-{of.version}",
        "subscriptionVersion": of.version,
        "subscriptionLevel": of.level,
        "rootId": of.root,
        "orderProductId": line_id,
        "customerId": customer["id"],
        "billingAccountId": payer["id"],
        "productId": product,
        "quantity": of.quantity,
        "status": of.status,
        "subscriptionStartDate": first_day(first),
        "subscriptionEndDate": None if last is None else last_day(last),
        "subscriptionTerm": None if last is None else last - first + 1,
    }


def some_id(chance: random.Random) -> str:
    """A UUID."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def order_line(
    line_id: str,
    number: int,
    product: int,
    quantity: int,
    amount: Decimal,
    price: Decimal | None,
    first: int,
    last: int | None,
) -> Json:
    """A line that adds a product; one without a ``last`` month has no term."""
    return {
        "id": line_id,
        "lineNumber": number,
        "productId": product_id(product),
        "priceBookEntryId": f"pbe-{product:02}",
        "lineType": "LineItem",
        "changeType": None,
        "assetNumber": None,
        "parentId": None,
        "quantity": quantity,
        "netSalesPrice": price,
        "subscriptionStartDate": first_day(first),
        "subscriptionEndDate": None if last is None else last_day(last),
        "subscriptionTerm": None if last is None else last - first + 1,
        "subscriptionTermDimension": None if last is None else "Month",
        "totalPrice": amount,
        "taxAmount": 0,
    }


def activation(order: Json, subscriptions: Sequence[Json], customer: Json, payer: Json) -> Json:
    """The answer to the call that activated ``order``."""
    used = sorted({line["productId"] for line in order["orderProducts"]})
    data = {
        "order": order,
        "subscriptions": list(subscriptions),
        "assets": [],
        "entitlements": [],
        "invoices": [],
        "customer": customer,
        "billingAccount": payer,
        "products": [product_json(each) for each in used],
    }
    return {"status": "SUCCESS", "data": data}


def order_json(chance: random.Random, number: int, month: int, currency: str, net: Decimal, lines: list[Json]) -> Json:
    """An activated order before it has parties and tax, at some hour of some day of ``month``."""
    on = first_day(month)[:8] + f"{chance.randrange(1, 29):02}"
    ends = [line["subscriptionEndDate"] for line in lines if line["subscriptionEndDate"]]
    return {
        "id": some_id(chance),
        "orderNumber": f"O-{number:08}",
        "status": "Activated",
        "effectiveDate": on,
        "orderPlacedDate": on,
        "activatedDate": f"{on}T{chance.randrange(24):02}:{number % 60:02}:00Z",
        "currencyIsoCode": currency,
        "poNumber": f"PO-{number}" if number % 3 == 0 else None,
        "subscriptionStartDate": min(line["subscriptionStartDate"] for line in lines),
        "subscriptionEndDate": max(ends) if ends else None,
        "subscriptionTerm": None,
        "listTotal": net,
        "discountAmount": 0,
        "subtotal": net,
        "orderProducts": lines,
    }


def draft_of(envelope: Json) -> Json:
    """The same order before it was activated."""
    data = envelope["data"]
    return {**envelope, "data": {**data, "order": {**data["order"], "status": "Draft"}, "subscriptions": []}}


def account_json(chance: random.Random, number: int, word: str) -> Json:
    """A customer or billing account."""
    return {
        "id": some_id(chance),
        "name": f"Customer {number}{word} & Söhne",
        "recordType": "consumer" if number % 7 == 6 else "business",
        "accountNumber": f"A-{number:05}",
        "email": f"ap{number}@customer.example",
        "billingStreet": f"{number} Main St",
        "billingCity": "Springfield",
        "billingPostalCode": f"{number:05}",
        "billingCountry": "US",
        "currencyIsoCode": "USD",
        "paymentTerm": "Net 30",
    }


def product_id(product: int) -> str:
    """The id of a product of the catalogue."""
    return f"product-{product:02}"


def product_json(of: str) -> Json:
    """The product with the id ``of``."""
    once = int(of[-2:]) >= CATALOGUE
    return {
        "id": of,
        "sku": of.upper(),
        "name": f"Product {of[-2:]}",
        "description": f"What {of} is",
        "recordType": "Service",
        "productCategory": "Professional Services" if once else "Recurring Services",
        "status": "Active",
    }


def first_day(month: int) -> str:
    """The first day of a month."""
    return date(month // 12, month % 12 + 1, 1).isoformat()


def last_day(month: int) -> str:
    """The last day of a month."""
    year, of_year = month // 12, month % 12 + 1
    return date(year, of_year, monthrange(year, of_year)[1]).isoformat()
