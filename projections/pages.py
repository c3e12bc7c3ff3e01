"""How a customer's state is kept as table records: one for a small customer, a head and pages for a large one.

The head says how many pages there are and up to which log position they count. Pages are written before the head,
and a page keeps, beside each new version of an entry, the one that the old head still needs. So whatever prefix of
the writes survives a crash, the state that is read back is the old one or the new one, never a mixture. Which entries
stand on which page is said by :mod:`projections.shelf`.

The bytes of an event that waits are a record of their own, removed once they are not needed. Every record begins with
the version of its form and the position at which it was written; of two versions of one record, the one with the
higher position is the later. Records of an earlier form are read by :mod:`projections.forms`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from projections import forms
from projections.forms import Read, Record, UnreadableState, pack, unpack
from projections.shelf import Head, PagedEntries, Pages, Shelf, page_key
from projections.state import NO_POSITION, Body, CustomerState, Entry
from projections.waiting import pack_body, unpack_body

INLINE_ENTRIES = 40
"""The most entries that the head carries itself; a customer with more has pages."""

_NEW = Head(NO_POSITION, {}, 0, 0)


@dataclass(frozen=True, slots=True)
class Writes:
    """What takes the stored state to a new one: ``before`` the head, the ``head``, and what is removed ``after`` it."""

    before: list[Record]
    head: Record
    after: list[Record] = field(default_factory=list)

    def in_order(self) -> list[Record]:
        """All of them as they are to be written; whatever prefix survives, the state is the old one or the new one."""
        return [*self.before, self.head, *self.after]


def head_key(customer_id: str) -> bytes:
    """The table key of a customer's head."""
    return b"c\x00" + customer_id.encode()


BODIES = b"b\x00"
"""What the table keys of waiting events begin with."""


def body_key(customer_id: str, event_id: str) -> bytes:
    """The table key of an event that waits."""
    return BODIES + customer_id.encode() + b"\x00" + event_id.encode()


def load(customer_id: str, read: Read) -> CustomerState:
    """The state of a customer, read through ``read``; pages are read when an entry on them is asked for.

    A state of an earlier form counts as changed as a whole, so that it is written anew.

    Raises :class:`UnreadableState` for a form that this version does not know.
    """

    def stored_body(event_id: str) -> Body | None:
        record = read(body_key(customer_id, event_id))
        try:
            return None if record is None else unpack_body(forms.content_of(record))
        except ValueError as error:
            raise UnreadableState(f"the stored event {event_id} is damaged: {error}") from error

    stored = read(head_key(customer_id))
    if stored is None:
        return CustomerState(customer_id)
    if forms.form_of(stored) < forms.FORM:
        position, upgraded = forms.upgraded(customer_id, stored, read)
        return CustomerState(customer_id, position, changed=MappingProxyType(upgraded), stored_body=stored_body)
    head = unpack(stored, Head)
    entries: Mapping[str, Entry] = MappingProxyType(head.entries)
    if head.pages:
        entries = PagedEntries(Pages(customer_id, head, read))
    return CustomerState(customer_id, head.position, entries, stored_body=stored_body)


def dump(state: CustomerState, read: Read) -> Writes:
    """The table records that take the stored state to ``state``. ``read`` reads what is stored now."""
    customer_id = state.customer_id
    stored = read(head_key(customer_id))
    is_current = stored is not None and forms.form_of(stored) == forms.FORM
    old = unpack(stored, Head) if stored is not None and is_current else _NEW
    gone: list[Record] = forms.leftovers(customer_id, stored, read) if stored is not None and not is_current else []
    before: list[Record] = []
    for event_id, body in state.changed_bodies.items():
        key = body_key(customer_id, event_id)
        if body is not None:
            before.append((key, forms.framed(state.position, pack_body(body))))
        elif read(key) is not None:
            gone.append((key, None))
    inline = {**old.entries, **state.changed}
    if not old.pages and len(inline) <= INLINE_ENTRIES:
        head = Head(state.position, inline, 0, len(inline))
    else:
        shelf = Shelf(_pages_of(state, old, read), state.position)
        shelf.take(state.changed if old.pages else inline)
        before += [(page_key(customer_id, page), shelf.packed(page)) for page in shelf.written]
        head = Head(state.position, {}, shelf.count, shelf.size, shelf.kinds)
    return Writes(before, (head_key(customer_id), pack(state.position, head)), gone)


def _pages_of(state: CustomerState, head: Head, read: Read) -> Pages:
    """The pages under ``head``, which is stored: those that were read for ``state`` are not read again."""
    if isinstance(state.stored, PagedEntries) and state.stored.pages.head == head:
        return state.stored.pages
    return Pages(state.customer_id, head, read)
