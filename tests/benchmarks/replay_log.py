"""A log of any length for measuring replays: orders of three lines, ten versions of every subscription."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from msgspec.structs import replace

from projections.partitions import partition_of
from schemas.codec import Encoder
from schemas.headers import headers_of
from schemas.order import ChangeType, OrderEvent
from tests.benchmarks.core import events

VERSIONS = 10
LINES = 3
_TOGETHER = 1000
_OWN = b"00000000-0000-4000-8000-%012d"

Record = tuple[int, bytes, bytes, list[tuple[str, bytes]]]


def records(orders: int, partitions: int) -> Iterator[Record]:
    """Partition, key, value and headers of each order. Every customer has three subscriptions and ten orders; those of
    a thousand customers are mixed.
    """
    first = next(each for each in events(200) if len(each.order.lines) == LINES and _is_new(each))
    versions = [_version(first, number) for number in range(1, VERSIONS + 1)]
    encoded = [(each, Encoder(None).encode("", each), headers_of(each)) for each in versions]
    for begin in range(0, orders // VERSIONS, _TOGETHER):
        numbers = range(begin, min(begin + _TOGETHER, orders // VERSIONS))
        keys = [(number, key := _OWN % number, partition_of(key, partitions)) for number in numbers]
        for version, (template, value, headers) in enumerate(encoded):
            for number, key, partition in keys:
                names = _names(template, key, number * VERSIONS + version)
                yield partition, key, _renamed(value, names), [(name, _renamed(said, names)) for name, said in headers]


def _is_new(event: OrderEvent) -> bool:
    return event.order.is_active and all(line.change_type is ChangeType.NEW for line in event.order.lines)


def _version(first: OrderEvent, version: int) -> OrderEvent:
    """The first order, or a later one that adds one unit to each of its subscriptions."""
    if version == 1:
        return first
    order = first.order
    lines = tuple(
        replace(
            line,
            change_type=ChangeType.UPDATE_QUANTITY,
            asset_number=line.subscription_number,
            subscription_version=version,
            quantity=Decimal(1),
            quantity_after=(line.quantity_after or Decimal(0)) + version - 1,
            amount=Decimal("12.500"),
        )
        for line in order.lines
    )
    total = Decimal("37.500")
    return replace(first, order=replace(order, lines=lines, total_amount=total, list_total=total, subtotal=total))


def _names(template: OrderEvent, key: bytes, number: int) -> list[tuple[bytes, bytes]]:
    """What is put in the place of the template's customer, order and event: names as long as those are."""
    own = _OWN % number
    order = template.order
    return [
        (order.customer_id.encode(), key),
        (order.order_id.encode(), own.replace(b"-4000-", b"-4001-")),
        (template.event_id.encode(), own.replace(b"-4000-", b"-4002-")),
    ]


def _renamed(value: bytes, names: list[tuple[bytes, bytes]]) -> bytes:
    for old, new in names:
        value = value.replace(old, new)
    return value
