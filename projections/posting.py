"""What an order posts: its documents, and the customers and items that they need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cached_property

from msgspec import Struct

from projections import documents
from projections.identity import external_id
from projections.upserts import upserts_of
from schemas.command import Document, Origin, Upsert
from schemas.contract import DocumentType
from schemas.order import OrderEvent
from schemas.policy import Policy

RULES_VERSION = 2
"""Raised whenever the same log may lead to other documents than before. Every command names it."""


class Posting(Struct, frozen=True, dict=True):
    """What an order posts. Written out when somebody asks for it: whoever folds for the state alone never does."""

    event: OrderEvent
    policy: Policy
    plans: Sequence[documents.DocumentPlan]
    quantities_after: Mapping[str, Decimal]
    already: Mapping[DocumentType, int] = {}
    upserts_too: bool = True

    def count(self, document_type: DocumentType) -> int:
        """How many documents of a type there are."""
        return sum(plan.document_type is document_type for plan in self.plans)

    @cached_property
    def documents(self) -> tuple[Document, ...]:
        """The documents, named and numbered after those that the order has ``already``."""
        return documents.write(self.plans, self.event, self.policy, self._origin, self.quantities_after, self.already)

    @cached_property
    def upserts(self) -> tuple[Upsert, ...]:
        """The customers, and the items that stand on the documents."""
        if not self.upserts_too:
            return ()
        items = {external_id("ITEM", line.line.product_id) for plan in self.plans for line in plan.lines}
        products = [product for product in self.event.products if external_id("ITEM", product.id) in items]
        return upserts_of(self.event, self._origin, products)

    @cached_property
    def _origin(self) -> Origin:
        return origin_of(self.event, self.policy)


def origin_of(event: OrderEvent, policy: Policy) -> Origin:
    """The stamp on every command of an order."""
    return Origin(
        customer_id=event.order.customer_id,
        order_id=event.order.order_id,
        order_number=event.order.order_number,
        event_id=event.event_id,
        policy_id=policy.policy_id,
        rules_version=RULES_VERSION,
    )
