"""Records without personal data: names, e-mail addresses, telephone numbers, postal addresses, and free texts.

What decides stays: ids, money, dates, and whether two texts are the same, so that the log without personal data
makes the same documents. A party is called by the external id that it has in NetSuite, the people who decided by a
pseudonym. Values are written anew in single-object encoding and read without a registry; what cannot be read becomes
something that cannot be read either, with its length and checksum.

It is a function of the record alone: the same record always becomes the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from projections.identity import external_id
from projections.records import customer_of
from schemas.acts import Discarded, GapExpired, Released
from schemas.codec import Decoder, Encoder, Malformed
from schemas.command import CreateReturnAuthorization, CreateSalesOrder, UpsertCustomer
from schemas.content import content_hash
from schemas.contract import OrderDecided, OrderOutcome
from schemas.headers import headers_of
from schemas.holding import ReleaseRequested, Settled
from schemas.opening import Opening
from schemas.order import Address, Order, OrderEvent, Party
from schemas.outcome import DeadLetter, LetterState, Outcome
from schemas.policy import PolicyActivated
from schemas.quarantine import Quarantined, Reason
from schemas.requests import DiscardRequested, RedriveRequested, RequestDeclined
from streams.archive.envelope import Archived, Headers

LEFT_OUT: Final = ("names", "e-mail addresses", "telephone numbers", "postal addresses", "free texts")
OMITTED: Final = "(left out)"
_TRACE: Final = ("traceparent", "tracestate")
_DIGEST_BYTES: Final = 8
_LOG_BYTES: Final = 4 * 1024 * 1024  # the largest value that a projector reads
_S = TypeVar("_S", bound=Struct)


class Redaction:
    """Leaves personal data out of the records of this project's topics."""

    ROLES: Final = ("orders", "contracts", "commands", "quarantine", "outcomes", "dead_letters")

    def __init__(self, decoder: Decoder) -> None:
        """``decoder`` reads the records as they are in the topics."""
        self._decoder = decoder
        self._encoder = Encoder(None)

    def of(self, record: Archived) -> Archived:
        """The record without personal data, in the same place.

        Raises:
            RegistryUnavailable: the registry gives no answer about the value's schema.
        """
        key, value, headers = self._parts(record.key, record.value, record.headers)
        return record._replace(key=key, value=value, headers=headers)

    def agrees(self, record: Archived, bare: Archived) -> bool:
        """Whether ``bare`` is what becomes of ``record``, also where an earlier version of the schemas wrote it."""
        now = self.of(record)
        if now == bare:
            return True
        if now._replace(value=None, timestamp_type=0) != bare._replace(value=None, timestamp_type=0):
            return False
        then = self._read(bare.value, bare.headers)
        return then is not None and _outside(then) == _outside(self._read(now.value, now.headers))

    def _parts(
        self, key: bytes | None, value: bytes | None, headers: Headers
    ) -> tuple[bytes | None, bytes | None, Headers]:
        content = self._read(value, headers)
        if content is None:
            return _hidden_key(key), _unreadable(value), ()
        bare = self._without(content)
        body = self._encoder.encode("", bare)
        said = dict(headers_of(bare))
        kept = tuple((name, said.get(name, data)) for name, data in headers if name in said or name in _TRACE)
        return self._key(key, content, bare), body, kept

    def _read(self, value: bytes | None, headers: Headers) -> Struct | None:
        try:
            content = self._decoder.decode(value, [(name, data or b"") for name, data in headers])
        except Malformed:
            return None
        if len(value or b"") > _LOG_BYTES and not isinstance(content, Quarantined | DeadLetter):
            return None  # unreadable for its size, and not to become readable by getting smaller
        return content

    def _key(self, key: bytes | None, content: Struct, bare: Struct) -> bytes | None:
        if isinstance(content, OrderEvent | Released | Discarded | GapExpired | Opening):
            # with another key the record has no place in the log, and must have none afterwards
            return key if key == customer_of(content).encode() else _hidden_key(key)
        if isinstance(content, PolicyActivated):
            return key if key == f"policy/{content.partition}".encode() else _hidden_key(key)
        if isinstance(content, Quarantined) and key == (content.key or b""):
            assert isinstance(bare, Quarantined)  # noqa: S101 it was made from the other
            return bare.key or b""
        return key

    def _without(self, content: Struct) -> Struct:
        if isinstance(content, Quarantined):
            return self._quarantined(content)
        if isinstance(content, DeadLetter):
            key, value, headers = self._parts(content.key, content.value, tuple(content.headers.items()))
            reason = content.reason if content.state is LetterState.PARKED else OMITTED
            answer = None if content.answer is None else OMITTED
            plain = {name: data or b"" for name, data in headers}
            return replace(_signed(content), key=key, value=value, headers=plain, reason=reason, answer=answer)
        return _plain(content)

    def _quarantined(self, held: Quarantined) -> Quarantined:
        key, value, headers = self._parts(held.key, held.value, tuple(held.headers.items()))
        readable = self._read(held.value, tuple(held.headers.items())) is not None
        reasons = held.reasons
        if not readable or key != held.key:  # what is said against bytes and keys may repeat them
            reasons = tuple(Reason(code=reason.code, detail=OMITTED) for reason in reasons)
        return replace(
            held, key=key, value=value, headers={name: data or b"" for name, data in headers}, reasons=reasons
        )


def _plain(content: Struct) -> Struct:
    match content:
        case OrderEvent():
            order = _order(content.order)
            return replace(
                content,
                order=order,
                content_hash=content_hash(order, content.line_semantics),
                customer=_party(content.customer),
                billing_account=_party(content.billing_account),
                custom_fields=_own(content.custom_fields),
            )
        case CreateSalesOrder() | CreateReturnAuthorization():
            lines = tuple(replace(line, custom_fields=_own(line.custom_fields)) for line in content.lines)
            return replace(content, lines=lines, custom_fields=_own(content.custom_fields))
        case UpsertCustomer():
            return replace(content, name=content.external_id, comments=None, **_contact(content))
        case OrderDecided(outcome=OrderOutcome.DISCARDED):
            return replace(content, why=OMITTED)
        case PolicyActivated():
            return replace(content, activated_by=_pseudonym(content.activated_by))
        case Outcome():
            return replace(content, warnings=(OMITTED,) * len(content.warnings))
        case RequestDeclined():
            return replace(content, reason=OMITTED)
        case Settled(by=None):
            return content
        case _:
            return _signed(content)


def _outside(content: Struct | None) -> Struct | None:
    """A record without the one inside, whose bytes may be of another version."""
    return replace(content, value=None) if isinstance(content, Quarantined | DeadLetter) else content


def _signed(content: _S) -> _S:
    """What people said and decided, under their pseudonyms and without their words."""
    if isinstance(content, GapExpired | Opening):
        return replace(content, by=_pseudonym(content.by))
    if isinstance(
        content,
        Released | Discarded | ReleaseRequested | Settled | RedriveRequested | DiscardRequested | DeadLetter,
    ):
        by = None if content.by is None else _pseudonym(content.by)
        return replace(content, by=by, why=None if content.why is None else OMITTED)
    return content


def _order(order: Order) -> Order:
    """The order: its texts are part of what copies are compared by, so that equal ones stay equal."""
    lines = tuple(
        replace(line, custom_fields=_own(line.custom_fields)) if line.custom_fields else line for line in order.lines
    )
    return replace(order, lines=lines, memo=None if order.memo is None else _same(order.memo))


def _own(fields: Mapping[str, str]) -> dict[str, str]:
    """A tenant's own fields, of which nobody knows what they hold."""
    return {name: _same(text) for name, text in fields.items()}


def _party(party: Party) -> Party:
    return replace(party, name=external_id("CUST", party.id), description=None, **_contact(party))


def _contact(of: Party | UpsertCustomer) -> dict[str, Any]:
    return {
        "email": None,
        "phone": None,
        "billing_address": _region(of.billing_address),
        "shipping_address": _region(of.shipping_address),
    }


def _region(address: Address | None) -> Address | None:
    """Of an address what taxes need."""
    return None if address is None else Address(state=address.state, country=address.country)


def _pseudonym(name: str) -> str:
    return f"person-{_digest(name.encode())}"


def _same(text: str) -> str:
    return f"text-{_digest(text.encode())}"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[: 2 * _DIGEST_BYTES]


def _hidden_key(key: bytes | None) -> bytes | None:
    return key and f"key-{_digest(key)}".encode()


def _unreadable(value: bytes | None) -> bytes | None:
    """Bytes that begin no format that is read, about those that could not be read."""
    if not value:
        return value
    return b"\xff" + f"{OMITTED} {len(value)} bytes, SHA-256 {hashlib.sha256(value).hexdigest()}".encode()
