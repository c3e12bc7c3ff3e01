"""From the lines of a contract to its documents: how many, of which type, with which lines.

The rule table, per contract and by the sum of its posted lines:

=================================  =========================================================================
the contract's lines               documents
=================================  =========================================================================
of a new order                     one sales order, also at zero (the contract's anchor) if the policy says so
all zero, one of them renewed      one sales order at zero
all zero                           none
non-zero, net zero                 split
net negative with a renewed line   split
of both signs                      as the policy says: one document typed by the sum, split, or quarantine
otherwise                          one sales order where the sum is positive, else one return authorization
=================================  =========================================================================

Split: one sales order of the positive, renewed and zero lines and one return authorization of the negative
ones; without a positive or renewed line, the return authorization alone with the zero lines in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal

from msgspec import Struct

from projections.identity import external_id, stable_id
from projections.lines import OrderedLine
from projections.zones import local_date
from schemas.command import CreateReturnAuthorization, CreateSalesOrder, Document, DocumentLine, Origin
from schemas.contract import DocumentType
from schemas.order import EventType, Order, OrderEvent
from schemas.policy import DocumentDate, LineRate, MixedOrders, Policy, ZeroOrders

_RATE_UNIT = Decimal("0.00000001")
_PREFIX = {DocumentType.SALES_ORDER: "SO", DocumentType.RETURN_AUTHORIZATION: "RA"}


Typed = tuple[DocumentType, tuple[OrderedLine, ...]]
"""The lines of one document, and its type."""


class DocumentPlan(Struct, frozen=True):
    """A document before it has a name: its type, its contract and the lines that stand on it."""

    document_type: DocumentType
    contract_id: str
    lines: tuple[OrderedLine, ...]

    @property
    def total(self) -> Decimal:
        """The document's total before tax, in the order's currency."""
        return self.amount_of(sum((line.amount for line in self.lines), Decimal(0)))

    def amount_of(self, amount: Decimal) -> Decimal:
        """An order's amount as the document has it: a return authorization is negative by its type."""
        return amount if self.document_type is DocumentType.SALES_ORDER else -amount


class MixedOrderQuarantined(Exception):
    """The policy asks a person about an order with lines of both signs."""


def plan(lines: Sequence[OrderedLine], *, opens: bool, policy: Policy, ask: bool) -> tuple[Typed, ...]:
    """The documents of one contract's posted lines, by the table above.

    ``opens`` says that the whole order is a new one. Raises :class:`MixedOrderQuarantined` where the policy
    does not decide a change order with lines of both signs; with ``ask`` off, such an order becomes one document.
    """
    posted = tuple(line for line in lines if line.is_posted)
    if not posted:
        return ()
    total = sum((line.amount for line in posted), Decimal(0))
    sales_order = ((DocumentType.SALES_ORDER, posted),)
    if opens:
        return sales_order if total or policy.zero_orders is ZeroOrders.POST_NEW else ()
    if not total and not any(line.amount for line in posted):
        return sales_order if any(line.is_renewal for line in posted) else ()
    if total == 0 or (total < 0 and any(line.is_renewal for line in posted)):
        return _split(posted)
    if any(line.amount > 0 for line in posted) and any(line.amount < 0 for line in posted):
        if policy.mixed_orders is MixedOrders.SPLIT:
            return _split(posted)
        if policy.mixed_orders is not MixedOrders.ONE_DOCUMENT and ask:
            raise MixedOrderQuarantined
    return ((DocumentType.SALES_ORDER if total > 0 else DocumentType.RETURN_AUTHORIZATION, posted),)


def plan_all(
    lines: Sequence[OrderedLine], homes: Mapping[str, str], policy: Policy, *, opens: bool, ask: bool
) -> list[DocumentPlan]:
    """The documents of an order whose lines belong to the contracts that ``homes`` gives; see :func:`plan`.

    Each document is linked to the contract of the first line that stands on it.
    """
    groups: dict[str, list[OrderedLine]] = {}
    for line in lines:
        groups.setdefault(homes[line.line.line_id] if policy.split_by_contract else "", []).append(line)
    return [
        DocumentPlan(document_type, homes[standing[0].line.line_id], standing)
        for group in groups.values()
        for document_type, standing in plan(group, opens=opens, policy=policy, ask=ask)
    ]


def _split(posted: tuple[OrderedLine, ...]) -> tuple[Typed, ...]:
    sold = tuple(line for line in posted if line.amount >= 0)
    returned = tuple(line for line in posted if line.amount < 0)
    if not any(line.amount > 0 or line.is_renewal for line in sold):
        return ((DocumentType.RETURN_AUTHORIZATION, posted),)
    sales_order = (DocumentType.SALES_ORDER, sold)
    return (sales_order, (DocumentType.RETURN_AUTHORIZATION, returned)) if returned else (sales_order,)


def write(
    plans: Sequence[DocumentPlan],
    event: OrderEvent,
    policy: Policy,
    origin: Origin,
    quantities_after: Mapping[str, Decimal],
    already: Mapping[DocumentType, int] | None = None,
) -> tuple[Document, ...]:
    """The commands for ``plans``, named and numbered.

    Documents of one type are numbered in the order of their first line, after those that the order ``already`` has.
    ``quantities_after`` gives each subscription's quantity after the order, for lines that have an amount but no
    quantity.
    """
    documents: list[Document] = []
    count: dict[DocumentType, int] = dict(already or {})
    for each in sorted(plans, key=lambda candidate: candidate.lines[0].number):
        ordinal = count[each.document_type] = count.get(each.document_type, 0) + 1
        documents.append(_document(each, ordinal, event, policy, origin, quantities_after))
    return tuple(documents)


def _document(
    each: DocumentPlan,
    ordinal: int,
    event: OrderEvent,
    policy: Policy,
    origin: Origin,
    quantities_after: Mapping[str, Decimal],
) -> Document:
    order = event.order
    name = external_id(_PREFIX[each.document_type], order.order_id, ordinal)
    lines = tuple(_line(line, each.amount_of(line.amount), policy, quantities_after) for line in each.lines)
    command_id = stable_id("document", name, event.event_type.value)
    entity = external_id("CUST", order.billing_account_id)
    tran_on = document_date(event, policy)
    if each.document_type is DocumentType.RETURN_AUTHORIZATION:
        return CreateReturnAuthorization(
            command_id=command_id,
            external_id=name,
            origin=origin,
            entity=entity,
            original_order_id=each.contract_id,
            tran_on=tran_on,
            currency=order.currency,
            memo=order.order_number,
            po_number=order.po_number,
            lines=lines,
            total=each.total,
            custom_fields=event.custom_fields,
        )
    return CreateSalesOrder(
        command_id=command_id,
        external_id=name,
        origin=origin,
        entity=entity,
        original_order_id=each.contract_id,
        tran_on=tran_on,
        currency=order.currency,
        memo=order.order_number,
        po_number=order.po_number,
        lines=lines,
        total=each.total,
        start_on=order.start_on,
        end_on=order.end_on,
        custom_fields=event.custom_fields,
    )


def _line(line: OrderedLine, amount: Decimal, policy: Policy, quantities_after: Mapping[str, Decimal]) -> DocumentLine:
    size = abs(line.quantity) or abs(quantities_after.get(line.subscription or "", Decimal(0))) or Decimal(1)
    quantity = -size if amount < 0 else size
    per_period = abs(line.unit_price) if line.unit_price is not None else None
    if policy.line_rate is LineRate.PER_PERIOD and per_period is not None:
        rate = per_period
    else:
        rate = amount / quantity
    return DocumentLine(
        line_id=line.line.line_id,
        item=external_id("ITEM", line.line.product_id),
        quantity=quantity,
        rate=rate.quantize(_RATE_UNIT, ROUND_HALF_EVEN),
        amount=amount,
        start_on=line.line.start_on,
        end_on=line.line.end_on,
        root_subscription_id=line.root,
        custom_fields=line.line.custom_fields,
    )


def document_date(event: OrderEvent, policy: Policy) -> date:
    """The day that the documents are dated.

    The activation's day in the tenant's time zone, else the day the order was placed, else its effective date;
    or always the effective date, if the policy says so. Nue does not say when an order was cancelled: there it is
    the day on which this system learned of it.
    """
    order: Order = event.order
    if event.event_type is EventType.ORDER_CANCELED:
        return local_date(_aware(event.published_at), policy.tenant_time_zone)
    if policy.document_date is DocumentDate.EFFECTIVE:
        return order.effective_on
    if order.activated_at is not None:
        return local_date(_aware(order.activated_at), policy.tenant_time_zone)
    return order.placed_on or order.effective_on


def _aware(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
