"""What Kafka's client reports beside the answers to calls, turned into one line for people."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from streams.errors import KafkaUnavailable, SettingsError
from streams.kafka import Config
from streams.settings_connect import KafkaSettings

SILENT = logging.getLogger("nuestream.librdkafka")
SILENT.disabled = True  # what it would say, the exceptions say

PATIENCE = 10.0
"""Seconds to wait for the answer of a broker."""

ELECTION = 30.0
"""Seconds to wait for the answer of a partition's leader: by default Kafka notices after 9 that a broker is gone."""

VAGUE = frozenset(
    {
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._DESTROY_BROKER,
    }
)
"""Codes that say only that something went wrong; the report of a single broker says what."""

UNSETTLED = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError._UNKNOWN_PARTITION,  # the client's own word for one that the broker it asked has not heard of
    }
)
"""Codes of the moment after a topic is made or a broker is lost: not every broker knows who leads, or the new leader
does not know yet how far its partition reaches."""


class Faults:
    """An ``error_cb`` that keeps the most telling of a client's reports for the message of the call that failed."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._servers = kafka.bootstrap_servers
        self._telling: KafkaError | None = None

    def __call__(self, error: KafkaError) -> None:
        """Keep ``error``; called from within the client's own calls."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            return
        if self._telling is None or self._telling.code() in VAGUE:
            self._telling = error

    def client(self, kind: Callable[[Config], Any], config: Config) -> Any:
        """A new client of ``kind`` that reports here.

        Raises:
            SettingsError: librdkafka cannot work with the settings, such as a key and its password.
        """
        try:
            return kind({**config, "error_cb": self, "log_level": 0, "logger": SILENT})
        except KafkaException as error:
            raise SettingsError(f"the kafka settings do not work: {' '.join(error.args[0].str().split())}") from None

    def ask(
        self, doing: str, client: Any, function: Callable[..., Any], *arguments: object, within: float = PATIENCE
    ) -> Any:
        """Ask a broker through ``client``'s ``function``, again until ``within`` seconds are over.

        Raises:
            KafkaUnavailable: no broker answers, or it refuses; at once where waiting does not help.
        """
        until = time.monotonic() + within
        patience = 1.0
        while True:
            try:
                return function(*arguments, timeout=patience)
            except KafkaException as error:
                client.poll(0)  # lets the client report what it met
                left = until - time.monotonic()
                code = error.args[0].code()
                if code not in VAGUE | UNSETTLED or self.hopeless or left <= 0:
                    raise self.unavailable(doing, error) from None
                time.sleep(0.1)
                patience = min(patience * 2, left)

    def unavailable(self, doing: str, error: BaseException | KafkaError | None = None) -> KafkaUnavailable:
        """The exception to raise: what was being done, where, and why it failed."""
        if isinstance(error, KafkaException):
            error = error.args[0]
        if isinstance(error, KafkaError) and error.code() not in VAGUE:
            reason = error.str()
        elif self._telling is not None:
            reason = self._telling.str()
        else:
            reason = error.str() if isinstance(error, KafkaError) else str(error or "no answer")
        return KafkaUnavailable(f"{doing}: Kafka at {self._servers}: {' '.join(reason.split())}")

    @property
    def hopeless(self) -> bool:
        """Whether what was reported will not pass by waiting: refused credentials or certificates."""
        return self._telling is not None and self._telling.code() in (KafkaError._AUTHENTICATION, KafkaError._SSL)
