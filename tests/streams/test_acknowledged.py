"""The sender whose every record is awaited, on a broker that refuses its user."""

from __future__ import annotations

import asyncio

import pytest
from confluent_kafka.admin import AclOperation, NewTopic, ResourceType
from pydantic import SecretStr

from schemas.codec import Encoder
from streams.acknowledged import AckSender
from streams.errors import KafkaUnavailable
from streams.settings_connect import KafkaSettings
from tests.environment import SecureKafka
from tests.sinks.lane_world import outcome_of, upsert


async def test_a_user_that_may_write_nowhere_ends_every_send_with_one_clear_line(
    secure_kafka: SecureKafka, topic_prefix: str
) -> None:
    user, topic = f"{topic_prefix}reader", f"{topic_prefix}outcomes"
    password = secure_kafka.add_user(user)
    admin = secure_kafka.admin()
    for made in admin.create_topics([NewTopic(topic, 1, 1)]).values():
        made.result(10)
    secure_kafka.allow(user, AclOperation.READ, ResourceType.TOPIC, topic)
    kafka = KafkaSettings(
        bootstrap_servers=secure_kafka.bootstrap,
        security_protocol="SASL_SSL",
        sasl_mechanism="SCRAM-SHA-512",
        sasl_username=user,
        sasl_password=SecretStr(password),
        ssl_ca=secure_kafka.ca_path,
    )
    sender = AckSender(kafka, Encoder())
    try:
        sends = [sender.send(topic, b"key", outcome_of(upsert("i0", number))) for number in range(3)]
        for ended in await asyncio.wait_for(asyncio.gather(*sends, return_exceptions=True), 30):
            assert isinstance(ended, KafkaUnavailable)
            assert "authorization failed" in str(ended).lower()
        with pytest.raises(KafkaUnavailable, match=r"(?i)authorization failed"):
            await asyncio.wait_for(sender.send(topic, b"key", outcome_of(upsert("i0", 9))), 5)
    finally:
        sender.close()
