"""Nue's JSON as the oracle sees it."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

MINOR_UNITS = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3}
TYPES = ("LineItem", "RampItem", "SummaryItem", "SplitItem")
CHANGES = (
    "New", "UpdateQuantity", "UpdateTerm", "Renew", "CoTerm", "Cancel", "ConvertFreeTrial", "Upgrade", "Downgrade",
    "Swap", "Reconfigure", "AdjustPrice",
)  # fmt: skip


@dataclass
class Line:
    """An order product with the version of the subscription that it made, where it made one."""

    id: str
    number: int
    type: str
    change: str
    asset: str | None
    parent: str | None
    product: str
    quantity: Fraction
    amount: Fraction
    price: Fraction | None
    start: date | None
    end: date | None
    made: dict[str, Any] | None

    @property
    def subscription(self) -> str | None:
        """The subscription that the line is about."""
        return self.made["name"] if self.made else self.asset

    @property
    def version(self) -> int | None:
        """The version that it makes of it."""
        return self.made["subscriptionVersion"] if self.made else None


@dataclass
class Order:
    """An order; ``lines`` are those that provision something, in the order of their numbers."""

    event_id: str
    learned: datetime | None
    id: str
    content: object
    status: str
    snapshot: bool
    payer: str
    currency: str
    total: Fraction
    effective: date
    placed: date | None
    activated: datetime | None
    start: date | None
    end: date | None
    title: str
    po_number: str | None
    lines: list[Line]
    odd_types: bool

    @property
    def is_activated(self) -> bool:
        """Whether Nue activated it."""
        return self.status in ("activated", "active")

    @property
    def is_cancelled(self) -> bool:
        """Whether Nue cancelled it."""
        return self.status in ("canceled", "cancelled")

    @property
    def minor(self) -> Fraction:
        """The smallest amount of the order's currency."""
        return Fraction(1, 10 ** MINOR_UNITS[self.currency])


def read(record: dict[str, Any]) -> Order:
    """The order that a record of the log is about."""
    event_id, document = record["event_id"], record["document"]
    data = document["data"]
    order = data["order"]
    lines = [_line(n, each, data["subscriptions"]) for n, each in enumerate(order["orderProducts"], 1)]
    lines.sort(key=lambda line: line.number)
    _complete_ramps(lines)
    provisioned = [line for line in lines if line.type in ("LineItem", "RampItem")]
    activated = order.get("activatedDate")
    return Order(
        event_id=event_id,
        learned=record.get("at"),
        id=order["id"],
        content=_content(order, lines),
        status=order["status"].lower(),
        snapshot=order.get("lineSemantics", "DELTA") == "SNAPSHOT",
        payer=order.get("billingAccountId") or order["customerId"],
        currency=order["currencyIsoCode"],
        total=_number(order["totalAmount"]) - _number(order.get("taxAmount") or 0),
        effective=date.fromisoformat(order["effectiveDate"]),
        placed=_day(order.get("orderPlacedDate")),
        activated=datetime.fromisoformat(activated) if activated else None,
        start=_day(order.get("subscriptionStartDate")),
        end=_day(order.get("subscriptionEndDate")),
        title=order["orderNumber"],
        po_number=order.get("poNumber"),
        lines=provisioned,
        odd_types=any(line.type not in TYPES for line in lines),
    )


def _line(place: int, line: dict[str, Any], subscriptions: list[dict[str, Any]]) -> Line:
    asset = line.get("assetNumber")
    made = [each for each in subscriptions if each["orderProductId"] == line["id"]]
    made = made or [each for each in subscriptions if asset and each["name"] == asset]
    price = line.get("netSalesPrice")
    return Line(
        id=line["id"],
        number=line.get("lineNumber") or place,
        type=line.get("lineType") or "LineItem",
        change=line.get("changeType") or ("" if asset else "New"),
        asset=asset,
        parent=line.get("parentId"),
        product=line["productId"],
        quantity=_number(line["quantity"]),
        amount=_number(line["totalPrice"]),
        price=None if price is None else _number(price),
        start=_day(line.get("subscriptionStartDate")),
        end=_day(line.get("subscriptionEndDate")),
        made=max(made, key=lambda each: each["subscriptionVersion"]) if made else None,
    )


def _complete_ramps(lines: list[Line]) -> None:
    """A segment of a ramp belongs to the subscription that a sibling, or its summary line, names."""
    for line in lines:
        if line.type != "RampItem" or line.made or line.asset or not line.parent:
            continue
        for other in lines:
            kin = (other.type, other.parent) == ("RampItem", line.parent) or (
                (other.type, other.id) == ("SummaryItem", line.parent)
            )
            if kin and (other.made or other.asset):
                line.made, line.asset = other.made, other.asset
                break


def _content(order: dict[str, Any], lines: list[Line]) -> object:
    """What two copies of an order must agree in."""
    header = {key: value for key, value in order.items() if key not in ("orderProducts", "status")}
    products = sorted(order["orderProducts"], key=lambda each: each.get("lineNumber") or 0)
    made = sorted((line.id, sorted((line.made or {}).items(), key=str)) for line in lines)
    return header, products, made


def _number(value: int | Decimal) -> Fraction:
    return Fraction(value)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
