"""What only writing proves: a customer, an item and documents are created as the sink would, and deleted at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

from schemas.command import (
    Command,
    CreateReturnAuthorization,
    CreateSalesOrder,
    Document,
    DocumentLine,
    ItemType,
    Origin,
    UpsertCustomer,
    UpsertItem,
)
from sinks.attempts import Reply
from sinks.client import TRIAL, NetSuiteClient
from sinks.findings import Calls, Finding, State, fix, ok, unchecked
from sinks.readback import id_of, rows_of
from sinks.retry import Kind
from sinks.translate import Defaults, References, record_of, request_for

_DOCUMENTS = (CreateSalesOrder, CreateReturnAuthorization)
_REFUSED = (Kind.REFUSED, Kind.ABSENT)
SAFE = "set policy.mixed_orders to split (`nuestream policy activate`, once the log has begun)"
"""What to do as long as opposite lines are not known to be accepted."""


async def writing(
    client: NetSuiteClient, calls: Calls, defaults: Defaults, currencies: Sequence[str], mixes: bool
) -> AsyncIterator[Finding]:
    """Create and delete a customer, an item, and one document of each type, then one with opposite lines.

    ``defaults`` hold internal ids alone; ``mixes``: the policy makes documents with opposite lines.
    """
    trial = _Trial(client, calls, defaults, currencies)
    left: list[Finding] = []
    try:
        for command in (trial.customer(), trial.item()):
            yield await trial.create(command)
        references = trial.made
        for kind in _DOCUMENTS:
            plain = await trial.create(trial.document(kind, mixed=False))
            left += await trial.remove(down_to=references)
            yield plain
            mixed = await trial.mix(trial.document(kind, mixed=True), plain, wanted=mixes)
            left += await trial.remove(down_to=references)
            yield mixed
    finally:
        left += await trial.remove()
    for finding in left:
        yield finding


class _Trial:
    """Records under external ids that begin with ``NUE-DOCTOR-``; what was made, in order."""

    def __init__(self, client: NetSuiteClient, calls: Calls, defaults: Defaults, currencies: Sequence[str]) -> None:
        self._client = client
        self._calls = calls
        self._defaults = defaults
        self._currencies = currencies
        self._name = uuid4().hex[:12]
        self._ids: dict[str, str] = {}
        self._currency: str | None = None
        self._made: list[tuple[str, str]] = []
        self._at = datetime.now(UTC)
        self._origin = Origin(
            customer_id="doctor",
            order_id=self._name,
            order_number="doctor",
            event_id=self._name,
            policy_id="doctor",
            rules_version=0,
        )

    def customer(self) -> UpsertCustomer:
        """A company."""
        external_id = self._external_id("CUST")
        return UpsertCustomer(
            command_id=external_id,
            external_id=external_id,
            activated_at=self._at,
            origin=self._origin,
            name=f"nuestream doctor {self._name} (to be deleted)",
            currency=self._code,
        )

    def item(self) -> UpsertItem:
        """An item of the commonest kind."""
        external_id = self._external_id("ITEM")
        return UpsertItem(
            command_id=external_id,
            external_id=external_id,
            activated_at=self._at,
            origin=self._origin,
            item_type=ItemType.NON_INVENTORY_SALE_ITEM,
            sku=external_id,
            name="nuestream doctor (to be deleted)",
        )

    def document(self, kind: type[CreateSalesOrder | CreateReturnAuthorization], *, mixed: bool) -> Document:
        """A document over 100, or of 100 and -40."""
        letters = ("SO" if kind is CreateSalesOrder else "RA") + ("-MIXED" if mixed else "")
        external_id = self._external_id(letters)
        amounts = (Decimal(100), Decimal(-40)) if mixed else (Decimal(100),)
        return kind(
            command_id=external_id,
            external_id=external_id,
            origin=self._origin,
            entity=self._external_id("CUST"),
            original_order_id=self._name,
            tran_on=self._at.date(),
            currency=self._code,
            memo="nuestream doctor (to be deleted)",
            lines=tuple(self._line(number, amount) for number, amount in enumerate(amounts, 1)),
            total=sum(amounts, Decimal(0)),
        )

    def _line(self, number: int, amount: Decimal) -> DocumentLine:
        day = self._at.date()
        return DocumentLine(
            line_id=f"{self._name}-{number}",
            item=self._external_id("ITEM"),
            quantity=Decimal(1).copy_sign(amount),
            rate=abs(amount),
            amount=amount,
            start_on=day,
            end_on=day,
        )

    def _external_id(self, letters: str) -> str:
        return f"{TRIAL}{letters}-{self._name}"

    @property
    def _code(self) -> str:
        return self._currencies[0] if self._currencies else ""

    @property
    def made(self) -> int:
        """How many records may be there."""
        return len(self._made)

    async def create(self, command: Command) -> Finding:
        """Create a record as the sink would."""
        check = f"creating {record_of(command, self._defaults)}"
        reply = await self._post(command)
        if reply is None:
            return unchecked(check, "the customer, item or currency that it names is not there")
        if reply.kind is Kind.ACCEPTED:
            self._ids[command.external_id] = reply.created_id or ""
            return ok(check, "NetSuite takes it as the sink sends it")
        if reply.kind in _REFUSED:
            return fix(check, f"NetSuite refuses it: {reply.words}")
        return unchecked(check, _silence(reply, command))

    async def mix(self, document: Document, plain: Finding, *, wanted: bool) -> Finding:
        """Create a document of opposite lines, where one without them was taken. ``wanted``: the policy makes such."""
        check = f"opposite lines on one {record_of(document)}"
        reply = await self._post(document) if plain.state is State.OK else None
        if reply is not None and reply.kind is Kind.ACCEPTED:
            return ok(check, "NetSuite takes them")
        if reply is not None and reply.kind in _REFUSED:
            if wanted:
                return fix(check, f"NetSuite refuses them ({reply.words}): {SAFE}")
            return ok(check, f"NetSuite refuses them ({reply.words}), and the policy makes none")
        why = "not even one without them was taken" if reply is None else _silence(reply, document)
        # a proof that was asked for and did not come about is none
        return fix(check, f"not proved: {why}. Until it is, {SAFE}") if wanted else unchecked(check, why)

    async def remove(self, down_to: int = 0) -> list[Finding]:
        """Delete what was made, the newest first, until ``down_to`` are there; findings say what cannot be deleted."""
        left = []
        while len(self._made) > down_to:
            record, external_id = self._made.pop()
            reply = await self._calls.read(self._client.delete_trial, record, external_id)
            if reply.kind not in (Kind.ACCEPTED, Kind.ABSENT):
                words = f"NetSuite does not delete {external_id}, delete it by hand: {reply.words}"
                left.append(fix(f"deleting {record}", words))
        return left

    async def _post(self, command: Command) -> Reply | None:
        if self._currency is None:
            query = "SELECT id FROM currency WHERE symbol = ?"
            rows = rows_of((await self._calls.read(self._client.suiteql, query, [self._code])).body)
            self._currency = id_of(rows[0]) if rows else None
        try:
            references = References(ids=self._ids, currency=self._currency)
            request = request_for(command, references, self._defaults)
        except KeyError:
            return None
        # noted before it is sent: an answer that gets lost may still have made it
        self._made.append((request.record, command.external_id))
        return await self._calls.once(self._client.write, request)


def _silence(reply: Reply, command: Command) -> str:
    return f"NetSuite does not say ({reply.words}); should {command.external_id} appear later, delete it"
