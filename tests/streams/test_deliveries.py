"""What becomes of a defect where nobody waits for the result."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sinks.entry import Original, Place
from sinks.lanes import Lanes
from sinks.slots import Slots
from streams.acknowledged import Placed
from streams.deliveries import Deliveries
from streams.settings import Settings


class Broker:
    """The edge to Kafka: it acknowledges everything."""

    async def send(self, *_: Any) -> Placed:
        return Placed(0, 0)


async def test_a_defect_after_the_end_of_a_delivery_stops_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    lanes = Lanes(slots=Slots(1, 1), window=1, waiting_limit=1, reference_timeout=1.0, request_limit=1.0)
    edge: Any = Broker()
    deliveries = Deliveries(Settings(), lanes, edge, edge, edge, lambda *_: None, lambda: 0)
    lanes.assign(0, [], [], 0, 0.0)
    lanes.offer(Place(0, 0), Original(b"nobody", b"?"), "it cannot be read", 0.0)
    deliveries.pump()

    def defect(_now: float) -> list[Any]:
        raise ValueError("a defect")

    monkeypatch.setattr(lanes, "take", defect)
    with pytest.raises(ValueError, match="a defect"):
        await asyncio.wait_for(deliveries.failed, 5)
