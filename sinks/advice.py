"""What to do about a dead letter, in words: a table from NetSuite's own. Pure.

NetSuite's codes mostly collapse to USER_ERROR over REST, so its words decide; several wordings of one refusal are
listed with the code of the older interfaces. A redrive sends the command as it is: what it says cannot be edited.
"""

from __future__ import annotations

import re
from typing import Final

from schemas.outcome import LetterState
from sinks.letters import PARENT

_REDRIVE: Final = "then redrive it"
_TABLE: Final = (
    (
        r"^netsuite\.mapping\.\w+_custom_fields",
        "Nue's value does not fit the custom field that the mapping names. Correct the field's type or values there, "
        f"restart the sinks, {_REDRIVE}.",
    ),
    (
        r"which is to be adopted|cannot get our external id",
        "Correct its line in the file that netsuite.adopt names (`nuestream adopt check` says what is wrong), start "
        f"the sink again, {_REDRIVE}.",
    ),
    (
        r"accounting period|closed period|period (is |has been )?(closed|locked)|INVALID_TRANSACTIO|transaction date",
        "Open the accounting period of the document's date in NetSuite (Setup > Accounting > Manage Accounting "
        f"Periods), {_REDRIVE}; or discard it and enter it by hand in an open period.",
    ),
    (
        r"inactive.*\b(item|product)|\b(item|product)\b.*inactive|field: item.*inactive",
        f"Make the item active in NetSuite, {_REDRIVE}.",
    ),
    (
        r"inactive.*\b(customer|entity)|\b(customer|entity)\b.*inactive",
        f"Make the customer active in NetSuite, {_REDRIVE}.",
    ),
    (r"inactive", f"Make the record that NetSuite names active, {_REDRIVE}."),
    (
        r"permission|INSUFFICIENT_PERMISSION|not have (the )?privileges",
        f"Give the role of this integration the right to view, create and edit records of this type, {_REDRIVE}.",
    ),
    (
        r"Please enter (a )?value|MISSING_REQD_FLD|mandatory|required field",
        "The account's form demands a field that is not sent, and names it by its label. Give it a default or make it "
        f"optional on the form that this role uses, {_REDRIVE}.",
    ),
    (
        r"entity already exists|DUP_ENTITY|record with this ID already exists|UNIQUE_CUST_ID"
        r"|already an item with that name|DUP_ITEM|Uniqueness error|NONUNIQUE",
        "Another record has this name. If it is the same customer or item, adopt it: `nuestream adopt check` lists it, "
        f"netsuite.adopt names it for the sink, which is started again, {_REDRIVE}. If it is another one, give it "
        f"another name, {_REDRIVE}.",
    ),
    (
        r"different document stands",
        "Another transaction has our external id. Find out who made it; take the external id off it and redrive, or "
        "discard this command if that transaction stands for the order.",
    ),
    (
        r"could not be compared|locked by|RCRD_LOCKED|RCRD_DSNT|workflow",
        f"A workflow or a missing right hides or locks the record. Unlock it for this role, {_REDRIVE}.",
    ),
    (
        r"deleted in NetSuite since",
        "Somebody deleted the document in NetSuite, and what was made once is not made again: discard it.",
    ),
    (
        r"Invalid Field Value .* field: item|unknown item|LINKED_ITEMS|field: item\b",
        "The item of a line is inactive in NetSuite, or gone. Make it active, or make it anew with our external id, "
        f"{_REDRIVE}.",
    ),
    (
        r"Invalid Field Value .* field: (entity|customer)",
        "The customer is inactive in NetSuite, or gone. Make it active, or make it anew with our external id, "
        f"{_REDRIVE}.",
    ),
    (
        r"subsidiary|INVALID_TRANS_SUB|INVALID_SUB",
        "Customer, items and document must share a subsidiary. Add it to the record that NetSuite names, or correct "
        f"netsuite.mapping.subsidiary, {_REDRIVE}.",
    ),
    (
        r"currency .* is not known|MISMATCHED_CURRENCY|MISSING_CRNCY|\bcurrency\b",
        f"Set the currency up in NetSuite and add it to the customer's currencies, {_REDRIVE}.",
    ),
    (
        r"negative",
        "The account takes no negative total, or no negative lines. Set policy.mixed_orders to split for the orders to "
        "come; enter this one by hand and discard it.",
    ),
    (
        r"Unknown reference or field|custbody_|custcol_",
        "The account lacks a custom field that the documents carry. Make it and apply it to both record types, "
        f"{_REDRIVE}.",
    ),
    (
        r"Script|SSS_|user event",
        f"A script of the account refuses it. Ask its owner what it demands, {_REDRIVE}.",
    ),
    (
        r"cannot be read|is no command",
        "Nothing can be sent of it. Find out who wrote it; have the command written again, and discard this one.",
    ),
)
_ROWS: Final = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), sentence) for pattern, sentence in _TABLE)


def advice_on(state: LetterState, reason: str, answer: str | None = None) -> str | None:
    """A sentence that says what to do, or None where nothing better is known than the reason itself.

    ``reason`` and ``answer`` are those of the dead letter.
    """
    match state:
        case LetterState.PARKED:
            return "Nothing: it goes out by itself once what is before it is applied or discarded."
        case LetterState.WAITING if PARENT in reason:
            return (
                "It goes out by itself once the parent is in NetSuite: activate an order of the parent in Nue, or name "
                "it in netsuite.adopt and restart the sinks. netsuite.mapping.customer_parents = preferred makes such "
                "customers without a parent; then redrive it."
            )
        case LetterState.WAITING:
            return (
                "It goes out by itself once the customer or item is in NetSuite: see why that one was refused, or why "
                "no command has made it. A redrive asks NetSuite again at once."
            )
        case LetterState.CLOSED | LetterState.DISCARDED:
            return None
    for pattern, sentence in _ROWS:
        if pattern.search(answer or "") or pattern.search(reason):
            return sentence
    return None
