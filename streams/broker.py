"""A Kafka broker inside this process, for trying out: nothing to install, nothing left behind.

librdkafka, which the Kafka client brings along, carries a broker for its own tests. It speaks the protocol over
TCP to any client. Topics make themselves at the first request for them, always with four partitions; about 5 MB
per partition are kept, in memory, and what is older is dropped; there is no administration interface.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException, Producer

from streams.errors import KafkaUnavailable
from streams.kafka import librdkafka_config
from streams.settings_connect import KafkaSettings

PARTITIONS = 4
"""Partitions of every topic of the embedded broker; it has no other number."""

START_TIMEOUT = 10.0


def _unheard(_: object) -> None:
    """What these clients have to report, the calls below raise."""


@contextmanager
def embedded_broker() -> Iterator[str]:
    """Run a broker on a free port of the loopback address; yields its bootstrap server, ``host:port``.

    Raises:
        KafkaUnavailable: it does not come up.
    """
    # The client owns its broker: as long as it lives, so does the broker.
    owner = Producer({"test.mock.num.brokers": 1, "error_cb": _unheard, "log_level": 0})
    try:
        brokers = owner.list_topics(timeout=START_TIMEOUT).brokers
    except KafkaException as error:
        raise KafkaUnavailable(f"the embedded broker did not start: {error.args[0].str()}") from None
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers.values())
    del owner


def touch_topics(kafka: KafkaSettings, topics: Iterable[str]) -> None:
    """Have the embedded broker make ``topics``, which it does when it is asked about them.

    Raises:
        KafkaUnavailable: it does not answer, or does not make one.
    """
    asker = Producer(librdkafka_config(kafka, error_cb=_unheard, log_level=0))
    for topic in topics:
        try:
            made = asker.list_topics(topic, timeout=START_TIMEOUT).topics[topic]
        except KafkaException as error:
            raise KafkaUnavailable(f"the embedded broker does not answer: {error.args[0].str()}") from None
        if made.error is not None:
            raise KafkaUnavailable(f"the embedded broker did not make {topic}: {made.error.str()}")
