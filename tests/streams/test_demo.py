"""`nuestream demo`, as a user runs it: a process of its own, with everything that it starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from streams import demo_line
from streams.demo import run_demo
from streams.lag import GroupLag
from streams.settings import load_settings

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "examples"
PROCESSES = Path("/proc")
PATIENCE = 120.0


class Demo:
    """Starts demos, and finds the processes that come of them by a mark in their environment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.mark = f"NOTHING_LEFT={uuid.uuid4()}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("NUESTREAM_")},
            "PYTHONPATH": str(ROOT),
            "COLUMNS": "100",
            **dict([self.mark.split("=")]),
        }

    def start(self, *arguments: str, **over: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "streams.cli", "demo", *arguments],
            env=self.environment | over,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **over: str) -> subprocess.CompletedProcess[str]:
        started = self.start(*arguments, **over)
        try:
            out, err = started.communicate(timeout=PATIENCE)
        finally:
            started.kill()
        return subprocess.CompletedProcess(started.args, started.returncode, out, err)

    def processes(self) -> dict[int, str]:
        """The processes that carry the mark, with their command lines."""
        found = {}
        for process in PROCESSES.glob("[0-9]*"):
            try:
                if self.mark.encode() in (process / "environ").read_bytes().split(b"\0"):
                    found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
        return found

    def workers(self) -> dict[int, str]:
        """Those of them that are none of the demo itself."""
        return {pid: command for pid, command in self.processes().items() if "streams.cli import main" in command}


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    return Demo(tmp_path)


def wait_for(condition: Callable[[], bool], complaint: Callable[[], str]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, complaint()
        time.sleep(0.05)


def normal(value: Any) -> Any:
    """JSON with every number, also one in a string, as a decimal in one spelling."""
    if isinstance(value, dict):
        return {
            name: normal(inner) if name in NUMBERS or isinstance(inner, dict | list) else inner
            for name, inner in value.items()
        }
    if isinstance(value, list):
        return [normal(inner) for inner in value]
    return Decimal(value).normalize()


NUMBERS = {"quantity", "rate", "amount", "total"}


def documents_of(result: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """Documents by external id; a rate that `like` does not tell is left out."""
    told = {document["externalId"]: document for document in like["documents"]}
    documents = {}
    for document in result["documents"]:
        lines = [
            {field: value for field, value in line.items() if field != "rate" or "rate" in expected}
            for line, expected in zip(
                document["lines"], told.get(document["externalId"], document)["lines"], strict=False
            )
        ]
        documents[document["externalId"]] = normal({**document, "lines": lines})
    return documents


@pytest.mark.parametrize("folder", [EXAMPLES, EXAMPLES / "history-delta"], ids=["examples", "history-delta"])
def test_netsuite_holds_exactly_the_expected_documents_afterwards(demo: Demo, folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text(), parse_float=Decimal)
    done = demo.run(str(folder / "activations.ndjson"), "--json", "out.json")
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((demo.folder / "out.json").read_text(), parse_float=Decimal)
    assert len(result["documents"]) == len(expected["documents"])
    assert documents_of(result, expected) == documents_of(expected, expected)
    assert sorted(result["customers"]) == sorted(expected["customers"])
    assert result["items"] == expected["items"]
    assert {(each["order"], each["outcome"]) for each in result["not_posted"]} == {
        (each["order"], each["outcome"]) for each in expected["not_posted"]
    }
    assert all(each["why"] for each in result["not_posted"])
    assert demo.processes() == {}


def test_without_files_it_shows_the_packaged_examples_in_a_hundred_columns(demo: Demo) -> None:
    done = demo.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert max(len(line.rstrip()) for line in done.stdout.splitlines()) <= 100
    for text in (
        "NUE-RA-342fa49d-7a9f-555f-9036-db10c3c3c166",
        "link 46e37874-b2f2-5260-86f4-bac065c9b5e3",
        "renewal",
        "−30,000.00",
        "NoOp",
        "ignored",
        "Every order ties out",
    ):
        assert text in done.stdout
    assert "\x1b" not in done.stdout


def test_a_rejected_activation_is_told_with_its_place_and_fails_the_demo(demo: Demo) -> None:
    good = (EXAMPLES / "activations.ndjson").read_text().splitlines()[1]
    (demo.folder / "mine.ndjson").write_text(f'{good}\n{{"order": 1}}\n')
    done = demo.run("mine.ndjson")
    assert done.returncode == 1
    assert "mine.ndjson:2: " in done.stderr
    assert "1 activation rejected" in done.stdout
    assert "O-00000301" in done.stdout


def test_the_policy_of_the_settings_decides_and_nothing_else_of_them_is_used(demo: Demo) -> None:
    (demo.folder / "nuestream.toml").write_text(
        '[kafka]\nbootstrap_servers = "127.0.0.1:1"\n[policy]\ntenant_time_zone = "Pacific/Honolulu"\n'
    )
    done = demo.run(
        "--json", "out.json", NUESTREAM_NETSUITE__URL="http://127.0.0.1:1", NUESTREAM_TOPICS__PARTITIONS="7"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    dates = {each["memo"]: each["tranDate"] for each in json.loads((demo.folder / "out.json").read_text())["documents"]}
    assert dates["O-00000340"] == "2025-12-14"


@pytest.mark.skipif(not PROCESSES.is_dir(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_however_it_ends_no_process_is_left(demo: Demo, number: signal.Signals) -> None:
    started = demo.start()
    try:
        wait_for(lambda: len(demo.workers()) == 3, lambda: f"not all started: {demo.processes()}")
        started.send_signal(number)
        started.wait(timeout=PATIENCE)
        wait_for(lambda: not demo.processes(), lambda: f"left behind: {demo.processes()}")
    finally:
        started.kill()
    assert started.returncode == (-number if number == signal.SIGKILL else 130)


@pytest.mark.skipif(not PROCESSES.is_dir(), reason="processes are looked up in /proc")
def test_a_worker_that_dies_ends_the_demo_with_what_it_said_last(demo: Demo) -> None:
    started = demo.start()
    try:
        wait_for(lambda: len(demo.workers()) == 3, lambda: f"not all started: {demo.processes()}")
        victim = next(pid for pid, command in demo.workers().items() if command.rstrip().endswith(" project"))
        os.kill(victim, signal.SIGKILL)
        _, err = started.communicate(timeout=PATIENCE)
    finally:
        started.kill()
    assert started.returncode == 1
    assert "`nuestream project` was ended by signal 9; the last that it said:" in err
    assert demo.processes() == {}


@pytest.mark.skipif(not PROCESSES.is_dir(), reason="processes are looked up in /proc")
def test_kept_the_sandbox_stays_until_ctrl_c_and_the_workers_do_not(demo: Demo) -> None:
    started = demo.start("--keep")
    try:
        assert started.stdout is not None
        line = next(line for line in started.stdout if "The sandbox stays" in line)
        assert "http://127.0.0.1:" in line
        assert "Ctrl-C" in line
        left = list(demo.workers().values())
        assert len(left) == 1
        assert " sandbox " in left[0]
        started.send_signal(signal.SIGINT)
        started.wait(timeout=PATIENCE)
    finally:
        started.kill()
    assert started.returncode == 0
    assert demo.processes() == {}


def test_publishing_waits_until_what_was_sent_before_is_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("NUESTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo_line, "LINES_AT_ONCE", 4)
    undecided = []
    records = GroupLag.records

    def watched(lag: GroupLag) -> int:
        behind = records(lag)
        if lag.topic == "nue.orders.v1":
            undecided.append(behind)
        return behind

    monkeypatch.setattr(GroupLag, "records", watched)
    assert run_demo([], None, keep=False, settings=load_settings()) == 0, capsys.readouterr().err
    # four policies, and the orders of at most four lines; all at once they would be eleven
    assert max(undecided) <= 8
