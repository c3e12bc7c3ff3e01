"""The pure core per order: decode, fold, encode, store; CPU time, since the clock of a shared machine is noisy."""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from projections.fold import fold
from projections.pages import dump, load
from projections.records import LogRecord
from schemas.codec import Decoder, Encoder
from schemas.headers import headers_of
from schemas.nue import read_activation
from schemas.order import OrderEvent, Source
from schemas.policy import Policy
from tests.generator import activations

TOPIC = "nue.orders.v1"
AT = datetime(2026, 1, 1, tzinfo=UTC)


def events(orders: int) -> list[OrderEvent]:
    """Generated orders as events."""
    return [
        read_activation(each, published_at=AT, event_id=str(uuid.uuid4()), source=Source.MANUAL, tenant_id=None)
        for each in activations(seed=1, orders=orders, customers=max(1, orders // 20))
    ]


def report(orders: int, runs: int) -> None:
    """Print microseconds of CPU per order for each part, as the median of `runs`, with the number of lines."""
    generated = events(orders)
    lines = sum(len(event.order.lines) for event in generated) / len(generated)
    encoder, decoder = Encoder(None), Decoder(None)
    encoded = [encoder.encode(TOPIC, event) for event in generated]
    print(f"pure core, {len(generated)} orders of {lines:.1f} lines, µs of CPU per order, median of {runs} runs:")
    _print("decode an order event", runs, len(generated), lambda: [decoder.decode(each) for each in encoded])
    _print("decode, fold, encode, store", runs, len(generated), lambda: _project(encoded, encoder, decoder))


def _project(encoded: list[bytes], encoder: Encoder, decoder: Decoder) -> None:
    stored: dict[bytes, bytes] = {}
    policy = Policy()
    for offset, value in enumerate(encoded):
        event = decoder.decode(value)
        assert isinstance(event, OrderEvent)
        state = load(event.order.customer_id, stored.get)
        record = LogRecord(TOPIC, 0, offset, AT, event.order.customer_id.encode(), value)
        step = fold(state, record, event, policy)
        for sent in (*step.upserts, *step.documents, *step.contract_events, *step.quarantined, *step.holdings):
            encoder.encode(TOPIC, sent)
            headers_of(sent)
        writes = dump(step.state, stored.get)
        stored.update([*writes.before, writes.head])


def _print(name: str, runs: int, orders: int, work: Callable[[], object]) -> None:
    work()
    spent = []
    for _ in range(runs):
        began = time.process_time()
        work()
        spent.append((time.process_time() - began) / orders * 1e6)
    print(f"  {name:<30} {statistics.median(spent):8.1f}   (min {min(spent):.1f}, max {max(spent):.1f})")
