"""Which answers of Kafka pass by waiting, and which are told at once."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.errors import KafkaUnavailable
from streams.faults import Faults
from streams.settings_connect import KafkaSettings


class Broker:
    """A client whose broker answers with errors first, and then with what was asked for."""

    def __init__(self, *codes: int) -> None:
        self.left = list(codes)

    def poll(self, _: float) -> None:
        """Nothing more is reported."""

    def watermarks(self, timeout: float) -> Any:
        if self.left:
            raise KafkaException(KafkaError(self.left.pop(0)))
        return 0, 7


@pytest.mark.parametrize(
    "code",
    [KafkaError._UNKNOWN_PARTITION, KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART],
    ids=["the client knows no such partition", "another leads", "the broker knows no such topic"],
)
def test_what_the_moment_after_a_broker_was_lost_answers_is_asked_again(code: int) -> None:
    broker = Broker(code, code)
    assert Faults(KafkaSettings()).ask("reading", broker, broker.watermarks) == (0, 7)


def test_a_refusal_is_told_at_once_with_what_was_being_done() -> None:
    broker = Broker(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(KafkaUnavailable, match="reading the extent"):
        Faults(KafkaSettings()).ask("reading the extent", broker, broker.watermarks)
    assert broker.left == []


def test_what_does_not_pass_in_time_is_told() -> None:
    broker = Broker(*[KafkaError._UNKNOWN_PARTITION] * 1000)
    with pytest.raises(KafkaUnavailable, match="reading"):
        Faults(KafkaSettings()).ask("reading", broker, broker.watermarks, within=0.2)
