"""The command line: help that teaches, settings from anywhere, and faults that are one line."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from sinks.client import NetSuiteClient
from streams.cli import cli
from streams.errors import NuestreamError
from streams.settings import Settings
from streams.settings_source import env_name, setting_paths
from tests.sinks import certificates

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "examples" / "activations.ndjson"


def commands(group: click.Group, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in sorted(group.commands.items()):
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*above, name))


COMMANDS = dict(commands(cli))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("NUESTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, list(arguments), env=environment)


def test_the_commands_are_these() -> None:
    assert {" ".join(path) for path in COMMANDS} == {
        "adopt",
        "adopt check",
        "apply",
        "archive",
        "archive export",
        "archive import",
        "archive verify",
        "arrangements",
        "deadletters",
        "deadletters discard",
        "deadletters list",
        "deadletters redrive",
        "deadletters show",
        "demo",
        "diff",
        "doctor",
        "export",
        "export contracts",
        "held",
        "history",
        "opening",
        "opening check",
        "opening publish",
        "opening template",
        "policy",
        "policy activate",
        "policy show",
        "project",
        "publish",
        "quarantine",
        "quarantine discard",
        "quarantine list",
        "quarantine release",
        "quarantine show",
        "rebuild",
        "rebuild account",
        "rebuild commands",
        "reconcile",
        "replay",
        "sandbox",
        "schemas",
        "schemas check",
        "schemas list",
        "schemas register",
        "settings",
        "topics",
        "topics acls",
        "topics create",
        "topics show",
        "verify-state",
    }


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_and_its_options(path: tuple[str, ...]) -> None:
    shown = run(*path, "--help")
    assert shown.exit_code == 0
    command = COMMANDS[path]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.name not in ("help", "layout"):
            assert parameter.help, f"{' '.join(path)} {parameter.opts[0]}"


def test_help_names_only_variables_and_settings_that_exist() -> None:
    names = {env_name(setting) for setting in setting_paths(Settings)} | {"NUESTREAM_CONFIG"}
    settings = {".".join(setting) for setting in setting_paths(Settings)}
    sections = {setting.partition(".")[0] for setting in settings}
    for command in (cli, *COMMANDS.values()):
        text = command.help or ""
        for variable in re.findall(r"\bNUESTREAM_[A-Z_]*[A-Z]\b(?!_*\.\.\.)", text):
            assert variable in names
        for section, field in re.findall(r"\b([a-z]+)\.([a-z_]+)\b", text):
            if section in sections:
                assert f"{section}.{field}" in settings or field in ("json", "ndjson")


def test_help_loads_neither_kafka_nor_faust_nor_the_settings() -> None:
    script = (
        "import sys; sys.argv = ['nuestream', '--help']\n"
        "from streams.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'confluent_kafka', 'faust', 'pydantic', 'httpx', 'rich', 'aiohttp'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_wrong_setting_is_one_line_and_status_2() -> None:
    done = run("topics", "show", NUESTREAM_TOPICS__PARTITIONS="many")
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("nuestream: topics.partitions (NUESTREAM_TOPICS__PARTITIONS): ")


@pytest.mark.parametrize("command", ["project", "apply"])
def test_an_unreachable_kafka_or_a_missing_credential_is_one_line_and_status_2(command: str) -> None:
    done = run(command, NUESTREAM_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:9")
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1
    expected = {"project": "Kafka at 127.0.0.1:9", "apply": "netsuite.account (NUESTREAM_NETSUITE__ACCOUNT) is not set"}
    assert expected[command] in done.stderr


def test_a_fault_is_told_in_one_line_and_a_defect_with_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    import streams.topics_command

    def broken(error: Exception) -> None:
        def raising(*_: object) -> int:
            raise error

        monkeypatch.setattr(streams.topics_command, "run_show", raising)

    broken(NuestreamError("two\nlines"))
    done = run("topics", "show")
    assert (done.exit_code, done.stderr) == (2, "nuestream: two lines\n")
    broken(ZeroDivisionError("a defect"))
    assert isinstance(run("topics", "show").exception, ZeroDivisionError)


def test_a_file_of_settings_is_given_before_the_command(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[topics]\norders = "mine"\n', encoding="utf-8")
    listed = json.loads(run("--config", str(file), "topics", "acls", "--format", "json").stdout)
    assert "mine" in {grant["name"] for grant in listed}


def test_settings_lists_values_and_where_they_come_from_and_masks_secrets(tmp_path: Path) -> None:
    Path("nuestream.toml").write_text('[netsuite]\ntoken_secret = "hunter2"\ntoken_id = "t"\n', encoding="utf-8")
    shown = run("settings", NUESTREAM_TOPICS__PARTITIONS="7")
    rows = {line.split()[0]: line.split()[1:] for line in shown.stdout.splitlines()[1:]}
    assert rows["topics.partitions"] == ["NUESTREAM_TOPICS__PARTITIONS", "7", "environment"]
    assert rows["netsuite.token_secret"] == ["NUESTREAM_NETSUITE__TOKEN_SECRET", "********", "nuestream.toml"]
    assert "topics.orders" not in rows
    everything = run("settings", "--all").stdout
    assert "hunter2" not in shown.stdout + everything
    assert "nue.orders.v1" in everything


def test_options_of_publish_win_over_the_settings(tmp_path: Path) -> None:
    done = run("publish", "--dry-run", "--source", "webhook", str(EXAMPLES), NUESTREAM_PUBLISH__SOURCE="backfill")
    assert done.exit_code == 0
    assert done.stderr.startswith("dry run: 7 valid, 0 rejected")
    assert run("publish", "--source", "rumour", str(EXAMPLES)).exit_code == 2


def test_publish_reads_standard_input() -> None:
    text = EXAMPLES.read_text(encoding="utf-8").splitlines()[0]
    done = subprocess.run(
        [sys.executable, "-m", "streams.cli", "publish", "--dry-run", "-"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input=f"{text}\nbad\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "standard input:2: " in done.stderr


def test_a_principal_must_name_a_process() -> None:
    done = run("topics", "acls", "--format", "kafka-acls", "--principal", "apply=User:CN=sink")
    assert "--allow-principal User:CN=sink" in done.stdout
    assert run("topics", "acls", "--principal", "sink=User:x").exit_code == 2
    assert run("topics", "acls", "--principal", "apply").exit_code == 2


class Sandbox:
    """`nuestream sandbox` as a process."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.log = Path("sandbox.log")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "sandbox", "--port", "0", *arguments],
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until = time.monotonic() + 60
        while (found := re.search(r"http://[^ \n]+(?= .*\n)", self.said)) is None:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < until, self.said
            time.sleep(0.05)
        self.url = found[0]

    @property
    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=20)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_sandbox_prints_where_it_is_and_ends_at_a_signal(number: signal.Signals) -> None:
    sandbox = Sandbox()
    with urllib.request.urlopen(f"{sandbox.url}/health", timeout=10) as answer:
        assert answer.status == 200
    assert sandbox.stop(number) == 0
    assert f"export NUESTREAM_NETSUITE__URL={sandbox.url}\n" in sandbox.said
    assert "Traceback" not in sandbox.said


def test_the_sandbox_takes_the_credentials_of_the_settings() -> None:
    names = ("CONSUMER_KEY", "CONSUMER_SECRET", "TOKEN_ID", "TOKEN_SECRET")
    given = {f"NUESTREAM_NETSUITE__{name}": f"given-{name.lower()}" for name in names}
    sandbox = Sandbox(NUESTREAM_NETSUITE__ACCOUNT="1234567_sb1", **given)
    assert "account 1234567_SB1" in sandbox.said
    assert sandbox.stop(signal.SIGTERM) == 0
    assert "given-" not in sandbox.said


def test_the_sandbox_takes_the_certificate_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(certificates.pem_of(certificates.key("P-256")))
    given = {
        "NUESTREAM_NETSUITE__ACCOUNT": "123456_SB1",
        "NUESTREAM_NETSUITE__CLIENT_ID": certificates.CLIENT_ID,
        "NUESTREAM_NETSUITE__CERTIFICATE_ID": certificates.CERTIFICATE_ID,
        "NUESTREAM_NETSUITE__PRIVATE_KEY_FILE": str(tmp_path / "key.pem"),
    }
    sandbox = Sandbox(**given)

    async def ask() -> int:
        async with NetSuiteClient(sandbox.url, "123456_SB1", certificates.credentials("P-256")) as client:
            return (await client.get_by_eid("customer", "NUE-CUST-1")).status

    assert asyncio.run(ask()) == 404
    assert sandbox.stop(signal.SIGTERM) == 0
    wrong = run("sandbox", "--port", "0", **given | {"NUESTREAM_NETSUITE__PRIVATE_KEY_FILE": str(EXAMPLES)})
    assert (wrong.exit_code, wrong.stderr.splitlines()[0][:32]) == (2, "nuestream: netsuite.private_key ")


def test_the_sandbox_keeps_what_it_holds_in_a_file(tmp_path: Path) -> None:
    sandbox = Sandbox("--db", str(tmp_path / "held.sqlite"), "--tax-rate", str(Decimal("0.08")))
    assert sandbox.stop(signal.SIGTERM) == 0
    assert (tmp_path / "held.sqlite").stat().st_size > 0


def test_the_sandbox_behaves_as_a_file_says_and_options_come_first(tmp_path: Path) -> None:
    given = {
        "limits": {"concurrency": 5, "lenience": 2, "others": 0, "seed": 0},
        "latency": {"median": 0.1, "p99": 0.3},
        "faults": {"scripts": [{"faults": [{"kind": "error-after"}]}]},
        "account": {"customerCurrencies": True},
    }
    file = tmp_path / "behaviour.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    sandbox = Sandbox("--behaviour", str(file), "--concurrency", "9")

    def told(path: str) -> object:
        with urllib.request.urlopen(f"{sandbox.url}/sandbox/{path}", timeout=10) as answer:
            return json.load(answer)

    try:
        assert told("limits") == {"concurrency": 9, "lenience": 2, "others": 0, "seed": 0}
        assert (told("faults"), told("account")) == (given["faults"], given["account"])
    finally:
        assert sandbox.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize("text", ["{", "[]", '{"fault": {}}', '{"faults": {"scripts": [{"faults": [{"kind": "x"}]}]}}'])
def test_a_behaviour_that_cannot_be_is_refused_with_its_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "behaviour.json"
    file.write_text(text, encoding="utf-8")
    done = run("sandbox", "--behaviour", str(file))
    assert (done.exit_code, str(file) in done.stderr) == (2, True)


@pytest.mark.parametrize("arguments", [("--latency-p99", "2"), ("--latency", "3", "--latency-p99", "2")])
def test_a_latency_that_cannot_be_is_refused(arguments: tuple[str, ...]) -> None:
    done = run("sandbox", *arguments)
    assert (done.exit_code, "--latency-p99" in done.stderr) == (2, True)


@pytest.mark.parametrize("rate", ["x", "-0.1", "8", "NaN"])
def test_a_tax_rate_that_is_no_share_is_refused(rate: str) -> None:
    done = run("sandbox", "--tax-rate", rate)
    assert done.exit_code == 2
    assert "is not a share" in done.stderr
