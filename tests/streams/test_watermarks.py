"""Where partitions end, asked of a consumer that waits for news on the same connection."""

from __future__ import annotations

import time
from contextlib import closing

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from streams.errors import KafkaUnavailable
from streams.faults import Faults
from streams.kafka import consumer_config
from streams.settings_connect import KafkaSettings
from streams.watermarks import ends_of
from tests.environment import Kafka

PARTITIONS = 12


def test_the_ends_of_many_partitions_are_asked_for_at_once_and_empty_ones_end_at_their_beginning(
    kafka: Kafka, topic_prefix: str
) -> None:
    topic, settings = f"{topic_prefix}many", KafkaSettings(bootstrap_servers=kafka.bootstrap)
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result(10)
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for partition in range(0, PARTITIONS, 2):
        for _ in range(partition + 1):
            producer.produce(topic, b"?", partition=partition)
    assert producer.flush(10) == 0
    faults = Faults(settings)
    places = [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)]
    with closing(faults.client(Consumer, consumer_config(settings, f"{topic_prefix}nobody"))) as consumer:
        consumer.assign(places)
        read = 0
        while read < sum(range(1, PARTITIONS, 2)):
            read += len(consumer.consume(100, timeout=1))
        began = time.monotonic()
        ends = ends_of(consumer, faults, places)
        assert time.monotonic() - began < 3  # a fetch waits for half a second
        assert ends == {(topic, partition): (partition + 1) * (1 - partition % 2) for partition in range(PARTITIONS)}
        producer.produce(topic, b"?", partition=1)
        assert producer.flush(10) == 0
        assert ends_of(consumer, faults, places[:2]) == {(topic, 0): 1, (topic, 1): 1}


def test_a_broker_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.watermarks.ELECTION", 1.0)
    settings = KafkaSettings(bootstrap_servers="127.0.0.1:9")
    faults = Faults(settings)
    with (
        closing(faults.client(Consumer, consumer_config(settings, "nobody"))) as consumer,
        pytest.raises(KafkaUnavailable, match=r"reading the end of there: Kafka at 127\.0\.0\.1:9: "),
    ):
        ends_of(consumer, faults, [TopicPartition("there", 0)])
