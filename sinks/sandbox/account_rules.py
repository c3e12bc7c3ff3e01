"""What makes one account stricter than another, as plain data: periods, locks, forms, currencies, subsidiaries."""

from __future__ import annotations

from datetime import date
from fnmatch import fnmatchcase

import msgspec

from sinks.fields import body_fields, record_types, section_fields, sections


def reference_kinds() -> set[str]:
    """The kinds of records that fields of body and lines refer to. Currencies are not among them: all are there."""
    tables = [body_fields(record) for record in record_types()]
    tables += [section_fields(record, "item") for record in record_types() if "item" in sections(record)]
    found = {str(described["ref"]) for table in tables for described in table.values() if described["type"] == "ref"}
    return found - {"currency"}


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days, the first and the last included."""

    start: date
    end: date


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record that others refer to, by internal id."""

    id: str
    name: str


class AccountRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """Everything here is off as long as nothing is given.

    - ``closed_periods``: no transaction can be dated there, nor changed.
    - ``inactive``: external ids of customers and items that take no new transactions.
    - ``locked``: external ids, ``*`` allowed, of records that a workflow has locked: they exist and SuiteQL finds
      them, but they can be neither read nor changed.
    - ``mandatory``: what forms demand beyond the usual, by record type (``salesOrder``) or its lines
      (``salesOrder.item``): field ids with the labels by which they are asked for.
    - ``customer_currencies``: a transaction's currency must be its customer's own or in its currency list.
    - ``subsidiaries_matter``: a transaction's subsidiary must be its customer's, and one of each item's.
    - ``positive_lines``: record types whose lines cannot have a negative quantity or amount.
    - ``arrangements_after``: the account has Advanced Revenue Management: so many seconds after its approval, a
      transaction has a revenue arrangement.
    - ``references``: further subsidiaries, locations and so on, by kind.

    Raises ``ValueError`` for a record type or a kind that is not there.
    """

    closed_periods: tuple[Period, ...] = ()
    inactive: frozenset[str] = frozenset()
    locked: tuple[str, ...] = ()
    mandatory: dict[str, dict[str, str]] = {}
    customer_currencies: bool = False
    subsidiaries_matter: bool = False
    positive_lines: frozenset[str] = frozenset()
    arrangements_after: float | None = None
    references: dict[str, tuple[Reference, ...]] = {}

    def __post_init__(self) -> None:
        unknown = {place.removesuffix(".item") for place in (*self.mandatory, *self.positive_lines)} - record_types()
        if unknown:
            raise ValueError(f"{unknown.pop()!r} is no record type; there are {', '.join(sorted(record_types()))}")
        if others := self.references.keys() - reference_kinds():
            raise ValueError(f"no field refers to a {others.pop()!r}; there are {', '.join(sorted(reference_kinds()))}")

    def is_closed(self, day: date) -> bool:
        """Whether a day lies in a closed period."""
        return any(period.start <= day <= period.end for period in self.closed_periods)

    def is_locked(self, external_id: str | None) -> bool:
        """Whether a workflow has locked the record of this external id."""
        key = (external_id or "").lower()
        return any(fnmatchcase(key, pattern.lower()) for pattern in self.locked)
