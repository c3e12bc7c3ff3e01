"""Orders that wait and what people decide about them, and contracts brought along, on a real Kafka."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from confluent_kafka.admin import AdminClient

from schemas.codec import Encoder
from schemas.headers import headers_of
from schemas.order import OrderEvent
from streams.cli import cli
from streams.sending import Sender
from streams.settings import KafkaSettings
from tests.environment import Kafka
from tests.pipeline import Pipeline
from tests.projections.given import fewer, more, order, seats

GAP_TIMEOUT = 6
OPENING = """\
customer_id,contract_id,currency,billing_account_id,opened_on,contract_posted_beside,subscription_number,version,\
product_id,status,quantity,posted,start_on,end_on,segment_start_on,segment_end_on,segment_quantity,net_price_per_month
opened,root-old,USD,opened,2025-01-01,50.00,OLD-1,4,seat,Active,100,1200.00,2025-01-01,2025-12-31,\
2025-01-01,2025-12-31,100,1.00
"""


class Desk:
    """A running projector, a publisher, and the command line as a person at a desk uses it."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self._sender = Sender(KafkaSettings(bootstrap_servers=pipeline.bootstrap))
        self._runner = CliRunner()

    def publish(self, *events: OrderEvent) -> None:
        topic = self.pipeline.topic("orders")
        for event in events:
            self._sender.send(
                topic, event.order.customer_id.encode(), Encoder().encode(topic, event), headers_of(event)
            )
        self._sender.flush()

    def send(self, key: bytes, value: bytes) -> None:
        self._sender.send(self.pipeline.topic("orders"), key, value, [])
        self._sender.flush()

    def run(self, *arguments: str, status: int = 0, text: str | None = None) -> Result:
        """Run a command in this process."""
        environment = {f"NUESTREAM_{name}": value for name, value in self.pipeline.settings.items()}
        done = self._runner.invoke(cli, list(arguments), env=environment, input=text)
        assert done.exit_code == status, f"{arguments}: {done.output}{done.exception!r}"
        return done

    def told(self, *arguments: str) -> Any:
        """What a command tells as JSON."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def wait_for(self, condition: Callable[[], object], timeout: float = 20) -> None:
        until = time.monotonic() + timeout
        while not condition():
            assert self.pipeline.is_running("project"), self.pipeline.tail("project")
            assert time.monotonic() < until, self.pipeline.tail("project")
            time.sleep(0.1)

    def held(self, number: str) -> dict[str, Any] | None:
        return next((each for each in self.told("held") if each["orderNumber"] == number), None)

    def quarantined(self, number: str) -> dict[str, Any] | None:
        return next((each for each in self.told("quarantine", "list")["orders"] if each["orderNumber"] == number), None)

    def wait_until_quarantined(self, number: str) -> dict[str, Any]:
        self.wait_for(lambda: self.quarantined(number))
        found = self.quarantined(number)
        assert found is not None
        return found


def customer(name: str) -> dict[str, Any]:
    """Fields of an order of this customer."""
    return {"customer_id": name, "billing_account_id": name}


def too_much_returned(name: str, **fields: Any) -> list[OrderEvent]:
    """A sale, and a change whose credit is more than what was sold; ``fields`` are the change's."""
    return [
        order(f"{name}-1", seats(f"S-{name}", 100, "1200.00"), **customer(name)),
        order(f"{name}-2", fewer(f"S-{name}", 50, "9999.00", subscription_version=2), **{**customer(name), **fields}),
    ]


@pytest.fixture(scope="module")
def desk(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    prefix = f"workflow-{time.time_ns():x}."
    settings = {"PROJECT__INSTANCE_ID": "", "PROJECT__GAP_TIMEOUT": str(GAP_TIMEOUT)}
    pipeline = Pipeline(tmp_path_factory.mktemp("workflow"), kafka.bootstrap, prefix, settings=settings)
    pipeline.run("topics", "create")
    pipeline.start("project")
    desk = Desk(pipeline)
    desk.publish(
        order("gap-1", seats("S-gap", 10, "120.00"), **customer("gap")),
        order("gap-3", more("S-gap", 1, "12.00", subscription_version=3), **customer("gap")),
    )
    try:
        yield desk
    finally:
        pipeline.close()
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        left = [topic for topic in admin.list_topics(timeout=10).topics if topic.startswith(prefix)]
        for deletion in admin.delete_topics(left).values():
            deletion.result(10)


def test_a_held_order_is_told_with_what_it_waits_for_until_that_arrives(desk: Desk) -> None:
    desk.publish(
        order("held-1", seats("S-held", 10, "120.00"), **customer("held")),
        order("held-3", more("S-held", 1, "12.00", subscription_version=3), **customer("held")),
    )
    desk.wait_for(lambda: desk.held("No. held-3"))
    told = desk.held("No. held-3")
    assert told is not None
    (missing,) = told["waitsFor"]
    assert (missing["subscription"], missing["firstVersion"], missing["lastVersion"]) == ("S-held", 2, 2)
    assert told["eventId"] == "event-held-3"
    assert "S-held version 2" in desk.run("held").stdout
    shown = desk.told("quarantine", "show", "No. held-3")
    assert shown["state"] == "held"
    assert shown["original"]["event"]["order"]["lines"][0]["amount"] == "12.000000"

    desk.publish(order("held-2", more("S-held", 1, "12.00", subscription_version=2), **customer("held")))
    desk.wait_for(lambda: not desk.held("No. held-3"))
    shown = desk.told("quarantine", "show", "No. held-3")
    assert (shown["state"], shown["documents"]) == ("posted", ["NUE-SO-held-3"])
    (contract,) = desk.told("history", "held")["contracts"]
    assert [each["orderNumber"] for each in contract["orders"]] == ["No. held-1", "No. held-2", "No. held-3"]


def test_a_quarantined_order_is_shown_whole_and_released_once(desk: Desk, tmp_path: Path) -> None:
    desk.publish(*too_much_returned("credit"))
    told = desk.wait_until_quarantined("No. credit-2")
    assert {reason["code"] for reason in told["reasons"]} >= {"credit_exceeds_remaining"}
    assert [each["orderNumber"] for each in desk.told("quarantine", "list", "--customer", "credit")["orders"]] == [
        "No. credit-2"
    ]
    raw = tmp_path / "order.avro"
    shown = desk.told("quarantine", "show", told["quarantineId"], "--raw", str(raw))
    assert shown["waysOut"][0].startswith("nuestream quarantine release")
    assert raw.stat().st_size == shown["original"]["bytes"]
    assert "-9999.000000" in desk.run("quarantine", "show", "credit-2").stdout

    release = ("quarantine", "release", "credit-2", "--why", "agreed", "--by", "kim")
    assert "is not what speaks against it" in desk.run(*release, "--yes", "--waive", "nonsense", status=1).stderr
    desk.run(*release, text="n\n", status=1)
    assert desk.quarantined("No. credit-2")
    done = desk.run(*release, text="y\n")
    assert "No. credit-2: posted" in done.stdout
    assert "NUE-RA-credit-2 9,999.00 USD" in done.stdout
    again = desk.run(*release, "--yes", status=1)
    assert "waits no longer: it was posted by kim: agreed" in again.stderr
    (contract,) = desk.told("history", "credit")["contracts"]
    assert [each["outcome"] for each in contract["orders"]] == ["POSTED", "POSTED"]


def test_a_release_that_waives_too_little_quarantines_again_and_a_discarded_order_is_folded(desk: Desk) -> None:
    desk.publish(
        *too_much_returned("twice", total_amount=Decimal("-1.00")),
        order("twice-3", more("S-twice", 1, "12.00", subscription_version=3), **customer("twice")),
    )
    told = desk.wait_until_quarantined("No. twice-2")
    assert {reason["code"] for reason in told["reasons"]} == {"totals_do_not_tie"}
    by_kim = ("--why", "agreed", "--by", "kim", "--yes")
    again = desk.run("quarantine", "release", "twice-2", *by_kim, status=1)
    assert "quarantined again: credit_exceeds_remaining" in again.stdout

    done = desk.run("quarantine", "discard", "event-twice-2", *by_kim)
    assert "No. twice-2: discarded" in done.stdout
    assert "then No. twice-3: posted NUE-SO-twice-3" in done.stdout
    shown = desk.told("quarantine", "show", "twice-2")
    assert (shown["state"], shown["by"], len(shown["history"])) == ("discarded", "kim", 3)


def test_what_nobody_can_decide_is_refused_in_words(desk: Desk) -> None:
    first = order("copy-1", seats("S-copy", 10, "120.00"), **customer("copy"))
    other = order("copy-1", seats("S-copy", 11, "132.00"), event_id="event-copy-other", **customer("copy"))
    desk.publish(first, other)
    desk.wait_until_quarantined("No. copy-1")
    by_kim = ("--why", "agreed", "--by", "kim", "--yes")
    assert "nobody can waive conflict" in desk.run("quarantine", "release", "copy-1", *by_kim, status=1).stderr
    assert "no order called nothing" in desk.run("quarantine", "discard", "nothing", *by_kim, status=1).stderr
    assert "No. copy-1: discarded" in desk.run("quarantine", "discard", "copy-1", *by_kim).stdout
    (left_out,) = desk.told("history", "copy")["notPosted"]
    assert (left_out["outcome"], left_out["why"]) == ("discarded", "discarded by kim: agreed")

    desk.send(b"copy", b"not ours")
    desk.wait_for(lambda: desk.told("quarantine", "list")["unreadable"])
    (unreadable,) = desk.told("quarantine", "list")["unreadable"]
    assert unreadable["record"].startswith(desk.pipeline.topic("orders") + "[")
    assert unreadable["record"] in desk.run("quarantine", "list").stdout
    name = unreadable["quarantineId"]
    assert desk.told("quarantine", "show", name)["state"] == "unreadable"
    assert "is no order" in desk.run("quarantine", "release", name, *by_kim, status=1).stderr


def test_an_opened_contract_gives_a_change_its_anchor_and_its_limit(desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "opening.csv"
    file.write_text(OPENING)
    checked = desk.told("opening", "check", str(file))
    assert checked["totals"] == {"USD": "1250.000000"}
    assert "nothing was published" in desk.run("opening", "publish", str(file), "--dry-run").stderr
    for _ in range(2):
        done = desk.run("opening", "publish", str(file), "--yes", "--by", "kim")
        assert "1 opening balance published" in done.stdout
    desk.publish(
        order("opened-1", fewer("OLD-1", 40, "480.00", subscription_version=5), **customer("opened")),
        order("opened-2", fewer("OLD-1", 10, "5000.00", subscription_version=6), **customer("opened")),
    )
    told = desk.wait_until_quarantined("No. opened-2")
    assert "credit_exceeds_remaining" in {reason["code"] for reason in told["reasons"]}
    (contract,) = desk.told("history", "root-old")["contracts"]
    assert contract["opening"]["subscriptions"]["OLD-1"]["posted"] == "1200.000000"
    (link,) = contract["orders"]
    assert (link["step"], link["documents"][0]["externalId"], link["contractValue"]) == (
        "change",
        "NUE-RA-opened-1",
        "720.00",
    )
    assert desk.told("quarantine", "list", "--customer", "opened")["unreadable"] == []
    assert "opened 2025-01-01 with 1,200.00 of 1 subscription" in desk.run("history", "root-old").stdout


def test_an_order_whose_gap_does_not_close_is_quarantined_once_the_worker_has_waited(desk: Desk) -> None:
    told = desk.wait_until_quarantined("No. gap-3")
    assert [reason["code"] for reason in told["reasons"]] == ["version_gap"]
    shown = desk.told("quarantine", "show", "No. gap-3")
    assert [each["what"].partition(":")[0] for each in shown["history"]] == ["held", "quarantined"]
    done = desk.run("quarantine", "release", "No. gap-3", "--why", "2 was a test", "--by", "kim", "--yes")
    assert "No. gap-3: posted" in done.stdout


def test_where_the_policy_wants_two_people_the_second_release_acts(desk: Desk) -> None:
    desk.pipeline.run("policy", "activate", "--yes", over={"POLICY__RELEASE_BY_TWO": "true"})
    desk.publish(*too_much_returned("two"))
    desk.wait_until_quarantined("No. two-2")
    release = ("quarantine", "release", "two-2", "--why", "agreed", "--yes", "--by")
    asked = desk.run(*release, "kim")
    assert "another person must release it too" in asked.stdout
    told = desk.quarantined("No. two-2")
    assert told is not None
    assert told["releaseRequested"]["by"] == "kim"
    assert "release asked for by kim" in desk.run("quarantine", "list").stdout
    assert "wants another person" in desk.run(*release, "kim", status=1).stderr
    assert "No. two-2: posted" in desk.run(*release, "lee").stdout


def test_without_a_projector_what_was_said_is_in_the_log_and_the_command_says_so(desk: Desk) -> None:
    desk.publish(*too_much_returned("alone"))
    desk.wait_until_quarantined("No. alone-2")
    assert desk.pipeline.stop("project") == 0
    done = desk.run("quarantine", "discard", "alone-2", "--why", "test", "--yes", "--timeout", "1")
    assert "no projector has answered within 1 s" in done.stdout
