"""Where partitions end at this moment, asked of a consumer that is reading meanwhile."""

from __future__ import annotations

import time
from collections.abc import Iterable

from confluent_kafka import OFFSET_END, Consumer, KafkaError, KafkaException, TopicPartition

from streams.faults import ELECTION, UNSETTLED, VAGUE, Faults


def ends_of(consumer: Consumer, faults: Faults, places: Iterable[TopicPartition]) -> dict[tuple[str, int], int]:
    """The offset that the next record will have, per topic and partition.

    Never polls: a record that came along would be lost to the consumer's owner.

    Raises:
        KafkaUnavailable: the brokers do not answer, or refuse.
    """
    until = time.monotonic() + ELECTION
    ends: dict[tuple[str, int], int] = {}
    left = [TopicPartition(place.topic, place.partition, OFFSET_END) for place in places]
    while left:
        left = _ask(consumer, faults, left, ends, until)
        if left:
            time.sleep(0.1)
    return ends


def _ask(
    consumer: Consumer,
    faults: Faults,
    places: list[TopicPartition],
    ends: dict[tuple[str, int], int],
    until: float,
) -> list[TopicPartition]:
    """Fill ``ends`` with what the brokers say of ``places``; those of which they cannot say it yet."""

    def judge(error: KafkaError, topic: str) -> None:
        if error.code() not in VAGUE | UNSETTLED or faults.hopeless or time.monotonic() >= until:
            raise faults.unavailable(f"reading the end of {topic}", error) from None

    try:
        # One question for all: a broker answers it when a fetch that waits for news on the same connection is over,
        # so that asking partition by partition would take as many such waits. The end counts as a time here.
        answers = consumer.offsets_for_times(places, timeout=max(1.0, until - time.monotonic()))
    except KafkaException as error:
        judge(error.args[0], places[0].topic)
        return places
    left = []
    for place in answers:
        if place.error is not None:
            judge(place.error, place.topic)
            left.append(TopicPartition(place.topic, place.partition, OFFSET_END))
        else:
            ends[place.topic, place.partition] = place.offset
    return left
