"""Delivers one command: whatever answers, fails or stays silent, it ends in one verdict.

The only entry to NetSuite for the rest of the project. How one command is delivered stands in ``documents`` and
``upserts``; what an answer means and what follows from it, in ``retry``.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec

from schemas.command import Command, CreateReturnAuthorization, Document, Upsert, UpsertCustomer, UpsertItem
from schemas.outcome import Outcome
from sinks import catalog, documents, upserts
from sinks.attempts import Attempts, Health, Pace
from sinks.census import Census, is_document, says_the_same
from sinks.client import NetSuiteClient
from sinks.currencies import admit
from sinks.login import Login
from sinks.lookup import Directory, Found
from sinks.rates import Rates
from sinks.segments import settled
from sinks.translate import Defaults, References, Untranslatable, record_of
from sinks.verdict import Absent, Applied, Misconfigured, Missing, Refused, Unauthorized, Verdict

__all__ = ["Absent", "Applied", "Deliverer", "Misconfigured", "Missing", "Refused", "Unauthorized", "Verdict"]


class Deliverer:
    """Delivers commands to one NetSuite account. One instance serves any number of calls at once.

    A call that pauses or waits holds none of the client's connections. Times are in seconds: ``request_limit`` is how
    long NetSuite may work on a request that nobody waits for any more, ``retry_initial`` and ``retry_max`` bound the
    pauses between attempts. ``adopted`` are internal ids, by our external id, of customers and items that were in
    NetSuite before: they are changed and never created. ``failures_limit`` answers to one command that are no verdict,
    such as failures of NetSuite's own, and one more after other writes were accepted, count as its refusal.
    """

    def __init__(
        self,
        client: NetSuiteClient,
        *,
        account: str,
        defaults: Defaults,
        adopted: Mapping[str, str] | None = None,
        request_limit: float = 900.0,
        retry_initial: float = 0.5,
        retry_max: float = 60.0,
        failures_limit: int = 10,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rand: Callable[[], float] = random.random,
    ) -> None:
        self._client = client
        self._account = account
        self._defaults = defaults
        self._adopted = adopted or {}
        self._pace = Pace(
            request_limit=request_limit,
            retry_initial=retry_initial,
            retry_max=retry_max,
            failures_limit=failures_limit,
            clock=clock,
            sleep=sleep,
            rand=rand,
        )
        self._health = Health()
        self._login = Login()
        self._directory = Directory()
        self._rates = Rates()
        self._census = Census(self._dealings)
        self._silent_until: dict[str, float] = {}

    async def prepare(self) -> None:
        """Look up what the defaults give by name, and check that the account has the fields that will be sent.

        Lasts, cancellably, as long as an outage does. Raises :class:`Misconfigured` and :class:`Unauthorized`.
        """
        attempts = self._dealings("the mapping")
        self._defaults = await settled(self._defaults, attempts)
        await catalog.check(self._defaults, attempts)

    async def deliver(
        self,
        command: Command,
        references: Mapping[str, str],
        newest: Outcome | None = None,
        inherited_until: float = -math.inf,
        *,
        on_quiet: Callable[[], None] = lambda: None,
        on_resumed: Callable[[], None] = lambda: None,
    ) -> Verdict:
        """Deliver ``command`` and say how it ended.

        ``references``: internal ids by external id, as far as outcomes tell. ``newest``: the newest known outcome
        of the command's own external id. ``inherited_until``: the instant on ``clock`` until which a request that an
        earlier sink sent for this command may still be running. ``on_quiet`` is called where the delivery begins to
        wait until an unanswered request can no longer be running, ``on_resumed`` where it goes on or is cancelled.

        Lasts, cancellably, as long as an outage does. Raises :class:`Unauthorized`.
        """
        attempts = self._dealings(
            command.external_id, inherited_until=inherited_until, on_quiet=on_quiet, on_resumed=on_resumed
        )
        try:
            if isinstance(command, UpsertCustomer | UpsertItem):
                return await self._upsert(command, references, newest, attempts)
            return await self._document(command, references, newest, attempts)
        except Untranslatable as error:
            return attempts.refused(str(error))

    async def search(
        self,
        document: Document,
        references: Mapping[str, str],
        inherited_until: float = -math.inf,
        *,
        on_quiet: Callable[[], None] = lambda: None,
        on_resumed: Callable[[], None] = lambda: None,
    ) -> Applied | Absent | Refused:
        """Whether NetSuite holds ``document``, asked once nothing that was sent of it can be running; writes nothing.

        The parameters are those of :meth:`deliver`. Refused where it cannot be told. Raises :class:`Unauthorized`.
        """
        attempts = self._dealings(
            document.external_id, inherited_until=inherited_until, on_quiet=on_quiet, on_resumed=on_resumed
        )
        await attempts.wait_until_quiet("it is to be discarded")
        ids = await self._ids(document, references, attempts)
        currency = await self._directory.currency(attempts, document.currency)
        return await documents.search(document, References(ids=ids, currency=currency), attempts)

    def expect(self, commands: Iterable[Command]) -> None:
        """Look up together what stands under the external ids of ``commands``, where they are many.

        They are to be delivered soon, and no outcome tells of them.
        """
        self._census.expect(commands)

    def forget(self) -> None:
        """What was expected may not come."""
        self._census.forget()

    def _dealings(
        self,
        name: str,
        *,
        inherited_until: float = -math.inf,
        on_quiet: Callable[[], None] = lambda: None,
        on_resumed: Callable[[], None] = lambda: None,
    ) -> Attempts:
        return Attempts(
            self._client,
            self._pace,
            self._health,
            self._login,
            name=f"{self._account}|{name}",
            inherited_until=inherited_until,
            on_quiet=on_quiet,
            on_resumed=on_resumed,
        )

    async def _upsert(
        self, upsert: Upsert, references: Mapping[str, str], newest: Outcome | None, attempts: Attempts
    ) -> Verdict:
        if newest is not None and (verdict := upserts.unchanged(upsert, newest)):
            return verdict
        # an older version that nobody answered must not land on top of this one
        older = self._silent_until.get(upsert.external_id, -math.inf)
        await attempts.wait_until(older, "an older version was sent")
        self._silent_until.pop(upsert.external_id, None)
        try:
            return await self._bring(upsert, references, newest, attempts)
        finally:
            if attempts.silent_until > self._pace.clock():
                self._silent_until[upsert.external_id] = attempts.silent_until

    async def _bring(
        self, upsert: Upsert, references: Mapping[str, str], newest: Outcome | None, attempts: Attempts
    ) -> Verdict:
        known = Found(record=newest.record_type, internal_id=newest.internal_id) if newest is not None else None
        adopted = self._adopted.get(upsert.external_id)
        standing = await self._census.standing(upsert.external_id) if known is None else None
        if standing is not None and adopted in (None, standing.internal_id):
            if says_the_same(upsert, standing):
                return upserts.stands(upsert, standing.internal_id, self._defaults)
            known = Found(record=record_of(upsert, self._defaults), internal_id=standing.internal_id)
        if known is not None and (verdict := await upserts.change(upsert, known, self._defaults, attempts)):
            return verdict
        if adopted is not None:
            return await upserts.adopt(upsert, adopted, self._defaults, attempts)
        if isinstance(upsert, UpsertItem):
            return await upserts.create(upsert, References(), self._defaults, attempts)
        return await self._customer(upsert, references, attempts)

    async def _customer(self, customer: UpsertCustomer, known: Mapping[str, str], attempts: Attempts) -> Verdict:
        currency = term = None
        warnings: tuple[str, ...] = ()
        if customer.currency:
            currency = await self._directory.currency(attempts, customer.currency)
            if currency is None:
                return attempts.refused(f"currency {customer.currency} is not known in NetSuite")
        if customer.payment_term:
            term = await self._directory.term(attempts, customer.payment_term)
            if term is None:
                warnings = (f"payment term {customer.payment_term!r} is not known in NetSuite and was left out",)
        parent = await self._parent(customer, known, attempts)
        if customer.parent is not None and not parent and self._defaults.parents != "ignored":
            if self._defaults.parents == "required":
                return Missing(external_id=customer.parent)
            warnings += (f"its parent {customer.parent} is not in NetSuite and was left out",)
        references = References(ids=parent, currency=currency, term=term)
        verdict = await upserts.create(customer, references, self._defaults, attempts)
        if isinstance(verdict, Refused):
            self._directory.forget()
            return verdict
        return msgspec.structs.replace(verdict, warnings=warnings + verdict.warnings)

    async def _parent(
        self, customer: UpsertCustomer, known: Mapping[str, str], attempts: Attempts
    ) -> Mapping[str, str]:
        """The internal id of the customer above, by its external id; nothing where there is none to be named."""
        name = customer.parent
        if name is None or self._defaults.parents == "ignored":
            return {}
        if internal_id := known.get(name) or self._adopted.get(name):
            return {name: internal_id}
        return await self._directory.ids(attempts, "customer", [name])

    async def _document(
        self, document: Document, known: Mapping[str, str], newest: Outcome | None, attempts: Attempts
    ) -> Verdict:
        if newest is not None and (verdict := documents.unchanged(document, newest)):
            return verdict
        ids = await self._ids(document, known, attempts)
        for name in (document.entity, *(line.item for line in document.lines)):
            if name not in ids:
                return Missing(external_id=name)
        currency = await self._directory.currency(attempts, document.currency)
        if currency is None:
            return attempts.refused(f"currency {document.currency} is not known in NetSuite")
        references = References(ids=ids, currency=currency)
        if newest is not None:
            return await documents.confirm(document, newest, references, attempts)
        standing = await self._census.standing(document.external_id)
        if standing is not None and is_document(document, standing, references):
            return documents.stands(document, standing.internal_id, attempts)
        return await self._create(document, references, attempts)

    async def _create(self, document: Document, references: References, attempts: Attempts) -> Verdict:
        warnings: tuple[str, ...] = ()
        currency = references.currency or ""
        if self._defaults.original_rate and isinstance(document, CreateReturnAuthorization):
            rate, warnings = await self._rates.of_return(document, currency, attempts)
            references = msgspec.structs.replace(references, exchange_rate=rate)
        created = await documents.create(document, references, self._defaults, attempts)
        may_lack_currency = isinstance(created, Refused) and self._defaults.add_currencies and not attempts.hopeless
        if may_lack_currency and await admit(references.ids[document.entity], currency, attempts):
            warnings += (f"the customer's currency list lacked {document.currency}, which was added",)
            created = await documents.create(document, references, self._defaults, attempts)
        if isinstance(created, Refused):
            self._directory.forget()
            return created
        return msgspec.structs.replace(created, warnings=created.warnings + warnings)

    async def _ids(self, document: Document, known: Mapping[str, str], attempts: Attempts) -> dict[str, str]:
        """Internal ids of what ``document`` names, as far as NetSuite has it."""
        items = dict.fromkeys(line.item for line in document.lines)
        ids = {name: known[name] for name in (document.entity, *items) if name in known}
        if document.entity not in ids:
            ids |= await self._directory.ids(attempts, "customer", [document.entity])
        if unknown := [item for item in items if item not in ids]:
            ids |= await self._directory.ids(attempts, "item", unknown)
        return ids
