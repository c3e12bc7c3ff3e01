"""The third way: every record of ours in NetSuite beside the command that asked for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import cast

from schemas.command import CreateReturnAuthorization, CreateSalesOrder, Document, Upsert, UpsertCustomer, UpsertItem
from sinks.held import HeldDocument, HeldRecord
from sinks.ledger import Ledger
from streams.reconcile.compare import Known, compare_document, compare_upsert, net_of, sign_of
from streams.reconcile.findings import Discrepancy, Explained, Kind, State
from streams.reconcile.telling import discrepancy, explained, stray_document, stray_record
from streams.reconcile.workbook import Sought, Workbook, key_of

Advance = Callable[[str, int], None]
"""Told of what is compared and how many more of it were."""

POSTED = "posted"
_OPEN = frozenset({"refused", "waiting", "parked"})
_OURS = "nue-"


class Examination:
    """What is found in one account, compared as it is read.

    ``netsuite`` sums our lines there by currency. ``missing`` are the commands that may be put on the topic again.
    ``is_pending`` says whether the command at a partition and offset is still on its way to NetSuite.
    """

    def __init__(self, workbook: Workbook, is_pending: Callable[[int, int], bool], advance: Advance) -> None:
        self.discrepancies: list[Discrepancy] = []
        self.explained: list[Explained] = []
        self.missing: list[Sought] = []
        self.netsuite: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._workbook = workbook
        self._is_pending = is_pending
        self._advance = advance
        self._ids: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._currencies: Mapping[str, str | None] = {}
        self._strays: list[HeldDocument | HeldRecord] = []
        self._edited: list[tuple[Upsert, HeldRecord]] = []

    async def read(self, ledger: Ledger) -> None:
        """Read the account and compare. Raises :class:`~sinks.verdict.Unauthorized`."""
        symbols = self._workbook.all("SELECT DISTINCT currency FROM command WHERE currency IS NOT NULL")
        self._currencies = await ledger.currencies([row["currency"] for row in symbols])
        for table in ("customer", "item"):
            async for records in ledger.records(table):
                self._compare_records(records)
                self._advance(f"{table}s", len(records))
        # one whose external id was edited is told as gone, once, and not again on each of its documents
        self._ids = self._workbook.applied_ids() | self._ids
        async for documents in ledger.documents():
            self._compare_documents(documents)
            self._advance("documents", len(documents))

    def finish(self) -> None:
        """Tell what is not in NetSuite, and what is there unasked for, by what the workbook knows now.

        What was asked for since the account was read is left to the next reconciliation.
        """
        known = self._workbook.sought(each.external_id for each in self._strays if each.external_id)
        for stray in self._strays:
            if key_of(stray.external_id or "") not in known:
                self._tell_stray(stray)
            elif isinstance(stray, HeldDocument):
                self._note(cast("Document", known[key_of(stray.external_id or "")].command), stray)
            else:
                self._workbook.found(stray.external_id, stray.internal_id)
        self._tell_edited()
        for sought, state in [(sought, self._tell_absent(sought)) for sought in self._workbook.absent()]:
            self._workbook.stands(sought.command, state)
        for letter in self._workbook.all("SELECT * FROM letter WHERE external_id = '' AND state <> 'closed'"):
            state, name, words = State(letter["state"]), letter["command_id"], letter["words"]
            self.explained.append(Explained(state=state, record="command", name=name, words=words))  # unreadable

    def _compare_records(self, records: Sequence[HeldRecord]) -> None:
        sought = self._workbook.sought(each.external_id for each in records)
        for held in records:
            self._ids[key_of(held.external_id)] = held.internal_id
            self._names[held.internal_id] = held.external_id
            asked = sought.get(key_of(held.external_id))
            if asked is None:
                self._strays.append(held)
                continue
            self._workbook.found(held.external_id, held.internal_id)
            if isinstance(asked.command, UpsertCustomer | UpsertItem) and asked.letter != "discarded":
                self._compare_upsert(asked, asked.command, held)

    def _compare_upsert(self, asked: Sought, upsert: Upsert, held: HeldRecord) -> None:
        differences = compare_upsert(upsert, held)
        if not differences:
            return
        words, is_applied = "; ".join(differences), asked.applied == upsert.command_id
        if not is_applied and asked.letter in _OPEN:
            self._explain(State(asked.letter), asked, f"{words}: {asked.letter_words}")
        elif not is_applied and self._is_pending(asked.partition, asked.place):
            self._explain(State.PENDING, asked, f"{words}: its newest version is on its way")
        else:
            self._edited.append((upsert, held))

    def _tell_edited(self) -> None:
        """Tell of customers and items that are not as they should be, where no newer version has come meanwhile."""
        newest = self._workbook.sought(upsert.external_id for upsert, _ in self._edited)
        for upsert, held in self._edited:
            if newest[key_of(upsert.external_id)].command.command_id == upsert.command_id:
                kind = Kind.CUSTOMER if isinstance(upsert, UpsertCustomer) else Kind.ITEM
                words = "; ".join(compare_upsert(upsert, held))
                self.discrepancies.append(discrepancy(kind, upsert, words, held.internal_id))

    def _compare_documents(self, documents: Sequence[HeldDocument]) -> None:
        sought = self._workbook.sought(each.external_id for each in documents if each.external_id)
        for held in documents:
            asked = sought.get(key_of(held.external_id or ""))
            if asked is None or not isinstance(asked.command, CreateSalesOrder | CreateReturnAuthorization):
                self._strays.append(held)
            else:
                self._compare_document(asked, asked.command, held)

    def _compare_document(self, asked: Sought, document: Document, held: HeldDocument) -> None:
        self._note(document, held)
        if asked.applied_id is None and self._is_pending(asked.partition, asked.place):
            return  # posted just now, maybe with a customer or item that was made after those were read
        if asked.letter == "discarded" and asked.applied_id is None:
            words = f"it was discarded ({asked.letter_words}), and stands there all the same"
            self.discrepancies.append(discrepancy(Kind.EXTRA, document, words, held.internal_id))
            return
        known = Known(ids=self._ids, names=self._names, currencies=self._currencies)
        self.discrepancies += compare_document(document, held, known)

    def _note(self, document: Document, held: HeldDocument) -> None:
        """A document stands in NetSuite, however it may look."""
        self._workbook.found(document.external_id, held.internal_id, held.number)
        self._workbook.stands(document, POSTED)
        self.netsuite[document.currency] += net_of(held, sign_of(document.lines, held.lines))

    def _tell_absent(self, sought: Sought) -> str:
        """Tell of a command that NetSuite holds nothing of; its state in a word."""
        if sought.letter == "discarded":
            return self._explain(State.DISCARDED, sought, f"discarded {sought.letter_words}")
        if sought.applied_id is not None:
            words = (
                f"NetSuite took it (internal id {sought.applied_id}) and has nothing under this external id any more; "
                "only `nuestream rebuild` makes it again"
            )
            self.discrepancies.append(discrepancy(Kind.DELETED, sought.command, words, sought.applied_id))
            return Kind.DELETED
        if sought.letter in _OPEN:
            return self._explain(State(sought.letter), sought, sought.letter_words or "")
        if self._is_pending(sought.partition, sought.place):
            return self._explain(State.PENDING, sought, "no sink has come to it yet")
        self.missing.append(sought)
        words = "it was never posted; --repair puts its command on the topic again"
        self.discrepancies.append(discrepancy(Kind.MISSING, sought.command, words))
        return Kind.MISSING

    def _explain(self, state: State, sought: Sought, words: str) -> str:
        self.explained.append(explained(state, sought.command, words))
        return state

    def _tell_renamed(self, sought: Sought, held: HeldDocument) -> None:
        document = cast("Document", sought.command)
        words = f"it stands under {held.external_id or 'no external id'}: another post would make it twice"
        self.discrepancies.append(discrepancy(Kind.RENAMED, document, words, held.internal_id))
        self._compare_document(sought, document, held)

    def _tell_stray(self, held: HeldDocument | HeldRecord) -> None:
        if isinstance(held, HeldRecord):
            self.discrepancies.append(stray_record(held))
            return
        if (renamed := self._workbook.applied_as(held.internal_id)) is not None:
            self._tell_renamed(renamed, held)
            return
        currency = next((code for code, its in self._currencies.items() if its == held.currency), None)
        amount, key = net_of(held, sign_of((), held.lines)), key_of(held.external_id or "")
        query = "SELECT 1 FROM contract WHERE contract_id = ?"
        cut_over = not key.startswith(_OURS) and self._workbook.one(query, held.link) is not None
        told = stray_document(held, currency, amount, cut_over=cut_over)
        if isinstance(told, Explained):
            self.explained.append(told)
            return
        if currency is not None:
            self.netsuite[currency] += amount
        if self._workbook.one("SELECT 1 FROM promised WHERE external_key = ?", key) is None:
            self.discrepancies.append(told)  # else its order tells that its command is not there
