"""How often the sink asks NetSuite, on a real Kafka: once for an order, and next to never for what is there already."""

from __future__ import annotations

from typing import Any

from schemas.command import CreateSalesOrder
from schemas.outcome import Result
from tests.environment import Kafka
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.streams.order_stream import OrderStream
from tests.streams.sinking import Line

CALLS_PER_ORDER = 1.1
CALLS_PER_COMMAND_AGAIN = 0.02


def calls(sandbox: RunningSandbox) -> int:
    """Requests since this was asked last."""
    told = sandbox.admin("GET", "report")["requests"]
    sandbox.admin("DELETE", "report")
    print(told)
    return sum(told.values())


def nothing_known(prefix: str) -> dict[str, dict[str, Any]]:
    """Settings of a sink that nothing tells what NetSuite holds."""
    topics = {name: f"{prefix}{name}-anew" for name in ("outcomes", "dead_letters")}
    return {"topics": topics, "groups": {"apply": f"{prefix}apply-anew"}}


async def test_an_order_costs_one_call_and_a_replay_of_all_of_them_next_to_none(
    kafka: Kafka, topic_prefix: str
) -> None:
    stream = OrderStream(customers=40, items=10)
    with running_sandbox() as sandbox:
        line = Line(kafka.bootstrap, topic_prefix, sandbox)
        line.make_topics()
        first, later = list(stream.take(100)), list(stream.take(500))
        line.ask_for(*first)
        async with line.sink():
            await line.settled()
            calls(sandbox)
            line.ask_for(*later)
            await line.settled()
        assert calls(sandbox) <= CALLS_PER_ORDER * 500
        held = line.held()
        assert len(held["documents"]) == sum(isinstance(each, CreateSalesOrder) for each in (*first, *later))
        anew = Line(kafka.bootstrap, topic_prefix, sandbox, **nothing_known(topic_prefix))
        anew.make_topics()
        async with anew.sink():
            await anew.settled()
        assert calls(sandbox) <= CALLS_PER_COMMAND_AGAIN * len([*first, *later])
        assert line.held() == held
        told: dict[str, Any] = {each.external_id: each.result for each in anew.outcomes()}
        assert {told[each["externalId"]] for each in held["documents"]} == {Result.FOUND}
        assert anew.letters() == []
