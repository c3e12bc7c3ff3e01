"""The policy in the log: what each partition begins with, what is in force, and how it is changed."""

from __future__ import annotations

import getpass
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from projections.in_force import PolicyInForce
from schemas.codec import Decoder, Encoder, Malformed
from schemas.headers import headers_of
from schemas.policy import Policy, PolicyActivated
from streams.errors import NuestreamError, PolicyMissing, StateLost
from streams.kafka import registry_of
from streams.reading import TopicReader
from streams.sending import Sender
from streams.settings import Settings

KEY_PREFIX = b"policy/"
"""What the keys of policies in the log begin with."""


class PolicyDiffers(NuestreamError):
    """The policy of the settings is not the one in the log."""


@dataclass(frozen=True, slots=True)
class PolicyAt:
    """A policy record and the offset that it stands at."""

    offset: int
    activated: PolicyActivated

    @property
    def policy(self) -> Policy:
        """The settings that are in force from here on."""
        return self.activated.policy


def differences(log: Policy, settings: Policy) -> list[tuple[str, str, str]]:
    """The fields that differ: name, value in the log, value in the settings, both as settings spell them."""
    pairs = zip(as_settings(log).items(), as_settings(settings).values(), strict=True)
    return [(field, ours, theirs) for (field, ours), theirs in pairs if ours != theirs]


def as_settings(policy: Policy) -> dict[str, str]:
    """The fields of a policy, spelled as in the settings file. Equal numbers are spelled alike."""
    spelled: dict[str, str] = {}
    for field, value in msgspec.structs.asdict(policy).items():
        if field == "tenant_time_zone":
            spelled[field] = value
        elif value is None:
            spelled[field] = "none"
        elif field == "tie_out_tolerance":
            spelled[field] = f"{value.normalize():f}"
        else:
            spelled[field] = str(value).lower()
    return spelled


def policies_in_log(settings: Settings) -> dict[int, PolicyAt]:
    """The newest policy of each partition of the orders topic; a partition without one is left out.

    Reads the keys of the whole log, and decodes nothing but policies.

    Raises:
        KafkaUnavailable: no broker answers.
        PolicyMissing: the topic is not there.
    """
    return _newest_policies(settings, {}, None)


def _newest_policies(
    settings: Settings, starts: Mapping[int, int | None], only: Collection[int] | None
) -> dict[int, PolicyAt]:
    """The newest policy of each partition, or of ``only`` some, from the offsets ``starts`` on, else the beginning."""
    newest: dict[int, PolicyAt] = {}
    decoder = Decoder(registry_of(settings.registry))
    topic = settings.topics.orders
    with TopicReader(settings.kafka, settings.groups.project) as reader:
        extents = reader.extents(topic)
        if not extents:
            raise PolicyMissing(f"the topic {topic} is not there: run `nuestream topics create`")
        asked = {
            partition: (max(low, starts.get(partition) or 0), high)
            for partition, (low, high) in extents.items()
            if only is None or partition in only
        }
        for message in reader.records(topic, asked):
            if (found := _policy_of(message, decoder)) is not None:
                newest[message.partition()] = PolicyAt(message.offset(), found)
    return newest


def first_policy_check(settings: Settings) -> dict[int, str]:
    """Check that the log is as `topics create` leaves it; returns what names it: per partition, the event id of the
    policy that it begins with.

    Raises:
        KafkaUnavailable: no broker answers.
        PolicyMissing: the topic is not there, a partition does not begin with a policy, or that policy is for
            another number of partitions.
    """
    topic = settings.topics.orders
    decoder = Decoder(registry_of(settings.registry))
    with TopicReader(settings.kafka, settings.groups.project) as reader:
        first = reader.first_records(topic)
    if not first:
        raise PolicyMissing(f"the topic {topic} is not there: run `nuestream topics create`")
    names: dict[int, str] = {}
    for partition, message in first.items():
        found = _policy_of(message, decoder) if message is not None else None
        if found is None:
            content = "is empty" if message is None else "begins with another record"
            advice = (
                "run `nuestream topics create`"
                if message is None
                else "publish into a new topic, made by `nuestream topics create`, with a groups.project of its own"
            )
            raise PolicyMissing(f"{topic}[{partition}] {content}, not with a policy: {advice}")
        if found.partitions != len(first):
            raise PolicyMissing(
                f"{topic} has {len(first)} partitions, but was made with {found.partitions}: customers are no longer "
                "where their earlier orders are; publish into a new topic, made by `nuestream topics create`, with a "
                "groups.project of its own"
            )
        names[partition] = found.event_id
    return names


def check_in_force(
    settings: Settings,
    log_ids: Mapping[int, str],
    stored: Mapping[int, PolicyInForce | None],
    committed: Mapping[int, int | None],
) -> None:
    """Check that the settings' policy is the one in force on the partitions of ``stored``.

    ``stored`` is what the projector's state says of each, ``committed`` how far its group has read: the log is read
    from there on, however long it is. ``log_ids`` is what :func:`first_policy_check` returned.

    Raises:
        KafkaUnavailable: no broker answers.
        StateLost: the group has read a partition of which there is no state.
        PolicyMissing: the state belongs to another log.
        PolicyDiffers: with the fields that differ.
    """
    for partition, known in sorted(stored.items()):
        if known is None and committed.get(partition):
            raise StateLost(
                f"the group {settings.groups.project} has read {settings.topics.orders}[{partition}] up to offset "
                f"{committed[partition]}, but {settings.changelog} has no state of it: run `nuestream project "
                "--rebuild-state`"
            )
        if known is not None and known.log_id != log_ids[partition]:
            raise other_log(settings.topics.orders, partition)
    in_force = {partition: known.policy for partition, known in stored.items() if known is not None}
    for partition, at in _newest_policies(settings, committed, stored.keys()).items():
        known = stored[partition]
        if known is None or at.offset > known.position:
            in_force[partition] = at.policy
    wanted = settings.policy.to_policy()
    for partition, policy in sorted(in_force.items()):
        if differing := differences(policy, wanted):
            told = ", ".join(
                f"{field} is {log} in the log and {ours} in the settings" for field, log, ours in differing
            )
            raise PolicyDiffers(
                f"the policy differs on {settings.topics.orders}[{partition}]: {told}; change the settings, or run "
                "`nuestream policy activate` to put them into the log"
            )


def other_log(topic: str, partition: int) -> PolicyMissing:
    """What to raise where the stored state of a partition is not of the log that is there now."""
    return PolicyMissing(
        f"the stored state of partition {partition} belongs to another log than {topic} is now: give a new log a "
        "consumer group of its own (groups.project)"
    )


def activate_initial(settings: Settings, partitions: Iterable[int], of: int, by: str | None = None) -> None:
    """Write the settings' policy to the beginning of empty ``partitions`` of a log of ``of`` partitions.

    Needs nothing but a producer, so it works on a broker without an administration interface.

    Raises:
        KafkaUnavailable: a partition did not acknowledge it.
    """
    _append(settings, settings.policy.to_policy(), partitions, of, by)


def activate(settings: Settings, by: str | None = None) -> list[int]:
    """Append the settings' policy to every partition where another one is in force; returns those partitions.

    Stopped half way, it is completed by the next call.

    Raises:
        KafkaUnavailable, PolicyMissing: as :func:`first_policy_check`.
    """
    of = len(first_policy_check(settings))
    wanted = settings.policy.to_policy()
    in_force = policies_in_log(settings)
    stale = [number for number in range(of) if differences(in_force[number].policy, wanted)]
    _append(settings, wanted, stale, of, by)
    return stale


def _append(settings: Settings, policy: Policy, partitions: Iterable[int], of: int, by: str | None) -> None:
    encoder = Encoder(registry_of(settings.registry))
    sender = Sender(settings.kafka)
    topic = settings.topics.orders
    at, name = datetime.now(UTC), by or _user()
    for partition in partitions:
        record = PolicyActivated(
            event_id=str(uuid.uuid4()),
            partition=partition,
            partitions=of,
            activated_at=at,
            activated_by=name,
            policy=policy,
        )
        key = KEY_PREFIX + str(partition).encode()
        sender.send(topic, key, encoder.encode(topic, record), headers_of(record), partition)
    sender.flush()


def _policy_of(message: object, decoder: Decoder) -> PolicyActivated | None:
    key = message.key()  # type: ignore[attr-defined]  # confluent_kafka ships no types
    if key is None or not key.startswith(KEY_PREFIX):
        return None
    try:
        record = decoder.decode(message.value(), message.headers())  # type: ignore[attr-defined]
    except Malformed:
        return None
    return record if isinstance(record, PolicyActivated) else None


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"
