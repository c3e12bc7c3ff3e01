"""The Kafka that tests share, and plain brokers of a test's own."""

import os
from collections.abc import Mapping
from typing import Protocol

from tests.environment.brokers import OwnBroker, Place, Plan

BOOTSTRAP = "KAFKA_BOOTSTRAP_SERVERS"


class Kafka(Protocol):
    """A reachable broker without authentication."""

    @property
    def bootstrap(self) -> str:
        """The value for bootstrap.servers."""
        ...

    @property
    def origin(self) -> str:
        """Where the broker came from, for people."""
        ...

    def close(self) -> None:
        """End it, if it is ours to end."""


class GivenKafka:
    """A broker that somebody else runs."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self.origin = BOOTSTRAP

    def close(self) -> None:
        """It is not ours to end."""


def find_kafka() -> Kafka:
    """The broker of KAFKA_BOOTSTRAP_SERVERS, else one of our own; raises UnavailableError."""
    given = os.environ.get(BOOTSTRAP)
    return GivenKafka(given) if given else start_kafka()


def start_kafka(properties: Mapping[str, str] | None = None) -> OwnBroker:
    """Start a broker of the caller's own with the properties above the defaults (`message.max.bytes`, ...).

    Raises UnavailableError where neither Docker nor Java with Maven is there.
    """
    return OwnBroker(plain(properties or {}))


def plain(properties: Mapping[str, str], heap_mb: int = 512) -> Plan:
    """The plan of a broker without authentication, with the properties above the defaults."""
    own = dict(properties)
    return Plan(properties=lambda place: {**_listeners(place), **own}, client={}, files={}, heap_mb=heap_mb)


def _listeners(place: Place) -> dict[str, str]:
    return {
        "listeners": f"PLAINTEXT://{place.bind}:{place.port},CONTROLLER://127.0.0.1:{place.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{place.host}:{place.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
    }
