"""Orders told in the language of the field, and the decisions on them as short tuples.

``given(sold("O1", seats("S1", 100, "1200.00"))).when(changed("O2", fewer("S1", 50, "600.00")))`` folds both
orders of one customer and gives what follows from the second.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec

from projections.fold import Content, LogRecord, Step, fold
from projections.records import customer_of
from projections.state import CustomerState
from schemas.acts import Discarded, GapExpired, Released
from schemas.command import CreateSalesOrder, Document
from schemas.content import content_hash
from schemas.contract import OrderDecided, SubscriptionChanged
from schemas.order import (
    ChangeType,
    EventType,
    LineSemantics,
    LineType,
    Order,
    OrderEvent,
    OrderLine,
    Party,
    Product,
    ProductKind,
    Source,
)
from schemas.policy import MixedOrders, Policy

NOON = datetime(2025, 3, 15, 12, tzinfo=UTC)
LATER = datetime(2025, 4, 1, 9, tzinfo=UTC)
ONE_DOCUMENT, SPLIT, ASK = (
    Policy(mixed_orders=choice) for choice in (MixedOrders.ONE_DOCUMENT, MixedOrders.SPLIT, MixedOrders.QUARANTINE)
)
Number = str | int | Decimal


def line(amount: Number, quantity: Number = 1, **fields: object) -> OrderLine:
    """A line whose number and id its order gives it."""
    stated = {
        "line_id": "",
        "line_number": 0,
        "line_type": LineType.LINE_ITEM,
        "change_type": ChangeType.NEW,
        "product_id": "seat",
        "start_on": date(2025, 1, 1),
        "end_on": date(2025, 12, 31),
    }
    return OrderLine(**{**stated, **fields, "amount": Decimal(amount), "quantity": Decimal(quantity)})


def seats(number: str, quantity: Number, amount: Number, **fields: object) -> OrderLine:
    """A new subscription ``number``, the root of its own hierarchy."""
    root = {"subscription_number": number, "subscription_id": f"id-{number}", "root_subscription_id": f"root-{number}"}
    return line(amount, quantity, **{**root, **fields})


def once(amount: Number, **fields: object) -> OrderLine:
    """A product that is sold once and leaves no subscription."""
    return line(amount, 1, **{"product_id": "setup", "end_on": None, **fields})


def segment(parent: str, quantity: Number, amount: Number, **fields: object) -> OrderLine:
    """A segment of a ramp under the summary line ``parent``."""
    return line(amount, quantity, line_type=LineType.RAMP_ITEM, parent_line_id=parent, **fields)


def changing(number: str, kind: ChangeType, quantity: Number, amount: Number, **fields: object) -> OrderLine:
    """A change of the subscription ``number``, as Nue signs it."""
    link = {"asset_number": number, "subscription_number": number, "change_type": kind}
    return line(amount, quantity, **{**link, **fields})


def more(number: str, quantity: int, amount: Number, **fields: object) -> OrderLine:
    """``quantity`` units added for ``amount``."""
    return changing(number, ChangeType.UPDATE_QUANTITY, quantity, amount, **fields)


def fewer(number: str, quantity: int, amount: Number, **fields: object) -> OrderLine:
    """``quantity`` units taken away, for a credit of ``amount``."""
    return changing(number, ChangeType.UPDATE_QUANTITY, -quantity, -Decimal(amount), **fields)


def cancelled(number: str, quantity: int, amount: Number, **fields: object) -> OrderLine:
    """The whole ``quantity`` cancelled, for a credit of ``amount``."""
    return changing(number, ChangeType.CANCEL, -quantity, -Decimal(amount), **fields)


def renewed(number: str, quantity: int, amount: Number, **fields: object) -> OrderLine:
    """``quantity`` units renewed for ``amount``."""
    return changing(number, ChangeType.RENEW, quantity, amount, **fields)


def repriced(number: str, quantity: int, amount: Number, **fields: object) -> OrderLine:
    """The price of ``quantity`` units changed, which makes a difference of ``amount``."""
    return changing(number, ChangeType.ADJUST_PRICE, quantity, amount, **fields)


def party(party_id: str, /, **fields: object) -> Party:
    """A customer or billing account."""
    return Party(**{"id": party_id, "name": f"{party_id} Inc.", "record_type": "business", **fields})


def order(order_id: str, *lines: OrderLine, **fields: object) -> OrderEvent:
    """The activation of an order of customer ``acme``; fields of the order or of its event replace the usual."""
    placed = tuple(
        msgspec.structs.replace(each, line_number=each.line_number or n, line_id=each.line_id or f"{order_id}/{n}")
        for n, each in enumerate(lines, 1)
    )
    provisioned = [each for each in placed if each.line_type in (LineType.LINE_ITEM, LineType.RAMP_ITEM)]
    stated = {
        "order_number": f"No. {order_id}",
        "status": "Activated",
        "customer_id": "acme",
        "effective_on": date(2025, 3, 1),
        "currency": "USD",
        "total_amount": sum((each.amount for each in provisioned), Decimal(0)),
        "activated_at": NOON,
        "start_on": date(2025, 1, 1),
        "end_on": date(2025, 12, 31),
    }
    own = {key: value for key, value in fields.items() if key in Order.__struct_fields__}
    content = {"billing_account_id": own.get("customer_id", "acme"), **stated, **own}
    body = Order(order_id=order_id, lines=placed, **content)
    emission = {key: value for key, value in fields.items() if key not in own}
    return event_of(body, **emission)


def event_of(body: Order, **fields: object) -> OrderEvent:
    """An emission of ``body`` with the snapshots that it needs."""
    usual = {
        "event_id": f"event-{body.order_id}",
        "event_type": EventType.ORDER_ACTIVATED,
        "source": Source.WEBHOOK,
        "occurred_at": body.activated_at or NOON,
        "published_at": NOON + timedelta(minutes=1),
        "customer": party(body.customer_id),
        "billing_account": party(body.billing_account_id),
        "products": tuple(product(each.product_id) for each in body.lines),
    }
    semantics = fields.get("line_semantics", LineSemantics.DELTA)
    return OrderEvent(order=body, content_hash=content_hash(body, semantics), **{**usual, **fields})


def product(product_id: str, /, **fields: object) -> Product:
    """A product; the one called setup is sold once."""
    kind = ProductKind.ENTITLEMENT if product_id == "setup" else ProductKind.SUBSCRIPTION
    return Product(**{"id": product_id, "sku": f"SKU-{product_id}", "name": product_id, "kind": kind, **fields})


@dataclass
class History:
    """One customer's orders, folded one after the other."""

    policy: Policy = field(default_factory=Policy)
    state: CustomerState = field(default_factory=lambda: CustomerState("acme"))
    steps: list[Step] = field(default_factory=list)

    def when(self, content: Content, policy: Policy | None = None) -> Step:
        """What follows from an order, or from what somebody says about one, after everything before it."""
        offset = len(self.steps)
        key = customer_of(content).encode()
        step = fold(
            self.state,
            LogRecord("orders", 0, offset, NOON, key, f"bytes {offset}".encode()),
            content,
            policy or self.policy,
        )
        self.state = step.state
        self.steps.append(step)
        return step


def released(order_id: str, *waives: str, by: str = "kim", number: int = 1) -> Released:
    """A person lets the order through, whatever the reasons named."""
    return Released(
        event_id=f"released-{order_id}-{by}-{number}",
        about=f"event-{order_id}",
        customer_id="acme",
        by=by,
        at=LATER,
        why="agreed",
        waives=waives,
    )


def discarded(order_id: str, by: str = "kim") -> Discarded:
    """A person decides that the order posts nothing."""
    return Discarded(
        event_id=f"discarded-{order_id}-{by}",
        about=f"event-{order_id}",
        customer_id="acme",
        by=by,
        at=LATER,
        why="sent twice",
    )


def expired(order_id: str) -> GapExpired:
    """A worker has waited long enough for what the order waits for."""
    return GapExpired(
        event_id=f"expired-{order_id}",
        about=f"event-{order_id}",
        customer_id="acme",
        by="nuestream-project",
        at=LATER,
        waited_seconds=3600,
    )


def given(*events: OrderEvent, policy: Policy | None = None) -> History:
    """A history in which every one of ``events`` found its place."""
    history = History(policy or Policy())
    for event in events:
        step = history.when(event)
        assert not step.quarantined, f"{event.order.order_id}: {step.quarantined[0].reasons}"
    return history


def decided(step: Step) -> OrderDecided:
    """The decision of the step."""
    (found,) = [each for each in step.contract_events if isinstance(each, OrderDecided)]
    return found


def changes(step: Step) -> list[SubscriptionChanged]:
    """What the step changed, subscription by subscription."""
    return [each for each in step.contract_events if isinstance(each, SubscriptionChanged)]


def outcome(step: Step) -> str:
    """What became of the order, as people say it."""
    return decided(step).outcome.value


def kind(document: Document) -> str:
    """SO or RA."""
    return "SO" if isinstance(document, CreateSalesOrder) else "RA"


def papers(step: Step) -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """Per document: its type, its contract, its total and its lines as quantity and amount."""
    return [
        (
            kind(each),
            each.original_order_id,
            str(each.total),
            [(plain(row.quantity), str(row.amount + 0)) for row in each.lines],
        )
        for each in step.documents
    ]


def names(step: Step) -> list[str]:
    """The external ids of the documents."""
    return [each.external_id for each in step.documents]


def totals(documents: Iterable[Document]) -> Decimal:
    """Sales orders less return authorizations."""
    return sum((each.total if kind(each) == "SO" else -each.total for each in documents), Decimal(0))


def reasons(step: Step) -> list[str]:
    """Why the order was held back; nothing else may come of it."""
    if not step.quarantined:
        return []
    assert not step.documents
    assert not step.upserts
    (held,) = step.quarantined
    return [each.code for each in held.reasons]


def plain(number: Decimal) -> str:
    """A number without trailing zeros."""
    return f"{number.normalize():f}"
