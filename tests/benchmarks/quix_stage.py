"""The same projection under Quix Streams, whose interpreter runs this: raw bytes in, the same core, its state store.

Its state store keeps the same table records; its changelog and its commits are its own. Outputs go to the same topics.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

from quixstreams import Application, State

from projections.fold import fold
from projections.in_force import PolicyInForce
from projections.pages import dump, load
from projections.records import LogRecord, customer_of
from schemas.codec import Decoder, Encoder
from schemas.policy import PolicyActivated
from streams.messages import Messages
from streams.settings import load_settings


def main() -> None:
    """Run until it is ended."""
    settings = load_settings(None)
    topics = settings.topics
    app = Application(
        broker_address=settings.kafka.bootstrap_servers,
        consumer_group=os.environ["NUESTREAM_GROUPS__PROJECT"],
        auto_offset_reset="earliest",
        state_dir="quix-state",
        commit_interval=1.0,
    )
    orders = app.topic(topics.orders, value_deserializer="bytes", key_deserializer="bytes")
    decoder, messages = Decoder(None), Messages(topics, Encoder(None))
    policies: dict[int, PolicyInForce] = {}
    producer = app.get_producer()

    def project(value: bytes, key: bytes, timestamp: int, headers: Any, state: State) -> None:
        content = decoder.decode(value, headers)
        if isinstance(content, PolicyActivated):
            policies[content.partition] = PolicyInForce(0, content.event_id, content.partitions, content.policy)
            return

        def read(name: bytes) -> bytes | None:
            return state.get_bytes(name.hex())

        from quixstreams.context import message_context

        context = message_context()
        customer = load(customer_of(content), read)
        record = LogRecord(
            context.topic,
            context.partition,
            context.offset,
            datetime.fromtimestamp(timestamp / 1000, UTC),
            key,
            value,
            dict(headers or ()),
        )
        step = fold(customer, record, content, policies[context.partition].policy)
        for message in (*messages.of_upserts(step), *messages.of_the_rest(step, key)):
            producer.produce(message.topic, message.value, message.key, headers=list(message.headers))
        for name, stored in dump(step.state, read).in_order():
            if stored is None:
                state.delete(name.hex())
            else:
                state.set_bytes(name.hex(), stored)

    frame = app.dataframe(orders)
    frame.update(project, stateful=True, metadata=True)
    app.run()


if __name__ == "__main__":
    main()
