"""The account's rules, held against what is read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

from sinks.sandbox.account import FAMILY
from sinks.sandbox.errors import missing, user_error
from sinks.sandbox.rows import Body
from sinks.sandbox.store import Store, Stored, name_of

_PARENT = "1"
_BASE_CURRENCY = "1"


def check_unlocked(store: Store, stored: Stored) -> None:
    """Raise the refusal of a record that a workflow has locked. Reading is refused too: it loads for editing."""
    if store.rules.is_locked(stored.external_id):
        raise user_error("This record has been locked by a user defined workflow.")


def check_rules(store: Store, record: str, body: Body, lines: Sequence[Body]) -> None:
    """Raise the refusal of what the account's rules forbid; one at a time, as NetSuite does."""
    _check_forms(store, record, body, lines)
    if record in store.rules.positive_lines:
        _check_signs(lines)
    if FAMILY[record] != "transaction":
        return
    given = body.get("tranDate")
    if store.rules.is_closed(date.fromisoformat(given) if given else datetime.now(UTC).date()):
        raise user_error("There are no Accounting Periods that cover this transaction date.")
    customer = store.get_family("entity", str(body["entity"]["id"]))
    if customer is not None and store.rules.customer_currencies:
        _check_currency(customer, body)
    if customer is not None and store.rules.subsidiaries_matter:
        _check_subsidiary(store, customer, body, lines)


def _check_forms(store: Store, record: str, body: Body, lines: Sequence[Body]) -> None:
    for place, given in ((record, (body,)), (f"{record}.item", lines)):
        for name, label in store.rules.mandatory.get(place, {}).items():
            if any(each.get(name) in (None, "") for each in given):
                raise missing(label)


def _check_signs(lines: Sequence[Body]) -> None:
    if any(line.get(name) is not None and line[name] < 0 for line in lines for name in ("quantity", "amount")):
        raise user_error("Line quantities and amounts must not be negative.")


def _check_currency(customer: Stored, body: Body) -> None:
    own = _id(customer.body.get("currency")) or _BASE_CURRENCY
    listed = {_id(line.get("currency")) for line in _items(customer.body.get("currencyList"))}
    if (_id(body.get("currency")) or own) not in {own, *listed}:
        raise user_error("The transaction currency does not match the names currency")


def _check_subsidiary(store: Store, customer: Stored, body: Body, lines: Iterable[Body]) -> None:
    own = _id(customer.body.get("subsidiary")) or _PARENT
    chosen = _id(body.get("subsidiary")) or own
    if chosen != own:
        raise _not_valid(store, chosen, "entity", customer)
    for line in lines:
        item = store.get_family("item", str(line["item"]["id"]))
        if item is not None and not _is_sold_in(item, chosen):
            raise _not_valid(store, chosen, "item", item)


def _is_sold_in(item: Stored, subsidiary: str) -> bool:
    given = {_id(each) for each in _items(item.body.get("subsidiary"))} or {_PARENT}
    return subsidiary in given or (_PARENT in given and bool(item.body.get("includeChildren")))


def _not_valid(store: Store, subsidiary: str, what: str, stored: Stored) -> Exception:
    named, name = store.reference("subsidiary", subsidiary), name_of(stored.type, stored.body)
    return user_error(
        f"Transaction subsidiary {named} is not valid for {what} {name}. Please choose a different {what}."
    )


def _id(reference: object) -> str | None:
    return str(reference["id"]) if isinstance(reference, Mapping) and "id" in reference else None


def _items(sublist: object) -> Sequence[Body]:
    return sublist.get("items", ()) if isinstance(sublist, Mapping) else ()
