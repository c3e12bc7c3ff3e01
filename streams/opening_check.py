"""Opening balances checked before they reach the log: every mistake with its line and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from msgspec import structs

from projections.identity import stable_id
from projections.openings import content_of
from schemas.currency import UnknownCurrency, minor_units
from schemas.opening import OpenedSegment, OpenedSubscription, Opening
from streams.opening_rows import CONTRACT, SEGMENT, SUBSCRIPTION, Problem, Row, Rows

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DIGITS = 12
"""Before the point; an amount of the log has no more."""

_NO_DATE_YET = datetime(1970, 1, 1, tzinfo=UTC)
_OPTIONAL = {"start_on", "end_on", "segment_end_on"}


@dataclass(slots=True)
class Checked:
    """The opening balances of a file, one per contract, and what is wrong with it."""

    openings: list[Opening] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def totals(self) -> dict[str, Decimal]:
        """What the contracts posted, per currency."""
        sums: dict[str, Decimal] = {}
        for each in self.openings:
            sums[each.currency] = sums.get(each.currency, Decimal(0)) + each.posted
        return dict(sorted(sums.items()))


def check(rows: Rows) -> Checked:
    """Everything that is wrong with ``rows``, and the openings of the contracts with which nothing is.

    Equal content makes equal openings, in whatever order it stands; who publishes them, and when, is yet to be said.
    """
    checked = Checked(problems=list(rows.problems))
    contracts: dict[str, list[Row]] = {}
    for row in rows.rows:
        missing = [name for name in ("customer_id", "contract_id", "subscription_number") if not row.cells[name]]
        checked.problems += [Problem(row.line, name, "is missing: every row has it") for name in missing]
        if not missing:
            contracts.setdefault(row.cells["contract_id"], []).append(row)
    checked.problems += _told_twice(contracts)
    for own in contracts.values():
        contract = _Contract(own)
        opening = contract.opening()
        checked.problems += contract.problems
        if opening is not None and not contract.problems:
            checked.openings.append(opening)
    checked.problems.sort(key=lambda problem: problem.line)
    return checked


def _told_twice(contracts: Mapping[str, list[Row]]) -> Iterable[Problem]:
    homes: dict[str, Row] = {}
    for own in contracts.values():
        for row in own:
            number = row.cells["subscription_number"]
            first = homes.setdefault(number, row)
            for name in ("contract_id", "customer_id"):
                if first.cells[name] != row.cells[name]:
                    text = f"{number} stands in line {first.line} with {first.cells[name]}"
                    yield Problem(row.line, name, text)


class _Contract:
    """The rows of one contract."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self.problems: list[Problem] = []

    def opening(self) -> Opening | None:
        """The contract's opening, or None where too little can be read for one."""
        told = self._agreed(self._rows, CONTRACT)
        own: dict[str, list[Row]] = {}
        for row in self._rows:
            own.setdefault(row.cells["subscription_number"], []).append(row)
        subscriptions = [self._subscription(rows, told) for rows in own.values()]
        if self.problems:
            return None
        whole = sorted((each for each in subscriptions if each is not None), key=lambda each: each.number)
        opening = Opening(
            event_id="",
            customer_id=told["customer_id"],
            contract_id=told["contract_id"],
            currency=told["currency"],
            billing_account_id=told["billing_account_id"],
            opened_on=told["opened_on"],
            posted=told["contract_posted_beside"] + sum((each.posted for each in whole), Decimal(0)),
            subscriptions=tuple(whole),
            by="",
            at=_NO_DATE_YET,
        )
        return structs.replace(opening, event_id=stable_id("opening", content_of(opening).hex()))

    def _subscription(self, rows: Sequence[Row], contract: Mapping[str, Any]) -> OpenedSubscription | None:
        before = len(self.problems)
        told = self._agreed(rows, SUBSCRIPTION)
        segments = [(row, self._segment(row)) for row in rows if any(row.cells[name] for name in SEGMENT)]
        if len(segments) < len(rows) > 1:
            empty = next(row for row in rows if not any(row.cells[name] for name in SEGMENT))
            self._wrong(empty, "segment_start_on", "the subscription has several rows, and this one has no segment")
        if len(self.problems) > before or contract["currency"] is None or contract["opened_on"] is None:
            return None
        first = rows[0]
        placed = sorted(((row, each) for row, each in segments if each is not None), key=lambda pair: pair[1].start_on)
        self._check_term(first, told)
        self._check_money(first, told["posted"], "posted", contract)
        self._check_segments(placed, told, contract["opened_on"])
        return OpenedSubscription(
            number=told["subscription_number"],
            version=told["version"],
            product_id=told["product_id"],
            quantity=told["quantity"],
            status=told["status"],
            posted=told["posted"],
            start_on=told["start_on"],
            end_on=told["end_on"],
            segments=tuple(each for _, each in placed),
        )

    def _check_term(self, row: Row, told: Mapping[str, Any]) -> None:
        start, end = told["start_on"], told["end_on"]
        if start is not None and end is not None and start > end:
            self._wrong(row, "end_on", f"{end} is before start_on, {start}")
        if told["version"] < 1:
            self._wrong(row, "version", f"is {told['version']}; the first version is 1")

    def _check_money(self, row: Row, posted: Decimal, column: str, contract: Mapping[str, Any]) -> None:
        if posted < 0:
            self._wrong(row, column, f"{_plain(posted)} is negative: more was returned than sold")
        digits = minor_units(contract["currency"])
        if posted != round(posted, digits):
            self._wrong(row, column, f"{_plain(posted)} has more decimals than {contract['currency']} ({digits})")

    def _check_segments(
        self, segments: Sequence[tuple[Row, OpenedSegment]], told: Mapping[str, Any], opened_on: date
    ) -> None:
        for row, each in segments:
            if each.end_on is not None and each.start_on > each.end_on:
                self._wrong(row, "segment_end_on", f"{each.end_on} is before segment_start_on, {each.start_on}")
            if told["start_on"] is not None and each.start_on < told["start_on"]:
                self._wrong(row, "segment_start_on", f"{each.start_on} is before start_on, {told['start_on']}")
            if told["end_on"] is not None and _last(each) > told["end_on"]:
                ends = each.end_on or "no day at all"
                self._wrong(row, "segment_end_on", f"ends on {ends}, after end_on, {told['end_on']}")
            if each.quantity < 0:
                self._wrong(row, "segment_quantity", f"{_plain(each.quantity)} is negative")
        for (before, one), (row, other) in pairwise(segments):
            if _last(one) >= other.start_on:
                self._wrong(row, "segment_start_on", f"{other.start_on} overlaps the segment in line {before.line}")
        for row, each in segments:
            if each.start_on <= opened_on <= _last(each) and each.quantity != told["quantity"]:
                text = f"{_plain(each.quantity)} on {opened_on}, but the subscription's quantity is "
                self._wrong(row, "segment_quantity", text + _plain(told["quantity"]))

    def _segment(self, row: Row) -> OpenedSegment | None:
        told = {name: self._value(row, name) for name in SEGMENT}
        if any(told[name] is None for name in SEGMENT if name not in _OPTIONAL):
            return None
        return OpenedSegment(
            start_on=told["segment_start_on"],
            end_on=told["segment_end_on"],
            quantity=told["segment_quantity"],
            unit_price=told["net_price_per_month"],
        )

    def _agreed(self, rows: Sequence[Row], columns: Sequence[str]) -> dict[str, Any]:
        """What the first row says, which later ones leave empty or say again."""
        first = rows[0]
        told = {name: self._value(first, name) for name in columns}
        for row in rows[1:]:
            for name in columns:
                given = row.cells[name]
                if given and given != first.cells[name] and self._value(row, name) != told[name]:
                    self._wrong(
                        row, name, f"{given} is not what line {first.line} says, {first.cells[name] or 'nothing'}"
                    )
        if "contract_posted_beside" in told and told["currency"] and told["contract_posted_beside"] is not None:
            self._check_money(first, told["contract_posted_beside"], "contract_posted_beside", told)
        return told

    def _value(self, row: Row, column: str) -> Any:
        text = row.cells[column]
        if not text:
            if column not in _OPTIONAL:
                self._wrong(row, column, "is missing")
            return None
        try:
            return _READERS.get(column, str)(text)
        except ValueError as error:
            self._wrong(row, column, str(error))
            return None

    def _wrong(self, row: Row, column: str, text: str) -> None:
        self.problems.append(Problem(row.line, column, text))


def _number(scale: int) -> Callable[[str], Decimal]:
    """A reader of numbers that rounds nothing away."""

    def read(text: str) -> Decimal:
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"{text!r:.40} is not a number such as 1234.50")
        whole, _, decimals = text.removeprefix("-").partition(".")
        if len(whole.lstrip("0")) > _DIGITS:
            raise ValueError(f"{text:.40} has more than {_DIGITS} digits before the point")
        if len(decimals.rstrip("0")) > scale:
            raise ValueError(f"{text:.40} has more than {scale} decimals")
        return Decimal(text).quantize(Decimal(1).scaleb(-scale))

    return read


def _day(text: str) -> date:
    try:
        if len(text) == len("2026-01-31"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError(f"{text!r:.40} is not a date such as 2026-01-31")


def _whole(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}(\.0+)?", text):
        raise ValueError(f"{text!r:.40} is not a whole number")
    return int(text.partition(".")[0])


def _currency(text: str) -> str:
    try:
        minor_units(text)
    except UnknownCurrency as error:
        raise ValueError(str(error)) from None
    return text


def _last(segment: OpenedSegment) -> date:
    return segment.end_on or date.max


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


_READERS: Mapping[str, Callable[[str], Any]] = {
    "currency": _currency,
    "opened_on": _day,
    "contract_posted_beside": _number(6),
    "version": _whole,
    "quantity": _number(6),
    "posted": _number(6),
    "start_on": _day,
    "end_on": _day,
    "segment_start_on": _day,
    "segment_end_on": _day,
    "segment_quantity": _number(6),
    "net_price_per_month": _number(10),
}
