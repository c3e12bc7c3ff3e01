"""The topic that an archive is put back into: made where it is missing, and refused where records would not stay."""

from __future__ import annotations

import time
from collections.abc import Mapping

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

from streams.archive.manifest import ArchivedTopic
from streams.errors import ArchiveError
from streams.faults import Faults
from streams.kafka import MAX_RECORD_BYTES, librdkafka_config
from streams.reading import TopicReader
from streams.settings import Settings
from streams.topics import ANSWER_TIMEOUT, FOR_EVER, TopicAdmin, TopicPlan, topic_plans

OWN_TIMESTAMPS = {"message.timestamp.type": "CreateTime"}


def target_name(settings: Settings, archived: ArchivedTopic) -> str:
    """The topic of the settings that has the archived topic's role; the archived name where it has none."""
    names = {plan.role: plan.name for plan in topic_plans(settings)}
    return names.get(archived.role or "", archived.topic)


def plan_of(settings: Settings, archived: ArchivedTopic, name: str) -> TopicPlan:
    """What the target has to be like."""
    plans = {plan.role: plan for plan in topic_plans(settings)}
    like = plans.get(archived.role or "")
    config = FOR_EVER | {"max.message.bytes": str(MAX_RECORD_BYTES)} if like is None else like.config
    holds = "records of an archive" if like is None else like.holds
    return TopicPlan(archived.role or "", name, holds, archived.partitions, {**config, **OWN_TIMESTAMPS})


def make(settings: Settings, reader: TopicReader, plan: TopicPlan) -> None:
    """Make the target and wait until the brokers know of it.

    Raises:
        NuestreamError: Kafka refuses it.
        ArchiveError: it does not come up in time.
    """
    TopicAdmin(settings).create([plan])
    until = time.monotonic() + ANSWER_TIMEOUT
    while reader.partitions(plan.name) != plan.partitions:
        if time.monotonic() > until:
            raise ArchiveError(f"{plan.name}: made, but the brokers do not know of it; try again")
        time.sleep(0.2)


def check(settings: Settings, plan: TopicPlan, partitions: int) -> None:
    """Refuse a topic that is there already and would not hold the records as they were.

    Raises:
        ArchiveError: with what is wrong with it.
        KafkaUnavailable: its settings cannot be read.
    """
    if partitions != plan.partitions:
        raise ArchiveError(
            f"{plan.name} has {partitions} partitions, the archive {plan.partitions}: records keep their partition, so "
            "another topic is needed (--as)"
        )
    found = _config(settings, plan.name)
    cleanup = plan.config["cleanup.policy"]
    if found.get("message.timestamp.type") != "CreateTime":
        raise ArchiveError(f"{plan.name} gives records its own timestamps: it needs message.timestamp.type=CreateTime")
    if found.get("cleanup.policy") != cleanup:
        raise ArchiveError(f"{plan.name} has cleanup.policy={found.get('cleanup.policy')}: it needs {cleanup}")
    if cleanup == "delete" and {found.get("retention.ms"), found.get("retention.bytes")} != {"-1"}:
        raise ArchiveError(
            f"{plan.name} would delete old records as soon as they are put back: it needs retention.ms=-1 and "
            "retention.bytes=-1"
        )


def _config(settings: Settings, topic: str) -> Mapping[str, str]:
    faults = Faults(settings.kafka)
    admin = faults.client(AdminClient, librdkafka_config(settings.kafka))
    asked = admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)])
    try:
        (answer,) = asked.values()
        entries = answer.result(ANSWER_TIMEOUT)
    except KafkaException as error:
        raise faults.unavailable(f"reading the settings of {topic}", error) from None
    return {name: entry.value for name, entry in entries.items()}
