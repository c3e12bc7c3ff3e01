"""The topics: what each must be like, making them, and finding what is wrong with those that are there."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType

from streams.errors import NuestreamError
from streams.faults import Faults
from streams.kafka import MAX_RECORD_BYTES, librdkafka_config
from streams.policy import activate_initial, first_policy_check
from streams.reading import TopicReader
from streams.settings import Settings

ANSWER_TIMEOUT = 30.0
HOUR_MS = 3_600_000

FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
NEWEST_PER_KEY = {"cleanup.policy": "compact", "segment.bytes": str(64 << 20), "segment.ms": str(6 * HOUR_MS)}
# A recovery reads from the beginning; what it has passed must not be compacted away under it meanwhile.
STATE = NEWEST_PER_KEY | {"min.compaction.lag.ms": str(HOUR_MS)}

MISSING = "is not there: run `nuestream topics create`"
CHECKED = ("cleanup.policy", "retention.ms", "retention.bytes", "min.compaction.lag.ms", "max.message.bytes")
AT_LEAST = ("min.compaction.lag.ms", "max.message.bytes")


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What a topic must be like. ``holds`` says for people what is in it."""

    role: str
    name: str
    holds: str
    partitions: int
    config: Mapping[str, str]


@dataclass(slots=True)
class TopicFound:
    """A topic as it is; ``partitions`` 0 where it is missing. ``problems`` each say what is wrong and what to do."""

    plan: TopicPlan
    partitions: int
    replication: int = 0
    config: Mapping[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def topic_plans(settings: Settings) -> list[TopicPlan]:
    """What every topic of the settings must be like, the projector's changelog included."""
    names, count = settings.topics, settings.topics.partitions
    safe = {"min.insync.replicas": "2"} if names.replication > 2 else {}
    # what is written about an order may be larger than the order; outcomes are small
    large = {"max.message.bytes": str(MAX_RECORD_BYTES)}
    return [
        TopicPlan(role, name, holds, count, config | safe)
        for role, name, holds, config in (
            ("orders", names.orders, "order events: the log", FOR_EVER),
            ("contracts", names.contracts, "contract events, for analytics", FOR_EVER | large),
            ("commands", names.commands, "what NetSuite is asked to hold", FOR_EVER | large),
            ("quarantine", names.quarantine, "what is held back, with the reason", FOR_EVER | large),
            ("outcomes", names.outcomes, "what NetSuite answered", NEWEST_PER_KEY),
            ("dead_letters", names.dead_letters, "what NetSuite refused", FOR_EVER | large),
            ("state", settings.changelog, "the projector's state", STATE | large),
        )
    ]


class TopicAdmin:
    """Kafka's administration interface, as far as topics need it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._faults = Faults(settings.kafka)
        self._admin = self._faults.client(AdminClient, librdkafka_config(settings.kafka))

    def inspect(self) -> list[TopicFound]:
        """The topics of the settings as they are, with what is wrong with them.

        Raises:
            KafkaUnavailable: no broker answers.
        """
        metadata = self._faults.ask("listing the topics", self._admin, self._admin.list_topics).topics
        found = []
        for plan in topic_plans(self._settings):
            topic = metadata.get(plan.name)
            if topic is None or topic.error is not None or not topic.partitions:
                found.append(TopicFound(plan, 0, problems=[MISSING]))
                continue
            replication = min(len(partition.replicas) for partition in topic.partitions.values())
            found.append(TopicFound(plan, len(topic.partitions), replication))
        self._read_configs([topic for topic in found if topic.partitions])
        return found

    def create(self, plans: list[TopicPlan]) -> None:
        """Make topics.

        Raises:
            NuestreamError: Kafka refuses one; the reason is Kafka's.
        """
        replication = self._settings.topics.replication
        new = [NewTopic(each.name, each.partitions, replication, config=dict(each.config)) for each in plans]
        for name, made in self._admin.create_topics(new, operation_timeout=ANSWER_TIMEOUT).items():
            try:
                made.result(ANSWER_TIMEOUT)
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise NuestreamError(f"the topic {name} cannot be made: {error.args[0].str()}") from None

    def settled(self, made: list[TopicPlan]) -> list[TopicFound]:
        """The topics as they are once the brokers know of those that were just ``made``.

        Raises:
            NuestreamError: they do not know of one in time.
        """
        names = {plan.name for plan in made}
        until = time.monotonic() + ANSWER_TIMEOUT
        while True:
            found = self.inspect()
            unknown = [topic.plan.name for topic in found if topic.plan.name in names and not topic.partitions]
            if not unknown:
                return found
            if time.monotonic() > until:
                raise NuestreamError(f"{', '.join(unknown)}: made, but the brokers do not know of it; try again")
            time.sleep(0.2)

    def _read_configs(self, topics: list[TopicFound]) -> None:
        by_name = {topic.plan.name: topic for topic in topics}
        asked = [ConfigResource(ResourceType.TOPIC, name) for name in by_name]
        for resource, answer in (self._admin.describe_configs(asked) if asked else {}).items():
            topic = by_name[resource.name]
            try:
                entries = answer.result(ANSWER_TIMEOUT)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:  # for a moment after it is made
                    topic.partitions, topic.problems = 0, [MISSING]
                    continue
                topic.problems.append(f"its settings cannot be read: {error.args[0].str()}")
                continue
            topic.config = {name: entry.value for name, entry in entries.items()}
            topic.problems += differences(topic, self._settings.topics.replication)


def differences(topic: TopicFound, replication: int) -> list[str]:
    """What is wrong with a topic that is there, each with what to do about it. Pure."""
    plan, problems = topic.plan, []
    if topic.partitions != plan.partitions:
        problems.append(
            f"has {topic.partitions} partitions instead of {plan.partitions}, which cannot be changed without "
            f"moving customers: set topics.partitions = {topic.partitions}, or name a new topic"
        )
    if topic.replication < replication:
        problems.append(f"has {topic.replication} replicas instead of {replication}: reassign its partitions")
    for name in CHECKED:
        wanted, actual = plan.config.get(name), topic.config.get(name)
        if wanted is None or actual is None or actual == wanted:
            continue
        if name in AT_LEAST and int(actual) >= int(wanted):
            continue
        problems.append(f"has {name}={actual} instead of {wanted}: {_alter(plan.name, name, wanted)}")
    return problems


def _alter(topic: str, name: str, wanted: str) -> str:
    return f"kafka-configs --alter --entity-type topics --entity-name {topic} --add-config {name}={wanted}"


def create_topics(settings: Settings, by: str | None = None) -> tuple[list[str], list[TopicFound], list[int]]:
    """Make what is missing and begin every empty partition of the log with the settings' policy.

    Returns the topics made, all topics as they are now, and the partitions that the policy was written to.

    Raises:
        KafkaUnavailable, NuestreamError: Kafka does not answer, or refuses.
        PolicyMissing: a partition of the log begins with something else than a policy.
    """
    admin = TopicAdmin(settings)
    missing = [topic.plan for topic in admin.inspect() if not topic.partitions]
    if missing:
        admin.create(missing)
    found = admin.settled(missing)
    orders = next(topic for topic in found if topic.plan.role == "orders")
    if any(topic.plan.role == "orders" and topic.problems for topic in found):
        return [plan.name for plan in missing], found, []  # a policy would fix the wrong number of partitions
    with TopicReader(settings.kafka, settings.groups.project) as reader:
        extents = reader.extents(settings.topics.orders)
    empty = [number for number, (low, high) in sorted(extents.items()) if low == high == 0]
    if empty:
        activate_initial(settings, empty, orders.partitions, by)
    first_policy_check(settings)
    return [plan.name for plan in missing], found, empty


def record_counts(settings: Settings, topics: list[TopicFound]) -> dict[str, int]:
    """Per topic that is there, its last offset minus its first, over all partitions.

    Raises:
        KafkaUnavailable: no broker answers.
    """
    counts: dict[str, int] = {}
    with TopicReader(settings.kafka, settings.groups.project) as reader:
        for topic in topics:
            if topic.partitions:
                extents = reader.extents(topic.plan.name)
                counts[topic.plan.name] = sum(high - low for low, high in extents.values())
    return counts


def as_json(topic: TopicFound, records: int | None, policies: list[str]) -> dict[str, Any]:
    """A topic for other programs."""
    return {
        "role": topic.plan.role,
        "topic": topic.plan.name,
        "holds": topic.plan.holds,
        "partitions": topic.partitions,
        "replication": topic.replication,
        "config": {name: topic.config[name] for name in CHECKED if name in topic.config},
        "records": records,
        "policies": policies if topic.plan.role == "orders" else [],
        "problems": topic.problems,
    }
