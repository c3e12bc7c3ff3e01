"""What is installed: the wheel runs by itself, and its package names are nobody else's."""

import os
import subprocess
import sys
from collections import Counter
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"streams", "schemas", "projections", "sinks"}


def _run(*command: str | Path, cwd: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def _bare() -> dict[str, str]:
    dropped = ("PYTHONPATH", "VIRTUAL_ENV")
    return {k: v for k, v in os.environ.items() if k not in dropped and not k.startswith("NUESTREAM_")}


def test_no_other_distribution_ships_a_package_of_our_names() -> None:
    shipped = Counter(
        str(file.parts[0])
        for distribution in metadata.distributions()
        if distribution.metadata["Name"] != "nuestream"
        for file in distribution.files or ()
        if len(file.parts) > 1
    )
    assert not PACKAGES & shipped.keys()


@pytest.mark.timeout(600)
def test_the_wheel_in_an_empty_environment_runs_the_demo_from_another_folder(tmp_path: Path) -> None:
    uv = Path(sys.prefix, "bin", "uv")
    _run(uv, "build", "--wheel", "--out-dir", tmp_path / "dist", cwd=ROOT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    locked = tmp_path / "requirements.txt"
    _run(uv, "export", "--frozen", "--no-emit-project", "--no-dev", "-o", locked, cwd=ROOT)
    _run(uv, "venv", "--python", sys.executable, tmp_path / "empty", cwd=tmp_path)
    python = tmp_path / "empty" / "bin" / "python"
    _run(uv, "pip", "install", "--python", python, "--require-hashes", "-r", locked, cwd=tmp_path)
    _run(uv, "pip", "install", "--python", python, "--no-deps", wheel, cwd=tmp_path)

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    told = _run(tmp_path / "empty" / "bin" / "nuestream", "demo", cwd=elsewhere, environment=_bare())
    assert "NUE-SO-ecbdb50f-b8cf-5363-9cb8-24ecf15e5efe" in told
    assert not list(elsewhere.iterdir()), "the demo leaves nothing behind"
