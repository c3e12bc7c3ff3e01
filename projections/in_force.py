"""The policy of a partition, as its table record keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec import Struct

from projections.forms import Read, Record, pack, unpack
from schemas.policy import Policy


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The policy of a partition since the record at ``position``, and the log's number of partitions.

    ``log_id`` names the log: the event id of the partition's first policy.
    """

    position: int
    log_id: str
    partitions: int
    policy: Policy


class _Stored(Struct, frozen=True, array_like=True):
    position: int
    log_id: str
    partitions: int
    policy: Policy


def policy_key(partition: int) -> bytes:
    """The table key of a partition's policy."""
    return b"policy\x00" + str(partition).encode()


def load_policy(partition: int, read: Read) -> PolicyInForce | None:
    """The policy of a partition as stored, or None before its first one."""
    stored = read(policy_key(partition))
    if stored is None:
        return None
    found = unpack(stored, _Stored)
    return PolicyInForce(found.position, found.log_id, found.partitions, found.policy)


def dump_policy(partition: int, policy: PolicyInForce) -> Record:
    """The table record of a partition's policy."""
    stored = _Stored(policy.position, policy.log_id, policy.partitions, policy.policy)
    return policy_key(partition), pack(policy.position, stored)
