"""Every command of the README is run, and its settings file is one that loads."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.settings import load_settings
from tests.environment import Kafka
from tests.pipeline import Pipeline
from tests.sandbox_server import running_sandbox

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = [line for kind, block in BLOCKS if kind == "sh" for line in block.splitlines() if line.strip()]
# `make test` is what runs this test.
RUNNING = "make test"
WORKERS = ("project", "apply", "sandbox")


@pytest.fixture
def place(kafka: Kafka, topic_prefix: str, tmp_path: Path) -> Iterator[Pipeline]:
    """A folder with the example activations and opening balances, and settings for a Kafka and a sandbox."""
    for name in ("activations.ndjson", "opening.csv"):
        shutil.copy(ROOT / "tests" / "examples" / name, tmp_path)
    with running_sandbox() as sandbox:
        pipeline = Pipeline(tmp_path, kafka.bootstrap, topic_prefix, sandbox)
        try:
            yield pipeline
        finally:
            pipeline.close()


def test_the_settings_file_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = (block for kind, block in BLOCKS if kind == "toml")
    file = tmp_path / "nuestream.toml"
    file.write_text(text)
    for name in [name for name in os.environ if name.startswith("NUESTREAM_")]:
        monkeypatch.delenv(name)
    settings = load_settings(file)
    assert settings.kafka.sasl_mechanism == "SCRAM-SHA-512"
    assert settings.netsuite.url == "https://1234567-sb1.suitetalk.api.netsuite.com"


@pytest.mark.timeout(600)
def test_every_command_runs(place: Pipeline) -> None:
    assert RUNNING in COMMANDS
    ours = [line for line in COMMANDS if line != RUNNING]
    assert len(ours) >= 10
    # Publishing needs the topics, and the history needs what was applied: the README's own order has both.
    for line in ours:
        _run(line, place)
        if line.endswith("publish -"):
            place.wait_until_applied()


def _run(line: str, place: Pipeline) -> None:
    words = shlex.split(line)
    if words[0] == "nuestream" and words[1] in WORKERS:
        place.start_command(words[1], words[1:])
        time.sleep(3)
        assert place.is_running(words[1]), place.tail(words[1])
        return
    binaries = ROOT / ".venv" / "bin"
    here = ROOT if words[0] == "make" else place.folder
    script = re.sub(r"(^|\| *)(\.venv/bin/)?nuestream", rf"\1{binaries}/nuestream", line)
    environment = place.environment() | {"PATH": f"{binaries}:{place.environment()['PATH']}"}
    if words[0] == "make" or "demo" in words:
        # what this test's own make was told is not for those that it starts
        environment = {k: v for k, v in environment.items() if not k.startswith(("NUESTREAM_", "MAKE"))}
        del environment["PYTHONPATH"]
        environment.pop("ARGS", None)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=here,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
