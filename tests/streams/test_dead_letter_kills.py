"""What people ask for about dead letters outlives the sink's sudden death: answered once, carried out once.

`NUESTREAM_REQUEST_KILLS` (default 1) SIGKILLs: the first while every request is under way, further ones at random, of
`NUESTREAM_REQUEST_SEED`.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from schemas.outcome import LetterState
from schemas.requests import DiscardRequested, RedriveRequested, Request
from sinks.sandbox.account_rules import AccountRules, Period
from tests.environment import Kafka
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks.orders import customer, item
from tests.streams.sinking import Line, sales_order

KILLS = int(os.environ.get("NUESTREAM_REQUEST_KILLS", "1"))
SEED = int(os.environ.get("NUESTREAM_REQUEST_SEED", str(random.SystemRandom().randrange(1 << 30))))
NOBODY_WAITS_SO_LONG = 600
UNDER_WAY = {
    # made, and the answer does not come
    "acme": ("POST", {"kind": "no-answer-after", "seconds": NOBODY_WAITS_SO_LONG}),
    # not made, and the answer does not come
    "bolt": ("POST", {"kind": "no-answer-before", "seconds": NOBODY_WAITS_SO_LONG}),
    # made when the sink that asked for it is gone
    "core": ("POST", {"kind": "stall", "seconds": 2.5}),
    # a discard that asks first whether NetSuite has it
    "dune": ("GET", {"kind": "no-answer-before", "seconds": NOBODY_WAITS_SO_LONG}),
    # made, and its outcome told, but not that the request is carried out
    "flux": ("POST", {"kind": "stall", "seconds": 1.5}),
}
REDRIVEN = ("acme", "bolt", "core", "flux")
CUSTOMERS = (*UNDER_WAY, "echo")


async def refused_line(kafka: Kafka, prefix: str, sandbox: RunningSandbox) -> Line:
    """A line on which the first document of each customer was refused and the second one is parked."""
    line = Line(kafka.bootstrap, prefix, sandbox, netsuite={"request_limit": 1.0})
    line.make_topics()
    january = Period(start=date(2025, 1, 1), end=date(2025, 1, 31))
    sandbox.store.apply(AccountRules(closed_periods=(january,)))
    async with line.sink():
        line.ask_for(item(), *(customer(f"NUE-CUST-{name}") for name in CUSTOMERS))
        line.ask_for(*(sales_order(name, number) for name in CUSTOMERS for number in (1, 2)))
        await line.until(lambda: len(line.states()) == 2 * len(CUSTOMERS))
        await line.settled()
    sandbox.store.apply(AccountRules())
    return line


def ask(line: Line, kind: type[Request], external_id: str) -> str:
    """Ask for it as the command line does; the id of the request."""
    (letter,) = [each for each in line.letters() if each.external_id == external_id]
    name = f"{kind.__name__} {external_id}"
    request = kind(
        request_id=name,
        command_id=letter.command_id,
        external_id=external_id,
        lane=letter.lane,
        by="kim",
        why="a test",
        requested_at=datetime.now(UTC),
    )
    line.say(letter.partition, request)
    return name


def answers(line: Line) -> Counter[str]:
    """How often each request was answered."""
    told = [each.request_id for each in line.letters() if each.request_id]
    return Counter(told + [each.request_id for each in line.declined()])


async def test_requests_under_way_when_the_sink_is_killed_are_answered_once_and_carried_out_once(
    kafka: Kafka, topic_prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("KILLS", "SEED"):  # they are the test's, and no settings of the sink
        monkeypatch.delenv(f"NUESTREAM_REQUEST_{name}", raising=False)
    monkeypatch.setenv("NUESTREAM_APPLY__INSTANCE_ID", "apply-0")
    chance = random.Random(SEED)
    print(f"\nseed {SEED}, {KILLS} kills")
    with running_sandbox() as sandbox:
        line = await refused_line(kafka, topic_prefix, sandbox)
        faults = [
            {"fault": fault, "match": {"method": method, "externalId": f"NUE-SO-{name}-1"}}
            for name, (method, fault) in UNDER_WAY.items()
        ]
        sandbox.admin("PUT", "faults", {"requests": faults})
        asked = [ask(line, RedriveRequested, f"NUE-SO-{name}-1") for name in REDRIVEN]
        asked.append(ask(line, DiscardRequested, "NUE-SO-dune-1"))
        # a parked document may have been sent by another sink: its discard lets request_limit pass
        asked.append(ask(line, DiscardRequested, "NUE-SO-echo-2"))
        line.limit(line.settings.topics.dead_letters, 1)  # the broker takes no answer

        log = tmp_path / "0.log"
        sink = await line.start_process(log, request_limit="4")
        await line.until(lambda: sum(sandbox.admin("GET", "report")["faults"].values()) == len(UNDER_WAY))
        async with asyncio.timeout(30):
            while "NUE-SO-flux-1 is salesOrder" not in log.read_text():  # noqa: ASYNC110  another process writes it
                await asyncio.sleep(0.01)
        with suppress(ProcessLookupError):  # on a busy machine it has stopped by itself, since it cannot answer
            sink.kill()
        assert await sink.wait() in (-signal.SIGKILL, 1), log.read_text()
        assert "NUE-SO-flux-1" in {each.external_id for each in line.outcomes()}
        assert answers(line) == {}
        line.limit(line.settings.topics.dead_letters, 1_000_000)
        sandbox.admin("DELETE", "faults")
        for number in range(1, KILLS):
            sink = await line.start_process(tmp_path / f"{number}.log")
            await asyncio.sleep(chance.uniform(0.5, 4))
            sink.kill()
            await sink.wait()

        sink = await line.start_process(tmp_path / "last.log")
        made = [f"NUE-SO-{name}-{number}" for name in REDRIVEN for number in (1, 2)] + ["NUE-SO-dune-2"]
        await line.until(lambda: answers(line).keys() == set(asked) and len(line.documents()) >= len(made))
        await line.until(lambda: LetterState.PARKED not in line.states().values())
        await line.until(lambda: "partition 3 is ours" in (tmp_path / "last.log").read_text())
        sink.terminate()
        assert await sink.wait() == 0, (tmp_path / "last.log").read_text()

        assert sorted(line.documents()) == sorted(made)
        assert answers(line) == dict.fromkeys(asked, 1)
        assert line.declined() == []
        ended = dict.fromkeys(made, LetterState.CLOSED)
        ended |= dict.fromkeys(["NUE-SO-dune-1", "NUE-SO-echo-2"], LetterState.DISCARDED)
        assert line.states() == {"NUE-SO-echo-1": LetterState.REFUSED, **ended}
        assert Counter(each.external_id for each in line.letters() if not each.state.is_open) == dict.fromkeys(ended, 1)
        report = sandbox.admin("GET", "report")
        assert (report["made"]["salesOrder"], report["transactionsUpdated"]) == (len(made), 0)
