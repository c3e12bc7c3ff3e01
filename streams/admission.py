"""What a record of the log is before it is folded: its content, the policy that it sets, or why it has no place.

The projector and a replay ask here, so that both take in the same records.
"""

from __future__ import annotations

import msgspec

from projections.as_of import LogContent
from projections.in_force import PolicyInForce
from projections.partitions import partition_of
from projections.records import Content, LogRecord, customer_of
from projections.zones import time_zone
from schemas.acts import Discarded, GapExpired, Released
from schemas.codec import Decoder, Malformed
from schemas.opening import Opening
from schemas.order import OrderEvent
from schemas.policy import PolicyActivated
from schemas.quarantine import Reason
from streams.errors import PolicyMissing

MOST_TOLD = 1000
"""How much is repeated of a text or key that somebody else wrote, in characters or bytes."""


def content_of(record: LogRecord, decoder: Decoder) -> LogContent | Reason:
    """What a record says, or why it can never be read as a record of the log.

    Raises:
        RegistryUnavailable: nothing is known against the bytes, but the registry gives no answer.
    """
    try:
        content = decoder.decode(record.value or b"", list(record.headers.items()))
    except Malformed as error:
        return Reason(code="malformed", detail=str(error)[:MOST_TOLD])
    match content:
        case OrderEvent() | PolicyActivated() | Released() | Discarded() | GapExpired() | Opening():
            return content
        case _:
            return Reason(code="record_type", detail=f"{type(content).__name__} has no place in the log")


def misplaced(record: LogRecord, content: Content, in_force: PolicyInForce) -> Reason | None:
    """Why a record does not belong where it stands: its key is not its customer, or the key has another partition."""
    customer_id = customer_of(content)
    if record.key != customer_id.encode():
        key = record.key if record.key is None else record.key[:MOST_TOLD]
        detail = f"the key {key!r} is not the customer whom the record is about, {customer_id}"
        return Reason(code="key", detail=detail)
    home = partition_of(record.key, in_force.partitions)
    if home != record.partition:
        detail = f"the key belongs to partition {home}: its producer does not use the murmur2 partitioner"
        return Reason(code="partition", detail=detail)
    return None


def with_policy(known: PolicyInForce | None, record: LogRecord, activated: PolicyActivated) -> PolicyInForce | None:
    """The policy in force after a record that sets one; None where the record is contained in what is ``known``.

    Raises:
        PolicyMissing: it cannot be decided by: the log has another number of partitions, or a setting has a value that
            this version does not know. To guess would post other documents than were meant.
    """
    if known is not None and record.offset <= known.position:
        return None
    if known is not None and activated.partitions != known.partitions:
        raise PolicyMissing(
            f"{_place(record)}: a policy for {activated.partitions} partitions in a log of {known.partitions}; "
            "the number is fixed when the topics are made"
        )
    for name, value in msgspec.structs.asdict(activated.policy).items():
        if value == "UNKNOWN":
            raise PolicyMissing(f"{_place(record)}: {name} has a value that this version does not know: upgrade it")
    try:
        time_zone(activated.policy.tenant_time_zone)
    except ValueError as error:
        raise PolicyMissing(f"{_place(record)}: tenant_time_zone: {error}") from error
    log_id = known.log_id if known is not None else activated.event_id
    return PolicyInForce(record.offset, log_id, activated.partitions, activated.policy)


def no_policy(record: LogRecord) -> PolicyMissing:
    """What to raise where a record comes before any policy."""
    return PolicyMissing(
        f"{record.topic}[{record.partition}] does not begin with a policy: run `nuestream topics create` before "
        "anything is published"
    )


def _place(record: LogRecord) -> str:
    return f"{record.topic}[{record.partition}] offset {record.offset}"
