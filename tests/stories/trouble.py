"""A customer's log with what goes wrong: orders that contradict, come twice, too late or never, and people's words."""

import random
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

from tests.nue_json import Json, draft_of, some_id

Record = dict[str, Any]
CODES = (
    "version_gap", "stale_version", "unknown_subscription", "changed_without_asset", "dead_subscription",
    "quantity_mismatch", "credit_exceeds_remaining", "negative_renewal", "negative_new_order", "currency_mismatch",
    "billing_account_mismatch", "totals_do_not_tie", "mixed_order", "conflict", "order_cancelled", "changed_since",
    "cancellation_differs", "cancelled_before",
)  # fmt: skip


def peaceful(envelopes: list[Json]) -> list[Record]:
    """The orders as they follow from each other."""
    return [{"kind": "order", "event_id": f"event-{n}", "document": each} for n, each in enumerate(envelopes)]


def troubled(chance: random.Random, envelopes: list[Json], times: int, *, mixed: bool) -> list[Record]:
    """The orders after ``times`` accidents; with ``mixed``, they also arrive out of order, or not at all.

    Then people release and discard, and waiting ends.
    """
    records = peaceful(deepcopy(envelopes))
    for _ in range(times):
        chance.choice(ACCIDENTS)(chance, records)
    if mixed:
        _mix(chance, records)
    _copy(chance, records)
    _speak(chance, records)
    return records


def _some(chance: random.Random, records: list[Record]) -> Json:
    return chance.choice(records)["document"]["data"]


def _wrong_total(chance: random.Random, records: list[Record]) -> None:
    order = _some(chance, records)["order"]
    order["totalAmount"] += chance.choice([Decimal("0.01"), Decimal("0.03"), Decimal(-1), Decimal(50)])


def _large_credit(chance: random.Random, records: list[Record]) -> None:
    order = _some(chance, records)["order"]
    for line in order["orderProducts"]:
        if line["totalPrice"] < 0:
            order["totalAmount"] += 49 * line["totalPrice"]
            line["totalPrice"] *= 50


def _negative(chance: random.Random, records: list[Record]) -> None:
    order = _some(chance, records)["order"]
    for line in order["orderProducts"]:
        line["totalPrice"] = -line["totalPrice"]
    order["totalAmount"] = -order["totalAmount"] + 2 * order["taxAmount"]


def _other_currency(chance: random.Random, records: list[Record]) -> None:
    order = _some(chance, records)["order"]
    order["currencyIsoCode"] = "EUR" if order["currencyIsoCode"] == "USD" else "USD"


def _other_payer(chance: random.Random, records: list[Record]) -> None:
    data = _some(chance, records)
    payer = {**data["billingAccount"], "id": some_id(chance), "name": "Somebody else"}
    data["billingAccount"], data["order"]["billingAccountId"] = payer, payer["id"]


def _wrong_quantity(chance: random.Random, records: list[Record]) -> None:
    for subscription in _some(chance, records)["subscriptions"]:
        subscription["quantity"] += 1


def _dead(chance: random.Random, records: list[Record]) -> None:
    """From some order on, a subscription is said to be in another state, or in none."""
    subscriptions = [each for record in records for each in record["document"]["data"]["subscriptions"]]
    if subscriptions:
        start = chance.randrange(len(subscriptions))
        status = chance.choice(["Cancelled", "Cancelled", "Expired", None])
        for each in subscriptions[start:]:
            if each["name"] == subscriptions[start]["name"]:
                each["status"] = status


def _unknown_asset(chance: random.Random, records: list[Record]) -> None:
    data = _some(chance, records)
    for line in data["order"]["orderProducts"]:
        if line["assetNumber"]:
            line["assetNumber"] += "-elsewhere"
    for subscription in data["subscriptions"]:
        if subscription["subscriptionVersion"] > 1:
            subscription["name"] += "-elsewhere"
            subscription["subscriptionVersion"] = chance.choice([1, subscription["subscriptionVersion"]])


def _no_asset(chance: random.Random, records: list[Record]) -> None:
    for line in _some(chance, records)["order"]["orderProducts"]:
        line["assetNumber"] = None


def _odd_kind(chance: random.Random, records: list[Record]) -> None:
    line = chance.choice(_some(chance, records)["order"]["orderProducts"])
    line[chance.choice(["lineType", "changeType"])] = "Suspend"


def _old_version(chance: random.Random, records: list[Record]) -> None:
    for subscription in _some(chance, records)["subscriptions"]:
        subscription["subscriptionVersion"] = max(1, subscription["subscriptionVersion"] - 1)


def _again_by_another_name(chance: random.Random, records: list[Record]) -> None:
    place = chance.randrange(len(records))
    document = deepcopy(records[place]["document"])
    document["data"]["order"]["id"] = some_id(chance)
    records.insert(place + 1, {"kind": "order", "event_id": f"event-again-{len(records)}", "document": document})


def _contradicted(chance: random.Random, records: list[Record]) -> None:
    place = chance.randrange(len(records))
    document = deepcopy(records[place]["document"])
    order = document["data"]["order"]
    order["poNumber"] = "PO-other"
    if chance.random() < 0.5:
        order["totalAmount"] += 1
        order["orderProducts"][0]["totalPrice"] += 1
    other = {"kind": "order", "event_id": f"event-other-{len(records)}", "document": document}
    records.insert(chance.randrange(place, len(records)) + 1, other)


def _not_activated(chance: random.Random, records: list[Record]) -> None:
    place = chance.randrange(len(records))
    record = records[place]
    records.insert(
        place, record | {"event_id": f"event-draft-{len(records)}", "document": draft_of(record["document"])}
    )


def _cancelled(chance: random.Random, records: list[Record]) -> None:
    """Nue cancels an order: as it was, or as something else, or as one that was never activated."""
    place = chance.randrange(len(records))
    document = deepcopy(records[place]["document"])
    order = document["data"]["order"]
    order |= {"status": "Canceled"} | chance.choice([{}, {}, {}, {"poNumber": "PO-other"}, {"activatedDate": None}])
    cancelled = {"kind": "order", "event_id": f"event-cancelled-{len(records)}", "document": document}
    records.insert(chance.randrange(place, len(records)) + 1, cancelled)


ACCIDENTS: list[Callable[[random.Random, list[Record]], None]] = [
    _wrong_total, _large_credit, _negative, _other_currency, _other_payer, _wrong_quantity, _dead, _unknown_asset,
    _no_asset, _odd_kind, _old_version, _again_by_another_name, _contradicted, _not_activated, _cancelled, _cancelled,
]  # fmt: skip


def _mix(chance: random.Random, records: list[Record]) -> None:
    """Some come later than they should, and one perhaps never."""
    for _ in range(chance.choice([0, 1, 2, 4])):
        record = records.pop(chance.randrange(len(records)))
        records.insert(chance.randrange(len(records) + 1), record)
    if chance.random() < 0.2 and len(records) > 1:
        records.pop(chance.randrange(len(records)))


def _copy(chance: random.Random, records: list[Record]) -> None:
    """Some come twice."""
    for _ in range(chance.choice([0, 0, 1, 2])):
        place = chance.randrange(len(records))
        copy = records[place] | {"event_id": f"event-copy-{len(records)}"}
        records.insert(chance.randrange(place, len(records)) + 1, copy)


def _speak(chance: random.Random, records: list[Record]) -> None:
    """People release and discard, the clock ends a wait: about orders that need it, and sometimes about others."""
    for _ in range(chance.choice([0, 1, 2, 4])):
        place = chance.randrange(len(records))
        about = records[place]["event_id"]
        kind = chance.choice(["released", "released", "released", "discarded", "gap_expired"])
        act: Record = {"kind": kind, "event_id": about, "by": chance.choice(["ann", "bob"])}
        if kind == "released":
            act["waives"] = chance.choice([[], list(CODES), chance.sample(CODES, 3), ["version_gap"]])
        records.insert(chance.randrange(place, len(records)) + 1, act)
