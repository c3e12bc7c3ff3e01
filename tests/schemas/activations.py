"""Nue's activations, to be read as they are or changed first."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from schemas.nue import InvalidActivation, parse_json, read_activation
from schemas.order import (
    OrderEvent,
    Source,
)

EXAMPLES = Path(__file__).parents[1] / "examples"
PUBLISHED = datetime(2026, 7, 1, 12, tzinfo=UTC)
SEVEN = (EXAMPLES / "activations.ndjson").read_text("utf-8").splitlines()
NEW, RESELLER, DECREASE, INCREASE, RENEWAL, ZERO, DRAFT = range(7)

Change = Callable[[dict[str, Any]], object]


def read(document: object) -> OrderEvent:
    return read_activation(document, published_at=PUBLISHED, event_id="event-1", source=Source.MANUAL, tenant_id="acme")


def example(number: int = NEW) -> dict[str, Any]:
    document = parse_json(SEVEN[number])
    assert isinstance(document, dict)
    return document


def changed(change: Change, number: int = NEW) -> OrderEvent:
    document = example(number)
    change(document["data"])
    return read(document)


def refusal(change: Change, number: int = NEW) -> str:
    with pytest.raises(InvalidActivation) as error:
        changed(change, number)
    return str(error.value)


def setting(**values: Any) -> Change:
    """Sets fields of the first line."""
    return lambda data: data["order"]["orderProducts"][0].update(values)


def on_order(**values: Any) -> Change:
    return lambda data: data["order"].update(values)
