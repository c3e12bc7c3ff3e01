"""What another decision of the same history would change: documents added, missing or different, with their money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct, field, structs

from schemas.codec import Decoder, Encoder
from schemas.command import CreateReturnAuthorization, CreateSalesOrder, Document, DocumentLine
from schemas.contract import OrderDecided, OrderOutcome

MOST_FIELDS = 6
"""How many fields are named in which two documents differ."""

_SAME = b""


class Change(StrEnum):
    """What becomes of a document: it was not there, it is no longer there, or it says something else."""

    ADDED = "added"
    MISSING = "missing"
    DIFFERENT = "different"


class Difference(Struct, frozen=True):
    """One document that a decision today would change.

    ``before`` and ``after`` are signed amounts in ``currency``, before tax, null where there is no document: a return
    authorization takes away. ``why`` names the fields that differ, or says why an order has no document now.
    """

    change: Change
    external_id: str
    contract_id: str
    customer_id: str
    order_number: str
    currency: str
    before: Decimal | None
    after: Decimal | None
    why: str = ""

    @property
    def amount(self) -> Decimal:
        """What the contract has more, or, negative, less."""
        return (self.after or Decimal(0)) - (self.before or Decimal(0))


class PartitionDiff(Struct):
    """The differences of one partition, and how many documents were compared."""

    before: int = 0
    after: int = 0
    differences: list[Difference] = field(default_factory=list)


class Comparison:
    """Documents as they were decided, and then those that are decided now. Copies count once, the first of them.

    They are compared as they stand on a topic, so that equal numbers are equal however they came about; who decided,
    by which policy and rules, is no difference, and neither is what a document carries that earlier versions did not
    carry. Of those that are the same, only the name is kept.
    """

    def __init__(self) -> None:
        self._encoder, self._decoder = Encoder(None), Decoder(None)
        self._before: dict[str, bytes] = {}
        self._after: dict[str, bytes] = {}
        self._why: dict[str, str] = {}

    def was(self, document: Document) -> None:
        """A document that was decided; all of these come first."""
        if document.external_id not in self._before:
            self._before[document.external_id] = self._content(document)

    def is_(self, document: Document) -> None:
        """A document that is decided now."""
        name = document.external_id
        if name in self._after:
            return
        content = self._content(document)
        before = self._before.get(name)
        if before is not None and before != content and (earlier := self._document(before)):
            content = self._content(_as_far_as_said(document, earlier))
        if before == content:
            self._before[name] = content = _SAME
        self._after[name] = content

    def decided(self, event: OrderDecided) -> None:
        """What is decided now about an order; the last decision counts."""
        if event.outcome is OrderOutcome.POSTED:
            self._why.pop(event.order_id, None)
        else:
            self._why[event.order_id] = f"{event.outcome.value.lower()}: {event.why}"

    def result(self) -> PartitionDiff:
        """The differences, by contract and document."""
        found = sorted(self._differences(), key=lambda each: (each.contract_id, each.external_id))
        return PartitionDiff(len(self._before), len(self._after), found)

    def _content(self, document: Document) -> bytes:
        origin = structs.replace(document.origin, policy_id="", rules_version=0)
        return self._encoder.encode("", structs.replace(document, origin=origin))

    def _differences(self) -> Iterator[Difference]:
        for name in self._before.keys() | self._after.keys():
            before, after = self._before.get(name), self._after.get(name)
            if before is None or after is None or before != after:
                yield self._difference(self._document(before), self._document(after))

    def _document(self, content: bytes | None) -> Document | None:
        if content is None:
            return None
        document = self._decoder.decode(content)
        assert isinstance(document, CreateSalesOrder | CreateReturnAuthorization)  # noqa: S101 - so it was encoded
        return document

    def _difference(self, before: Document | None, after: Document | None) -> Difference:
        told = after or before
        assert told is not None  # noqa: S101 - it came from one of the two
        if before is None:
            change, why = Change.ADDED, ""
        elif after is None:
            change, why = Change.MISSING, self._why.get(told.origin.order_id, "")
        else:
            change, why = Change.DIFFERENT, _told(list(_fields("", before, after)))
        return Difference(
            change=change,
            external_id=told.external_id,
            contract_id=told.original_order_id,
            customer_id=told.origin.customer_id,
            order_number=told.origin.order_number,
            currency=told.currency,
            before=_amount(before),
            after=_amount(after),
            why=why,
        )


def _as_far_as_said(document: Document, earlier: Document) -> Document:
    """``document`` without the custom fields and roots that ``earlier`` does not have: nobody decided about them."""
    lines = document.lines
    if len(lines) == len(earlier.lines):
        lines = tuple(_line_as_far(line, before) for line, before in zip(lines, earlier.lines, strict=True))
    return structs.replace(document, lines=lines, custom_fields=document.custom_fields if earlier.custom_fields else {})


def _line_as_far(line: DocumentLine, earlier: DocumentLine) -> DocumentLine:
    root = line.root_subscription_id if earlier.root_subscription_id else None
    own = line.custom_fields if earlier.custom_fields else {}
    return structs.replace(line, root_subscription_id=root, custom_fields=own)


def money_by_currency(parts: Mapping[int, PartitionDiff]) -> dict[str, dict[str, Decimal]]:
    """Per currency what the changes of each kind add up to."""
    sums: dict[str, dict[str, Decimal]] = {}
    for part in parts.values():
        for each in part.differences:
            kinds = sums.setdefault(each.currency, {})
            kinds[each.change.value] = kinds.get(each.change.value, Decimal(0)) + each.amount
    return dict(sorted(sums.items()))


def _amount(document: Document | None) -> Decimal | None:
    if document is None:
        return None
    return document.total if isinstance(document, CreateSalesOrder) else -document.total


def _fields(place: str, before: object, after: object) -> Iterator[str]:
    """The innermost places at which two values differ, such as ``lines[2].amount``."""
    if before == after:
        return
    if isinstance(before, Struct) and type(before) is type(after):
        for name in before.__struct_fields__:
            yield from _fields(f"{place}.{name}" if place else name, getattr(before, name), getattr(after, name))
    elif isinstance(before, tuple) and isinstance(after, tuple) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _fields(f"{place}[{index}]", one, other)
    else:
        yield place or "type"


def _told(fields: list[str]) -> str:
    more = f" and {len(fields) - MOST_FIELDS} more" if len(fields) > MOST_FIELDS else ""
    return ", ".join(fields[:MOST_FIELDS]) + more
