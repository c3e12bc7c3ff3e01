"""What the projector is given for one record: reads, sends and writes, each after a look at the worker's lease."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from projections.forms import Record
from streams.errors import NuestreamError
from streams.messages import Message
from streams.state_table import StateTable


class Leased(Protocol):
    """Who holds the table, sends, and knows whether it still may."""

    table: StateTable

    def check_lease(self, message: Any) -> None:
        """Raise where the record's partition may belong to another worker."""

    async def send(self, messages: Sequence[Message]) -> None:
        """Send and wait for every acknowledgement."""


class RecordPorts:
    """The projector's ports for the record, or those before it, that Faust's ``message`` brought."""

    def __init__(self, host: Leased, message: Any) -> None:
        self._host = host
        self._message = message

    def read(self, key: bytes) -> bytes | None:
        """A stored record. Raises what ``check_lease`` raises."""
        self._host.check_lease(self._message)
        return self._host.table.read(self._message.partition, key)

    async def send(self, messages: Sequence[Message]) -> None:
        """Send outputs. Raises what ``check_lease`` and :func:`send_all` raise."""
        self._host.check_lease(self._message)
        await self._host.send(messages)

    async def write(self, records: Sequence[Record]) -> None:
        """Write state. Raises what ``check_lease`` raises, and :class:`NuestreamError` where the broker refuses."""
        self._host.check_lease(self._message)
        try:
            await self._host.table.write(self._message.partition, records)
        except Exception as error:
            raise _refused(self._host.table.changelog_topic_name, error) from error


async def send_all(producer: Any, messages: Sequence[Message]) -> None:
    """Send by Faust's ``producer`` and wait for every acknowledgement.

    Raises:
        NuestreamError: the broker refused one; the others may have been written.
    """
    sent = [(message.topic, await _sent(producer, message)) for message in messages]
    for topic, acknowledgement in sent:
        try:
            await acknowledgement
        except Exception as error:
            raise _refused(topic, error) from error


async def _sent(producer: Any, message: Message) -> Awaitable[object]:
    headers = list(message.headers)
    try:
        sent: Awaitable[object] = await producer.send(message.topic, message.key, message.value, None, None, headers)
    except Exception as error:  # the producer knows by itself that the broker would refuse
        raise _refused(message.topic, error) from error
    return sent


def _refused(topic: str, error: Exception) -> NuestreamError:
    return NuestreamError(f"the broker refused a record for {topic}: {error}")
