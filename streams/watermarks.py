"""Where partitions end at this moment, asked of a consumer that is reading meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.faults import ELECTION, UNSETTLED, VAGUE, Faults


def ends_of(consumer: Consumer, faults: Faults, places: Iterable[TopicPartition]) -> dict[tuple[str, int], int]:
    """The offset that the next record will have, per topic and partition.

    Never polls: a record that came along would be lost to the consumer's owner.

    Raises:
        KafkaUnavailable: the brokers do not answer, or refuse.
    """
    until = time.monotonic() + ELECTION
    return {(place.topic, place.partition): _end_of(consumer, faults, place, until) for place in places}


def _end_of(consumer: Consumer, faults: Faults, place: TopicPartition, until: float) -> int:
    while True:
        try:
            end: int = consumer.get_watermark_offsets(place, timeout=max(1.0, until - time.monotonic()))[1]
        except KafkaException as error:
            code = error.args[0].code()
            if code not in VAGUE | UNSETTLED or faults.hopeless or time.monotonic() >= until:
                raise faults.unavailable(f"reading the end of {place.topic}", error) from None
            time.sleep(0.1)
        else:
            return end
